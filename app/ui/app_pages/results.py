"""Results: what each bid and bidder got, and whether the sums agree with the chain."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import streamlit as st

from ui.components.live_chain import live_chain
from ui.desk import open_desk, plain_failures
from ui.panels.charted import as_table, sale_chart
from ui.panels.chooser import choose_sale
from ui.panels.comparison import comparison_table
from ui.panels.headline import offer_line, why_failed
from ui.panels.outcome_chart import outcome_chart
from ui.panels.result_panels import audit_and_download, result_figures, sums_table
from ui.panels.result_tables import result_tables
from ui.wording import moment, plain

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
        address = choose_sale(
            desk, [title for title in titles if title.address in decided], "results"
        )
    st.title("Results", anchor=False)
    live_part(desk, address)
    if len(decided) > 1:
        st.header("Finished sales side by side", anchor=False)
        comparison_table(list(reversed(decided.values())))


@st.fragment
def live_part(desk: SaleDesk, address: str) -> None:
    """Show one sale; again when somebody claims."""
    with plain_failures("results.live"):
        view, now = desk.view(address), desk.now()
        st.caption(f"{plain(view.name)} · {offer_line(view)}")
        live_chain({address: view.version}, now, key="results.chain", label=_decided(view))
        if view.decision is not None:
            result(desk, view, view.decision)


def _decided(view: SaleView) -> str:
    return f"Decided {moment(view.decision.decided_at)}" if view.decision else ""


def result(desk: SaleDesk, view: SaleView, decision: Decision) -> None:
    """Show what became of a sale."""
    if failed := why_failed(view):
        st.warning(failed)
    result_figures(view, decision)
    if not view.placed:
        st.caption("Nobody bid.")
        return
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.header("Who got what, price by price", anchor=False)
        outcome(view)
    with right:
        st.header("Do the sums agree?", anchor=False)
        sums_table(view)
        audit_and_download(desk, view)
    result_tables(desk, view, decision)


def outcome(view: SaleView) -> None:
    """Show how many lots each price got."""
    money, filled = view.payment_token, Counter[int]()
    for line in view.bids:
        filled[line.price] += line.filled
    won = sum(filled.values())
    said = f"Lots got and not got at each price: {won:,} of {view.curve.demand_lots:,} got"
    sale_chart(view, outcome_chart, said)
    as_table(
        "results.outcome.table",
        [f"Price, {money.symbol}", "Lots asked", "Lots got"],
        lambda: [
            (money.number(step.price), step.lots, filled[step.price]) for step in view.curve.steps
        ],
    )


page()
