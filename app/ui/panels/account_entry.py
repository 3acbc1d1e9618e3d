"""The ways into a managed account: signing in, and opening one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.accounts.names import PASSWORD_LENGTH
from ui.desk import accounts
from ui.identity import adopt_managed
from ui.panels.account_requests import ENTRY, ask, same
from ui.panels.notices import show_notice

if TYPE_CHECKING:
    from gavelbook.accounts.bodies import SignedIn

_NAME = "account.name"
HOME = "account.home"
"""Where those who are signed in read what became of what they asked."""


def entry() -> None:
    """Show both ways in."""
    show_notice(ENTRY)
    known, fresh = st.tabs(["Sign in", "Open an account"], key="account.entry.tabs")
    with known:
        _sign_in()
    with fresh:
        _register()


def _sign_in() -> None:
    with st.form("account.sign_in", clear_on_submit=True):
        name = st.text_input(
            "Name", value=st.session_state.get(_NAME, ""), max_chars=32, autocomplete="username"
        )
        password = st.text_input("Password", type="password", autocomplete="current-password")
        if not st.form_submit_button("Sign in", type="primary"):
            return
    st.session_state[_NAME] = name
    ask(
        ENTRY,
        lambda: _enter(accounts().sign_in(name, password, client=_client())),
        "You are signed in.",
        at=HOME,
    )
    st.rerun()


def _register() -> None:
    st.markdown(
        "A name and a password are all it takes. The site makes a key for you and keeps it where "
        "its pages cannot read it; it signs for you what you ask for here, and nothing else. You "
        "need no wallet and no ether, and you can take your key with you at any time."
    )
    with st.form("account.register", clear_on_submit=True):
        name = st.text_input(
            "Choose a name",
            value=st.session_state.get(_NAME, ""),
            max_chars=32,
            autocomplete="username",
            help="3 to 32 letters a to z, digits, dots, hyphens, underscores. Others can see it.",
        )
        password = st.text_input(
            "Choose a password",
            type="password",
            autocomplete="new-password",
            help="Three or four unrelated words make a good one.",
        )
        again = st.text_input("The password again", type="password", autocomplete="new-password")
        st.caption(
            f"At least {PASSWORD_LENGTH} characters, 5 of them different, without your name in "
            "them. Nobody can look it up or reset it: keep it safe."
        )
        if not st.form_submit_button("Open the account", type="primary"):
            return
    st.session_state[_NAME] = name

    def register() -> None:
        chosen = same(password, again, "password")
        _enter(accounts().register(name, chosen, client=_client()))

    ask(ENTRY, register, "Your account is open, and you are signed in.", at=HOME)
    st.rerun()


def _enter(signed_in: SignedIn) -> None:
    adopt_managed(signed_in.token.text())
    st.session_state.pop(_NAME, None)


def _client() -> str:
    return st.context.ip_address or ""
