"""Toasts of what happened to an account on a market: each event once, however often pages run."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import streamlit as st

from ui.wording import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gavelbook.service.account_view import AccountView, Holding, OwnFill, OwnOrder
    from gavelbook.service.market_view import MarketTerms
    from gavelbook.service.sale_view import Token
    from ui.market_access import Seat

_TOASTS_AT_ONCE = 3
_DEPOSIT_SECONDS = 10 * 60


@dataclass(frozen=True)
class _Deposit:
    """Money on its way into escrow: there once the exchange holds ``escrow`` of ``token``."""

    token: Token
    amount: int
    escrow: int
    until: float


@dataclass
class _Seen:
    """What a session was told of an account on a market."""

    fills: dict[int, str] = field(default_factory=dict)
    orders: dict[str, str] = field(default_factory=dict)
    deposits: list[_Deposit] = field(default_factory=list)
    looked: bool = False


def announce(terms: MarketTerms, account: AccountView) -> None:
    """Pop up what traded, settled, ended and arrived since the last look of this session."""
    seen = _seen(account.address, terms)
    before_fills, before_orders = seen.fills, seen.orders
    seen.fills = {fill.fill_id: fill.state for fill in account.fills}
    seen.orders = {order.order_hash: order.state for order in account.orders}
    looked, seen.looked = seen.looked, True
    if not looked:
        return
    changed = [fill for fill in account.fills if before_fills.get(fill.fill_id) != fill.state]
    news = _of_fills(terms, changed, before_fills)
    news += [
        _of_order(terms, order)
        for order in account.orders
        if before_orders.get(order.order_hash) == "OPEN" != order.state and _is_news(order)
    ]
    news += _arrived(seen, account)
    for text in news[:_TOASTS_AT_ONCE]:
        st.toast(plain(text))


def await_deposit(seat: Seat, holding: Holding, amount: int) -> None:
    """Tell of it once ``amount`` more than ``holding`` has is in escrow."""
    seen = _seen(seat.actor.address, seat.terms)
    until = time.monotonic() + _DEPOSIT_SECONDS
    seen.deposits.append(_Deposit(holding.token, amount, holding.escrow + amount, until))


def is_awaited(terms: MarketTerms, address: str) -> bool:
    """Return whether money of ``address`` is on its way."""
    return bool(_seen(address, terms).deposits)


def _arrived(seen: _Seen, account: AccountView) -> list[str]:
    escrow = {each.token.address: each.escrow for each in (account.base, account.quote)}
    there = [each for each in seen.deposits if escrow.get(each.token.address, 0) >= each.escrow]
    seen.deposits = [
        each for each in seen.deposits if each not in there and each.until > time.monotonic()
    ]
    return [f"{each.token.amount(each.amount)} arrived: free for orders." for each in there]


def _of_fills(terms: MarketTerms, changed: list[OwnFill], known: Mapping[int, str]) -> list[str]:
    """Return a sentence for all that met the same fate: one order often trades many times."""
    fates: dict[str, list[OwnFill]] = {}
    for fill in changed:
        fate = _fate(fill, known=fill.fill_id in known)
        if fate:
            fates.setdefault(fate, []).append(fill)
    return [fate.format(_in_all(terms, fills)) for fate, fills in fates.items()]


def _fate(fill: OwnFill, *, known: bool) -> str:
    if fill.state == "BUSTED":
        return "Undone: {}. It could not settle."
    if fill.state == "SETTLED":
        return "Settled on the chain: {}."
    if known:
        return ""
    return "Bought {}." if fill.side == "buy" else "Sold {}."


def _in_all(terms: MarketTerms, fills: list[OwnFill]) -> str:
    what = f"{terms.size(sum(fill.lots for fill in fills))} {terms.base.symbol}"
    prices = sorted({fill.ticks for fill in fills})
    if len(prices) == 1:
        return f"{what} at {terms.price(prices[0])}"
    return f"{what} at {terms.price(prices[0])} to {terms.price(prices[-1])}"


def _is_news(order: OwnOrder) -> bool:
    return order.state in {"CANCELLED", "EXPIRED"} and order.reason != "replaced"


def _of_order(terms: MarketTerms, order: OwnOrder) -> str:
    left = terms.size(order.lots - order.filled)
    return f"Order {order.state.lower()}: {left} {terms.base.symbol} at {terms.price(order.ticks)}."


def _seen(address: str, terms: MarketTerms) -> _Seen:
    seen: _Seen = st.session_state.setdefault(f"announced.{address}.{terms.market}", _Seen())
    return seen
