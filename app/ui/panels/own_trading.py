"""The account's orders and fills on a market."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from gavelbook.service.desk_settings import DeskSettings
from ui.panels.notices import Done, is_busy, run_action, show_notice
from ui.panels.order_inputs import OrderInputs
from ui.wording import ago, clock_time, count, moment, plain

if TYPE_CHECKING:
    from gavelbook.service.account_view import AccountView, OwnFill, OwnOrder
    from gavelbook.service.market_view import MarketTerms
    from ui.market_access import Seat

_ORDERS_SHOWN = 20
_SIDES = {"buy": ":green[Buy]", "sell": ":orange[Sell]"}
_STATE_COLORS = ["orange", "blue", "green", "red"]
_STAYS = {
    "GTC": "until cancelled",
    "GTT": "until a time",
    "IOC": "at once or not",
    "FOK": "all or nothing",
}
_STATES = {"MATCHED": "Matched", "SUBMITTED": "Submitted", "SETTLED": "Settled", "BUSTED": "Undone"}


def open_orders(seat: Seat, account: AccountView) -> None:
    """Show what is in the book; change it and cancel it."""
    orders = account.open_orders
    show_notice("open")
    if not orders:
        st.caption(f"{plain(seat.actor.name)} has no order in the book.")
        return
    for order in orders[:_ORDERS_SHOWN]:
        _open_order(seat, order)
    if len(orders) > _ORDERS_SHOWN:
        st.caption(f"and {count(len(orders) - _ORDERS_SHOWN, 'older order')} in all orders.")
    if len(orders) > 1 and st.button("Cancel all", key="open.cancel_all", disabled=is_busy()):
        run_action(
            "open",
            lambda: seat.desk.cancel_all(seat.terms, seat.actor),
            lambda cancelled: f"{count(cancelled, 'order')} cancelled.",
            waiting="Cancelling",
            key="all",
        )


def _open_order(seat: Seat, order: OwnOrder) -> None:
    terms = seat.terms
    what = plain(f"{terms.size(order.remaining)} {terms.base.symbol} at {terms.price(order.ticks)}")
    filled = (
        f"{terms.size(order.filled)} of {terms.size(order.lots)} filled"
        if order.filled
        else "nothing filled yet"
    )
    stays = f"{_STAYS[order.time_in_force]}{' · post-only' if order.post_only else ''}"
    age = ago(seat.desk.now_ms() // 1000, order.time // 1000)
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"{_SIDES[order.side]} **{what}**  \n{filled} · {stays} · {age}",
            width="stretch",
        )
        st.button(
            "Change",
            key=f"open.change.{order.order_hash}",
            help="Write it anew; the new order takes its place.",
            disabled=is_busy(),
            on_click=OrderInputs(terms).change,
            args=(order,),
        )
        if st.button("Cancel", key=f"open.cancel.{order.order_hash}", disabled=is_busy()):
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
            "Transaction": _linked(fill.transaction),
        }
        for fill in account.fills
    ]
    _table(rows, [size, price, paid, fee, "Batch"])


def all_orders(terms: MarketTerms, account: AccountView) -> None:
    """Show every order and how it fared."""
    if not account.orders:
        st.caption("No order yet.")
        return
    st.caption(
        "An order is **accepted** once it is in the exchange's log. **Filled** is what was "
        "matched, **settled** what of it is on the chain."
    )
    size, price = f"Size, {terms.base.symbol}", f"Price, {terms.quote.symbol}"
    rows = [
        {
            "Accepted": clock_time(order.time),
            "Side": order.side.capitalize(),
            "State": order.state.capitalize(),
            size: terms.size(order.lots),
            price: terms.price(order.ticks),
            "Filled": terms.size(order.filled),
            "Settled": terms.size(order.settled),
            "Why": order.reason.replace("_", " "),
            "Stays": _STAYS[order.time_in_force].capitalize(),
            "Valid until": moment(order.expiry),
            "Order hash": order.order_hash,
        }
        for order in account.orders
    ]
    _table(rows, [size, price, "Filled", "Settled"])


def linked_order(terms: MarketTerms, account: AccountView, order_hash: str) -> None:
    """Show the order that a link names."""
    order = next((each for each in account.orders if each.order_hash == order_hash.lower()), None)
    if order is None:
        st.info("The link names an order that is not among the latest of this account here.")
        return
    word = "Buy" if order.side == "buy" else "Sell"
    st.info(
        plain(
            f"The order of the link: {word} {terms.size(order.lots)} {terms.base.symbol} at "
            f"{terms.price(order.ticks)}. {order.state.capitalize()}: {terms.size(order.filled)} "
            f"filled, {terms.size(order.settled)} of it settled on the chain."
        )
    )
    st.code(order.order_hash, language=None, wrap_lines=True)


def linked_transaction(terms: MarketTerms, fills: tuple[OwnFill, ...], transaction: str) -> None:
    """Show what the transaction that a link names settled for the account."""
    found = [fill for fill in fills if fill.transaction == transaction.lower()]
    if not found:
        st.info("The link names a transaction that settled no trade of this account here.")
        return
    lots = terms.size(sum(fill.lots for fill in found))
    what = f"{count(len(found), 'trade')} of yours, {lots} {terms.base.symbol} in all"
    st.info(plain(f"The transaction of the link settled {what}."))
    st.code(found[0].transaction, language=None, wrap_lines=True)


def _linked(transaction: str) -> str:
    explorer = DeskSettings().explorer_url
    return f"{explorer.rstrip('/')}/tx/{transaction}" if explorer and transaction else transaction


def _table(rows: list[dict[str, Any]], money: list[str]) -> None:
    columns: dict[str, Any] = {
        name: st.column_config.TextColumn(alignment="right") for name in money
    }
    if isinstance(rows[0]["State"], list):
        columns["State"] = st.column_config.MultiselectColumn(
            options=list(_STATES.values()), color=_STATE_COLORS, width=104
        )
    if DeskSettings().explorer_url and "Transaction" in rows[0]:
        columns["Transaction"] = st.column_config.LinkColumn(display_text=r"/tx/(0x.{8})")
    height = min(36 * (len(rows) + 1) + 2, 360)
    st.dataframe(pd.DataFrame(rows), hide_index=True, column_config=columns, height=height)
