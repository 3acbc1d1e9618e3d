"""What can be done while the exchange is silent: void the orders it knows, on the chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from ui.panels.notices import Done, is_busy, run_action, show_notice
from ui.wording import plain

if TYPE_CHECKING:
    from gavelbook.service.account_view import AccountView, OwnOrder
    from ui.market_access import Seat

_PLACE = "silence"


def remember(seat: Seat, account: AccountView) -> None:
    """Keep which orders are in the book."""
    st.session_state[_key(seat)] = account.open_orders


def remembered_orders(seat: Seat) -> tuple[OwnOrder, ...]:
    """Return the orders that were in the book when the exchange last answered."""
    orders: tuple[OwnOrder, ...] = st.session_state.get(_key(seat), ())
    return orders


def offer_chain_cancel(seat: Seat) -> None:
    """Offer to void the orders that were in the book; the contract needs no exchange for it."""
    orders = remembered_orders(seat)
    show_notice(_PLACE)
    if not orders:
        return
    st.header("Your orders, as last seen", anchor=False)
    st.caption(
        "The exchange may still match them. The contract can void an order without it: that takes "
        "effect after a short notice, and what was matched before still settles."
    )
    for order in orders:
        _order(seat, order)


def _order(seat: Seat, order: OwnOrder) -> None:
    terms, word = seat.terms, "Buy" if order.side == "buy" else "Sell"
    what = plain(
        f"{word} {terms.size(order.remaining)} {terms.base.symbol} at {terms.price(order.ticks)}"
    )
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(what, width="stretch")
        if st.button("Cancel on the chain", key=f"silence.{order.order_hash}", disabled=is_busy()):
            run_action(
                _PLACE,
                lambda: seat.desk.cancel_on_chain(terms, seat.actor, order),
                lambda transaction: Done(
                    f"Cancelled on the chain: {what}.", "Transaction", transaction
                ),
                key=order.order_hash,
            )


def _key(seat: Seat) -> str:
    return f"market.seen.{seat.actor.address}.{seat.terms.market}"
