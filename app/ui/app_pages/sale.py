"""The sale: terms, demand, bids, and bidding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from ui.desk import open_desk, plain_failures
from ui.panels.bid_form import bid_form, choose_customer
from ui.panels.bid_table import bid_table
from ui.panels.chooser import choose_sale
from ui.panels.demand_chart import demand_chart
from ui.panels.headline import key_figures, offer_line, stage_line
from ui.panels.own_bids import own_bids
from ui.panels.terms_panel import how_it_works, terms_in_words

if TYPE_CHECKING:
    from gavelbook.service.sale_desk import SaleDesk
    from gavelbook.service.sale_view import SaleView

HEADLINE_SECONDS, PANEL_SECONDS = 2, 4
_STAGE = "sale.stage"


def headline(desk: SaleDesk, address: str) -> None:
    """Show where the sale stands; run the whole page again when that changes."""
    with plain_failures("headline"):
        view, now = desk.view(address), desk.now()
        stage = (address, view.stage(now))
        before = st.session_state.get(_STAGE)
        st.session_state[_STAGE] = stage
        if before is not None and before[0] == address and before != stage:
            st.rerun()
        stage_line(view, now)
        key_figures(view)


def demand(desk: SaleDesk, address: str) -> None:
    """Show the demand curve."""
    with plain_failures("demand"):
        view = desk.view(address)
        st.subheader("Demand", anchor=False)
        if not view.placed:
            st.caption("Nobody has bid yet. The curve appears with the first bid.")
            return
        theme = "dark" if st.context.theme.type == "dark" else "light"
        st.altair_chart(
            demand_chart(view, theme),
            alt="Lots wanted at each price or above, the supply, and the clearing price",
        )


def all_bids(desk: SaleDesk, address: str) -> None:
    """Show the table of bids."""
    with plain_failures("bids"):
        view, now = desk.view(address), desk.now()
        if not view.placed:
            st.caption("No bids yet.")
            return
        word = "got" if view.decision else "would get if the sale closed now"
        st.caption(f"Newest first. “Gets” is what a bid {word}, in lots.")
        bid_table(desk, view, now)


@st.fragment
def bidding(desk: SaleDesk, address: str) -> None:
    """Show the form and the visitor's own bids."""
    with plain_failures("bidding"):
        view, now = desk.view(address), desk.now()
        if not desk.customers:
            st.caption(f"Bid from your own wallet: call `bid` of the sale {view.address}.")
            return
        customer = choose_customer(desk.customers)
        bid_form(desk, view, customer, now)
        own_bids(desk, view, customer, now)


def page() -> None:
    """Lay out the page."""
    with plain_failures("sale"):
        desk = open_desk()
        titles = desk.sales()
        if not titles:
            st.title("No sale yet")
            st.caption("Sales appear here as soon as one is opened on this chain.")
            return
        address = choose_sale(titles, "sale")
        view = desk.view(address)
        live = view.decision is None
    title(view)
    st.fragment(headline, run_every=HEADLINE_SECONDS if live else None)(desk, address)
    every = PANEL_SECONDS if live else None
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.fragment(demand, run_every=every)(desk, address)
    with right:
        bidding(desk, address)
    bids_tab, how_tab, terms_tab = st.tabs(["Bids", "How it works", "Terms"])
    with bids_tab:
        st.fragment(all_bids, run_every=every)(desk, address)
    with how_tab:
        how_it_works(view)
    with terms_tab:
        terms_in_words(view)


def title(view: SaleView) -> None:
    """Show what is sold."""
    st.title(f"{view.sale_token.name} ({view.sale_token.symbol})", anchor=False)
    st.caption(offer_line(view))


page()
