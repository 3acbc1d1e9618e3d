"""What became of the last action, shown once the page has run again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.errors import GavelbookError
from ui.wording import sentence

if TYPE_CHECKING:
    from collections.abc import Callable


def run_action(place: str, action: Callable[[], str], done: str) -> None:
    """Run a transaction, keep what to say at ``place``, and run the page again."""
    try:
        with st.spinner("Waiting for the block"):
            transaction = action()
    except GavelbookError as error:
        st.session_state[_key(place)] = ("error", sentence(error), error.code)
    else:
        st.session_state[_key(place)] = ("success", done, transaction)
    st.rerun()


def show_notice(place: str) -> None:
    """Show what became of the last action at ``place``, until the next one."""
    kind, text, detail = st.session_state.get(_key(place), ("", "", ""))
    if kind == "error":
        st.error(f"Refused. {text}")
        st.caption(f"Code `{detail}`. Nothing was sent and nothing was paid.")
    elif kind == "success":
        st.success(text)
        st.caption("Transaction")
        st.code(detail, language=None)


def _key(place: str) -> str:
    return f"notice.{place}"
