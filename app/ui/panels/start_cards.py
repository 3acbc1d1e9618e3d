"""The two cards of the start page: the sale to look at, and the market."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.errors import GavelbookError
from gavelbook.service.sale_view import Stage
from ui.components.live_chain import live_chain
from ui.market_access import open_market_desk
from ui.panels.headline import Clock, stage_badge, stage_clock
from ui.panels.price_course import price_course
from ui.wording import amount, count, plain, ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gavelbook.service.sale_view import SaleView

SALE_PAGE, MARKET_PAGE = "app_pages/sale.py", "app_pages/market.py"
RESULTS_PAGE = "app_pages/results.py"
_REFRESH_SECONDS = 15
_INTEREST = (Stage.OPEN, Stage.FUNDED, Stage.CLOSED, Stage.CLEARED, Stage.FAILED)


def showcase(views: Sequence[SaleView], now: int) -> SaleView | None:
    """Return the sale that most people come for: an open one, the newest first."""
    return min(views, key=lambda view: _INTEREST.index(view.stage(now)), default=None)


def follow_sales(views: Sequence[SaleView], view: SaleView | None, now: int) -> None:
    """Draw the countdown of ``view``, and run again when any sale changes."""
    clock = stage_clock(view, now) if view else Clock("")
    live_chain(
        {each.address: each.version for each in views},
        now,
        key="start.chain",
        label=clock.label,
        until=clock.until,
        every_sale=True,
        refresh_seconds=_REFRESH_SECONDS,
    )


def sale_card(views: Sequence[SaleView], view: SaleView | None, now: int) -> None:
    """Show where the sale ``view`` stands, and the way to it."""
    if view is None:
        st.header("No sale yet", anchor=False)
        st.caption("Sales appear here as soon as one is opened on this chain.")
        follow_sales(views, view, now)
        return
    stage, money = view.stage(now), view.payment_token
    with st.container(horizontal=True, vertical_alignment="center"):
        token = view.sale_token
        st.header(f"Sale of {plain(token.name)} ({plain(token.symbol)})", anchor=False)
        stage_badge(view, now)
    follow_sales(views, view, now)
    price = "none yet" if view.price_now is None else amount(money, view.price_now)
    auction = view.auction
    with st.container(horizontal=True):
        st.metric(
            "Price of a lot" if view.decision else "Price of a lot, if it closed now",
            price,
            delta=f"for {amount(token, auction.lot_size)}",
            delta_color="off",
            delta_arrow="off",
        )
        st.metric(
            "Lots bid for",
            f"{view.curve.demand_lots:,}",
            delta=f"{ratio(view.curve.demand_lots, auction.supply_lots)} the "
            f"{auction.supply_lots:,} on sale",
            delta_color="off",
            delta_arrow="off",
        )
    prices = [each.price for each in view.history if each.price is not None]
    price_course(prices, "Price of a lot lately", money.number)
    label = {Stage.OPEN: "Bid", Stage.FUNDED: "See the sale", Stage.CLOSED: "See the sale"}
    words = label.get(stage, "See the result")
    if st.button(words, type="primary", width="stretch", key="start.to_sale"):
        to = SALE_PAGE if view.decision is None else RESULTS_PAGE
        st.switch_page(to, query_params={"sale": view.address})


def market_card() -> None:
    """Show the last price, and the way to the market."""
    try:
        desk = open_market_desk()
        boards = [desk.board(terms) for terms in desk.markets()[:1]]
    except GavelbookError:
        st.header("Market", anchor=False)
        st.caption("The exchange does not answer at the moment. This page tries again by itself.")
        boards = []
    else:
        if not boards:
            st.header("Market", anchor=False)
            st.caption("No market is open yet.")
    for board in boards:
        terms, day, book = board.terms, board.day, board.book
        with st.container(horizontal=True, vertical_alignment="center"):
            st.header(f"Market {plain(terms.name)}", anchor=False)
        st.markdown(f"{plain(terms.base.name)} for {plain(terms.quote.name)}, at any time")
        quote = plain(terms.quote.symbol)
        with st.container(horizontal=True):
            st.metric(
                f"Last price of {terms.priced_thing}",
                "no trade yet" if board.last is None else f"{terms.price(board.last)} {quote}",
                delta=day.change_percent if day else None,
                delta_color="normal" if day and day.change else "off",
                delta_arrow="auto" if day and day.change else "off",
                delta_description="in 24 h" if day else None,
            )
            bid, ask = ((side[0].ticks if side else None) for side in (book.bids, book.asks))
            st.metric(
                "Best bid / ask",
                " / ".join("none" if price is None else terms.price(price) for price in (bid, ask)),
            )
        ticks = [each.ticks for each in reversed(board.trades)]
        price_course(ticks, f"Price over the last {count(len(ticks), 'trade')}", terms.price)
    if boards and st.button("Trade", type="primary", width="stretch", key="start.to_market"):
        st.switch_page(MARKET_PAGE)
