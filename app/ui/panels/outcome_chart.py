"""Who got what, price by price, as stacked bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt
import pandas as pd

if TYPE_CHECKING:
    from gavelbook.service.sale_view import SaleView

_GOT, _NOT = "Got", "Asked, not got"
_COLORS = {"light": ["#0f766e", "#d3dcd9"], "dark": ["#3cc7b5", "#3a4745"]}
_HEIGHT = 430


def outcome_chart(view: SaleView, theme: str) -> Any:
    """Return the chart of a decided sale; ``theme`` is light or dark.

    Prices become floats here, for places on the screen only.
    """
    filled: dict[int, int] = {}
    for line in view.bids:
        filled[line.price] = filled.get(line.price, 0) + line.filled
    token = view.payment_token
    rows = [
        (float(step.price / 10**token.decimals), token.number(step.price), what, lots)
        for step in view.curve.steps
        for what, lots in (
            (_GOT, filled.get(step.price, 0)),
            (_NOT, step.lots - filled.get(step.price, 0)),
        )
    ]
    frame = pd.DataFrame(rows, columns=["price", "shown", "what", "lots"])
    frame["order"] = (frame["what"] == _NOT).astype(int)
    color = alt.Color("what:N").scale(domain=[_GOT, _NOT], range=_COLORS[theme])
    return (
        alt.Chart(frame)
        .mark_bar(size=6)
        .encode(
            x=alt.X("price:Q").title(f"Price per lot, {token.symbol}").scale(zero=False),
            y=alt.Y("lots:Q").title("Lots").axis(format=",d", tickCount=5),
            color=color.legend(orient="top", title=None),
            order="order:Q",
            tooltip=[
                alt.Tooltip("shown:N", title="Price"),
                alt.Tooltip("what:N", title=" "),
                alt.Tooltip("lots:Q", format=",d"),
            ],
        )
        .properties(height=_HEIGHT)
    )
