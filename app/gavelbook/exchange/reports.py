"""What the engine says it did: the answers to commands, in the order in which things happened.

Amounts are in base units of their token, accounts and tokens the 20 bytes of addresses.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from gavelbook.exchange.markets import Market
from gavelbook.exchange.orders import Side


class DoneReason(StrEnum):
    """Why an order is no longer open."""

    FILLED = "filled"
    CANCELLED = "cancelled"
    DISCONNECTED = "disconnected"
    OPERATOR = "operator"
    REPLACED = "replaced"
    EXPIRED = "expired"
    IOC = "ioc"
    FOK = "fok"
    SELF_TRADE = "self_trade"
    CHAIN_CANCEL = "chain_cancel"
    EXIT = "exit"
    DEFICIT = "deficit"
    HALTED = "halted"


class OrderAccepted(msgspec.Struct, frozen=True, tag=True, gc=False):
    """An order passed every check and has its place in time."""

    order_hash: bytes
    account: bytes
    market: int
    client_id: str


class OrderRested(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What is left of an order, ``lots``, joined the book; it leaves it at ``leaves_at_ms``."""

    order_hash: bytes
    account: bytes
    market: int
    side: Side
    lots: int
    ticks: int
    leaves_at_ms: int


class OrderDone(msgspec.Struct, frozen=True, tag=True, gc=False):
    """An order is over with ``lots`` unfilled; ``rested`` if these stood in the book."""

    order_hash: bytes
    account: bytes
    market: int
    side: Side
    lots: int
    ticks: int
    rested: bool
    reason: DoneReason


class Filled(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Two orders traded ``lots`` at the maker's ``ticks``.

    The buyer pays ``quote`` and its fee, the seller gets ``quote`` less its fee.
    ``fill_id`` counts all fills of the engine from 1.
    """

    fill_id: int
    market: int
    maker_hash: bytes
    taker_hash: bytes
    maker: bytes
    taker: bytes
    lots: int
    ticks: int
    taker_side: Side
    quote: int
    maker_fee: int
    taker_fee: int
    time_ms: int


class FillBusted(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A fill that could never settle was undone on both sides."""

    fill: Filled


class FillsSettled(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Batch ``number`` settled ``fill_count`` fills with ids in this range."""

    number: int
    market: int
    first_fill: int
    last_fill: int
    fill_count: int
    fees: int


class MarketListed(msgspec.Struct, frozen=True, tag=True):
    """A market takes orders from now on."""

    market: Market


class MarketHalted(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A market takes no orders; those in the book may be cancelled."""

    market: int


class MarketResumed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A halted market takes orders again."""

    market: int


class BalanceCredited(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A deposit is there to trade with."""

    account: bytes
    token: bytes
    amount: int


class BalanceReversed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A deposit is gone from the chain; ``deficit`` is what the account now lacks."""

    account: bytes
    token: bytes
    amount: int
    deficit: int


class WithdrawalAccepted(msgspec.Struct, frozen=True, tag=True, gc=False):
    """An amount is set aside for a withdrawal that may now be co-signed."""

    account: bytes
    token: bytes
    amount: int
    to: bytes
    nonce: int
    deadline: int


class WithdrawalEnded(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A withdrawal was ``paid`` on chain, or can no longer be and its amount is available again."""

    account: bytes
    token: bytes
    amount: int
    nonce: int
    paid: bool


class AccountExiting(msgspec.Struct, frozen=True, tag=True, gc=False):
    """An account announced on chain to take all of a token: its orders are over."""

    account: bytes
    token: bytes


class ExitWithdrawn(msgspec.Struct, frozen=True, tag=True, gc=False):
    """An account takes back the announcement of an exit."""

    account: bytes
    token: bytes


class AccountExited(msgspec.Struct, frozen=True, tag=True, gc=False):
    """An account took ``amount`` out by exit; ``deficit`` is what it now lacks."""

    account: bytes
    token: bytes
    amount: int
    deficit: int


Report = (
    OrderAccepted
    | OrderRested
    | OrderDone
    | Filled
    | FillBusted
    | FillsSettled
    | MarketListed
    | MarketHalted
    | MarketResumed
    | BalanceCredited
    | BalanceReversed
    | WithdrawalAccepted
    | WithdrawalEnded
    | AccountExiting
    | ExitWithdrawn
    | AccountExited
)
