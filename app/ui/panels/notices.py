"""Doing what a visitor asks, and saying what became of it once the page has run again."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import streamlit as st

from gavelbook.chain.errors import ChainUnreachable
from gavelbook.client import NetworkError
from gavelbook.errors import GavelbookError
from gavelbook.service.acting import AccountKind, carry_out
from ui import wallet_steps
from ui.desk import signers
from ui.identity_state import NOTICES, current_actor
from ui.wording import sentence

if TYPE_CHECKING:
    from collections.abc import Callable

    from gavelbook.service.acting import Action, Actor

T = TypeVar("T")

_UNKNOWN = frozenset(
    {"answer_malformed", "answer_unknown", "not_mined", "outcome_unknown", "signer_unreachable"}
)
_MOMENT_SECONDS = 1.5
"""For how long the same again is taken for a second click."""


class Done(NamedTuple):
    """What to say of an action that went through; ``proof`` is a hash to keep."""

    text: str
    proof_name: str = ""
    proof: str = ""


class _Notice(NamedTuple):
    kind: str
    text: str
    detail: str = ""
    proof: str = ""


@dataclass
class _Board:
    """What was asked for and what became of it, by place.

    A second click ends the script at its next call of Streamlit, so what an action did is written
    to this object, which is at hand by then.
    """

    notices: dict[str, _Notice] = field(default_factory=dict)
    asked: dict[str, tuple[str, float]] = field(default_factory=dict)
    repeated: set[str] = field(default_factory=set)

    def is_repeated(self, place: str, key: str) -> bool:
        """Return whether the same was done at ``place`` a moment ago, and note it."""
        before = self.asked.get(place)
        again = (
            before is not None
            and before[0] == key
            and time.monotonic() - before[1] < _MOMENT_SECONDS
        )
        if again:
            self.repeated.add(place)
        else:
            self.repeated.discard(place)
        return again

    def done(self, place: str, key: str, notice: _Notice) -> None:
        self.notices[place] = notice
        self.asked[place] = key, time.monotonic()


def run_action(  # noqa: PLR0913 -- what is asked, and what to say of it
    place: str,
    make_action: Callable[[], Action[T]],
    done: str | Done | Callable[[T], str | Done],
    *,
    words: Callable[[GavelbookError], str] = sentence,
    waiting: str = "Waiting for the block",
    key: str = "",
) -> None:
    """Carry an action out as whoever acts, keep what to say at ``place``, and run the page again.

    The wallet of a browser is asked step by step, in later runs. ``key`` says what is asked for:
    the same at the same place, while it is done or within a moment after, is a second click, and
    is not done again. ``words`` says what went wrong where something did.
    """
    board, actor = _board(), current_actor()
    if actor is None:
        board.notices[place] = _Notice("error", "Say who you are first.", "actor_missing")
    elif actor.kind is AccountKind.WALLET:
        if not wallet_steps.busy(place) and not board.is_repeated(place, key):
            board.notices.pop(place, None)
            board.asked[place] = key, time.monotonic()
            wallet_steps.begin(
                place, _started(make_action), actor, lambda result: _said(done, result), words
            )
    elif not board.is_repeated(place, key):
        with st.spinner(waiting):
            board.done(place, key, _carried_out(make_action, actor, done, words))
    st.rerun()


def show_notice(place: str) -> None:
    """Show how far the action at ``place`` is or what became of it, until the next one."""
    if wallet_steps.progress(place):
        return
    board = _board()
    notice = board.notices.get(place)
    if notice is None:
        return
    if notice.kind == "error":
        st.error(f"Refused. {notice.text}")
        st.caption(f"Code `{notice.detail}`. Nothing of it happened, nothing was paid.")
    elif notice.kind == "unknown":
        st.warning(f"No answer came. {notice.text}")
        st.caption(
            f"Code `{notice.detail}`. It may have gone through all the same: look at orders and "
            "balances before you try again."
        )
    else:
        st.success(notice.text)
        if notice.proof:
            st.caption(notice.detail)
            st.code(notice.proof, language=None, wrap_lines=True)
    if place in board.repeated:
        st.caption("You asked for the same twice within a moment: it was done once.")


def is_busy() -> bool:
    """Return whether a wallet is asked for something right now."""
    return wallet_steps.any_busy()


def finish(place: str, result: T, done: Callable[[T], str | Done]) -> None:
    """Keep what to say of an action of a wallet that went through."""
    _board().notices[place] = _success(_said(done, result))


def fail(place: str, error: GavelbookError, words: Callable[[GavelbookError], str]) -> None:
    """Keep what to say of an action of a wallet that did not go through."""
    _board().notices[place] = _failure(error, words)


def forget(place: str) -> None:
    """Show nothing at ``place`` any more."""
    _board().notices.pop(place, None)


def outcome_unknown(error: GavelbookError) -> bool:
    """Return whether what was asked may have happened in spite of ``error``."""
    return error.code in _UNKNOWN or isinstance(error, (NetworkError, ChainUnreachable))


def paid_in(amount: str, transaction: str) -> Done:
    """Return what to say of a deposit."""
    text = f"{amount} paid in. It is free for orders once the exchange has seen the block."
    return Done(text, "Transaction", transaction)


def _carried_out(
    make_action: Callable[[], Action[T]],
    actor: Actor,
    done: str | Done | Callable[[T], str | Done],
    words: Callable[[GavelbookError], str],
) -> _Notice:
    try:
        result = carry_out(make_action(), actor, signers())
    except GavelbookError as error:
        return _failure(error, words)
    return _success(_said(done, result))


def _started(make_action: Callable[[], Action[T]]) -> Action[T]:
    """Put off the making, too, until the first step is taken."""
    return (yield from make_action())


def _said(done: str | Done | Callable[[Any], str | Done], result: object) -> Done:
    said = done(result) if callable(done) else done
    if isinstance(said, Done):
        return said
    if isinstance(result, str):
        return Done(said, "Transaction", result)
    return Done(said)


def _success(done: Done) -> _Notice:
    return _Notice("success", done.text, done.proof_name, done.proof)


def _failure(error: GavelbookError, words: Callable[[GavelbookError], str]) -> _Notice:
    kind = "unknown" if outcome_unknown(error) else "error"
    return _Notice(kind, words(error), error.code)


def _board() -> _Board:
    board: _Board = st.session_state.setdefault(NOTICES, _Board())
    return board
