"""What became of the last action on the exchange, shown once the page has run again."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from gavelbook.chain.errors import ChainUnreachable
from gavelbook.client import NetworkError
from gavelbook.errors import GavelbookError
from ui.wording import sentence

if TYPE_CHECKING:
    from collections.abc import Callable


_UNKNOWN = frozenset({"answer_malformed", "answer_unknown", "not_mined", "outcome_unknown"})


class Done(NamedTuple):
    """What to say of an action that went through; ``proof`` is a hash to keep."""

    text: str
    proof_name: str = ""
    proof: str = ""


def paid_in(amount: str, transaction: str) -> Done:
    """Return what to say of a deposit."""
    text = f"{amount} paid in. It is free for orders once the exchange has seen the block."
    return Done(text, "Transaction", transaction)


def run(
    place: str,
    waiting: str,
    action: Callable[[], Done],
    words: Callable[[GavelbookError], str] = sentence,
) -> None:
    """Run an action, keep what to say at ``place``, and run the page again.

    ``words`` says what went wrong where something did.
    """
    try:
        with st.spinner(waiting):
            done = action()
    except GavelbookError as error:
        kind = "unknown" if outcome_unknown(error) else "error"
        st.session_state[_key(place)] = (kind, words(error), error.code)
    else:
        st.session_state[_key(place)] = ("success", *done)
    st.rerun()


def outcome_unknown(error: GavelbookError) -> bool:
    """Return whether what was asked may have happened in spite of ``error``."""
    return error.code in _UNKNOWN or isinstance(error, (NetworkError, ChainUnreachable))


def show(place: str) -> None:
    """Show what became of the last action at ``place``, until the next one."""
    kind, text, *rest = st.session_state.get(_key(place), ("", ""))
    if kind == "error":
        st.error(f"Refused. {text}")
        st.caption(f"Code `{rest[0]}`. Nothing of it is in the book, nothing was paid.")
    elif kind == "unknown":
        st.warning(f"No answer came. {text}")
        st.caption(
            f"Code `{rest[0]}`. It may have gone through all the same: look at orders and balances "
            "before you try again."
        )
    elif kind == "success":
        st.success(text)
        name, proof = rest
        if proof:
            st.caption(name)
            st.code(proof, language=None, wrap_lines=True)


def _key(place: str) -> str:
    return f"notice.{place}"
