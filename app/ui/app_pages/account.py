"""The account: the ways in, and what the owner of a managed account keeps in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.service.acting import AccountKind
from ui.desk import accounts, accounts_open
from ui.identity import current_actor
from ui.panels.account_entry import HOME, entry
from ui.panels.account_leaving import close, export, forget_export
from ui.panels.account_limits import limits
from ui.panels.account_requests import read, session
from ui.panels.account_security import change_password, sessions
from ui.panels.account_trail import trail
from ui.panels.notices import forget, show_notice
from ui.wording import moment, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from gavelbook.accounts.bodies import AccountView
    from gavelbook.service.acting import Actor

_MILLISECONDS = 1_000
_EXPORT = "Take the key along"

_FIRST = "portfolio"
_NEXT = {
    _FIRST: "Put money in, see what is yours",
    "sale": "Bid in a sale",
    "market": "Trade on the market",
}

_OTHERS = {
    AccountKind.DEMO: (
        "You act as **{name}**, an account of this demo. Its key is public: anybody can act for "
        "it, so there is nothing to protect and nothing to set here."
    ),
    AccountKind.WALLET: (
        "You act with **your own wallet**. Its key never leaves it, so there is nothing to set "
        "here: each signature is asked for in the wallet, in words, and *Disconnect* above is all "
        "there is to leaving. Allowances that you sign are for exactly what is asked and run out."
    ),
}


def page() -> None:
    """Show the account of whoever acts."""
    st.title("Account", anchor=False)
    actor = current_actor()
    if actor is not None and actor.kind is AccountKind.MANAGED:
        _own(actor)
        return
    if actor is not None:
        st.info(_OTHERS[actor.kind].format(name=plain(actor.name)))
    if not accounts_open():
        st.markdown(
            "This site keeps no accounts. Connect a wallet of your own at the top of the page to "
            "bid, trade and withdraw."
        )
        return
    if actor is not None:
        with st.expander("Use an account with a password instead"):
            entry()
        return
    entry()
    st.caption(
        "You can also connect a wallet of your own at the top of this page: then you need no "
        "account here, and every signature is asked for in the wallet."
    )


def _own(actor: Actor) -> None:
    account = read(lambda: accounts().whoami(session()))
    if account is None:
        st.button("Try again", key="account.retry")
        return
    show_notice(HOME)
    _facts(account)
    panels: dict[str, Callable[[], None]] = {
        "What was signed": trail,
        "Daily limits": limits,
        "Password": change_password,
        "Sessions": sessions,
        _EXPORT: lambda: export(actor.name),
        "Close": lambda: close(actor.name),
    }
    tabs = st.tabs(list(panels), key="account.tabs", on_change=_turn)
    for (name, panel), tab in zip(panels.items(), tabs, strict=True):
        if tab.open:
            if name != _EXPORT:
                forget_export()
            with tab:
                panel()


def _turn() -> None:
    """Leave behind what was said before."""
    forget(HOME)


def _facts(account: AccountView) -> None:
    with st.container(border=True):
        st.markdown(f"**{plain(account.name)}**, since {_time(int(account.created_at))}")
        st.caption("Your wallet here: bids are paid from it, and what you win and claim goes to it")
        st.code(account.address.text(), language=None, wrap_lines=True)
        if account.deposit_address is not None:
            st.caption(
                "Your deposit address: tokens of the exchange sent there go into your escrow"
            )
            st.code(account.deposit_address.text(), language=None, wrap_lines=True)
        st.caption(
            f"This session ends {_time(int(account.expires_at))} at the latest, and "
            f"{_time(int(account.idle_until))} if you do nothing. Network fees are paid for you."
        )
    with st.container(horizontal=True):
        for path, label in _NEXT.items():
            if st.button(
                label,
                type="primary" if path == _FIRST else "secondary",
                key=f"account.to.{path}",
            ):
                st.switch_page(f"app_pages/{path}.py")


def _time(milliseconds: int) -> str:
    return moment(milliseconds // _MILLISECONDS)


page()
