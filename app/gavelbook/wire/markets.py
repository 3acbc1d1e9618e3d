"""Markets: terms, book, trades, candles."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from gavelbook.wire.orders import FillState, Side
from gavelbook.wire.scalars import Address, Hash32, Uint16, Uint64, Uint256

Interval = Literal["1m", "5m", "15m", "1h", "4h", "1d"]
Limit = Annotated[int, Meta(ge=1, le=500)]
Level = tuple[Uint64, Uint64]
"""Price in ticks and lots at it."""


class Time(Struct, frozen=True, rename="camel"):
    """The clocks."""

    time: Uint64
    """Unix milliseconds of this machine."""
    log_time: Uint64
    """Unix milliseconds of the newest log entry; orders expire by this clock."""


class Status(Struct, frozen=True, rename="camel"):
    """What works just now, and what a signer has to know."""

    status: Literal["open", "cancel_only"]
    """`cancel_only`: no new orders are taken, orders can be cancelled and money withdrawn."""
    version: str
    chain_id: Uint256
    exchange: Address
    """The contract: `verifyingContract` of the EIP-712 domain."""
    matcher: Address
    position: Uint64
    log_head: Hash32
    unsettled_fills: Uint64
    settlement_window_seconds: int
    """A signed expiry has to lie at least this far ahead."""
    cancel_window_seconds: int
    """A signed cancellation is taken this long before and after its timestamp."""
    max_body_bytes: int
    max_batch_orders: int


class MarketView(Struct, frozen=True, rename="camel"):
    """A market and its units: `quote = lots * ticks * tickValue`, `base = lots * lotSize`."""

    market: Uint16
    base_token: Address
    quote_token: Address
    lot_size: Uint256
    """Base units in one lot."""
    tick_value: Uint256
    """Base units of the quote token that one lot costs per tick."""
    taker_fee_bps: Uint16
    maker_fee_bps: Uint16
    halted: bool


class MarketList(Struct, frozen=True, rename="camel"):
    """All markets."""

    markets: list[MarketView]


class BookSnapshot(Struct, frozen=True, rename="camel"):
    """The best levels of both sides, best first."""

    market: Uint16
    seq: Uint64
    """The log position this book stands at: the `seq` of the stream."""
    bids: list[Level]
    asks: list[Level]


class TradeView(Struct, frozen=True, rename="camel"):
    """A trade as everybody sees it."""

    fill_id: Uint64
    market: Uint16
    lots: Uint64
    ticks: Uint64
    quote: Uint256
    taker_side: Side
    time: Uint64
    state: FillState
    batch: Uint64 | None = None
    transaction_hash: Hash32 | None = None


class TradePage(Struct, frozen=True, rename="camel"):
    """Trades, newest first."""

    trades: list[TradeView]
    next: Uint64 | None = None


class CandleView(Struct, frozen=True, rename="camel"):
    """Trading in one interval; prices in ticks."""

    start: Uint64
    """Unix milliseconds."""
    open: Uint64
    high: Uint64
    low: Uint64
    close: Uint64
    lots: Uint256
    quote: Uint256
    trades: Uint64


class CandlePage(Struct, frozen=True, rename="camel"):
    """Candles, newest first; intervals without a trade have none."""

    market: Uint16
    interval: Interval
    candles: list[CandleView]
