"""Orders end before they are filled: by wish, by the clock, on chain, or with their market."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gavelbook.exchange import orders as limits
from gavelbook.exchange.errors import ExchangeError, check_address, check_range
from gavelbook.exchange.reports import DoneReason, MarketHalted, MarketListed, MarketResumed

if TYPE_CHECKING:
    from gavelbook.exchange.book import LiveOrder
    from gavelbook.exchange.commands import (
        CancelAll,
        CancelClient,
        CancelMarket,
        CancelOrder,
        ChainCancel,
        Clock,
        HaltMarket,
        ListMarket,
        ResumeMarket,
    )
    from gavelbook.exchange.reports import Report
    from gavelbook.exchange.state import State

CANCEL_REASONS = frozenset(
    {
        DoneReason.CANCELLED,
        DoneReason.DISCONNECTED,
        DoneReason.OPERATOR,
        DoneReason.EXIT,
    }
)
"""What a cancel may give as its reason; the others are the engine's own."""


def cancel_order(state: State, command: CancelOrder) -> list[Report]:
    """End one order by its hash.

    Raises:
        ExchangeError: ``unknown_order`` or ``reason_not_offered``.

    """
    order = state.orders.get(command.order_hash)
    if order is None or order.owner.address != command.account:
        raise ExchangeError.refuse(
            "unknown_order", "order_hash", command.order_hash.hex(), "of an open order of yours"
        )
    return _cancel(state, [order], command.reason)


def cancel_client(state: State, command: CancelClient) -> list[Report]:
    """End one order by its client id.

    Raises:
        ExchangeError: ``unknown_order`` or ``reason_not_offered``.

    """
    account = state.accounts.get(command.account)
    order = account.clients.get(command.client_id) if account is not None else None
    if order is None:
        raise ExchangeError.refuse(
            "unknown_order", "client_id", command.client_id, "of an open order of yours"
        )
    return _cancel(state, [order], command.reason)


def cancel_market(state: State, command: CancelMarket) -> list[Report]:
    """End an account's orders in one market.

    Raises:
        ExchangeError: ``unknown_market`` or ``reason_not_offered``.

    """
    market = state.listing(command.market).market
    account = state.accounts.get(command.account)
    orders = account.open_orders.values() if account is not None else ()
    found = [each for each in orders if each.market is market]
    found.sort(key=lambda order: order.position)
    return _cancel(state, found, command.reason)


def cancel_all(state: State, command: CancelAll) -> list[Report]:
    """End all of an account's orders.

    Raises:
        ExchangeError: ``reason_not_offered``.

    """
    account = state.accounts.get(command.account)
    return _cancel(state, account.orders() if account is not None else [], command.reason)


def chain_cancel(state: State, command: ChainCancel) -> list[Report]:
    """Take no order of a lane up to a sequence any more, and end the open one if it is one.

    Raises:
        ExchangeError: ``address_malformed``, ``lane_out_of_range``, ``sequence_out_of_range``.

    """
    check_address("account", command.account)
    check_range("lane_out_of_range", "lane", command.lane, 0, limits.MAX_LANE)
    check_range("sequence_out_of_range", "sequence", command.sequence, 1, limits.MAX_SEQUENCE)
    reports: list[Report] = []
    account = state.account(command.account)
    order = account.open_orders.get(command.lane)
    if order is not None and order.command.order.sequence <= command.sequence:
        state.end(order, DoneReason.CHAIN_CANCEL, reports)
    account.lanes[command.lane] = max(account.lanes.get(command.lane, 0), command.sequence)
    return reports


def pass_time(state: State, _command: Clock) -> list[Report]:
    """End the orders whose time is over, by time and place in the log."""
    reports: list[Report] = []
    while (due := state.expiries.next()) is not None and due <= state.time_ms:
        for order in state.expiries.leaving_at(due):
            state.end(order, DoneReason.EXPIRED, reports)
    return reports


def list_market(state: State, command: ListMarket) -> list[Report]:
    """Open a market.

    Raises:
        ExchangeError: see `Market.check`; ``market_exists`` for a known id or pair.

    """
    market = command.market
    market.check()
    for listing in state.listings.values():
        other = listing.market
        same_pair = (other.base_token, other.quote_token) == (
            market.base_token,
            market.quote_token,
        )
        if other.id == market.id or same_pair:
            raise ExchangeError.refuse(
                "market_exists", "market", market.id, f"another than market {other.id}"
            )
    state.list_market(market)
    return [MarketListed(market)]


def halt_market(state: State, command: HaltMarket) -> list[Report]:
    """Take no orders in a market until it is resumed.

    Raises:
        ExchangeError: ``unknown_market``, or ``market_halted`` where it is already.

    """
    listing = state.listing(command.market)
    if listing.halted:
        raise ExchangeError.refuse("market_halted", "market", command.market, "one that trades")
    listing.halted = True
    reports: list[Report] = [MarketHalted(command.market)]
    if command.cancel_orders:
        for order in sorted(listing.book.resting(), key=lambda order: order.position):
            state.end(order, DoneReason.HALTED, reports)
    return reports


def resume_market(state: State, command: ResumeMarket) -> list[Report]:
    """Take orders in a halted market again.

    Raises:
        ExchangeError: ``unknown_market`` or ``market_not_halted``.

    """
    listing = state.listing(command.market)
    if not listing.halted:
        raise ExchangeError.refuse("market_not_halted", "market", command.market, "a halted one")
    listing.halted = False
    return [MarketResumed(command.market)]


def _cancel(state: State, orders: list[LiveOrder], reason: DoneReason) -> list[Report]:
    if reason not in CANCEL_REASONS:
        offered = ", ".join(sorted(CANCEL_REASONS))
        raise ExchangeError.refuse("reason_not_offered", "reason", reason, f"one of {offered}")
    reports: list[Report] = []
    for order in orders:
        state.end(order, reason, reports)
    return reports
