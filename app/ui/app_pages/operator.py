"""The Operator page: how everything does, and what its operator can do about it."""

from __future__ import annotations

import streamlit as st

from gavelbook.errors import GavelbookError
from ui.desk import plain_failures
from ui.operator_access import is_operator, open_operator_desk
from ui.panels.operator_controls import controls_panel, ways_in
from ui.panels.operator_health import health_panel
from ui.panels.operator_settlement import balances_panel, sales_panel, settlement_panel
from ui.wording import moment, sentence

_EVERY_SECONDS = 5


@st.fragment(run_every=_EVERY_SECONDS)
def figures() -> None:
    """Draw what changes by itself."""
    with plain_failures("operator.figures"):
        desk = open_operator_desk()
        facts = desk.facts()
        own = None
        if desk.has_figures and is_operator(facts.exchange.owner if facts.exchange else None):
            try:
                own = desk.figures()
            except GavelbookError as error:
                st.caption(f"The exchange's own figures are missing. {sentence(error)}")
        st.caption(f"As of {moment(facts.now)}. Looks again every {_EVERY_SECONDS} seconds.")
        health_panel(facts, own)
        settlement_panel(facts, own)
        balances_panel(facts)
        sales_panel(facts)


st.title("Operator", anchor=False)
st.caption("For whoever runs this site. What the chain and the exchange tell everybody is public.")
with plain_failures("operator"):
    shared = open_operator_desk()
    known = shared.facts()
owner = known.exchange.owner if known.exchange else None
figures()
controls_panel(shared, known)
if not is_operator(owner):
    ways_in(owner)
