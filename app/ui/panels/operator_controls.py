"""What the owner of the exchange can do, and what that does not do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.service.acting import AccountKind
from ui.desk import open_desk
from ui.identity import current_actor, private_reads_ready, unlock_private
from ui.identity_state import adopt_demo
from ui.operator_access import is_named
from ui.panels.notices import is_busy, run_action, show_notice
from ui.wording import duration, moment, short

if TYPE_CHECKING:
    from gavelbook.service.operator_desk import OperatorDesk
    from gavelbook.service.operator_view import ExchangeFacts, SiteFacts

_PLACE = "operator.pause"


def controls_panel(desk: OperatorDesk, facts: SiteFacts) -> None:
    """Draw the switch of the owner, and how the other controls work."""
    exchange = facts.exchange
    if exchange is None:
        return
    st.header("Controls", anchor=False)
    _switch(desk, exchange)
    show_notice(_PLACE)
    with st.expander("What a pause does, and what else there is"):
        st.markdown(
            "- **Pause** stops deposits and settlement at the contract. Withdrawals, exits and "
            "cancels go on; nobody's money can be held.\n"
            "- **Cancel-only** stops new orders at the exchange and needs no transaction: put a "
            "file named `cancel-only` into its folder, and take it away again.\n"
            "- **Another matcher's key** is proposed by the owner and can be accepted after "
            f"{duration(exchange.delays.key)}, so that everybody can leave before. A stolen key "
            "is revoked at once."
        )
        _matcher(exchange, facts.block_time)


def ways_in(owner: str | None) -> None:
    """Say who sees the rest of this page, and how to become one of them."""
    actor, demo = current_actor(), open_desk().demo_signer.operator
    if actor is not None and is_named(actor, owner) and not private_reads_ready(actor):
        unlock_private("operator", actor)
        return
    st.info("Queues, the watcher and alarms of the settler are shown to the operator.")
    if demo is not None and actor != demo:
        st.button(
            "Look as the operator of this demo",
            key="operator.demo",
            on_click=adopt_demo,
            args=(demo,),
        )


def _switch(desk: OperatorDesk, exchange: ExchangeFacts) -> None:
    actor = current_actor()
    owner = exchange.owner
    if owner is None:
        st.caption("The exchange has no owner any more: nobody can pause it.")
        return
    mine = actor is not None and actor.address.lower() == owner.lower()
    if not mine:
        st.caption(f"Only the owner of the exchange, {short(owner)}, can pause it.")
        return
    if actor is not None and actor.kind is AccountKind.MANAGED:
        st.caption("A managed account cannot pause: its signer does not sign that.")
        return
    if exchange.paused:
        if st.button("Let the exchange go on", key=_PLACE, type="primary", disabled=is_busy()):
            run_action(_PLACE, desk.unpause, "The exchange goes on.", key="unpause")
        return
    sure = st.checkbox(
        "Nobody can pay in, and nothing settles, until I undo it", key="operator.sure"
    )
    if st.button("Pause the exchange", key=_PLACE, disabled=not sure or is_busy()):
        run_action(_PLACE, desk.pause, "The exchange is paused.", key="pause")


def _matcher(exchange: ExchangeFacts, now: int) -> None:
    proposal = exchange.proposed_matcher
    if proposal is None:
        st.caption("No other matcher's key is proposed.")
        return
    when = "now" if proposal.ready_at <= now else f"from {moment(proposal.ready_at)}"
    st.markdown(f":orange-badge[Proposed] `{proposal.account}` can be accepted as matcher {when}.")
