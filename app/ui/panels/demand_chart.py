"""The demand curve as a step chart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt
import pandas as pd

if TYPE_CHECKING:
    from gavelbook.service.sale_view import SaleView, Token

DEMAND, SUPPLY, CLEARING = "Demand at this price or above", "Supply", "Clearing price"
_COLORS = {"light": ("#0f766e", "#64748b", "#a35a08"), "dark": ("#3cc7b5", "#94a3b8", "#f0a94a")}
_HEIGHT = 440


def demand_chart(view: SaleView, theme: str) -> Any:
    """Return the chart of ``view``; ``theme`` is light or dark.

    Prices become floats here, for places on the screen only.
    """
    demand_color, supply_color, clearing_color = _COLORS[theme]
    curve = pd.DataFrame(_corners(view), columns=["price", "lots", "shown"])
    symbol = view.payment_token.symbol
    low, high = (_coordinate(view.payment_token, price) for price in _ladder(view))
    x = alt.X("price:Q").title(f"Price per lot, {symbol}").scale(domain=[low, high], nice=False)
    y = alt.Y("lots:Q").title("Lots").axis(format=",d", tickCount=5)
    base = alt.Chart(curve).encode(x=x, y=y)
    area = base.mark_area(interpolate="step-before", opacity=0.16, color=demand_color)
    line = base.mark_line(interpolate="step-before", strokeWidth=2.2, color=demand_color)
    points = base.mark_point(size=260, opacity=0, filled=True).encode(
        tooltip=[alt.Tooltip("shown:N", title="Price"), alt.Tooltip("lots:Q", format=",d")]
    )
    supply = pd.DataFrame({"lots": [view.auction.supply_lots], "price": [high]})
    supply_line = alt.Chart(supply).mark_rule(strokeDash=[6, 4], color=supply_color)
    supply_text = alt.Chart(supply).mark_text(
        align="right", dy=-8, color=supply_color, text=f"Supply {view.auction.supply_lots:,}"
    )
    layers = [
        area,
        line,
        supply_line.encode(y="lots:Q"),
        supply_text.encode(x="price:Q", y="lots:Q"),
        *_clearing(view, clearing_color),
        points,
    ]
    return alt.layer(*layers).properties(height=_HEIGHT)


def _clearing(view: SaleView, color: str) -> list[Any]:
    if view.price_now is None:
        return []
    place = _coordinate(view.payment_token, view.price_now)
    data = pd.DataFrame({"price": [place], "lots": [0]})
    rule = alt.Chart(data).mark_rule(color=color, strokeWidth=2).encode(x="price:Q")
    low, high = (_coordinate(view.payment_token, price) for price in _ladder(view))
    left = place > (low + high) / 2
    word = "Clearing price" if view.decision else "Clears at"
    text = alt.Chart(data).mark_text(
        align="right" if left else "left",
        dx=-7 if left else 7,
        dy=10,
        y=0,
        baseline="top",
        fontWeight=600,
        color=color,
        text=f"{word} {view.payment_token.number(view.price_now)}",
    )
    return [rule, text.encode(x="price:Q")]


def _corners(view: SaleView) -> list[tuple[float, int, str]]:
    """Return the corners of the curve from the floor to the top of the ladder."""
    token = view.payment_token
    low, high = _ladder(view)
    corners = [
        (_coordinate(token, step.price), step.cumulative_lots, token.number(step.price))
        for step in reversed(view.curve.steps)
    ]
    first = (_coordinate(token, low), view.curve.demand_lots, token.number(low))
    last = (_coordinate(token, high), 0, token.number(high))
    return [first, *corners, last]


def _ladder(view: SaleView) -> tuple[int, int]:
    """Return the floor, and the price one tick above the top, so that the top has a place."""
    auction = view.auction
    return auction.floor_price, auction.price(auction.tick_count - 1) + auction.tick_value


def _coordinate(token: Token, units: int) -> float:
    return float(units / 10**token.decimals)
