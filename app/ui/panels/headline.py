"""Where a sale stands: badge, countdown and key figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from gavelbook.service.sale_doings import Doing, open_doing
from gavelbook.service.sale_view import Stage
from ui.wording import PRICING_NAMES, RULE_NAMES, STAGE_WORDS, amount, moment, ratio

if TYPE_CHECKING:
    from gavelbook.service.sale_view import SaleView


def offer_line(view: SaleView) -> str:
    """Return what is for sale and how, in one line."""
    auction, token = view.auction, view.sale_token
    return (
        f"{amount(token, view.supply_tokens)} in {auction.supply_lots:,} lots of "
        f"{amount(token, auction.lot_size)} · {RULE_NAMES[auction.rule]} · "
        f"{PRICING_NAMES[auction.pricing]}"
    )


_FIGURES = {
    Stage.OPEN: ("Clearing price now", "Raised if closed now"),
    Stage.FUNDED: ("Clearing price now", "Raised if closed now"),
    Stage.CLOSED: ("Clearing price to come", "Raised, once cleared"),
}


class Clock(NamedTuple):
    """What comes next in a sale: ``label``, the countdown to ``until``, ``after``."""

    label: str
    until: int | None = None
    after: str = ""


def stage_badge(view: SaleView, now: int) -> None:
    """Show the stage as a badge."""
    word, color = STAGE_WORDS[view.stage(now)]
    st.badge(word, color=color)  # type: ignore[arg-type]


def stage_clock(view: SaleView, now: int) -> Clock:
    """Return what comes next."""
    stage, terms = view.stage(now), view.terms
    if stage is Stage.FUNDED:
        return Clock("Opens in", terms.start)
    if stage is Stage.OPEN:
        return Clock("Closes in", terms.end, _cancelling(view, now))
    if view.decision is not None:
        return Clock(f"Decided {moment(view.decision.decided_at)}")
    doing = open_doing(terms, now)
    if doing is Doing.WAIT:
        return Clock(
            "The result is being computed and checked. If it does not come, anybody may clear in",
            terms.allocator_until,
        )
    if doing is Doing.CLEAR:
        return Clock("Anybody may clear this sale now. It can be called off in", terms.abort_time)
    return Clock("Nobody cleared this sale in time. Anybody may call it off now")


def key_figures(view: SaleView, now: int) -> None:
    """Show demand, price, money and crowd."""
    auction, demand, money = view.auction, view.curve.demand_lots, view.payment_token
    price = "none" if view.price_now is None else amount(money, view.price_now)
    price_word, raised_word = _FIGURES.get(view.stage(now), ("Clearing price", "Raised"))
    with st.container(horizontal=True, gap="small", key="figures"):
        st.metric(
            "Demand to supply",
            ratio(demand, auction.supply_lots),
            help=f"{demand:,} lots wanted, {auction.supply_lots:,} for sale",
            border=True,
        )
        st.metric(
            price_word,
            price,
            help="The lowest price per lot that wins something",
            border=True,
        )
        st.metric(
            raised_word,
            amount(money, view.decision.raised if view.decision else _raised(view)),
            border=True,
        )
        st.metric("Bids", f"{len(view.placed):,}", help=_cancelled(view), border=True)
        st.metric("Bidders", f"{len(view.bidders):,}", border=True)


def why_failed(view: SaleView) -> str:
    """Say why the sale failed; empty where it did not."""
    decision, money = view.decision, view.payment_token
    if decision is None or not decision.failed:
        return ""
    if decision.aborted:
        why = "nobody posted a result in time"
    else:
        least = amount(money, view.auction.minimum_raise)
        why = f"its bids come to {amount(money, _raised(view))}, and {least} was the minimum"
    return f"The sale failed: {why}. Every bid is refunded in full."


def _raised(view: SaleView) -> int:
    return view.allocation.clearing.raised


def _cancelled(view: SaleView) -> str:
    return f"Live bids. {view.cancelled:,} more were placed and cancelled"


def _cancelling(view: SaleView, now: int) -> str:
    cancel = view.terms.cancel_until
    if not cancel:
        return "Bids cannot be cancelled"
    if now < cancel:
        return f"Bids can be cancelled until {moment(cancel)}"
    return "Bids can no longer be cancelled"
