"""Bidding from an account of the demo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.errors import GavelbookError
from gavelbook.service.amounts import base_units
from gavelbook.service.sale_view import Stage
from ui.panels.notices import run_action, show_notice
from ui.wording import FILL_WORDS, count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gavelbook.service.customers import Customer
    from gavelbook.service.sale_desk import SaleDesk
    from gavelbook.service.sale_view import SaleView

_BY_PRICE, _BY_TICK = "Price", "Tick"
_USUAL_LOTS = 20


def choose_customer(customers: Sequence[Customer]) -> Customer:
    """Show the demo's accounts and return the chosen one, which other pages then start with."""
    names = {customer.name: customer for customer in customers}
    name = st.segmented_control(
        "Demo account",
        list(names),
        default=next(iter(names)),
        required=True,
        key="sale.customer",
        help="Accounts of the local chain with Demo Dollars in them. Their keys are public.",
        persist_state="session",
    )
    return names[str(name)]


def bid_form(desk: SaleDesk, view: SaleView, customer: Customer, now: int) -> None:
    """Show the form; a bid goes out in one transaction that carries its own allowance."""
    st.subheader("Place a bid", anchor=False)
    stage = view.stage(now)
    if stage is Stage.OPEN:
        _inputs(desk, view, customer)
    elif stage is Stage.FUNDED:
        st.caption("The sale takes bids as soon as it opens.")
    else:
        st.caption("The sale takes no more bids.")
    show_notice("bid")


def _inputs(desk: SaleDesk, view: SaleView, customer: Customer) -> None:
    by = st.segmented_control(
        "Name the price by", [_BY_PRICE, _BY_TICK], default=_BY_PRICE, required=True, key="bid.by"
    )
    tick = _price(view) if by == _BY_PRICE else _tick(view)
    lots = int(
        st.number_input(
            f"Lots of {view.sale_token.amount(view.auction.lot_size)}",
            min_value=1,
            value=_USUAL_LOTS,
            step=1,
            key="bid.lots",
        )
    )
    if tick is not None:
        _outlook(view, tick, lots)
    left = view.cap_left(customer.address)
    pocket = desk.pocket(view, customer)
    st.caption(
        f"{customer.name} may bid for {count(left, 'lot')} more and holds "
        f"{view.payment_token.amount(pocket.payment_tokens)}."
    )
    named = tick is not None
    if st.button("Place bid", type="primary", width="stretch", key="bid.place", disabled=not named):
        run_action(
            "bid",
            lambda: desk.bid(view, customer, tick or 0, lots),
            f"Bid placed: {count(lots, 'lot')} at {_price_words(view, tick or 0)}.",
        )


def _price(view: SaleView) -> int | None:
    """Ask for a price and return the tick at or below it; None where it names none."""
    auction, money = view.auction, view.payment_token
    start = view.price_now or auction.floor_price
    text = st.text_input(
        f"Price per lot, {money.symbol}", value=money.number(start), key="bid.price"
    )
    try:
        wanted = base_units(text or "", money.decimals)
    except GavelbookError as error:
        st.caption(f":red[{error.message}.]")
        return None
    if wanted < auction.floor_price:
        st.caption(f":red[The lowest price is {money.amount(auction.floor_price)} per lot.]")
        return None
    tick = min((wanted - auction.floor_price) // auction.tick_value, auction.tick_count - 1)
    if auction.price(tick) != wanted:
        st.caption(
            f"Prices go in steps of {money.number(auction.tick_value)} up to "
            f"{money.number(auction.price(auction.tick_count - 1))}: you bid "
            f"**{money.amount(auction.price(tick))}** (tick {tick})."
        )
    else:
        st.caption(f"Tick {tick} of {auction.tick_count - 1}.")
    return tick


def _tick(view: SaleView) -> int:
    auction = view.auction
    tick = int(
        st.number_input("Tick", min_value=0, value=auction.tick_count // 2, step=1, key="bid.tick")
    )
    st.caption(_price_words(view, tick))
    return tick


def _outlook(view: SaleView, tick: int, lots: int) -> None:
    """Say what the bid locks and what it would get if the sale closed right after it."""
    try:
        preview = view.preview(tick, lots)
    except GavelbookError as error:
        st.caption(f":red[{error.message}.]")
        return
    money = view.payment_token
    outcome, cost = "nothing", ""
    if preview.filled:
        outcome = f"{preview.filled:,} of {count(lots, 'lot')}"
        cost = f" for {money.amount(preview.payment)} ({FILL_WORDS[preview.fill].lower()})"
    st.markdown(
        f"You lock **{money.amount(preview.escrow)}** now. If the sale closed now this bid would "
        f"get **{outcome}**{cost}."
    )


def _price_words(view: SaleView, tick: int) -> str:
    auction = view.auction
    if tick >= auction.tick_count:
        return f"no price: ticks run from 0 to {auction.tick_count - 1}"
    return f"{view.payment_token.amount(auction.price(tick))} per lot (tick {tick})"
