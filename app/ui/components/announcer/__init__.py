"""Says aloud, to those who do not see the page, what pops up on it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

_HTML = '<p role="status" aria-live="polite" aria-atomic="true"></p>'


@cache
def _component() -> Any:
    # Not at import: a component belongs to the server that runs then.
    script = Path(__file__).with_name("component.js").read_text(encoding="utf-8")
    return st.components.v2.component("announcer", html=_HTML, js=script, isolate_styles=False)


def announcer() -> None:
    """Put the place from which toasts are read aloud on the page: Streamlit's own are silent.

    To be drawn once, above the page, where it stays while pages change: a screen reader tells what
    changes in a place that it knows already.
    """
    _component()(key="announcer")
