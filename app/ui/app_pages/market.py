"""The market: book, charts and trades live in the browser, and trading beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.errors import GavelbookError
from gavelbook.service.desk_settings import DeskSettings
from ui.components.live_market import Watched, live_market
from ui.identity import current_actor, private_reads_ready, unlock_private
from ui.market_access import Seat, explain_silence, open_market_desk, whole_page
from ui.panels.market_chooser import choose_market, terms_line
from ui.panels.market_events import announce, is_awaited
from ui.panels.market_silence import offer_chain_cancel, remember
from ui.panels.money_panel import balances, balances_explained, money_form
from ui.panels.order_form import order_form
from ui.panels.order_inputs import OrderInputs
from ui.panels.own_trading import (
    all_orders,
    linked_order,
    linked_transaction,
    open_orders,
    own_fills,
)
from ui.wording import plain

if TYPE_CHECKING:
    from gavelbook.service.account_view import AccountView
    from gavelbook.service.market_desk import MarketDesk
    from gavelbook.service.market_view import Board, MarketTerms
    from ui.panels.order_inputs import Written

# How often the page looks by itself; the live part tells it what matters at once.
SLOW_SECONDS, AWAITING_SECONDS, ALONE_SECONDS = 20, 3, 60


def floor(desk: MarketDesk, terms: MarketTerms) -> None:
    """Show the live part, and beside it what the visitor can do."""
    actor = current_actor()
    seat = Seat(desk, terms, actor) if actor else None
    board, account, silence = _read(desk, terms, seat)
    main, side = st.columns([15, 7], gap="medium")
    watched = None
    with side:
        if board is None:
            st.caption("Orders can be written once the exchange answers.")
        else:
            if account:
                balances(account)
            elif actor:
                unlock_private("market.unlock", actor)
            written = order_form(board, seat, account, takes_orders=desk.takes_orders())
            watched = _watched(board, written)
    with main:
        live_market(terms, account, _stream(), OrderInputs(terms).pick, watched)
        if silence is not None:
            explain_silence(silence)
            if seat:
                offer_chain_cancel(seat)
        elif seat and account:
            _own_trading(seat, account)


def _read(
    desk: MarketDesk, terms: MarketTerms, seat: Seat | None
) -> tuple[Board | None, AccountView | None, GavelbookError | None]:
    """Return market and account as far as they can be read, and why not all of it."""
    try:
        board = desk.board(terms)
        if seat is None or not private_reads_ready(seat.actor):
            return board, None, None
        account = seat.account()
    except GavelbookError as error:
        return None, None, error
    announce(terms, account)
    remember(seat, account)
    return board, account, None


def _watched(board: Board, written: Written) -> Watched | None:
    """Return which part of the book the form's figures depend on."""
    ticket = written.ticket(board.book)
    return None if ticket is None else Watched(ticket.side, ticket.lots, written.ticks)


def _own_trading(seat: Seat, account: AccountView) -> None:
    """Show orders, fills and money of the account; only the tab in front is made."""
    st.subheader(f"Trading of {plain(seat.actor.name)}", anchor=False)
    order, transaction = st.query_params.get("order"), st.query_params.get("tx")
    if order:
        linked_order(seat.terms, account, order)
    if transaction:
        linked_transaction(seat.terms, account.fills, transaction)
    opened, fills, orders, money = st.tabs(
        ["Open orders", "Fills", "All orders", "Deposit and withdraw"],
        key="market.tabs",
        on_change="rerun",
    )
    if opened.open:
        with opened:
            open_orders(seat, account)
    if fills.open:
        with fills:
            own_fills(seat.terms, account)
    if orders.open:
        with orders:
            all_orders(seat.terms, account)
    if money.open:
        with money:
            money_form(seat, account)
            balances_explained()


def page() -> None:
    """Lay out the page."""
    with whole_page():
        desk = open_market_desk()
        markets = desk.markets()
        if not markets:
            st.title("No market yet")
            st.caption("Markets appear here as soon as one is listed on the exchange.")
            return
        terms = choose_market(markets)
        takes_orders = desk.takes_orders()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(plain(terms.name), anchor=False, width="content")
        if terms.halted:
            st.badge("Halted", color="orange")
        elif not takes_orders:
            st.badge("Cancel only", color="orange")
        else:
            st.badge("Open", color="green")
    st.caption(terms_line(terms))
    st.fragment(floor, run_every=_pace(terms))(desk, terms)


def _pace(terms: MarketTerms) -> int:
    """Return after how many seconds the page looks by itself."""
    actor = current_actor()
    if actor is None:
        return ALONE_SECONDS
    return AWAITING_SECONDS if is_awaited(terms, actor.address) else SLOW_SECONDS


def _stream() -> str:
    """Return where the exchange's stream is; empty where it is at the pages' own address."""
    url = DeskSettings().exchange_public_url
    return f"{url.rstrip('/')}/v1/stream" if url else ""


page()
