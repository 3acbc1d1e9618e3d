"""The operator's desk that all sessions share, and who is shown what is not public."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.service.acting import AccountKind
from gavelbook.service.desk_settings import DeskSettings
from gavelbook.service.operator_desk import OperatorDesk
from ui.desk import accounts, accounts_open, open_desk
from ui.identity import current_actor, private_reads_ready
from ui.identity_state import restore
from ui.market_access import open_market_desk

if TYPE_CHECKING:
    from gavelbook.service.acting import Actor


@st.cache_resource(show_spinner="Connecting", max_entries=4)
def _connected(settings: str) -> OperatorDesk:
    known = DeskSettings.model_validate_json(settings)
    return OperatorDesk(
        open_desk(),
        open_market_desk().api,
        accounts() if accounts_open() else None,
        token_file=known.operator_token_file,
    )


def open_operator_desk() -> OperatorDesk:
    """Return the shared desk for the settings of this process."""
    return _connected(DeskSettings().model_dump_json())


def is_named(actor: Actor, owner: str | None) -> bool:
    """Return whether ``actor`` is the exchange's ``owner`` or one of the configured operators."""
    named = {each.strip().lower() for each in DeskSettings().operators.split(",")}
    named.add((owner or "").lower())
    return actor.address.lower() in named


def is_operator(owner: str | None) -> bool:
    """Return whether whoever acts is an operator, and has shown it.

    A wallet that is merely connected has shown nothing: it has to sign in to the exchange.
    """
    # The figures run again by themselves, without the bar above the page that looks after this.
    restore()
    actor = current_actor()
    if actor is None or not is_named(actor, owner):
        return False
    return actor.kind is not AccountKind.WALLET or private_reads_ready(actor)
