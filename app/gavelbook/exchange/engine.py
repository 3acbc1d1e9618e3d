"""The engine: commands in, reports out, and nothing else changes it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from gavelbook.exchange import cancelling, commands, funding, placing, settling, snapshots
from gavelbook.exchange.accounts import Balance
from gavelbook.exchange.book import LiveOrder, PriceLevel
from gavelbook.exchange.errors import ExchangeError
from gavelbook.exchange.orders import Side
from gavelbook.exchange.state import EngineTerms, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from gavelbook.exchange.commands import Command
    from gavelbook.exchange.markets import Market
    from gavelbook.exchange.reports import Report

__all__ = ["BalanceView", "Engine", "EngineTerms", "OpenOrder", "PriceLevel"]


class BalanceView(msgspec.Struct, frozen=True):
    """What an account has of a token, in base units; ``available`` includes ``withdrawable``."""

    available: int
    reserved: int
    unsettled_in: int
    withdrawing: int
    withdrawable: int


class OpenOrder(msgspec.Struct, frozen=True):
    """An order in a book; ``lots`` are those left of ``placed_lots``."""

    order_hash: bytes
    account: bytes
    market: int
    side: Side
    lots: int
    placed_lots: int
    ticks: int
    lane: int
    sequence: int
    client_id: str
    leaves_at_ms: int
    position: int


class Engine:
    """All books and balances of the exchange, moved by commands alone."""

    __slots__ = ("_state",)

    def __init__(self, terms: EngineTerms, state: State | None = None) -> None:
        """Start empty under ``terms``, or go on from a ``state`` reached under them."""
        self._state = State(terms) if state is None else state

    @property
    def terms(self) -> EngineTerms:
        """What the engine was started with."""
        return self._state.terms

    @property
    def position(self) -> int:
        """Log position of the last command applied; 0 before the first."""
        return self._state.position

    @property
    def time_ms(self) -> int:
        """Log time of the last command applied, in unix milliseconds."""
        return self._state.time_ms

    @property
    def next_expiry(self) -> int | None:
        """When the next order's time is over, in unix milliseconds: a Clock is due then."""
        return self._state.expiries.next()

    @property
    def last_fill(self) -> int:
        """Id of the last fill; 0 before the first."""
        return self._state.last_fill

    @property
    def last_batch(self) -> int:
        """Number of the last batch that settled; 0 before the first."""
        return self._state.last_batch

    def apply(self, position: int, time_ms: int, command: Command) -> list[Report]:
        """Apply ``command`` at ``position`` of the log, and say what happened.

        Deterministic: the same commands at the same positions and times lead to the same reports
        and the same `state_hash`. Where an order is due to leave its book by ``time_ms``, only a
        Clock is taken.

        Raises:
            ExchangeError: the command is refused and nothing has changed: ``position_passed``,
                ``time_went_back``, ``clock_due``, or what the command's own function refuses.

        """
        state = self._state
        last_position, last_time_ms = state.position, state.time_ms
        if position <= last_position:
            raise ExchangeError.refuse(
                "position_passed", "position", position, f"above {last_position}"
            )
        if time_ms < last_time_ms:
            raise ExchangeError.refuse(
                "time_went_back", "time_ms", time_ms, f"at least {last_time_ms}"
            )
        kind = type(command)
        if state.expiries.earliest <= time_ms and kind is not commands.Clock:
            self._refuse_if_due(time_ms)
        state.position, state.time_ms = position, time_ms
        try:
            return _APPLIERS[kind](state, command)
        except ExchangeError:
            state.position, state.time_ms = last_position, last_time_ms
            raise

    def check(self, time_ms: int, command: commands.PlaceOrder) -> None:
        """Refuse an order that `apply` would refuse at ``time_ms``, and change nothing.

        Raises:
            ExchangeError: as `apply`.

        """
        state = self._state
        last_time_ms = state.time_ms
        state.time_ms = max(last_time_ms, time_ms)
        try:
            placing.check(state, command)
        finally:
            state.time_ms = last_time_ms

    def state_hash(self) -> bytes:
        """Return the SHA-256 of the whole state, written in one canonical way."""
        return hashlib.sha256(self.snapshot()).digest()

    def snapshot(self) -> bytes:
        """Return the whole state, to `restore` later."""
        return snapshots.write(self._state)

    @classmethod
    def restore(cls, snapshot: bytes) -> Engine:
        """Return an engine that goes on from ``snapshot`` as the one that took it.

        Raises:
            ExchangeError: ``snapshot_malformed``.

        """
        state = snapshots.read(snapshot)
        return cls(state.terms, state)

    def markets(self) -> list[Market]:
        """Return all markets by id."""
        return [listing.market for _, listing in sorted(self._state.listings.items())]

    def market(self, market_id: int) -> Market:
        """Return a market.

        Raises:
            ExchangeError: ``unknown_market``.

        """
        return self._state.listing(market_id).market

    def halted(self, market_id: int) -> bool:
        """Return whether a market takes no orders.

        Raises:
            ExchangeError: ``unknown_market``.

        """
        return self._state.listing(market_id).halted

    def balance(self, account: bytes, token: bytes) -> BalanceView:
        """Return what ``account`` has of ``token``."""
        found = self._state.accounts.get(account)
        return _view(found.balances.get(token, Balance()) if found is not None else Balance())

    def balances(self, account: bytes) -> dict[bytes, BalanceView]:
        """Return what ``account`` has, by token."""
        found = self._state.accounts.get(account)
        if found is None:
            return {}
        return {token: _view(each) for token, each in sorted(found.balances.items())}

    def order(self, order_hash: bytes) -> OpenOrder | None:
        """Return the open order with this hash."""
        order = self._state.orders.get(order_hash)
        return None if order is None else _open_order(order)

    def open_orders(self, account: bytes) -> list[OpenOrder]:
        """Return the open orders of ``account``, oldest first."""
        found = self._state.accounts.get(account)
        return [] if found is None else [_open_order(order) for order in found.orders()]

    def lane_sequence(self, account: bytes, lane: int) -> int:
        """Return the last sequence seen in a lane; 0 if none."""
        found = self._state.accounts.get(account)
        return 0 if found is None else found.lanes.get(lane, 0)

    def withdrawal_nonce(self, account: bytes) -> int:
        """Return the highest nonce of a withdrawal so far; 0 if none."""
        found = self._state.accounts.get(account)
        return 0 if found is None else found.last_nonce

    def exiting(self, account: bytes) -> bool:
        """Return whether an exit is announced, so that no orders are taken."""
        found = self._state.accounts.get(account)
        return found is not None and bool(found.exits)

    def in_deficit(self, account: bytes) -> bool:
        """Return whether the account lacks money, so that no orders are taken."""
        found = self._state.accounts.get(account)
        return found is not None and found.in_deficit

    def depth(self, market_id: int, side: Side, levels: int) -> list[PriceLevel]:
        """Return the best ``levels`` prices of a side, best first.

        Raises:
            ExchangeError: ``unknown_market``.

        """
        return self._state.listing(market_id).book.depth(side, levels)

    def level(self, market_id: int, side: Side, ticks: int) -> PriceLevel:
        """Return what stands at one price, 0 lots if nothing.

        Raises:
            ExchangeError: ``unknown_market``.

        """
        return self._state.listing(market_id).book.level(side, ticks)

    def unsettled_fills(self) -> int:
        """Return how many fills have neither settled nor been undone."""
        return len(self._state.unsettled)

    def held(self, token: bytes) -> int:
        """Return what the contract holds of ``token`` by the commands so far, in base units."""
        return self._state.held.get(token, 0)

    def pending_fees(self, token: bytes) -> int:
        """Return the fees of unsettled fills, in base units of ``token``."""
        return self._state.pending_fees.get(token, 0)

    def _refuse_if_due(self, time_ms: int) -> None:
        due = self._state.expiries.next()
        if due is not None and due <= time_ms:
            raise ExchangeError(
                "clock_due",
                f"Expected a Clock first, as an order leaves its book at {due} ms, was another "
                f"command at {time_ms} ms",
                due_ms=due,
            )


