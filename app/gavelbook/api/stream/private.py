"""What changed for one account, gathered from the engine's reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gavelbook.api.views import balance_view, done_update, fill_of, open_update
from gavelbook.exchange.reports import (
    AccountExited,
    BalanceCredited,
    BalanceReversed,
    FillBusted,
    Filled,
    OrderDone,
    OrderRested,
    WithdrawalAccepted,
    WithdrawalEnded,
)
from gavelbook.wire.stream import AccountUpdate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gavelbook.exchange.engine import Engine
    from gavelbook.exchange.reports import Report
    from gavelbook.wire.orders import FillState, FillView
    from gavelbook.wire.stream import OrderUpdate, Settlement

_TOKEN_REPORTS = (
    BalanceCredited,
    BalanceReversed,
    WithdrawalAccepted,
    WithdrawalEnded,
    AccountExited,
)


def accounts_of(report: Report) -> tuple[bytes, ...]:
    """Return the accounts that ``report`` is about."""
    if isinstance(report, FillBusted):
        report = report.fill
    if isinstance(report, Filled):
        return (report.maker, report.taker)
    account: bytes | None = getattr(report, "account", None)
    return () if account is None else (account,)


class AccountChanges:
    """Gathers the changes of one account; what can be read from the engine is read at the end.

    So everything told is how it stands now, and telling it twice does no harm.
    """

    def __init__(self, account: bytes, tokens: Mapping[int, tuple[bytes, bytes]]) -> None:
        """Gather for ``account``; ``tokens`` are base and quote of each market."""
        self._account = account
        self._tokens_of = tokens
        self._open: dict[bytes, None] = {}
        self._done: dict[bytes, OrderUpdate] = {}
        self._fills: list[FillView] = []
        self._tokens: dict[bytes, None] = {}
        self._settlements: list[Settlement] = []

    def add(self, report: Report, position: int) -> None:
        """Follow ``report``, one about this account."""
        if isinstance(report, Filled):
            self._add_fill(report, position, "MATCHED")
        elif isinstance(report, FillBusted):
            self._add_fill(report.fill, position, "BUSTED")
        elif isinstance(report, OrderRested):
            self._open[report.order_hash] = None
            self._add_tokens(report.market)
        elif isinstance(report, OrderDone):
            self._open.pop(report.order_hash, None)
            self._done[report.order_hash] = done_update(report)
            self._add_tokens(report.market)
        elif isinstance(report, _TOKEN_REPORTS):
            self._tokens[report.token] = None

    def add_settlement(self, settlement: Settlement) -> None:
        """Pass on that a range of fills has a new state; balances may be withdrawn since."""
        self._settlements.append(settlement)
        self._add_tokens(settlement.market)

    def take(self, engine: Engine) -> AccountUpdate:
        """Return what has come together, and begin anew."""
        orders = list(self._done.values())
        for order_hash in self._open:
            order = engine.order(order_hash)
            if order is not None:
                orders.append(open_update(order))
        balances = [
            balance_view(token, engine.balance(self._account, token)) for token in self._tokens
        ]
        update = AccountUpdate(orders, self._fills, balances, self._settlements)
        self._open, self._done, self._tokens = {}, {}, {}
        self._fills, self._settlements = [], []
        return update

    def snapshot(self, engine: Engine) -> AccountUpdate:
        """Return all open orders and balances as they stand now."""
        return AccountUpdate(
            [open_update(order) for order in engine.open_orders(self._account)],
            balances=[
                balance_view(token, balance)
                for token, balance in engine.balances(self._account).items()
            ],
        )

    def _add_fill(self, fill: Filled, position: int, state: FillState) -> None:
        for taker, account, order_hash in (
            (False, fill.maker, fill.maker_hash),
            (True, fill.taker, fill.taker_hash),
        ):
            if account == self._account:
                self._fills.append(fill_of(fill, position, taker=taker, state=state))
                self._open[order_hash] = None
        self._add_tokens(fill.market)

    def _add_tokens(self, market_id: int) -> None:
        for token in self._tokens_of[market_id]:
            self._tokens[token] = None
