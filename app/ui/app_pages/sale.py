"""The sale: terms, demand, bids, and bidding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from ui.components.live_chain import live_chain
from ui.desk import open_desk, plain_failures
from ui.identity import current_actor
from ui.panels.bid_form import bid_form
from ui.panels.bid_table import NEWEST, bid_table, linked_bids
from ui.panels.chooser import choose_sale
from ui.panels.headline import key_figures, offer_line, stage_badge, stage_clock, why_failed
from ui.panels.own_bids import own_bids
from ui.panels.sale_charts import sale_charts
from ui.panels.sale_duties import undecided
from ui.panels.terms_panel import how_it_works, terms_in_words
from ui.wording import plain

if TYPE_CHECKING:
    from gavelbook.service.sale_desk import SaleDesk
    from gavelbook.service.sale_view import SaleView


@st.fragment
def live_part(desk: SaleDesk, address: str) -> None:
    """Show everything that changes with the sale; again when it does."""
    with plain_failures("sale.live"):
        view, now = desk.view(address), desk.now()
        headline(view, now)
        if failed := why_failed(view):
            st.warning(failed)
        key_figures(view, now)
        left, right = st.columns([3, 2], gap="large")
        with left:
            sale_charts(view)
        with right:
            bidding(desk, view, now)
        below(desk, view, now)


def headline(view: SaleView, now: int) -> None:
    """Show where the sale stands and count down to what comes next."""
    clock = stage_clock(view, now)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        stage_badge(view, now)
        live_chain(
            {view.address: view.version},
            now,
            key="sale.chain",
            label=clock.label,
            until=clock.until,
            after=clock.after,
        )


def bidding(desk: SaleDesk, view: SaleView, now: int) -> None:
    """Show the form, the visitor's own bids, and what anybody may do."""
    actor = current_actor()
    undecided(desk, view, actor, now)
    bid_form(desk, view, actor, now)
    if view.decision:
        link = {"sale": view.address}
        st.page_link("app_pages/results.py", label="See who got what", query_params=link)
    if actor:
        own_bids(desk, view, actor, now)


def below(desk: SaleDesk, view: SaleView, now: int) -> None:
    """Show bids, rules and terms, whichever is open."""
    bids, how, terms = st.tabs(
        ["Bids", "How it works", "Terms"], key="sale.tabs", on_change="rerun"
    )
    if bids.open:
        with bids:
            all_bids(desk, view, now)
    if how.open:
        with how:
            how_it_works(view)
    if terms.open:
        with terms:
            terms_in_words(view)


def all_bids(desk: SaleDesk, view: SaleView, now: int) -> None:
    """Show the table of bids."""
    if not view.placed:
        st.caption("No bids yet.")
        return
    linked_bids(desk, view)
    word = "got" if view.decision else "would get if the sale closed now"
    st.caption(f"Newest first. “Gets” is what a bid {word}, in lots.")
    bid_table(desk, view, now)
    if len(view.bids) > NEWEST:
        st.caption(f"The newest {NEWEST} of {len(view.bids):,}.")


def page() -> None:
    """Lay out the page."""
    with plain_failures("sale"):
        desk = open_desk()
        titles = desk.sales()
        if not titles:
            st.title("No sale yet")
            st.caption("Sales appear here as soon as one is opened on this chain.")
            return
        address = choose_sale(desk, titles, "sale")
        view = desk.view(address)
    token = view.sale_token
    st.title(f"{plain(token.name)} ({plain(token.symbol)})", anchor=False)
    st.caption(offer_line(view))
    live_part(desk, address)


page()