def _view(balance: Balance) -> BalanceView:
    return BalanceView(
        balance.available,
        balance.reserved,
        balance.unsettled_in,
        balance.withdrawing,
        balance.withdrawable,
    )


def _open_order(order: LiveOrder) -> OpenOrder:
    command, signed = order.command, order.command.order
    return OpenOrder(
        order.order_hash,
        signed.maker,
        signed.market,
        signed.side,
        order.lots,
        signed.lots,
        signed.ticks,
        signed.lane,
        signed.sequence,
        command.client_id,
        order.leaves_at_ms,
        order.position,
    )


_APPLIERS: dict[type[Any], Callable[[State, Any], list[Report]]] = {
    commands.PlaceOrder: placing.place,
    commands.CancelOrder: cancelling.cancel_order,
    commands.CancelClient: cancelling.cancel_client,
    commands.CancelMarket: cancelling.cancel_market,
    commands.CancelAll: cancelling.cancel_all,
    commands.ChainCancel: cancelling.chain_cancel,
    commands.Clock: cancelling.pass_time,
    commands.ListMarket: cancelling.list_market,
    commands.HaltMarket: cancelling.halt_market,
    commands.ResumeMarket: cancelling.resume_market,
    commands.Deposit: funding.deposit,
    commands.ReverseDeposit: funding.reverse_deposit,
    commands.RequestWithdrawal: funding.request_withdrawal,
    commands.WithdrawalDone: funding.withdrawal_done,
    commands.WithdrawalExpired: funding.withdrawal_expired,
    commands.ExitRequested: funding.exit_requested,
    commands.ExitCancelled: funding.exit_cancelled,
    commands.Exited: funding.exited,
    commands.SetFeeRecipient: funding.set_fee_recipient,
    commands.BatchSettled: settling.batch_settled,
    commands.BustFill: settling.bust_fill,
}
