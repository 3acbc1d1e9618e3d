"""Everything that the engine's future depends on, and the moves that its commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gavelbook.exchange.accounts import Account
from gavelbook.exchange.book import Book, LiveOrder
from gavelbook.exchange.errors import ExchangeError
from gavelbook.exchange.expiries import Expiries
from gavelbook.exchange.markets import BPS, Market
from gavelbook.exchange.reports import DoneReason, Filled, OrderDone

if TYPE_CHECKING:
    from gavelbook.exchange.reports import Report

MAX_HELD = 2**216 - 1


class EngineTerms(msgspec.Struct, frozen=True, array_like=True):
    """What an engine is started with; a log replays only under the terms it was written with.

    ``settlement_window`` is in seconds: an order leaves its book that long before it expires, so
    that its fills can still settle.
    """

    fee_recipient: bytes
    settlement_window: int = 120
    max_open_orders: int = 10_000
    max_lanes: int = 65_536


class Listing:
    """A market with its book."""

    __slots__ = ("book", "halted", "market")

    def __init__(self, market: Market, book: Book, *, halted: bool = False) -> None:
        self.market = market
        self.book = book
        self.halted = halted


class State:
    """Books, balances and counters.

    Attributes:
        held: What the contract holds of each token, in base units.
        pending_fees: Fees of unsettled fills by token; on settling they go to the recipient.
        unsettled: Fills that have neither settled nor been undone, by id in rising order.

    """

    __slots__ = (
        "accounts",
        "expiries",
        "fee_recipient",
        "held",
        "last_batch",
        "last_fill",
        "listings",
        "orders",
        "pending_fees",
        "position",
        "terms",
        "time_ms",
        "unsettled",
    )

    def __init__(self, terms: EngineTerms) -> None:
        self.terms = terms
        self.fee_recipient = terms.fee_recipient
        self.position = 0
        self.time_ms = 0
        self.last_fill = 0
        self.last_batch = 0
        self.listings: dict[int, Listing] = {}
        self.accounts: dict[bytes, Account] = {}
        self.orders: dict[bytes, LiveOrder] = {}
        self.unsettled: dict[int, Filled] = {}
        self.pending_fees: dict[bytes, int] = {}
        self.held: dict[bytes, int] = {}
        self.expiries = Expiries(self.orders)

    def account(self, address: bytes) -> Account:
        """Return an account, new if nothing was known of it."""
        account = self.accounts.get(address)
        if account is None:
            account = self.accounts[address] = Account(address)
        return account

    def listing(self, market_id: int) -> Listing:
        """Return a market with its book.

        Raises:
            ExchangeError: ``unknown_market``.

        """
        listing = self.listings.get(market_id)
        if listing is None:
            raise ExchangeError.refuse("unknown_market", "market", market_id, "one that is listed")
        return listing

    def list_market(self, market: Market) -> Listing:
        """Add a market with an empty book."""
        listing = self.listings[market.id] = Listing(market, Book(self.orders))
        return listing

    def forget(self, order: LiveOrder) -> None:
        """Free the lane and client id of an order that rested and is over, and its expiry."""
        command = order.command
        self.expiries.remove(order)
        del order.owner.open_orders[command.order.lane]
        if command.client_id:
            del order.owner.clients[command.client_id]

    def end(self, order: LiveOrder, reason: DoneReason, reports: list[Report]) -> None:
        """Take a resting order out of its book and give its owner back what it reserved."""
        market = order.market
        self.listings[market.id].book.remove(order.order_hash)
        balance = order.base if order.side else order.quote
        balance.reserved -= order.reserved
        balance.available += order.reserved
        order.reserved = 0
        self.forget(order)
        reports.append(done(order, reason, rested=True))

    def end_all(self, account: Account, reason: DoneReason, reports: list[Report]) -> None:
        """End all open orders of an account, oldest first."""
        for order in account.orders():
            self.end(order, reason, reports)

    def cover(self, account: Account, token: bytes, reports: list[Report]) -> int:
        """End orders, newest first, until the balance of ``token`` is not below 0.

        Where it stays below, all orders end and the account is in deficit. Return what it lacks.
        """
        balance = account.balance(token)
        if balance.available < 0:
            for order in reversed(account.orders()):
                if (order.base if order.side else order.quote) is balance:
                    self.end(order, DoneReason.DEFICIT, reports)
                    if balance.available >= 0:
                        break
        if balance.available < 0:
            self.end_all(account, DoneReason.DEFICIT, reports)
        self.check_deficit(account)
        return max(0, -balance.available)

    @staticmethod
    def check_deficit(account: Account) -> None:
        """Note whether some balance of ``account`` is below 0."""
        account.in_deficit = any(each.available < 0 for each in account.balances.values())


def needed(market: Market, side: int, lots: int, ticks: int, fee_bps: int) -> int:
    """Return what an order of ``lots`` must have, in base units of the token it gives."""
    if side:
        return lots * market.lot_size
    quote = lots * ticks * market.tick_value
    return quote + quote * fee_bps // BPS


def done(order: LiveOrder, reason: DoneReason, *, rested: bool) -> OrderDone:
    """Return the report of the end of ``order`` with what it has left."""
    return OrderDone(
        order.order_hash,
        order.owner.address,
        order.market.id,
        order.side,
        order.lots,
        order.ticks,
        rested,
        reason,
    )
