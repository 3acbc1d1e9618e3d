"""The clearing price over the bidding window as a step chart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt
import pandas as pd

if TYPE_CHECKING:
    from gavelbook.service.sale_view import SaleView

_COLORS = {"light": ("#a35a08", "#64748b"), "dark": ("#f0a94a", "#94a3b8")}
_HEIGHT = 440
_MILLISECONDS = 1_000
_ROOM = 20
"""A new sale shows this part of its window, so that the first bids are not a single stroke."""


def price_history_chart(view: SaleView, theme: str) -> Any:
    """Return the chart of ``view``; ``theme`` is light or dark.

    Prices become floats here, for places on the screen only.
    """
    color, floor_color = _COLORS[theme]
    money, auction = view.payment_token, view.auction
    rows = [
        (
            point.at * _MILLISECONDS,
            None if point.price is None else float(point.price / 10**money.decimals),
            "nobody would win" if point.price is None else money.number(point.price),
            point.demand_lots,
        )
        for point in view.history
    ]
    rows.append((_end(view) * _MILLISECONDS, *rows[-1][1:]))
    frame = pd.DataFrame(rows, columns=["at", "price", "shown", "demand"])
    frame["at"] = pd.to_datetime(frame["at"], unit="ms", utc=True)
    x = alt.X("at:T").title("Time (UTC)").scale(type="utc").axis(tickCount=6)
    y = alt.Y("price:Q").title(f"Price per lot, {money.symbol}").scale(zero=False)
    base = alt.Chart(frame).encode(x=x, y=y)
    line = base.mark_line(interpolate="step-after", strokeWidth=2.2, color=color)
    points = base.mark_point(size=220, opacity=0, filled=True).encode(
        tooltip=[
            alt.Tooltip("utcyearmonthdatehoursminutesseconds(at):T", title="Time (UTC)"),
            alt.Tooltip("shown:N", title="Price"),
            alt.Tooltip("demand:Q", title="Lots wanted", format=",d"),
        ]
    )
    floor = pd.DataFrame({"price": [float(auction.floor_price / 10**money.decimals)]})
    rule = alt.Chart(floor).mark_rule(strokeDash=[6, 4], color=floor_color).encode(y="price:Q")
    return alt.layer(rule, line, points).properties(height=_HEIGHT)


def _end(view: SaleView) -> int:
    """Return until when the chart goes; the last price holds until then."""
    start, end = view.terms.start or 0, view.terms.end or 0
    if view.decision is not None:
        return end
    # As far as is certain: the picture is drawn once for each change, not for each moment.
    return min(max(view.history[-1].at, start + (end - start) // _ROOM), end)
