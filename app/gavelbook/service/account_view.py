"""What a page shows of an account on a market: balances, orders and fills as plain values.

Amounts are integers in base units, sizes in lots, prices in ticks, times in Unix milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gavelbook.service.market_view import Side
    from gavelbook.service.sale_view import Token
    from gavelbook.wire.orders import TimeInForce


@dataclass(frozen=True, slots=True)
class Holding:
    """What an account has of one token."""

    token: Token
    wallet: int
    """Outside the exchange, in the account's own wallet."""
    available: int = 0
    """In escrow and free for orders."""
    reserved: int = 0
    """In escrow, held for open orders."""
    in_flight: int = 0
    """Of what is available, from trades that are not on the chain yet: not withdrawable."""
    withdrawing: int = 0
    withdrawable: int = 0

    @property
    def escrow(self) -> int:
        """Everything of it that the exchange holds."""
        return self.available + self.reserved + self.withdrawing


@dataclass(frozen=True, slots=True)
class OwnOrder:
    """An order of the account and how it fared."""

    order_hash: str
    side: Side
    lots: int
    ticks: int
    lane: int
    sequence: int
    filled: int
    remaining: int
    settled: int
    state: str
    reason: str
    time: int
    time_in_force: TimeInForce
    post_only: bool
    expiry: int
    """Unix seconds."""

    @property
    def is_open(self) -> bool:
        """Whether it is in the book."""
        return self.state == "OPEN"


@dataclass(frozen=True, slots=True)
class OwnFill:
    """The account's side of a trade, and how far its settlement is."""

    fill_id: int
    order_hash: str
    side: Side
    role: str
    lots: int
    ticks: int
    quote: int
    fee: int
    time: int
    state: str
    batch: int | None
    transaction: str


@dataclass(frozen=True)
class AccountView:
    """All of an account on one market."""

    address: str
    exiting: bool
    base: Holding
    quote: Holding
    orders: tuple[OwnOrder, ...]
    """Newest first."""
    fills: tuple[OwnFill, ...]
    """Newest first."""
    lanes_in_use: frozenset[int] = frozenset()
    """Lanes with an open order on any market."""

    @property
    def open_orders(self) -> tuple[OwnOrder, ...]:
        """Orders in the book, newest first."""
        return tuple(order for order in self.orders if order.is_open)

    def pays_from(self, side: Side) -> Holding:
        """Return the holding that an order of ``side`` reserves from."""
        return self.quote if side == "buy" else self.base
