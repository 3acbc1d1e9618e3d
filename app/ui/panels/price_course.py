"""How a price went, as a small picture without axes."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_WIDE, _HIGH, _EDGE = 600, 60, 3
_POINTS = 120
_COLOR = "#16897f"
"""Seen on white as well as on the dark theme: three to one and more."""


def price_course(prices: Sequence[int], what: str, text: Callable[[int], str]) -> None:
    """Draw ``prices``, oldest first; nothing where they stood still.

    Args:
        prices: in any unit; the newest 120 are drawn.
        what: names them, for those who do not see the picture.
        text: writes one of them in words.

    """
    shown = prices[-_POINTS:]
    low, high = min(shown, default=0), max(shown, default=0)
    if low == high:
        return
    line = _line(shown, low, high)
    said = f"{what}: between {text(low)} and {text(high)}, now {text(shown[-1])}"
    picture = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {_HIGH}" '
        f'preserveAspectRatio="none"><path d="{line}V{_HIGH}H0Z" fill="{_COLOR}" '
        f'fill-opacity="0.14"/><path d="{line}" fill="none" stroke="{_COLOR}" stroke-width="2" '
        'vector-effect="non-scaling-stroke"/></svg>'
    )
    source = f"data:image/svg+xml;base64,{b64encode(picture.encode()).decode()}"
    st.html(f'<img class="course" src="{source}" alt="{escape(said)}">')


def _line(prices: Sequence[int], low: int, high: int) -> str:
    """Return the steps of the prices as the path of an SVG; each price is as wide as the others."""
    room, number = _HIGH - 2 * _EDGE, len(prices)
    heights = [_HIGH - _EDGE - (price - low) * room // (high - low) for price in prices]
    steps = "".join(f"H{_WIDE * at // number}V{height}" for at, height in enumerate(heights[1:], 1))
    return f"M0 {heights[0]}{steps}H{_WIDE}"
