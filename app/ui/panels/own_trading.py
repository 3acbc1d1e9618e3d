"""The account's orders and fills on a market, live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from ui.panels.notices import Done, run_action, show_notice
from ui.wording import ago, clock_time, count, moment, plain

if TYPE_CHECKING:
    from gavelbook.service.account_view import AccountView, OwnFill, OwnOrder
    from gavelbook.service.market_view import MarketTerms
    from ui.market_access import Seat

_ORDERS_SHOWN = 20
_SIDES = {"buy": ":green[Buy]", "sell": ":orange[Sell]"}
_STATE_COLORS = ["orange", "blue", "green", "red"]
_STATES = {"MATCHED": "Matched", "SUBMITTED": "Submitted", "SETTLED": "Settled", "BUSTED": "Undone"}
_TOASTS_AT_ONCE = 3


def open_orders(seat: Seat, account: AccountView) -> None:
    """Show what is in the book, and cancel it."""
    orders = account.open_orders
    show_notice("open")
    if not orders:
        st.caption(f"{plain(seat.actor.name)} has no order in the book.")
        return
    for order in orders[:_ORDERS_SHOWN]:
        _open_order(seat, order)
    if len(orders) > _ORDERS_SHOWN:
        st.caption(f"and {count(len(orders) - _ORDERS_SHOWN, 'older order')} in all orders.")
    if len(orders) > 1 and st.button("Cancel all", key="open.cancel_all"):
        run_action(
            "open",
            lambda: seat.desk.cancel_all(seat.terms, seat.actor),
            lambda cancelled: f"{count(cancelled, 'order')} cancelled.",
            waiting="Cancelling",
            key="all",
        )


def _open_order(seat: Seat, order: OwnOrder) -> None:
    terms = seat.terms
    filled = (
        f"{terms.size(order.filled)} of {terms.size(order.lots)} filled"
        if order.filled
        else "nothing filled yet"
    )
    extras = " · post-only" if order.post_only else ""
    age = ago(seat.desk.now_ms() // 1000, order.time // 1000)
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"{_SIDES[order.side]} **{terms.size(order.remaining)} {terms.base.symbol} at "
            f"{terms.price(order.ticks)}**  \n{filled} · {order.time_in_force}{extras} · {age}",
            width="stretch",
        )
        if st.button("Cancel", key=f"open.cancel.{order.order_hash}"):
            what = (
                f"{terms.size(order.remaining)} {terms.base.symbol} at {terms.price(order.ticks)}"
            )
            run_action(
                "open",
                lambda: seat.desk.cancel(terms, seat.actor, order.order_hash),
                Done(f"Order cancelled: {what} left the book.", "Order hash", order.order_hash),
                waiting="Cancelling",
                key=order.order_hash,
            )


def own_fills(terms: MarketTerms, account: AccountView) -> None:
    """Show what traded and how far its settlement is."""
    if not account.fills:
        st.caption("Nothing traded yet.")
        return
    st.caption(
        "A trade is **matched** in the exchange's log at once, **submitted** when its batch is "
        "sent, and **settled** when the batch is on the chain."
    )
    quote = terms.quote.symbol
    size, price = f"Size, {terms.base.symbol}", f"Price, {quote}"
    paid, fee = f"Worth, {quote}", f"Fee, {quote}"
    rows = [
        {
            "Time": clock_time(fill.time),
            "Side": fill.side.capitalize(),
            "State": [_STATES[fill.state]],
            size: terms.size(fill.lots),
            price: terms.price(fill.ticks),
            paid: terms.quote.number(fill.quote),
            fee: terms.quote.number(fill.fee),
            "Role": fill.role,
            "Batch": "" if fill.batch is None else str(fill.batch),
            "Transaction": fill.transaction,
        }
        for fill in account.fills
    ]
    _table(rows, [size, price, paid, fee, "Batch"])


def all_orders(terms: MarketTerms, account: AccountView) -> None:
    """Show every order and how it fared."""
    if not account.orders:
        st.caption("No order yet.")
        return
    size, price = f"Size, {terms.base.symbol}", f"Price, {terms.quote.symbol}"
    rows = [
        {
            "Time": clock_time(order.time),
            "Side": order.side.capitalize(),
            "State": order.state.capitalize(),
            size: terms.size(order.lots),
            price: terms.price(order.ticks),
            "Filled": terms.size(order.filled),
            "Settled": terms.size(order.settled),
            "Why": order.reason.replace("_", " "),
            "Stays": order.time_in_force,
            "Valid until": moment(order.expiry),
            "Order hash": order.order_hash,
        }
        for order in account.orders
    ]
    _table(rows, [size, price, "Filled", "Settled"])


def announce(terms: MarketTerms, account: AccountView) -> None:
    """Pop up what traded and settled since the last look of this session."""
    key = f"announced.{account.address}.{terms.market}"
    seen: dict[int, str] | None = st.session_state.get(key)
    states = {fill.fill_id: fill.state for fill in account.fills}
    st.session_state[key] = states
    if seen is None:
        return
    changed = [fill for fill in account.fills if seen.get(fill.fill_id) != fill.state]
    for fill in changed[:_TOASTS_AT_ONCE]:
        _toast(terms, fill, known=fill.fill_id in seen)


def _toast(terms: MarketTerms, fill: OwnFill, *, known: bool) -> None:
    what = f"{terms.size(fill.lots)} {terms.base.symbol} at {terms.price(fill.ticks)}"
    if fill.state == "BUSTED":
        st.toast(f"Trade undone: {what}. It could not settle.")
    elif fill.state == "SETTLED":
        st.toast(f"Settled on the chain: {what}.")
    elif not known:
        st.toast(f"{'Bought' if fill.side == 'buy' else 'Sold'} {what}.")


def _table(rows: list[dict[str, Any]], money: list[str]) -> None:
    columns: dict[str, Any] = {
        name: st.column_config.TextColumn(alignment="right") for name in money
    }
    if isinstance(rows[0]["State"], list):
        columns["State"] = st.column_config.MultiselectColumn(
            options=list(_STATES.values()), color=_STATE_COLORS, width=104
        )
    height = min(36 * (len(rows) + 1) + 2, 360)
    st.dataframe(pd.DataFrame(rows), hide_index=True, column_config=columns, height=height)
