"""Sending tokens of a managed account to another address: asked for, then confirmed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.errors import GavelbookError
from gavelbook.service.amounts import decimal_text
from ui.desk import accounts
from ui.panels.portfolio_money import amount_form
from ui.wording import moment, plain, sentence

if TYPE_CHECKING:
    from gavelbook.accounts.bodies import TransferView
    from gavelbook.service.portfolio import Portfolio
    from gavelbook.service.sale_view import Token
    from ui.portfolio_access import Owner

_ASKED = "portfolio.send.asked"
_TOLD = "portfolio.send.told"
_LIKE_AN_ADDRESS = 42
_MILLISECONDS = 1_000


def send_panel(owner: Owner, portfolio: Portfolio) -> None:
    """Send from the wallet of a managed account to another address."""
    st.markdown(
        "From your wallet here to any other address. It is asked for first, then confirmed with "
        "your password, and a daily limit holds. **What was sent cannot be called back.**"
    )
    _tell()
    asked: TransferView | None = st.session_state.get(_ASKED)
    if asked is not None:
        _confirm(owner, asked)
        return
    wish = amount_form("portfolio.send", portfolio.pots, lambda pots: pots.wallet, "in the wallet")
    if wish is None:
        return
    token, units = wish.pots.token, wish.units
    _limit(owner, token)
    to = st.text_input(
        "To the address", key="portfolio.send.to", placeholder="0x…", max_chars=_LIKE_AN_ADDRESS
    ).strip()
    if st.button("Go on", type="primary", key="portfolio.send.go", disabled=not units or not to):
        _ask(owner, token, units, to)


def _limit(owner: Owner, token: Token) -> None:
    try:
        limits = accounts().limits(owner.actor.session)
    except GavelbookError as error:
        st.caption(sentence(error))
        return
    for limit in limits:
        if limit.token.text() == token.address:
            left, most = (token.amount(int(each)) for each in (limit.left, limit.amount))
            st.caption(f"{plain(left)} of {plain(most)} a day may still leave today.")


def _ask(owner: Owner, token: Token, units: int, to: str) -> None:
    try:
        asked = accounts().ask_transfer(owner.actor.session, token.address, to, units)
    except GavelbookError as error:
        st.session_state[_TOLD] = "refused", sentence(error), error.code
    else:
        st.session_state[_ASKED] = asked
    st.rerun()


def _confirm(owner: Owner, asked: TransferView) -> None:
    amount = f"{decimal_text(int(asked.amount), asked.decimals)} {asked.symbol}"
    with st.form("portfolio.send.confirm", clear_on_submit=True):
        st.markdown(f"Send **{plain(amount)}** to")
        st.code(asked.to.text(), language=None, wrap_lines=True)
        st.caption(
            f"Compare the address with the one you mean, letter by letter. "
            f"Good until {moment(int(asked.expires_at) // _MILLISECONDS)}."
        )
        password = st.text_input("Your password", type="password", autocomplete="current-password")
        with st.container(horizontal=True):
            sure = st.form_submit_button("Send it for good", type="primary")
            away = st.form_submit_button("Do not send")
    if sure:
        _send(owner, asked, amount, password)
    elif away:
        _drop(owner, asked)


def _send(owner: Owner, asked: TransferView, amount: str, password: str) -> None:
    try:
        with st.spinner("Waiting for the block"):
            sent = accounts().confirm_transfer(owner.actor.session, asked.id, password)
    except GavelbookError as error:
        st.session_state[_TOLD] = "refused", sentence(error), error.code
    else:
        st.session_state.pop(_ASKED, None)
        st.session_state[_TOLD] = "sent", f"{plain(amount)} sent.", sent.transaction
    owner.desk.expire(owner.actor)
    st.rerun()


def _drop(owner: Owner, asked: TransferView) -> None:
    st.session_state.pop(_ASKED, None)
    try:
        accounts().drop_transfer(owner.actor.session, asked.id)
    except GavelbookError as error:
        st.session_state[_TOLD] = "refused", sentence(error), error.code
    st.rerun()


def _tell() -> None:
    told = st.session_state.pop(_TOLD, None)
    if told is None:
        return
    kind, text, detail = told
    if kind == "sent":
        st.success(text)
        st.caption("Transaction")
        st.code(detail, language=None, wrap_lines=True)
    else:
        st.error(f"Refused. {text}")
        st.caption(f"Code `{detail}`. Nothing was sent.")
