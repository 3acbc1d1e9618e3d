"""What an account has in wallet and escrow; paying in and taking out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.errors import GavelbookError
from gavelbook.service.amounts import base_units
from ui.panels.market_events import await_deposit
from ui.panels.notices import Done, is_busy, paid_in, run_action, show_notice
from ui.panels.refusals import money_refusal
from ui.wording import plain, sentence

if TYPE_CHECKING:
    from gavelbook.service.account_view import AccountView, Holding
    from ui.market_access import Seat

_IN, _OUT = "Deposit", "Withdraw"
_RARE = frozenset({"In flight", "Being withdrawn"})
"""Lines that are left out where they hold nothing."""


def balances(account: AccountView) -> None:
    """Show both tokens, in whole tokens."""
    held = account.quote, account.base
    rows = {
        "In the wallet": [each.wallet for each in held],
        "Free for orders": [each.available for each in held],
        "Reserved": [each.reserved for each in held],
        "In flight": [each.in_flight for each in held],
        "Being withdrawn": [each.withdrawing for each in held],
    }
    lines = [
        f"| :small[{name}] | " + " | ".join(map(_number, held, amounts)) + " |"
        for name, amounts in rows.items()
        if any(amounts) or name not in _RARE
    ]
    symbols = " | ".join(f":small[{plain(each.token.symbol)}]" for each in held)
    head = f"| :small[Token] | {symbols} |\n|---|---:|---:|\n"
    st.markdown(head + "\n".join(lines))


def _number(holding: Holding, units: int) -> str:
    return f":small[{holding.token.number(units)}]"


def balances_explained() -> None:
    """Say what the columns mean."""
    st.caption(
        "**Free** and **reserved** amounts are in escrow, in the contract of the exchange: free "
        "for new orders, or held for those in the book. **In flight** is the part of what is free "
        "that comes from trades that are not on the chain yet: good for orders, not yet to "
        "withdraw."
    )


def money_form(seat: Seat, account: AccountView) -> None:
    """Pay in or take out."""
    holdings = {each.token.symbol: each for each in (account.quote, account.base)}
    with st.container(horizontal=True):
        way = st.segmented_control(
            "Way",
            [_IN, _OUT],
            default=_IN,
            required=True,
            key="money.way",
            label_visibility="collapsed",
        )
        symbol = st.segmented_control(
            "Token",
            list(holdings),
            format_func=plain,
            default=next(iter(holdings)),
            required=True,
            key="money.token",
            label_visibility="collapsed",
        )
    holding = holdings[str(symbol)]
    most = holding.wallet if way == _IN else holding.withdrawable
    amount = _amount(holding, most, "in the wallet" if way == _IN else "can be withdrawn now")
    if st.button(str(way), type="primary", key="money.go", disabled=not amount or is_busy()):
        token, desk = holding.token, seat.desk
        act = desk.deposit if way == _IN else desk.withdraw
        said = _paid_in if way == _IN else _taken_out
        run_action(
            "money",
            lambda: act(seat.terms, seat.actor, token, amount),
            lambda transaction: said(seat, holding, amount, transaction),
            words=lambda error: money_refusal(error, token),
            key=f"{way}.{token.address}.{amount}",
        )
    show_notice("money")


def _amount(holding: Holding, most: int, where: str) -> int:
    """Ask for an amount and return it in base units; 0 where it names none."""
    token = holding.token
    text = st.text_input(
        f"Amount, {plain(token.symbol)}", key=f"money.amount.{token.symbol}", live=True
    )
    st.caption(f"{plain(token.amount(most))} {where}.")
    if not text:
        return 0
    try:
        return base_units(text, token.decimals)
    except GavelbookError as error:
        st.caption(f":red[{sentence(error)}]")
        return 0


def _paid_in(seat: Seat, holding: Holding, amount: int, transaction: str) -> Done:
    await_deposit(seat, holding, amount)
    return paid_in(holding.token.amount(amount), transaction)


def _taken_out(seat: Seat, holding: Holding, amount: int, transaction: str) -> Done:
    taken = plain(holding.token.amount(amount))
    text = f"{taken} withdrawn to the wallet of {plain(seat.actor.name)}."
    return Done(text, "Transaction", transaction)
