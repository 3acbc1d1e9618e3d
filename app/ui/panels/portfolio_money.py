"""Paying into escrow and taking out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from gavelbook.errors import GavelbookError
from gavelbook.service.amounts import base_units
from ui.panels.notices import Done, is_busy, paid_in, run_action, show_notice
from ui.panels.portfolio_addresses import deposit_address
from ui.panels.refusals import money_refusal
from ui.wording import plain, sentence, short

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gavelbook.service.portfolio import Portfolio, Pots
    from gavelbook.service.sale_view import Token
    from ui.portfolio_access import Owner

_FEW = 4


class Wish(NamedTuple):
    """An amount of a token that was entered; 0 units where what was entered names none."""

    pots: Pots
    units: int


def deposit_panel(owner: Owner, portfolio: Portfolio) -> None:
    """Pay into escrow: from the wallet, or by sending to the deposit address."""
    if not portfolio.deposit_address:
        st.caption("There is no exchange on this chain yet, so there is nothing to pay in to.")
        return
    wallet, address = st.columns(2, gap="large")
    with wallet:
        _from_wallet(owner, portfolio)
    with address:
        st.markdown("**Or send tokens from anywhere**")
        deposit_address(portfolio, own=True)


def _from_wallet(owner: Owner, portfolio: Portfolio) -> None:
    st.markdown("**From your wallet**")
    st.markdown(
        "Tokens in escrow can be traded on the market. They stay yours: only orders that "
        "you sign can move them."
    )
    wish = amount_form("portfolio.in", portfolio.pots, lambda pots: pots.wallet, "in the wallet")
    if wish is None:
        return
    token, units = wish.pots.token, wish.units
    label = f"Deposit {plain(token.amount(units))}" if units else "Deposit"
    if st.button(label, type="primary", key="portfolio.in.go", disabled=not units or is_busy()):
        run_action(
            "portfolio.in",
            lambda: owner.desk.deposit(owner.actor, token, units),
            lambda transaction: _went_through(
                "portfolio.in", token, paid_in(plain(token.amount(units)), transaction)
            ),
            words=lambda error: money_words(error, token),
            key=f"{token.address} {units}",
        )
    show_notice("portfolio.in")


def withdraw_panel(owner: Owner, portfolio: Portfolio) -> None:
    """Take out of escrow to the own wallet with the exchange's consent."""
    left, _ = st.columns(2, gap="large")
    with left:
        _withdraw(owner, portfolio)


def _withdraw(owner: Owner, portfolio: Portfolio) -> None:
    if not portfolio.deposit_address:
        st.caption("There is no exchange on this chain yet, so nothing is in escrow.")
        return
    st.markdown(
        "From escrow back to your wallet, at once. The exchange signs too, so that "
        "nobody takes out what a trade still needs."
    )
    if not owner.desk.knows_trades(owner.actor):
        st.info(
            "The exchange answers only the account itself. Sign in to it above, or leave without "
            "it: see *Leave without consent*."
        )
        return
    if portfolio.exchange_silent:
        st.info(
            "The exchange does not tell what can be withdrawn. You can leave without it: see "
            "*Leave without consent*."
        )
        return
    escrows = [pots for pots in portfolio.pots if pots.escrow or pots.in_escrow]
    if not escrows:
        st.caption("Nothing is in escrow.")
        show_notice("portfolio.out")
        return
    wish = amount_form("portfolio.out", escrows, withdrawable, "can be withdrawn now")
    if wish is None:
        return
    _what_stays(wish.pots)
    token, units = wish.pots.token, wish.units
    label = f"Withdraw {plain(token.amount(units))}" if units else "Withdraw"
    said = f"{plain(token.amount(units))} withdrawn to the wallet {short(owner.actor.address)}."
    if st.button(label, type="primary", key="portfolio.out.go", disabled=not units or is_busy()):
        run_action(
            "portfolio.out",
            lambda: owner.desk.withdraw(owner.actor, token, units),
            lambda transaction: _went_through(
                "portfolio.out", token, Done(said, "Transaction", transaction)
            ),
            words=lambda error: money_words(error, token),
            key=f"{token.address} {units}",
        )
    show_notice("portfolio.out")


