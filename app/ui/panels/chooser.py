"""Choosing a sale, kept in the address so that a link leads back to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gavelbook.service.sale_desk import SaleTitle

PARAMETER = "sale"
_CHOSEN = "chosen.sale"


def choose_sale(titles: Sequence[SaleTitle], page: str) -> str:
    """Show the list of sales and return the address of the chosen one.

    The address of the page decides at first, then what was chosen on another page.
    """
    names = {title.address: title.name for title in titles}
    linked = _known(st.query_params.get(PARAMETER), names)
    if st.query_params.get(PARAMETER) and linked is None:
        st.caption("The link names a sale that is not among these.")
    start = linked or _known(st.session_state.get(_CHOSEN), names) or titles[0].address
    addresses = list(names)
    chosen = st.selectbox(
        "Sale",
        addresses,
        index=addresses.index(start),
        format_func=names.__getitem__,
        key=f"{page}.sale",
        label_visibility="collapsed",
    )
    address = str(chosen)
    st.session_state[_CHOSEN] = address
    st.query_params[PARAMETER] = address
    return address


def _known(address: str | None, names: dict[str, str]) -> str | None:
    """Return the address as it is written here, whatever its letters' case; None if unknown."""
    matching = (known for known in names if address and known.lower() == address.lower())
    return next(matching, None)
