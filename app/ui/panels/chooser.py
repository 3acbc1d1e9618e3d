"""Choosing a sale, kept in the address so that a link leads back to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gavelbook.service.sale_desk import SaleDesk, SaleTitle

PARAMETER, TRANSACTION = "sale", "tx"
_WITHIN = frozenset({TRANSACTION, "bidder", "bid"})
_CHOSEN = "chosen.sale"


def choose_sale(desk: SaleDesk, titles: Sequence[SaleTitle], page: str) -> str:
    """Show the list of sales and return the address of the chosen one.

    The address of the page decides at first, by a sale or by a transaction that placed a bid in
    one, then what was chosen on another page.
    """
    names = {title.address: title.name for title in titles}
    linked = _known(st.query_params.get(PARAMETER), names) or _sale_of_transaction(desk, names)
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
    if address != start:
        # What else the link named was in the sale before.
        for name in _WITHIN & set(st.query_params):
            del st.query_params[name]
    st.session_state[_CHOSEN] = address
    st.query_params[PARAMETER] = address
    return address


def _sale_of_transaction(desk: SaleDesk, addresses: Iterable[str]) -> str | None:
    """Return the sale in which the transaction of the link placed a bid; None where none did."""
    wanted = st.query_params.get(TRANSACTION, "").lower()
    if not wanted or PARAMETER in st.query_params:
        return None
    views = (desk.view(address) for address in addresses)
    matching = (
        view.address
        for view in views
        if any(bid.transaction.lower() == wanted for bid in view.placed)
    )
    return next(matching, None)


def _known(address: str | None, names: dict[str, str]) -> str | None:
    """Return the address as it is written here, whatever its letters' case; None if unknown."""
    matching = (known for known in names if address and known.lower() == address.lower())
    return next(matching, None)
