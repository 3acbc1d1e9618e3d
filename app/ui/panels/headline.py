"""Where a sale stands: badge, countdown and key figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.service.sale_view import Stage
from ui.wording import PRICING_NAMES, RULE_NAMES, STAGE_WORDS, duration, moment, ratio

if TYPE_CHECKING:
    from gavelbook.service.sale_view import SaleView


def offer_line(view: SaleView) -> str:
    """Return what is for sale and how, in one line."""
    auction, token = view.auction, view.sale_token
    return (
        f"{token.amount(view.supply_tokens)} in {auction.supply_lots:,} lots of "
        f"{token.amount(auction.lot_size)} · {RULE_NAMES[auction.rule]} · "
        f"{PRICING_NAMES[auction.pricing]}"
    )


def stage_line(view: SaleView, now: int) -> None:
    """Show the stage as a badge and what happens next."""
    stage = view.stage(now)
    word, color = STAGE_WORDS[stage]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(word, color=color)  # type: ignore[arg-type]
        st.markdown(_what_next(view, stage, now), width="content")


def key_figures(view: SaleView) -> None:
    """Show demand, price, money and crowd."""
    auction, demand = view.auction, view.curve.demand_lots
    price = "none yet" if view.price_now is None else view.payment_token.amount(view.price_now)
    decided = view.decision is not None
    with st.container(horizontal=True, gap="small", key="figures"):
        st.metric(
            "Demand to supply",
            ratio(demand, auction.supply_lots),
            help=f"{demand:,} lots wanted, {auction.supply_lots:,} for sale",
            border=True,
        )
        st.metric(
            "Clearing price" if decided else "Clearing price now",
            price,
            help="The lowest price per lot that wins something",
            border=True,
        )
        st.metric(
            "Raised" if decided else "Raised if closed now",
            view.payment_token.amount(view.decision.raised if view.decision else _raised(view)),
            border=True,
        )
        st.metric("Bids", f"{len(view.placed):,}", help=_cancelled(view), border=True)
        st.metric("Bidders", f"{len(view.bidders):,}", border=True)


def _raised(view: SaleView) -> int:
    return view.allocation.clearing.raised


def _cancelled(view: SaleView) -> str:
    return f"Live bids. {view.cancelled:,} more were placed and cancelled"


def _what_next(view: SaleView, stage: Stage, now: int) -> str:
    start, end = view.terms.start or 0, view.terms.end or 0
    if stage is Stage.FUNDED:
        return f"Opens in **{duration(start - now)}**"
    if stage is Stage.OPEN:
        cancel = view.terms.cancel_until
        if not cancel:
            rest = "bids cannot be cancelled"
        elif now < cancel:
            rest = f"bids can be cancelled for {duration(cancel - now)} more"
        else:
            rest = "bids can no longer be cancelled"
        return f"Closes in **{duration(end - now)}** · {rest}"
    if view.decision is None:
        return f"Closed {moment(end)}. The result is being computed and checked"
    return f"Decided {moment(view.decision.decided_at)}"
