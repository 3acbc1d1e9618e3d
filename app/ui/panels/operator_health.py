"""How the site does: one sentence, what to look at, and its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.service.operator_view import Level, alerts, services, worst
from ui.wording import count, plain

if TYPE_CHECKING:
    from gavelbook.service.operator_view import SiteFacts
    from gavelbook.wire.operator import OperatorView

_COLORS = {Level.GOOD: "green", Level.WATCH: "orange", Level.ACT: "red"}
_WORDS = {Level.WATCH: "Watch", Level.ACT: "Act now"}


def health_panel(facts: SiteFacts, own: OperatorView | None) -> None:
    """Draw what somebody has to look at, then every part of the site."""
    found = alerts(facts, own)
    level = worst([alert.level for alert in found])
    if level is Level.GOOD:
        st.success("Everything works. Nothing to do.")
    else:
        things = count(len(found), "thing")
        say = st.error if level is Level.ACT else st.warning
        say(f"{things} to look at.")
    for alert in found:
        badge = f":{_COLORS[alert.level]}-badge[{_WORDS[alert.level]}]"
        st.markdown(f"{badge} **{plain(alert.title)}**: {plain(alert.text)}")
    st.header("Services", anchor=False)
    rows = [
        f"| {each.name} | :{_COLORS[each.level]}-badge[{each.state}] | {plain(each.detail)} |"
        for each in services(facts, own)
    ]
    st.markdown("\n".join(["| Part | State | Detail |", "|---|---|---|", *rows]))
