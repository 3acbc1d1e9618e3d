"""Has the browser keep, or forget, the session of a managed account for its next visit."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    from ui.identity_state import Identity


@cache
def _component() -> Any:
    # Not at import: a component belongs to the server that runs then.
    script = Path(__file__).with_name("component.js").read_text(encoding="utf-8")
    return st.components.v2.component("session_cookie", html="<span hidden></span>", js=script)


def session_cookie(identity: Identity) -> None:
    """Have the browser do what is left to do, until it says that it is done."""
    task = identity.task
    if task is None:
        return
    result = _component()(
        key="session_cookie",
        data={"ticket": task.ticket, "name": task.name},
        on_done_change=lambda: None,
        height=1,
    )
    if result.done == task.name:
        identity.task = None
