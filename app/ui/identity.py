"""Who the visitor is: the bar above every page, and the ways in."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.errors import GavelbookError
from gavelbook.service.acting import AccountKind
from ui import wallet_steps
from ui.components.session_cookie import session_cookie
from ui.desk import accounts_open, open_desk
from ui.identity_state import (
    RETRY_SECONDS,
    adopt_demo,
    adopt_managed,
    adopt_wallet,
    current_actor,
    identity,
    managed_token,
    restore,
    sign_out,
)
from ui.market_access import open_market_desk
from ui.panels.notices import run_action, show_notice
from ui.wording import plain, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamlit.navigation.page import Page

    from gavelbook.service.acting import Actor

__all__ = [
    "adopt_managed",
    "current_actor",
    "identity_bar",
    "managed_token",
    "private_reads_ready",
    "require_actor",
    "sign_out",
    "unlock_private",
]

_KINDS = {
    AccountKind.DEMO: "An account of this demo. Its key is public: anybody can act for it.",
    AccountKind.MANAGED: "Your account here. Its key is kept by the signer of this site.",
}


def identity_bar(account_page: Page | None = None) -> None:
    """Say who acts, with the ways in and out; once per run, above the page."""
    restore()
    actor = current_actor()
    with st.container(
        horizontal=True, horizontal_alignment="right", vertical_alignment="center", key="identity"
    ):
        if actor is None or actor.kind is AccountKind.WALLET:
            actor = wallet_steps.connected_wallet()
            adopt_wallet(actor)
        if actor is None:
            _ways_in(account_page)
        elif actor.kind is not AccountKind.WALLET:
            _card(actor, account_page)
    session_cookie(identity())


def require_actor(prompt: str) -> Actor | None:
    """Return who acts; where nobody does, say ``prompt`` and the ways in."""
    actor = current_actor()
    if actor is None:
        ways = ["connect your own wallet"]
        if accounts_open():
            ways.insert(0, "sign in")
        if _demo_actors():
            ways.insert(0, "try a demo account")
        st.info(f"{prompt} At the top of this page: {_either(ways)}.")
    return actor


def private_reads_ready(actor: Actor) -> bool:
    """Return whether orders and balances of ``actor`` at the exchange can be read here."""
    try:
        return open_market_desk().may_read(actor)
    except GavelbookError:
        return False


def unlock_private(place: str, actor: Actor) -> None:
    """Offer to sign in to the exchange, which shows orders and balances of a wallet."""
    st.caption("Prove once that the wallet is yours, to see its orders and trades. It is free.")
    if st.button("Sign in to the exchange", key=f"{place}.sign_in", width="stretch"):
        run_action(
            place, lambda: open_market_desk().sign_in(actor), "Signed in.", key=actor.address
        )
    show_notice(place)


def _ways_in(account_page: Page | None) -> None:
    actors = _demo_actors()
    if actors:
        with st.popover("Try a demo account", key="identity.demo"):
            st.caption("Accounts of a chain on this machine, with play money in them.")
            _demo_choice(actors)
    if account_page is not None and accounts_open():
        st.page_link(account_page, label="Sign in")
    if identity().unanswered:
        st.fragment(_unanswered, run_every=RETRY_SECONDS)(time.monotonic())


def _unanswered(drawn_at: float) -> None:
    """Say that it is not known who this is; after a while, have the page ask again."""
    if time.monotonic() - drawn_at > RETRY_SECONDS:
        st.rerun()
    st.caption("Your account cannot be shown just now: the signer of accounts does not answer.")


def _card(actor: Actor, account_page: Page | None) -> None:
    with st.popover(f"{plain(actor.name)} · {short(actor.address)}", key="identity.card"):
        st.caption(_KINDS[actor.kind])
        st.code(actor.address, language=None, wrap_lines=True)
        if actor.kind is AccountKind.DEMO:
            st.caption("Act as another one")
            _demo_choice([each for each in _demo_actors() if each != actor])
        if actor.kind is AccountKind.MANAGED and account_page is not None:
            st.page_link(account_page, label="Your account")
        st.button("Sign out", key="identity.out", on_click=sign_out, width="stretch")


def _demo_choice(actors: Sequence[Actor]) -> None:
    with st.container(horizontal=True, gap="small"):
        for each in actors:
            key = f"identity.demo.{each.name}"
            st.button(plain(each.name), key=key, on_click=adopt_demo, args=(each,))


def _demo_actors() -> Sequence[Actor]:
    try:
        return open_desk().demo_actors
    except GavelbookError:
        # The page itself says that the chain does not answer.
        return ()


def _either(ways: Sequence[str]) -> str:
    *others, last = ways
    return f"{', '.join(others)} or {last}" if others else last
