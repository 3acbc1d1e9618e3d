"""The desk that all sessions share, and what a page says when the chain does not answer."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.errors import GavelbookError
from gavelbook.service.desk_settings import DeskSettings
from gavelbook.service.sale_desk import SaleDesk
from ui.wording import sentence

if TYPE_CHECKING:
    from collections.abc import Iterator


@st.cache_resource(show_spinner="Connecting to the chain", max_entries=4)
def _connected(settings: str) -> SaleDesk:
    return SaleDesk(DeskSettings.model_validate_json(settings))


def open_desk() -> SaleDesk:
    """Return the shared desk for the settings of this process."""
    return _connected(DeskSettings().model_dump_json())


@contextmanager
def plain_failures(key: str) -> Iterator[None]:
    """Show what goes wrong inside as a sentence with a way to try again, and stop there."""
    try:
        yield
    except GavelbookError as error:
        st.error(f"The sale cannot be read right now. {sentence(error)}")
        st.caption(f"Code `{error.code}`. Nothing was changed; bids and money are on the chain.")
        if st.button("Try again", key=f"{key}.retry"):
            _connected.clear()
            st.rerun()
        st.stop()
