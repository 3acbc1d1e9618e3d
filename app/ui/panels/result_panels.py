"""The parts of the results page about one sale."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.errors import GavelbookError
from gavelbook.service.reconciliation import reconcile
from gavelbook.service.sale_view import Fill
from ui.panels.bid_table import claimed_word
from ui.panels.terms_panel import named_lines
from ui.wording import amount, count, moment, plain, sentence

if TYPE_CHECKING:
    from gavelbook.service.sale_desk import SaleDesk
    from gavelbook.service.sale_view import Decision, SaleView


_NO_DIGEST = "none: decided without a signature"


def result_figures(view: SaleView, decision: Decision) -> None:
    """Show what came out."""
    outcomes = Counter(line.fill for line in view.bids)
    winners = sum(line.filled > 0 for line in view.bidders)
    settled = sum(claimed_word(line) == "All" for line in view.bidders)
    price = "none" if view.price_now is None else amount(view.payment_token, view.price_now)
    with st.container(horizontal=True, gap="small", key="figures"):
        st.metric("Raised", amount(view.payment_token, decision.raised), border=True)
        st.metric(
            "Sold",
            amount(view.sale_token, decision.sold_lots * view.auction.lot_size),
            help=f"{decision.sold_lots:,} of {view.auction.supply_lots:,} lots",
            border=True,
        )
        st.metric("Lowest winning price", price, border=True)
        st.metric("Winners", f"{winners:,} of {len(view.bidders):,}", border=True)
        st.metric(
            "Bids full / partial / none",
            " / ".join(f"{outcomes[fill]:,}" for fill in Fill),
            border=True,
        )
        st.metric(
            "Claimed",
            f"{settled:,} of {len(view.bidders):,}",
            help="Bidders who have claimed everything they have coming",
            border=True,
        )


def sums_table(view: SaleView) -> None:
    """Show sums over the bids beside the numbers on the chain."""
    checks = reconcile(view)
    right = sum(check.right for check in checks)
    if right == len(checks):
        st.markdown(f":green[**All {right} sums agree** with the numbers on the chain.]")
    else:
        st.markdown(f":red[**{len(checks) - right} of {len(checks)} sums differ** from the chain.]")
    lines = [
        f"| {check.what}, {plain(check.unit)} | {check.computed_text} | {check.on_chain_text} "
        f"| {'✓' if check.right else '✗ differs'} |"
        for check in checks
    ]
    head = "| Sum | From the bids | On the chain | Agree |\n|---|---:|---:|---|\n"
    st.markdown(head + "\n".join(lines))
    st.caption(
        "The left numbers are computed here from bids and terms, the right ones are read from the "
        "contract, its events and both tokens."
    )


def clearing_data(view: SaleView, decision: Decision) -> None:
    """Show the few numbers from which every fill follows."""
    auction, clearing = view.auction, view.allocation.clearing
    margin = "none: no bid had to be cut"
    if clearing.cut is not None:
        first, last = clearing.margin_from_tick, clearing.full_from_tick - 1
        low, high = (view.payment_token.number(auction.price(tick)) for tick in (first, last))
        how = "by rounds" if clearing.by_rounds else "by arrival"
        where = f"at {low}" if first == last else f"from {low} to {high}"
        margin = f"bids {where} {plain(view.payment_token.symbol)}, filled {how}"
    price = amount(view.payment_token, auction.price(decision.marginal_tick))
    lines = {
        "Marginal tick": f"{decision.marginal_tick} ({price} per lot)",
        "Margin": margin,
        "Level": f"{decision.level}",
        "Cut": f"arrival {decision.cut}" if decision.cut else "none",
        "Lots sold": f"{decision.sold_lots:,}",
        "Decided": moment(decision.decided_at),
    }
    named_lines(lines)
    st.caption("Digest of the allocation file, signed by the allocator")
    st.code(decision.digest or _NO_DIGEST, language=None, wrap_lines=True)
    st.caption("Transaction of the result")
    st.code(decision.transaction, language=None, wrap_lines=True)


def _download(desk: SaleDesk, view: SaleView) -> None:
    """Offer the allocation as the file whose digest was signed."""
    st.download_button(
        "Download the allocation (CSV)",
        data=lambda: desk.allocation_file(view),
        file_name=f"allocation-{view.address[:10]}.csv",
        mime="text/csv",
        on_click="ignore",
        key="results.download",
    )


def audit_and_download(desk: SaleDesk, view: SaleView) -> None:
    """Let anybody compute everything again from public data, or take the allocation along."""
    with st.container(horizontal=True):
        asked = st.button("Audit this sale", type="primary", key="results.audit")
        _download(desk, view)
    if asked:
        try:
            with st.spinner("Computing everything again from public data"):
                st.session_state["results.verdict"] = (view.address, desk.audit(view))
        except GavelbookError as error:
            st.error(f"The audit could not finish. {sentence(error)}")
            return
    _verdict(view)


def _verdict(view: SaleView) -> None:
    address, verdict = st.session_state.get("results.verdict", ("", None))
    if verdict is None or address != view.address:
        return
    if verdict.right:
        st.success(
            f"Yes: {count(verdict.bids, 'bid')} of {count(verdict.bidders, 'bidder')}, every fill, "
            f"payment and balance is as the rules say, at block {verdict.block:,}."
        )
    else:
        st.error(f"No. {verdict.difference.message}.")
