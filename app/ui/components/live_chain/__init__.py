"""A countdown that ticks in the browser, and a rerun when a sale has changed.

The browser listens to the server's route `/live/chain`. Where there is none, as under a plain
`streamlit run`, the part of the page around runs again now and then instead.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Mapping

_HERE = Path(__file__).parent
_SLOW_SECONDS = 15


@cache
def _component() -> Any:
    # Not at import: a component belongs to the server that runs then.
    html, css, js = (
        (_HERE / f"component.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js")
    )
    return st.components.v2.component("live_chain", html=html, css=css, js=js)


def live_chain(  # noqa: PLR0913 -- one for each text
    versions: Mapping[str, str],
    now: int,
    *,
    key: str,
    label: str = "",
    until: int | None = None,
    after: str = "",
    every_sale: bool = False,
    refresh_seconds: int | None = None,
) -> None:
    """Draw "``label`` 00:12:34 ``after``" and rerun the fragment around when something changed.

    Args:
        versions: the `SaleView.version` of each sale that the fragment shows, by address.
        now: the chain's time in Unix seconds.
        key: of the widget.
        label: what comes at ``until``.
        until: Unix seconds to count down to, where the fragment runs again; None for no countdown.
        after: what else is to be said.
        every_sale: whether a sale that is not among ``versions`` is news, too.
        refresh_seconds: after how long to run again although nothing changed; None for never.

    """
    data = {
        "versions": dict(versions),
        "now": now,
        "label": label,
        "until": until,
        "after": after,
        "every_sale": every_sale,
        "refresh_seconds": refresh_seconds,
        "slow_seconds": _SLOW_SECONDS,
    }
    _component()(key=key, data=data, on_changed_change=lambda: None)