def amount_form(
    key: str, pots: Sequence[Pots], most_of: Callable[[Pots], int], where: str
) -> Wish | None:
    """Ask for a token and an amount of it; None where there is no token to choose."""
    if not pots:
        st.caption("There is no token to choose: no sale and no market is open yet.")
        return None
    spent = st.session_state.pop(_spent(key), "")
    if spent:
        st.session_state[_field(key, spent)] = ""
    chosen = choose_token(f"{key}.token", pots)
    most = most_of(chosen)
    token = chosen.token
    field = _field(key, token.address)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        text = st.text_input(f"Amount, {plain(token.symbol)}", key=field, placeholder="0")
        st.button(
            "All",
            key=f"{key}.all",
            on_click=_fill,
            args=(field, token.number(most)),
            disabled=not most,
            help=f"Enter all of it: {token.number(most)}",
        )
    st.caption(f"{plain(token.amount(most))} {where}.")
    return Wish(chosen, _units(text, token, most, where))


def choose_token(key: str, pots: Sequence[Pots]) -> Pots:
    """Ask for one of the tokens."""
    by_address = {each.token.address: each for each in pots}
    names = {address: _name(each.token, pots) for address, each in by_address.items()}
    addresses = list(by_address)
    if len(addresses) <= _FEW:
        chosen = st.segmented_control(
            "Token",
            addresses,
            format_func=lambda address: plain(names[address]),
            default=addresses[0],
            required=True,
            key=key,
        )
    else:
        chosen = st.selectbox("Token", addresses, format_func=names.__getitem__, key=key)
    return by_address[str(chosen)]


def withdrawable(pots: Pots) -> int:
    """Return what the exchange would let go now."""
    return 0 if pots.counted is None or pots.exit_at else pots.counted.withdrawable


def money_words(error: GavelbookError, token: Token) -> str:
    """Say why a deposit or withdrawal of ``token`` was refused."""
    if error.code == "erc20_insufficient_balance":
        return f"The wallet has less {plain(token.symbol)} than that."
    return money_refusal(error, token)


def _what_stays(pots: Pots) -> None:
    token, counted = pots.token, pots.counted
    if counted is None:
        return
    reasons = []
    if counted.reserved:
        reasons.append(
            f"{plain(token.amount(counted.reserved))} is reserved by your open orders: cancel them "
            "on the market first"
        )
    if counted.coming:
        reasons.append(
            f"{plain(token.amount(counted.coming))} comes from trades that are not on the chain "
            "yet: that takes a moment"
        )
    if pots.withdrawing:
        reasons.append(f"{plain(token.amount(pots.withdrawing))} is being withdrawn already")
    if pots.exit_at:
        reasons.append("you have announced to leave without consent")
    if reasons:
        st.caption(f"The rest stays for now: {'; '.join(reasons)}.")


def _units(text: str, token: Token, most: int, where: str) -> int:
    """Return what was entered in base units; 0, and say why, where that is no amount to use."""
    if not text.strip():
        return 0
    try:
        units = base_units(text, token.decimals)
    except GavelbookError as error:
        st.caption(f":red[{sentence(error)}]")
        return 0
    if units > most:
        st.caption(f":red[That is more than the {plain(token.amount(most))} that {_are(where)}.]")
        return 0
    return units


def _are(where: str) -> str:
    return where if where.startswith("can ") else f"are {where}"


def _went_through(key: str, token: Token, done: Done) -> Done:
    """Ask for a new amount in the next run: a second click shall not move the same again."""
    st.session_state[_spent(key)] = token.address
    return done


def _spent(key: str) -> str:
    return f"{key}.spent"


def _field(key: str, address: str) -> str:
    return f"{key}.amount.{address}"


def _fill(field: str, text: str) -> None:
    st.session_state[field] = text


def _name(token: Token, pots: Sequence[Pots]) -> str:
    """Return the symbol, with the address where another token has the same."""
    alike = sum(each.token.symbol == token.symbol for each in pots)
    return token.symbol if alike == 1 else f"{token.symbol} {short(token.address)}"
