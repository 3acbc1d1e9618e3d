"""Bidding: a price, a size, and what that would come to if the sale closed now."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from gavelbook.errors import GavelbookError
from gavelbook.service.amounts import base_units
from gavelbook.service.sale_view import Stage
from ui.identity import require_actor
from ui.panels.admission_form import admission_form
from ui.panels.notices import is_busy, run_action, show_notice
from ui.wording import FILL_WORDS, amount, count, plain

if TYPE_CHECKING:
    from gavelbook.service.acting import Actor
    from gavelbook.service.sale_desk import Pocket, SaleDesk
    from gavelbook.service.sale_view import SaleView

_BY_PRICE, _BY_TICK = "Price", "Tick"
_USUAL_LOTS = 20
_INPUTS = ("bid.by", "bid.price", "bid.tick", "bid.lots")
_ASKED_FOR = "bid.sale"


class _Wish(NamedTuple):
    tick: int
    lots: int


def bid_form(desk: SaleDesk, view: SaleView, actor: Actor | None, now: int) -> None:
    """Show the form; a bid goes out in one transaction that carries its own allowance."""
    stage = view.stage(now)
    if stage in {Stage.OPEN, Stage.FUNDED}:
        st.header("Place a bid", anchor=False)
    if stage is Stage.FUNDED:
        st.caption("The sale takes bids as soon as it opens.")
    elif stage is not Stage.OPEN:
        st.caption("The sale takes no more bids.")
    elif actor and not desk.admitted(view, actor):
        admission_form(desk, view, actor)
    else:
        _form(desk, view, actor)
    show_notice("bid")


def _form(desk: SaleDesk, view: SaleView, actor: Actor | None) -> None:
    _forget_other_sale(view)
    ether = desk.takes_ether(view)
    if view.terms.gate and actor is None:
        st.caption("This sale takes bids of admitted bidders only.")
    if ether:
        st.caption(
            f"Bids are paid in ether. Refunds come as {plain(view.payment_token.name)} "
            f"({plain(view.payment_token.symbol)}), which is worth the same."
        )
    wish = _wish(view)
    pocket = desk.pocket(view, actor) if actor else None
    objection = _objection(view, wish, actor, pocket) if wish else ""
    if wish:
        _outlook(view, wish)
    if objection:
        st.caption(f":red[{objection}]")
    if actor is None:
        require_actor("To bid, say who you are.")
        return
    _limits(view, actor, pocket)
    clicked = st.button(
        "Place bid",
        type="primary",
        width="stretch",
        key="bid.place",
        disabled=wish is None or bool(objection) or is_busy(),
    )
    if clicked and wish:
        run_action(
            "bid",
            lambda: desk.bid(view, actor, wish.tick, wish.lots),
            f"Bid placed: {count(wish.lots, 'lot')} at {_price_words(view, wish.tick)}.",
            key=f"{view.address} {wish.tick} {wish.lots}",
        )


def _forget_other_sale(view: SaleView) -> None:
    """Begin anew where the inputs are of a sale with other prices."""
    if st.session_state.get(_ASKED_FOR) != view.address:
        for name in _INPUTS:
            st.session_state.pop(name, None)
    st.session_state[_ASKED_FOR] = view.address


def _wish(view: SaleView) -> _Wish | None:
    by = st.segmented_control(
        "Name the price by", [_BY_PRICE, _BY_TICK], default=_BY_PRICE, required=True, key="bid.by"
    )
    tick = _price(view) if by == _BY_PRICE else _tick(view)
    auction = view.auction
    lots = int(
        st.number_input(
            f"Lots of {amount(view.sale_token, auction.lot_size)}",
            min_value=1,
            value=max(min(_USUAL_LOTS, auction.cap_lots), auction.min_bid_lots),
            step=1,
            key="bid.lots",
        )
    )
    return None if tick is None else _Wish(tick, lots)


def _price(view: SaleView) -> int | None:
    """Ask for a price and return the tick at or below it; None where it names none."""
    auction, money = view.auction, view.payment_token
    start, symbol = view.price_now or auction.floor_price, plain(money.symbol)
    text = st.text_input(f"Price per lot, {symbol}", value=money.number(start), key="bid.price")
    try:
        wanted = base_units(text or "", money.decimals)
    except GavelbookError as error:
        st.caption(f":red[{plain(error.message)}.]")
        return None
    if wanted < auction.floor_price:
        lowest = money.number(auction.floor_price)
        st.caption(f":red[The lowest price is {lowest} {symbol} per lot.]")
        return None
    tick = min((wanted - auction.floor_price) // auction.tick_value, auction.tick_count - 1)
    if auction.price(tick) != wanted:
        st.caption(
            f"Prices go in steps of {money.number(auction.tick_value)} up to "
            f"{money.number(auction.price(auction.tick_count - 1))}: you bid "
            f"**{money.number(auction.price(tick))} {symbol}** (tick {tick})."
        )
    else:
        st.caption(f"Tick {tick} of {auction.tick_count - 1}.")
    return tick


def _tick(view: SaleView) -> int | None:
    auction = view.auction
    tick = int(
        st.number_input("Tick", min_value=0, value=auction.tick_count // 2, step=1, key="bid.tick")
    )
    if tick >= auction.tick_count:
        st.caption(f":red[Ticks run from 0 to {auction.tick_count - 1}.]")
        return None
    st.caption(_price_words(view, tick))
    return tick


def _objection(view: SaleView, wish: _Wish, actor: Actor | None, pocket: Pocket | None) -> str:
    """Say why the sale would refuse the bid; empty where nothing speaks against it."""
    auction, money = view.auction, view.payment_token
    if wish.lots < auction.min_bid_lots:
        return f"The smallest bid is {count(auction.min_bid_lots, 'lot')}."
    if wish.lots > auction.cap_lots:
        return f"One bidder may bid for {count(auction.cap_lots, 'lot')} at most."
    if actor is None or pocket is None:
        return ""
    left = view.cap_left(actor.address)
    if wish.lots > left:
        return (
            f"With the bids you have, {count(left, 'lot')} are left of your "
            f"{count(auction.cap_lots, 'lot')}."
        )
    missing = wish.lots * auction.price(wish.tick) - pocket.payment_tokens
    if missing > 0:
        return f"You are short of {money.number(missing)} {plain(money.symbol)} for this bid."
    return ""


def _outlook(view: SaleView, wish: _Wish) -> None:
    """Say what the bid locks and what it would get if the sale closed right after it."""
    try:
        preview = view.preview(wish.tick, wish.lots)
    except GavelbookError:
        # More than the supply: said by the form.
        return
    money = view.payment_token
    symbol = plain(money.symbol)
    outcome, cost = "nothing", ""
    if preview.filled:
        outcome = f"{preview.filled:,} of {count(wish.lots, 'lot')}"
        fill = FILL_WORDS[preview.fill].lower()
        cost = f" for {money.number(preview.payment)} {symbol} ({fill})"
    st.markdown(
        f"You lock **{money.number(preview.escrow)} {symbol}** now. If the sale closed now this "
        f"bid would get **{outcome}**{cost}."
    )


def _limits(view: SaleView, actor: Actor, pocket: Pocket | None) -> None:
    left, money = view.cap_left(actor.address), view.payment_token
    holds = (
        f" and holds {money.number(pocket.payment_tokens)} {plain(money.symbol)}" if pocket else ""
    )
    st.caption(
        f"{plain(actor.name)} may bid for {count(left, 'lot')} more{holds}. "
        f"The smallest bid is {count(view.auction.min_bid_lots, 'lot')}."
    )


def _price_words(view: SaleView, tick: int) -> str:
    money = view.payment_token
    price = money.number(view.auction.price(tick))
    return f"{price} {plain(money.symbol)} per lot (tick {tick})"
