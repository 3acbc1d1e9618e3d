"""Actions of a browser's wallet in this session: kept over reruns and pages, taken step by step.

Streamlit runs a page from top to bottom and cannot wait for people. So an action stays in the
session; its request goes to the wallet component at the top of every page, and the answer of the
wallet, or the block of a transaction, lets it go on in a later run.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

from gavelbook.chain.connection import PAGE_READ_SECONDS, connect
from gavelbook.errors import GavelbookError
from gavelbook.service.acting import AccountKind, Actor
from gavelbook.service.desk_settings import DeskSettings
from gavelbook.service.wallet_action import Stage, WalletAction
from ui.components.wallet import ChainOffer, WalletSession, wallet, wallet_report
from ui.panels.wallet_progress import draw_progress, ended_text, status_text
from ui.wording import count, sentence

if TYPE_CHECKING:
    from collections.abc import Callable

    from web3 import Web3

    from gavelbook.service.acting import Action

T = TypeVar("T")

_COMPONENT = "wallet"
_RUNNING, _SECRET, _EARLIER = "wallet.running", "wallet.secret", "wallet.earlier"
_LOOK_SECONDS = 1.0


@dataclass
class _Running:
    """An action under way at a place of a page."""

    place: str
    action: WalletAction[Any]
    done: Callable[[Any], Any]
    words: Callable[[GavelbookError], str]
    on_page: bool = True
    """Whether the page that is open shows it."""

    def picture(self) -> tuple[object, ...]:
        """Return what people see of it: where that changes the page is drawn again."""
        action = self.action
        transaction = action.transaction.hash if action.transaction else ""
        return action.stage, action.number, transaction, action.dropped, action.trouble


@dataclass
class _Earlier:
    """How many transactions of ``account`` wait for their block that this session has not begun."""

    account: str
    waiting: int


def connected_wallet() -> Actor | None:
    """Draw the wallet, go on with its actions, and return the account that it says it has.

    To be called once per run, above the page. Its being connected proves nothing: only a signature
    does. On a wrong network, too, there is an actor; the browser then refuses to ask it.
    """
    try:
        web3 = _node(DeskSettings().rpc_url)
        offer = _chain_offer(web3)
    except GavelbookError:
        st.caption("Wallets can be connected once the chain answers.")
        return None
    report = wallet_report(st.session_state.get(_COMPONENT))
    for answer in report.answers:
        for running in _all():
            running.action.answered(answer)
    _hand_over()
    for running in _all():
        running.on_page = False
    requests = [each.action.request for each in _all() if each.action.stage is Stage.ASKING]
    wallet(offer, filter(None, requests), key=_COMPONENT)
    if report.session is None:
        st.session_state.pop(_EARLIER, None)
    else:
        _look_for_earlier(web3, report.session.account)
    earlier = _earlier()
    pending = any(each.action.stage is Stage.PENDING for each in _all())
    looks = pending or (earlier is not None and earlier.waiting > 0)
    st.fragment(_status_lines, run_every=_LOOK_SECONDS if looks else None)()
    if report.session is None:
        st.session_state.pop(_SECRET, None)
        return None
    _renew_secret(report.session)
    session = report.session
    return Actor(session.wallet, session.account, AccountKind.WALLET, wallet_secret())


def wallet_secret() -> str:
    """Return a random text that lasts while the same account is connected; "" without any."""
    _, secret = st.session_state.get(_SECRET, ("", ""))
    return str(secret)


def begin(
    place: str,
    action: Action[T],
    actor: Actor,
    done: Callable[[T], Any],
    words: Callable[[GavelbookError], str] = sentence,
) -> None:
    """Begin ``action`` at ``place``; the wallet is asked in the next run.

    What was stopped at ``place`` is given up. A transaction that is pending there is followed on.

    Args:
        place: where `progress` shows it.
        action: what to do.
        actor: whose wallet takes the steps.
        done: what to say of the result, as `notices.finish` wants it.
        words: how a refusal is said.

    """
    for earlier in _all():
        if earlier.place == place and earlier.action.stage is not Stage.PENDING:
            earlier.action.forget()
    begun = WalletAction(action, actor, _node(DeskSettings().rpc_url))
    _all().append(_Running(place, begun, done, words))
    _hand_over()


def progress(place: str) -> bool:
    """Show what is under way at ``place``; return whether anything is."""
    shown = [each for each in _all() if each.place == place and not each.action.withdrawn]
    for running in shown:
        running.on_page = True
        draw_progress(running.action, key=f"{place}.{id(running)}")
    return bool(shown)


def busy(place: str) -> bool:
    """Return whether something is under way at ``place``."""
    return any(each.place == place and not each.action.withdrawn for each in _all())


def any_busy() -> bool:
    """Return whether something is under way anywhere."""
    return any(not each.action.withdrawn for each in _all())


# Inside


def _all() -> list[_Running]:
    running: list[_Running] = st.session_state.setdefault(_RUNNING, [])
    return running


@st.cache_resource(show_spinner=False, max_entries=4)
def _node(rpc_url: str) -> Web3:
    return connect(rpc_url, read_seconds=PAGE_READ_SECONDS)


def _chain_offer(web3: Web3) -> ChainOffer:
    settings = DeskSettings()
    return ChainOffer(
        chain_id=int(web3.eth.chain_id),
        name=settings.chain_name,
        rpc_url=settings.wallet_rpc_url,
        currency=settings.currency_symbol,
        explorer_url=settings.explorer_url,
    )


def _renew_secret(session: WalletSession) -> None:
    account, _ = st.session_state.get(_SECRET, ("", ""))
    if account != session.account:
        st.session_state[_SECRET] = (session.account, secrets.token_urlsafe(32))


def _earlier() -> _Earlier | None:
    found: _Earlier | None = st.session_state.get(_EARLIER)
    return found


def _look_for_earlier(web3: Web3, account: str) -> None:
    """Find out, once for each account, what is on its way: a reload forgets what was begun."""
    known = _earlier()
    if known is None or known.account != account:
        st.session_state[_EARLIER] = _Earlier(account, _waiting(web3, account))


def _waiting(web3: Web3, account: str) -> int:
    """Return how many transactions wait that no action here follows; 0 where nobody can tell."""
    try:
        eth, address = web3.eth, web3.to_checksum_address(account)
        sent = eth.get_transaction_count(address, "pending")
        waiting = sent - eth.get_transaction_count(address, "latest")
    except GavelbookError:
        return 0
    own = sum(each.action.stage is Stage.PENDING for each in _all())
    return max(waiting - own, 0)


def _earlier_line(earlier: _Earlier) -> None:
    earlier.waiting = _waiting(_node(DeskSettings().rpc_url), earlier.account)
    if not earlier.waiting:
        st.toast(
            "What was on its way is done. The history on the page Portfolio tells what it was."
        )
        st.rerun()
    number = count(earlier.waiting, "transaction")
    st.caption(
        f"On its way: {number} of this wallet that began elsewhere, or before this page was "
        "loaded anew. Wait for the block before you do the same again."
    )


def _hand_over() -> None:
    """Give what has ended to the notices of its place."""
    from ui.panels import notices  # they begin actions here

    for running in list(_all()):
        action = running.action
        if action.stage is not Stage.ENDED:
            continue
        _all().remove(running)
        if action.error is None:
            notices.finish(running.place, action.result, running.done)
        elif action.error.code == "forgotten":
            continue
        else:
            notices.fail(running.place, action.error, running.words)
        if not running.on_page:
            st.toast(ended_text(action))


def _status_lines() -> None:
    """Look at what is pending; say on every page what is under way."""
    before = [each.picture() for each in _all()]
    for running in _all():
        running.action.look()
    if before != [each.picture() for each in _all()]:
        st.rerun()
    for running in _all():
        st.caption(status_text(running.action))
    earlier = _earlier()
    if earlier is not None and earlier.waiting:
        _earlier_line(earlier)
