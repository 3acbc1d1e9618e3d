"""Password and sessions of a managed account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.accounts.names import PASSWORD_LENGTH
from ui.desk import accounts
from ui.identity import adopt_managed, sign_out
from ui.panels.account_requests import ENTRY, ask, read, same, session
from ui.panels.notices import show_notice
from ui.wording import moment, plain

if TYPE_CHECKING:
    from gavelbook.accounts.bodies import SessionView

_SESSIONS = "account.sessions"
_PASSWORD = "account.password"  # noqa: S105 -- a place on the page
_MILLISECONDS = 1_000


def sessions() -> None:
    """List the open sessions, with a way to end each or all."""
    st.markdown("Where you are signed in. End what you do not know, then change your password.")
    show_notice(_SESSIONS)
    token = session()
    found = read(lambda: accounts().sessions(token))
    for each in found or []:
        _session(each, token)
    if st.button("Sign out everywhere", key="account.sessions.all"):
        ask(_SESSIONS, lambda: _end_all(token), "You are signed out everywhere.", at=ENTRY)
        st.rerun()


def change_password() -> None:
    """Change the password, which ends all other sessions."""
    st.markdown("All sessions but this one end with it.")
    show_notice(_PASSWORD)
    with st.form("account.password", clear_on_submit=True):
        password = st.text_input("Password now", type="password", autocomplete="current-password")
        new = st.text_input("New password", type="password", autocomplete="new-password")
        again = st.text_input("New password again", type="password", autocomplete="new-password")
        st.caption(f"At least {PASSWORD_LENGTH} characters, 5 of them different.")
        if not st.form_submit_button("Change the password", type="primary"):
            return
    token = session()

    def change() -> None:
        chosen = same(new, again, "password")
        adopt_managed(accounts().change_password(token, password, chosen).token.text())

    ask(_PASSWORD, change, "Password changed. All other sessions have ended.")
    st.rerun()


def _session(each: SessionView, token: str) -> None:
    where = plain(each.client) if each.client else "this machine"
    with st.container(horizontal=True, vertical_alignment="center", border=True):
        st.markdown(
            f"**{'This session' if each.current else 'Session'}** from {where}. "
            f"Opened {_time(int(each.created_at))}, last used {_time(int(each.used_at))}, "
            f"ends {_time(int(each.expires_at))}."
        )
        if not each.current and st.button("End it", key=f"account.sessions.{each.id}"):
            ask(_SESSIONS, lambda: accounts().revoke(token, each.id), "That session has ended.")
            st.rerun()


def _end_all(token: str) -> None:
    accounts().sign_out_everywhere(token)
    sign_out()


def _time(milliseconds: int) -> str:
    return moment(milliseconds // _MILLISECONDS)
