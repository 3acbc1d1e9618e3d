"""The portfolio: everything of an account, where it is, and moving it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.errors import GavelbookError
from ui.components.live_chain import live_chain
from ui.desk import open_desk, plain_failures
from ui.identity import require_actor, unlock_private
from ui.identity_state import current_actor
from ui.panels.portfolio_addresses import addresses
from ui.panels.portfolio_exit import exit_panel
from ui.panels.portfolio_history import (
    PARAMETER,
    own_history,
    public_history,
    shown_entries,
    transaction_note,
)
from ui.panels.portfolio_money import deposit_panel, withdraw_panel, withdrawable
from ui.panels.portfolio_send import send_panel
from ui.panels.portfolio_table import against_the_chain, overview
from ui.panels.portfolio_tasks import gas_line, gift, waiting_tasks
from ui.portfolio_access import Owner, demo_faucet, open_portfolio_desk
from ui.wording import plain, sentence, short

if TYPE_CHECKING:
    from gavelbook.service.portfolio import Portfolio

ACCOUNT = "account"
_REFRESH_SECONDS, _SETTLING_SECONDS = 15, 3
_WHOLE, _MOVABLE = "portfolio.whole", "portfolio.movable"


def page() -> None:
    """Show the account that the page's address names, else that of whoever acts."""
    with plain_failures("portfolio"):
        named = st.query_params.get(ACCOUNT)
        actor = current_actor()
        if named and (actor is None or named.strip().lower() != actor.address.lower()):
            _of_anybody(named)
            return
        st.title("Portfolio", anchor=False)
        actor = require_actor("To see what is yours and move it, say who you are.")
        if actor is None:
            st.caption(
                "Wallet, escrow, orders, bids and claims come together here, each to the last "
                "digit."
            )
            _look_up()
            return
        owner = Owner(open_portfolio_desk(), actor)
        st.session_state[_WHOLE] = True
        _live(owner)
        _moving(owner)


@st.fragment
def _live(owner: Owner) -> None:
    """Show what the account has; again when one of its sales has changed, and now and then."""
    with plain_failures("portfolio.live"):
        portfolio = owner.portfolio()
        alone = not st.session_state.pop(_WHOLE, False)
        if alone and st.session_state.get(_MOVABLE) != _movable(portfolio):
            # The forms below are of before. A run of the whole page comes by here with the mark.
            st.rerun()
        _clock(portfolio, f"{plain(owner.actor.name)} at the end of block {portfolio.block:,}")
        if portfolio.exchange_silent:
            st.info(
                "The exchange does not tell how the escrow is split. What is in escrow comes from "
                f"the chain and is there. {plain(portfolio.exchange_silent)}."
            )
        elif portfolio.deposit_address and not owner.desk.knows_trades(owner.actor):
            unlock_private("portfolio.unlock", owner.actor)
        offered = gift(owner, portfolio, demo_faucet())
        overview(portfolio)
        if owner.is_managed or not offered:
            gas_line(owner, portfolio)
        waiting_tasks(owner, portfolio)
        with st.expander("Every digit, and checked against the chain"):
            against_the_chain(portfolio)


@st.fragment
def _moving(owner: Owner) -> None:
    """Show the tabs; only the one in front is made."""
    names = ["Deposit", "Withdraw", "Leave without consent", "History", "Addresses"]
    if owner.is_managed:
        names.insert(2, "Send")
    tabs = dict(zip(names, st.tabs(names, key="portfolio.tabs", on_change="rerun"), strict=True))
    with plain_failures("portfolio.moving"):
        portfolio = owner.portfolio()
        st.session_state[_MOVABLE] = _movable(portfolio)
        for name, tab in tabs.items():
            if not tab.open:
                continue
            with tab:
                _tab(name, owner, portfolio)


def _movable(portfolio: Portfolio) -> tuple[object, ...]:
    """Return what the forms go by."""
    pots = ((each.wallet, each.escrow, each.exit_at, withdrawable(each)) for each in portfolio.pots)
    return portfolio.address, *pots, portfolio.orders


def _tab(name: str, owner: Owner, portfolio: Portfolio) -> None:
    match name:
        case "Deposit":
            deposit_panel(owner, portfolio)
        case "Withdraw":
            withdraw_panel(owner, portfolio)
        case "Send":
            left, _ = st.columns(2, gap="large")
            with left:
                send_panel(owner, portfolio)
        case "Leave without consent":
            exit_panel(owner, portfolio)
        case "History":
            transaction = st.query_params.get(PARAMETER)
            if transaction:
                transaction_note(owner.desk.entries_of(owner.actor, transaction), transaction)
            own_history(owner)
        case _:
            addresses(portfolio, own=True)


def _look_up() -> None:
    """Ask for an address whose public facts are to be shown."""
    with st.form("portfolio.look", border=False), st.columns(2)[0]:
        st.text_input(
            "Or look at what is public of any account",
            placeholder="0x…",
            key="portfolio.look.address",
        )
        st.form_submit_button("Look", on_click=_look)


def _look() -> None:
    address = str(st.session_state.get("portfolio.look.address", "")).strip()
    if address:
        st.query_params[ACCOUNT] = address


def _stop_looking() -> None:
    st.query_params.pop(ACCOUNT, None)


def _of_anybody(named: str) -> None:
    """Show what everybody can see of an account."""
    st.title("What is public of an account", anchor=False)
    st.button("Back to my own portfolio", key="portfolio.back", on_click=_stop_looking)
    desk = open_portfolio_desk()
    try:
        portfolio = desk.public(named)
    except GavelbookError as error:
        st.error(f"The link names no account. {sentence(error)}")
        return
    st.code(portfolio.address, language=None, wrap_lines=True)
    st.info(
        f"You look at {short(portfolio.address)}, an account that is not yours here. Wallet, "
        "escrow and sales are public. How its escrow is split, its orders and its trades are not."
    )
    _public_live(portfolio.address)
    history, paid = st.tabs(["History", "Addresses"])
    with history:
        found = desk.public_history(portfolio.address, shown_entries())
        transaction = st.query_params.get(PARAMETER)
        if transaction:
            everything = desk.public_history(portfolio.address)
            transaction_note(
                [e for e in everything.entries if e.transaction == transaction.lower()],
                transaction,
            )
        public_history(found, portfolio.address)
    with paid:
        addresses(portfolio, own=False)


@st.fragment
def _public_live(address: str) -> None:
    with plain_failures("portfolio.public"):
        portfolio = open_portfolio_desk().public(address)
        _clock(portfolio, f"At the end of block {portfolio.block:,}")
        overview(portfolio)
        with st.expander("Every digit"):
            against_the_chain(portfolio)


def _clock(portfolio: Portfolio, label: str) -> None:
    sales = open_desk()
    live_chain(
        {address: sales.view(address).version for address in portfolio.sales},
        portfolio.now,
        key="portfolio.chain",
        after=label,
        refresh_seconds=_SETTLING_SECONDS if portfolio.is_settling else _REFRESH_SECONDS,
    )


page()
