"""Demand and price of a sale: two charts, each with its table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from ui.panels.charted import as_table, sale_chart
from ui.panels.demand_chart import demand_chart
from ui.panels.price_history_chart import price_history_chart
from ui.wording import moment

if TYPE_CHECKING:
    from gavelbook.service.sale_view import SaleView

_DEMAND, _HISTORY = "Demand now", "Price so far"


def sale_charts(view: SaleView) -> None:
    """Show the demand curve, or how the price came about."""
    demand, history = st.tabs([_DEMAND, _HISTORY], key="sale.charts", on_change="rerun")
    if demand.open:
        with demand:
            _demand(view)
    if history.open:
        with history:
            _history(view)


def _demand(view: SaleView) -> None:
    if not view.placed:
        st.caption("Nobody has bid yet. The curve appears with the first bid.")
        return
    money, auction = view.payment_token, view.auction
    sale_chart(view, demand_chart, _said(view))
    st.caption(
        "How many lots are wanted at each price or above. Where the curve meets the supply, the "
        "last lots go."
    )
    as_table(
        "sale.demand.table",
        [f"Price, {money.symbol}", "Lots at this price", "At this price or above", "Supply"],
        lambda: [
            (money.number(step.price), step.lots, step.cumulative_lots, auction.supply_lots)
            for step in view.curve.steps
        ],
    )


def _said(view: SaleView) -> str:
    auction, demand = view.auction, view.curve.demand_lots
    if view.price_now is None:
        price = "Nobody wins with these bids"
    else:
        word = "The clearing price is" if view.decision else "It would clear now at"
        price = f"{word} {view.payment_token.amount(view.price_now)}"
    return (
        f"Lots wanted at each price or above: {demand:,} in all, for {auction.supply_lots:,} lots. "
        f"{price}."
    )


def _history(view: SaleView) -> None:
    if not view.history:
        st.caption("Nobody has bid yet. The line begins with the first bid.")
        return
    money = view.payment_token
    prices = [point.price for point in view.history if point.price is not None]
    last = view.history[-1]
    if prices:
        ends = money.amount(last.price) if last.price is not None else "no price"
        said = (
            f"The clearing price over time: from {money.amount(prices[0])} to {ends}, at least "
            f"{money.number(min(prices))} and at most {money.number(max(prices))}."
        )
        sale_chart(view, price_history_chart, said)
        st.caption(
            "The lowest winning price if the sale had closed at each moment. The dashed line is "
            "the lowest price one can bid."
        )
    else:
        st.caption("With the bids so far nobody would have won at any moment.")
    as_table(
        "sale.history.table",
        ["Time", f"Clearing price, {money.symbol}", "Lots wanted"],
        lambda: [
            (
                moment(point.at),
                "none" if point.price is None else money.number(point.price),
                point.demand_lots,
            )
            for point in reversed(view.history)
        ],
    )
