"""The terms of a sale in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from ui.panels.example_panel import example_panel
from ui.wording import (
    PRICING_EXPLAINED,
    PRICING_NAMES,
    RULE_NAMES,
    RULES_EXPLAINED,
    TRUST,
    amount,
    moment,
    plain,
)

if TYPE_CHECKING:
    from gavelbook.service.sale_view import SaleView


def how_it_works(view: SaleView) -> None:
    """Explain rule, pricing and who can do what."""
    auction, terms = view.auction, view.terms
    st.markdown(f"**{RULE_NAMES[auction.rule]}.** {RULES_EXPLAINED[auction.rule]}")
    st.markdown(f"**{PRICING_NAMES[auction.pricing]}.** {PRICING_EXPLAINED[auction.pricing]}")
    example_panel(view)
    st.markdown(f"**Who is trusted.** {TRUST}")
    st.markdown("**Who can do what**")
    st.markdown(
        f"- A bidder bids until the end, cancels until {_cancel_limit(view)}, and claims tokens "
        "and refund after the result.\n"
        f"- The allocator signs the result. Until {moment(terms.allocator_until or 0)} only a "
        "signed result counts, after that anybody may post it.\n"
        f"- If nobody posts a result before {moment(terms.abort_time or 0)}, anybody can call "
        "the sale off and every bid is refunded in full.\n"
        "- Anybody may claim for a bidder; the money goes to the bidder, never to the caller."
    )


def terms_in_words(view: SaleView) -> None:
    """Show each term as a line, and the addresses ready to copy."""
    auction, terms = view.auction, view.terms
    money, token = view.payment_token, view.sale_token
    top = auction.price(auction.tick_count - 1)
    lines = {
        "For sale": f"{amount(token, view.supply_tokens)} in {auction.supply_lots:,} lots",
        "One lot": amount(token, auction.lot_size),
        "Prices": (
            f"{money.number(auction.floor_price)} to {amount(money, top)} per lot in steps of "
            f"{money.number(auction.tick_value)} ({auction.tick_count:,} ticks)"
        ),
        "Smallest bid": f"{auction.min_bid_lots:,} lots",
        "Cap per bidder": f"{auction.cap_lots:,} lots in all live bids",
        "Minimum raise": (
            f"{amount(money, auction.minimum_raise)}, else the sale fails and all is refunded"
            if auction.minimum_raise
            else "none"
        ),
        "Bids from": moment(terms.start or 0),
        "Bids until": moment(terms.end or 0),
        "Cancel until": _cancel_limit(view),
        "Vesting": (
            f"{moment(terms.vesting_start)} to {moment(terms.vesting_end)}, nothing before "
            f"{moment(terms.vesting_cliff)}"
            if terms.vesting_end
            else "none: tokens are free at once"
        ),
        "Open to": "admitted bidders" if terms.gate else "everybody",
    }
    named_lines(lines)
    st.caption("Addresses, to copy")
    for name, address in (
        ("Sale", view.address),
        (f"{plain(token.name)} ({plain(token.symbol)})", token.address),
        (f"{plain(money.name)} ({plain(money.symbol)})", money.address),
    ):
        st.markdown(name)
        st.code(address, language=None)


def named_lines(lines: dict[str, str]) -> None:
    """Show names with their values, a line each."""
    frame = pd.DataFrame(list(lines.items()), columns=["Name", "Value"])
    st.table(frame, border="horizontal", hide_index=True, hide_header=True, width="content")


def _cancel_limit(view: SaleView) -> str:
    return moment(view.terms.cancel_until) if view.terms.cancel_until else "never: bids stay"
