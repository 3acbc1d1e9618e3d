"""The market: book, charts and trades live in the browser, and trading beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

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
from ui.panels.order_form import order_form, skip_link, skip_target
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
_MARKETS = "market.markets"


def floor(desk: MarketDesk, terms: MarketTerms) -> None:
    """Show the live part, and beside it what the visitor can do."""
    actor = current_actor()
    seat = Seat(desk, terms, actor) if actor else None
    seen = _read(desk, terms, seat)
    account = seen.account
    if _is_paused(desk):
        st.warning(
            "The operator has paused deposits and settlement. Orders still trade, and what they "
            "trade settles later. Withdrawals, exits and cancels go on."
        )
    main, side = st.columns([15, 7], gap="medium")
    watched = None
    with side:
        skip_target()
        if seen.board is None:
            st.caption("Orders can be written once the exchange answers.")
        else:
            if account:
                balances(account)
            elif actor:
                unlock_private("market.unlock", actor)
            written = order_form(seen.board, seat, account, takes_orders=seen.takes_orders)
            watched = _watched(seen.board, written)
    with main:
        live_market(terms, account, _stream(), OrderInputs(terms), watched)
        if seen.silence is not None:
            explain_silence(seen.silence)
            if seat:
                offer_chain_cancel(seat)
    # Below both: on a phone the form comes right after the book.
    if seen.silence is None and seat and account:
        _own_trading(seat, account)


class _Seen(NamedTuple):
    """What the exchange says of market and account, or why it cannot be read."""

    board: Board | None = None
    account: AccountView | None = None
    takes_orders: bool = False
    silence: GavelbookError | None = None


def _read(desk: MarketDesk, terms: MarketTerms, seat: Seat | None) -> _Seen:
    try:
        seen = _Seen(desk.board(terms), None, desk.takes_orders())
        if seat is None or not private_reads_ready(seat.actor):
            return seen
        account = seat.account()
    except GavelbookError as error:
        return _Seen(silence=error)
    announce(terms, account)
    remember(seat, account)
    return seen._replace(account=account)


def _is_paused(desk: MarketDesk) -> bool:
    try:
        return desk.is_paused()
    except GavelbookError:
        # Whoever needs the chain is told of its silence where they do.
        return False


def _watched(board: Board, written: Written) -> Watched | None:
    """Return which part of the book the form's figures depend on."""
    ticket = written.ticket(board.book)
    return None if ticket is None else Watched(ticket.side, ticket.lots, written.ticks)


def _own_trading(seat: Seat, account: AccountView) -> None:
    """Show orders, fills and money of the account; only the tab in front is made."""
    st.header(f"Trading of {plain(seat.actor.name)}", anchor=False)
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
        markets, takes_orders = _markets(desk)
        if not markets:
            st.title("No market yet")
            st.caption("Markets appear here as soon as one is listed on the exchange.")
            return
        terms = choose_market(markets)
    skip_link()
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


def _markets(desk: MarketDesk) -> tuple[list[MarketTerms], bool]:
    """Return the markets, and whether orders are taken; what this session last saw of a silent one.

    So whoever has orders there can still void them on the chain.
    """
    try:
        found = desk.markets(), desk.takes_orders()
    except GavelbookError:
        if _MARKETS not in st.session_state:
            raise
        found = st.session_state[_MARKETS]
    st.session_state[_MARKETS] = found
    return found


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
