"""The market: book, charts and trades, and trading as whoever acts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.service.market_desk import INTERVALS
from ui.identity import private_reads_ready, require_actor, unlock_private
from ui.market_access import Seat, headline_panel, live_panel, open_market_desk, whole_page
from ui.panels.ladder import ladder
from ui.panels.market_charts import (
    candle_data,
    candle_drawing,
    depth_data,
    depth_drawing,
    price_title,
)
from ui.panels.market_chooser import choose_market
from ui.panels.market_headline import market_figures, terms_line
from ui.panels.money_panel import balances, balances_explained, money_form
from ui.panels.order_form import order_form
from ui.panels.own_trading import all_orders, announce, open_orders, own_fills
from ui.panels.trade_tape import trade_tape
from ui.wording import plain

if TYPE_CHECKING:
    from gavelbook.service.market_desk import MarketDesk
    from gavelbook.service.market_view import MarketTerms

BOARD_SECONDS, CHART_SECONDS, ACCOUNT_SECONDS = 2, 5, 3


def headline(desk: MarketDesk, terms: MarketTerms) -> None:
    """Show the key figures."""
    with headline_panel():
        market_figures(desk.board(terms))


def order_book(desk: MarketDesk, terms: MarketTerms, seat: Seat | None) -> None:
    """Show the ladder, with the account's own prices marked."""
    with live_panel():
        board = desk.board(terms)
        own = seat.account().open_orders if seat else ()
        ladder(board, [order.ticks for order in own])


def latest_trades(desk: MarketDesk, terms: MarketTerms) -> None:
    """Show the latest trades."""
    with live_panel():
        trade_tape(desk.board(terms))


def price_chart(desk: MarketDesk, terms: MarketTerms) -> None:
    """Show candles."""
    with live_panel():
        interval = st.segmented_control(
            "Each candle spans",
            list(INTERVALS),
            default="1m",
            required=True,
            key="market.interval",
            label_visibility="collapsed",
        )
        candles = desk.candles(terms, str(interval))
        if not candles:
            st.caption("Nothing traded yet. The first trade begins the chart.")
            return
        span, now = INTERVALS[str(interval)], desk.now_ms()
        drawing = candle_drawing(price_title(terms), _theme())
        data = candle_data(terms, candles, span, now - now % span)
        st.vega_lite_chart(data, drawing, alt=f"Prices of {terms.name} over time", key="candles")


def depth_chart(desk: MarketDesk, terms: MarketTerms) -> None:
    """Show how much is bid and asked up to each price."""
    with live_panel():
        board = desk.board(terms)
        if not board.book.bids and not board.book.asks:
            st.caption("The book is empty.")
            return
        drawing = depth_drawing(price_title(terms), terms.base.symbol, _theme())
        alt = f"{terms.base.symbol} bid and asked up to each price"
        st.vega_lite_chart(depth_data(board), drawing, alt=alt, key="depth")


def pocket(seat: Seat) -> None:
    """Show the balances, and pop up what traded."""
    with live_panel():
        account = seat.account()
        announce(seat.terms, account)
        balances(account)


def own_trading(seat: Seat) -> None:
    """Show orders, fills and money of the account; only the tab in front is made."""
    opened, fills, orders, money = st.tabs(
        ["Open orders", "Fills", "All orders", "Deposit and withdraw"],
        key="market.tabs",
        on_change="rerun",
    )
    with live_panel():
        account = seat.account()
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
        desk.board(terms)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(terms.name, anchor=False, width="content")
        if terms.halted:
            st.badge("Halted", color="orange")
        else:
            st.badge("Open", color="green")
    st.caption(terms_line(terms))
    st.fragment(headline, run_every=BOARD_SECONDS)(desk, terms)
    market, form = st.columns([15, 7], gap="medium")
    seat = None
    with form:
        actor = require_actor("To trade, say who you are.")
        if actor is not None and private_reads_ready(actor):
            seat = Seat(desk, terms, actor)
            st.fragment(pocket, run_every=ACCOUNT_SECONDS)(seat)
            st.fragment(order_form)(seat)
        elif actor is not None:
            unlock_private("market.unlock", actor)
        st.subheader("Latest trades", anchor=False)
        st.fragment(latest_trades, run_every=BOARD_SECONDS)(desk, terms)
    with market:
        charts, book = st.columns([9, 6], gap="medium")
        with charts:
            st.fragment(price_chart, run_every=CHART_SECONDS)(desk, terms)
            st.subheader("Depth", anchor=False)
            st.fragment(depth_chart, run_every=CHART_SECONDS)(desk, terms)
        with book:
            st.fragment(order_book, run_every=BOARD_SECONDS)(desk, terms, seat)
        if seat:
            st.subheader(f"Trading of {plain(seat.actor.name)}", anchor=False)
            st.fragment(own_trading, run_every=ACCOUNT_SECONDS)(seat)


def _theme() -> str:
    return "dark" if st.context.theme.type == "dark" else "light"


page()
