"""Asking the signer for the visitor, and saying what it refuses in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import streamlit as st

from gavelbook.errors import GavelbookError
from ui.identity import managed_token, sign_out
from ui.panels.notices import fail, finish
from ui.wording import plain, sentence

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

ENTRY = "account.entry"
"""Where those who are not signed in read what became of what they asked."""

_ENDED = frozenset({"unknown_session", "session_required"})


class FormError(GavelbookError):
    """A form that was filled in so that nothing can be asked for: correct it."""


def account_words(error: GavelbookError) -> str:
    """Return what the signer refuses, for people."""
    places: list[str] | None = error.details.get("places")
    if error.code == "money_left" and places:
        return f"The account still has something in it: {plain('; '.join(places))}."
    return sentence(error)


def ask(
    place: str,
    call: Callable[[], T],
    done: str | None = None,
    *,
    at: str | None = None,
    waiting: str = "One moment",
) -> T | None:
    """Return what ``call`` answers; None where it is refused, with the reason kept at ``place``.

    What is kept is written before anything is drawn: a second click stops the script there.

    Args:
        place: where to say what became of it.
        call: asks the signer.
        done: what to say where it went through; nothing if None.
        at: where to say that, if not at ``place``.
        waiting: what to say meanwhile.

    """
    with st.spinner(waiting):
        try:
            answer = call()
        except GavelbookError as error:
            if error.code in _ENDED:
                sign_out()
                place = ENTRY
            fail(place, error, account_words)
            return None
        if done is not None:
            finish(at or place, None, lambda _result: done)
        return answer


def read(call: Callable[[], T]) -> T | None:
    """Return what ``call`` answers; None where it is refused, which is said here and now.

    Whose session has ended is signed out and sees the ways in.
    """
    try:
        return call()
    except GavelbookError as error:
        if error.code in _ENDED:
            sign_out()
            fail(ENTRY, error, account_words)
            st.rerun()
        st.error(account_words(error))
        st.caption(f"Code `{error.code}`.")
        return None


def session() -> str:
    """Return the token of the visitor's session.

    Raises:
        FormError: ``session_required``.

    """
    token = managed_token()
    if token is None:
        raise FormError("session_required", "Expected a session, was none")
    return token


def same(one: str, other: str, what: str) -> str:
    """Return ``one``, which was typed twice; ``what`` is a password or passphrase.

    Raises:
        FormError: ``typed_differently``.

    """
    if one != other:
        message = f"Expected the same {what} twice, was two different ones"
        raise FormError("typed_differently", message)
    return one
