"""Candles and depth. The drawing stays the same object, only its data moves, so nothing flickers.

Prices and sizes become floats here, for places on the screen only.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import altair as alt
import pandas as pd

if TYPE_CHECKING:
    from gavelbook.service.market_view import Board, Candle, MarketTerms

_UP, _DOWN = 0, 1
_COLORS = {"light": ("#0f766e", "#c2700c"), "dark": ("#3cc7b5", "#f0a94a")}
_FEWEST_SHOWN, _MOST_SHOWN = 12, 60
_VOLUME_SHARE = 5
"""The highest volume takes one part in so many of the height."""


@lru_cache(maxsize=16)
def candle_drawing(price_title: str, theme: str) -> dict[str, Any]:
    """Return how candles are drawn; the data comes from `candle_data`."""
    colors = _COLORS[theme]
    color = alt.condition("datum.close >= datum.open", alt.value(colors[_UP]), alt.value(colors[1]))
    tooltip = [
        alt.Tooltip("start:T", title="From", format="%d %b %H:%M"),
        *(alt.Tooltip(f"{name}_text:N", title=name.capitalize()) for name in _SHOWN),
    ]
    base = alt.Chart(pd.DataFrame()).encode(
        x=alt.X("start:T").title(None).axis(tickCount=6, labelOverlap=True), tooltip=tooltip
    )
    y = alt.Y("low:Q").title(price_title).scale(zero=False)
    window = base.mark_rule(opacity=0)
    volume = base.mark_bar(size=6, opacity=0.28).encode(
        y=alt.Y("volume:Q").axis(None).scale(domain=[0, 1]), color=color
    )
    wicks = base.mark_rule().encode(y=y, y2="high:Q", color=color)
    bodies = base.mark_bar(size=6).encode(y=alt.Y("open:Q"), y2="close:Q", color=color)
    ticks = base.mark_tick(width=6, thickness=2).encode(y=alt.Y("close:Q"), color=color)
    prices = alt.layer(wicks, bodies, ticks)
    chart = alt.layer(window, volume, prices).resolve_scale(y="independent")
    return _without_data(chart.properties(height=330))


_SHOWN = ("open", "high", "low", "close", "volume")


@lru_cache(maxsize=32)
def candle_data(
    terms: MarketTerms, candles: tuple[Candle, ...], interval_ms: int, end: int
) -> pd.DataFrame:
    """Return the candles of the window whose last one starts at ``end``, and its edges."""
    begun = (end - candles[0].start) // interval_ms + 1 if candles else 0
    window = min(max(begun, _FEWEST_SHOWN), _MOST_SHOWN)
    first = end - (window - 1) * interval_ms
    shown = [candle for candle in candles if candle.start >= first]
    most = max((candle.lots for candle in shown), default=1)
    rows: list[dict[str, Any]] = [
        {
            "start": candle.start,
            **{name: _price(terms, getattr(candle, name)) for name in _SHOWN[:4]},
            **{f"{name}_text": terms.price(getattr(candle, name)) for name in _SHOWN[:4]},
            "volume": candle.lots / most / _VOLUME_SHARE,
            "volume_text": f"{terms.size(candle.lots)} {terms.base.symbol}",
        }
        for candle in shown
    ]
    rows += [{"start": first - interval_ms}, {"start": end + interval_ms}]
    frame = pd.DataFrame(rows)
    frame["start"] = pd.to_datetime(frame["start"], unit="ms", utc=True)
    return frame


@lru_cache(maxsize=16)
def depth_drawing(price_title: str, size_title: str, theme: str) -> dict[str, Any]:
    """Return how depth is drawn; the data comes from `depth_data`."""
    steps: dict[str, Literal["step-before", "step-after"]] = {
        "bid": "step-before",
        "ask": "step-after",
    }
    layers = []
    for side, color in zip(steps, _COLORS[theme], strict=True):
        one = (
            alt.Chart(pd.DataFrame())
            .transform_filter(f"datum.side === '{side}'")
            .encode(
                x=alt.X("price:Q").title(price_title).scale(zero=False, nice=False),
                y=alt.Y("total:Q").title(size_title).axis(tickCount=4, format="~s"),
            )
        )
        tooltip = [
            alt.Tooltip("price_text:N", title="Price"),
            alt.Tooltip("total_text:N", title="Up to here"),
        ]
        layers += [
            one.mark_area(interpolate=steps[side], opacity=0.18, color=color),
            one.mark_line(interpolate=steps[side], strokeWidth=2, color=color),
            one.mark_point(size=220, opacity=0, filled=True).encode(tooltip=tooltip),
        ]
    return _without_data(alt.layer(*layers).properties(height=230))


@lru_cache(maxsize=32)
def depth_data(board: Board) -> pd.DataFrame:
    """Return the totals at each price of both sides."""
    terms = board.terms
    rows = [
        {
            "side": side,
            "price": _price(terms, level.ticks),
            "total": terms.base_of(level.total) / 10**terms.base.decimals,
            "price_text": f"{terms.price(level.ticks)} {terms.quote.symbol}",
            "total_text": f"{terms.size(level.total)} {terms.base.symbol}",
        }
        for side, levels in (("bid", board.book.bids), ("ask", board.book.asks))
        for level in levels
    ]
    return pd.DataFrame(rows)


def price_title(terms: MarketTerms) -> str:
    """Return what stands beside an axis of prices."""
    return f"Price per {terms.priced_thing}, {terms.quote.symbol}"


def _price(terms: MarketTerms, ticks: int) -> float:
    return float(ticks * terms.price_unit / 10**terms.quote.decimals)


def _without_data(chart: Any) -> dict[str, Any]:
    drawing: dict[str, Any] = chart.to_dict()
    drawing.pop("datasets", None)
    drawing.pop("data", None)
    for layer in drawing["layer"]:
        layer.pop("data", None)
    return drawing
