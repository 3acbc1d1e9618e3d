"""The market desk that all sessions share, and what is said when the exchange is silent."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.errors import GavelbookError
from gavelbook.service.desk_settings import DeskSettings
from gavelbook.service.market_api import MarketApi
from gavelbook.service.market_desk import MarketDesk
from ui.desk import open_desk, signers
from ui.wording import sentence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gavelbook.service.account_view import AccountView
    from gavelbook.service.acting import Actor
    from gavelbook.service.market_view import Board, MarketTerms


_RETRY_SECONDS = 5
_SILENT = {
    "no_answer": "It does not answer.",
    "rpc_unreachable": "The chain does not answer.",
    "rpc_timeout": "The chain does not answer in time.",
}


@dataclass(frozen=True)
class Seat:
    """Somebody on a market: whom the panels act for."""

    desk: MarketDesk
    terms: MarketTerms
    actor: Actor

    def board(self) -> Board:
        """Return the market as of a moment ago."""
        return self.desk.board(self.terms)

    def account(self) -> AccountView:
        """Return the account as of a moment ago."""
        return self.desk.account(self.terms, self.actor)


@st.cache_resource(show_spinner="Connecting to the exchange", max_entries=4)
def _connected(settings: str) -> MarketDesk:
    known = DeskSettings.model_validate_json(settings)
    api = MarketApi(known.exchange_api, signers(), visitor=lambda: st.context.ip_address or "")
    return MarketDesk(api, open_desk().web3)


def open_market_desk() -> MarketDesk:
    """Return the shared desk for the settings of this process."""
    return _connected(DeskSettings().model_dump_json())


@contextmanager
def whole_page() -> Iterator[None]:
    """Show what goes wrong inside as a sentence, stop there, and try again soon."""
    try:
        yield
    except GavelbookError as error:
        explain_silence(error)
        st.button("Try again", key="market.retry", on_click=_connected.clear)
        st.fragment(_again, run_every=_RETRY_SECONDS)(_Once())
        st.stop()


def explain_silence(error: GavelbookError) -> None:
    """Say why the exchange cannot be read."""
    what = _SILENT.get(error.code) or sentence(error)
    st.info(f"The exchange cannot be read right now. {what} This page tries again by itself.")
    st.caption(
        f"Code `{error.code}`. Orders and money are where they were: in the exchange's log and on "
        "the chain."
    )


class _Once:
    """Whether something was there before."""

    def __init__(self) -> None:
        self._passed = False

    def passed(self) -> bool:
        """Return False the first time, then True."""
        before, self._passed = self._passed, True
        return before


def _again(once: _Once) -> None:
    if once.passed():
        _connected.clear()
        st.rerun()
