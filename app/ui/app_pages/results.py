"""Results: what each bid and bidder got, and whether the sums agree with the chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from ui.desk import open_desk, plain_failures
from ui.panels.bid_table import allocation_table, bidder_table
from ui.panels.chooser import choose_sale
from ui.panels.comparison import comparison_table
from ui.panels.headline import offer_line
from ui.panels.outcome_chart import outcome_chart
from ui.panels.result_panels import (
    audit_and_download,
    clearing_data,
    result_figures,
    sums_table,
)

if TYPE_CHECKING:
    from gavelbook.service.sale_desk import SaleDesk
    from gavelbook.service.sale_view import Decision, SaleView


def page() -> None:
    """Lay out the page."""
    with plain_failures("results"):
        desk = open_desk()
        titles = desk.sales()
        views = [desk.view(title.address) for title in titles]
        decided = {view.address: view for view in views if view.decision is not None}
        if not decided:
            st.title("No results yet")
            st.caption("A sale appears here once its result is on the chain.")
            return
        address = choose_sale([title for title in titles if title.address in decided], "results")
        view = decided[address]
    st.title("Results", anchor=False)
    st.caption(f"{view.name} · {offer_line(view)}")
    if view.decision is not None:
        result(desk, view, view.decision)
    if len(decided) > 1:
        st.subheader("Finished sales side by side", anchor=False)
        comparison_table(list(reversed(decided.values())))


def result(desk: SaleDesk, view: SaleView, decision: Decision) -> None:
    """Show one sale."""
    if decision.failed:
        why = "nobody posted a result in time" if decision.aborted else "it missed its minimum"
        st.warning(f"The sale failed: {why}. Every bid is refunded in full.")
    result_figures(view, decision)
    if not view.placed:
        st.caption("Nobody bid.")
        return
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.subheader("Who got what, price by price", anchor=False)
        theme = "dark" if st.context.theme.type == "dark" else "light"
        st.altair_chart(outcome_chart(view, theme), alt="Lots got and not got at each price")
    with right:
        st.subheader("Do the sums agree?", anchor=False)
        sums_table(view)
    audit_and_download(desk, view)
    bidders, bids, clearing = st.tabs(["Bidders", "Bids", "Clearing data"])
    with bidders:
        bidder_table(desk, view)
    with bids:
        st.caption("In arrival order.")
        allocation_table(desk, view)
    with clearing:
        clearing_data(view, decision)


page()
