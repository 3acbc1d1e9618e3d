"""The chain and its contracts, ready to copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.service.desk_settings import DeskSettings
from gavelbook.service.network import network
from ui.wording import plain

if TYPE_CHECKING:
    from gavelbook.service.sale_desk import SaleDesk


def network_panel(desk: SaleDesk) -> None:
    """Show the network's name and the addresses of its contracts and sales."""
    here = network(desk.chain_id, DeskSettings().chain_name)
    st.caption(f"Network: {plain(here.name)}, chain {here.chain_id}")
    place = st.expander("Addresses of the contracts", key="start.addresses", on_change="rerun")
    if not place.open:
        return
    with place:
        if not here.contracts:
            st.caption("No contract is recorded on this chain.")
        sales = {title.name: title.address for title in desk.sales()}
        for name, address in (here.contracts | sales).items():
            st.markdown(plain(name))
            st.code(address, language=None)
