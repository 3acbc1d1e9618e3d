"""A chart that everybody can read: drawn, said in words, and as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gavelbook.service.sale_view import SaleView


@st.cache_data(max_entries=128, show_spinner=False)
def _drawn(
    _draw: Callable[[SaleView, str], Any], _view: SaleView, name: str, version: str, theme: str
) -> dict[str, Any]:
    """Draw once for all sessions; what it depends on is in the other arguments."""
    del name, version
    drawing: dict[str, Any] = _draw(_view, theme).to_dict()
    return drawing


def sale_chart(view: SaleView, draw: Callable[[SaleView, str], Any], alt: str) -> None:
    """Show what ``draw`` makes of ``view`` in the theme of the page.

    The same until the sale changes: ``draw`` may depend on nothing else.
    """
    name = f"{draw.__module__}.{draw.__name__} {view.address}"
    st.vega_lite_chart(spec=_drawn(draw, view, name, view.version, theme()), alt=alt)


def theme() -> str:
    """Return light or dark, as the browser shows the page."""
    return "dark" if st.context.theme.type == "dark" else "light"


def as_table(key: str, columns: Sequence[str], rows: Callable[[], Sequence[Sequence[Any]]]) -> None:
    """Offer what a chart shows as a table; ``rows`` are made once somebody opens it."""
    place = st.expander("The chart as a table", key=key, on_change="rerun")
    if place.open:
        frame = pd.DataFrame(rows(), columns=list(columns))
        height = min(36 * (len(frame) + 1) + 2, 360)
        place.dataframe(frame, hide_index=True, height=height, alt="The chart as a table")
