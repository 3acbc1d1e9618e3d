"""Who the visitor of this session is; nothing of it is drawn here."""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.errors import GavelbookError
from gavelbook.service.acting import AccountKind, Actor
from gavelbook.service.session_tickets import TICKETS
from ui.desk import accounts, accounts_open
from ui.market_access import open_market_desk

if TYPE_CHECKING:
    from gavelbook.accounts.bodies import AccountView

_KEY = "identity"
NOTICES = "notices"
"""Where a session keeps what it said to whoever acts."""

_OF_ACTOR = (
    NOTICES, "account.export", "account.name", "account.trail.", "portfolio.", "market.seen.",
    "ticket.",
)  # fmt: skip
"""How the names begin under which pages keep what is somebody's own."""

_CHECK_SECONDS = 30.0
RETRY_SECONDS = 10.0
"""After this long a signer that did not answer is asked again."""
_TOKEN = re.compile(r"[!-~]{1,200}")
"""What a token can look like: whatever else a browser sends is not handed on."""
_ENDED = frozenset({"unknown_session", "session_required"})


@dataclass
class CookieTask:
    """What the browser is to do with its cookie: ``ticket`` to exchange, or None to drop it."""

    ticket: str | None
    name: str


@dataclass
class Identity:
    """What a session knows of its visitor."""

    actor: Actor | None = None
    cookie_seen: bool = False
    """Whether the cookie that the browser came with was looked at: once, and never again."""
    checked_at: float = 0.0
    """When the signer was last asked whose session it is, by this machine's steady clock."""
    unanswered: bool = False
    """Whether the browser came with a session that the signer has said nothing of yet."""
    task: CookieTask | None = None

    def become(self, actor: Actor | None) -> None:
        """Have ``actor`` act from now on; nobody else sees what the one before asked and got."""
        if actor is not None:
            self.unanswered = False
        if actor != self.actor:
            for name in [str(each) for each in st.session_state]:
                if name.startswith(_OF_ACTOR):
                    del st.session_state[name]
        self.actor = actor

    def keep_in_browser(self, token: str | None) -> None:
        """Have the browser keep ``token`` for its next visit; None to have it forgotten."""
        ticket = None if token is None else TICKETS.issue(token)
        self.task = CookieTask(ticket, secrets.token_hex(8))


def identity() -> Identity:
    """Return what this session knows."""
    known: Identity = st.session_state.setdefault(_KEY, Identity())
    return known


def current_actor() -> Actor | None:
    """Return who acts in this session; None where nobody has said who they are."""
    return identity().actor


def managed_token() -> str | None:
    """Return the token of the managed account's session; None for anybody else."""
    actor = current_actor()
    return actor.session if actor and actor.kind is AccountKind.MANAGED else None


def adopt_demo(actor: Actor) -> None:
    """Act as an account of the demo from now on."""
    sign_out()
    identity().become(actor)


def adopt_wallet(actor: Actor | None) -> None:
    """Act as the wallet that is connected, or as nobody once it is not."""
    known = identity()
    before = known.actor
    if before is not None and before != actor:
        _forget_at_exchange(before)
    known.become(actor)


def adopt_managed(token: str) -> Actor:
    """Act as the managed account whose session ``token`` has just opened.

    Whoever the browser's cookie named before is not asked: the cookie is replaced.

    Raises:
        AccountsError: the signer does not know the session, or does not answer.

    """
    account = accounts().whoami(token)
    old = st.context.cookies.get(TICKETS.cookie)
    if managed_token() != token:
        sign_out()
    if old and old != token and _TOKEN.fullmatch(old):
        _end(old)
    known = identity()
    known.cookie_seen = True
    known.keep_in_browser(token)
    return _accept(known, token, account)


def sign_out() -> None:
    """End the session of whoever acts, here, at the exchange, at the signer and in the browser."""
    known = identity()
    actor = known.actor
    known.become(None)
    known.cookie_seen = True
    known.unanswered = False
    if actor is None:
        return
    _forget_at_exchange(actor)
    if actor.kind is AccountKind.MANAGED:
        known.keep_in_browser(None)
        _end(actor.session)


def restore() -> None:
    """Take up the session that the browser's cookie names, at the first run of this one.

    Where the signer does not answer it is asked again in a later run, unless somebody else acts by
    then. Later runs only ask, now and then, whether the session of a managed account still stands.
    """
    known = identity()
    again = known.unanswered and time.monotonic() - known.checked_at > RETRY_SECONDS
    if not known.cookie_seen or again:
        known.cookie_seen = True
        token = st.context.cookies.get(TICKETS.cookie)
        if token and accounts_open():
            if _TOKEN.fullmatch(token):
                _take_up(known, token)
            else:
                known.keep_in_browser(None)
        return
    token = managed_token()
    if token is not None and time.monotonic() - known.checked_at > _CHECK_SECONDS:
        _take_up(known, token)


def _take_up(known: Identity, token: str) -> None:
    try:
        account = accounts().whoami(token)
    except GavelbookError as error:
        if error.code in _ENDED:
            known.become(None)
            known.unanswered = False
            known.keep_in_browser(None)
        else:
            known.unanswered = known.actor is None
            known.checked_at = time.monotonic()
        return
    _accept(known, token, account)


def _accept(known: Identity, token: str, account: AccountView) -> Actor:
    actor = Actor(account.name, account.address.text(), AccountKind.MANAGED, str(token))
    known.become(actor)
    known.checked_at = time.monotonic()
    return actor


def _forget_at_exchange(actor: Actor) -> None:
    if actor.kind is AccountKind.DEMO:
        # It is everybody's.
        return
    try:
        open_market_desk().sign_out(actor)
    except GavelbookError:
        # The chain or the exchange is away; nobody has the session's secret any more.
        return


def _end(token: str) -> None:
    try:
        accounts().sign_out(token)
    except GavelbookError:
        # It ends by itself; the browser forgets it now.
        return
