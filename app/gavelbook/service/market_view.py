"""What a page shows of a market: terms, book, trades and candles as plain values.

Amounts are integers in base units, sizes in lots, prices in ticks, times in Unix milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Literal

from gavelbook.service.amounts import base_units, decimal_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gavelbook.service.sale_view import Token

Side = Literal["buy", "sell"]
BPS = 10_000
DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True)
class MarketTerms:
    """A market and its units: ``lots * ticks * tick_value`` of quote for ``lots * lot_size``."""

    market: int
    base: Token
    quote: Token
    lot_size: int
    tick_value: int
    taker_fee_bps: int
    maker_fee_bps: int
    halted: bool = False

    @property
    def name(self) -> str:
        """The usual name: what is traded, and for what."""
        return f"{self.base.symbol} / {self.quote.symbol}"

    @property
    def max_fee_bps(self) -> int:
        """The fee that an order has to allow to be both taker and maker."""
        return max(self.taker_fee_bps, self.maker_fee_bps)

    @cached_property
    def priced_by_lot(self) -> bool:
        """Whether prices are shown per lot, as the price of one token would not be exact."""
        per_token: int = self.tick_value * 10**self.base.decimals
        return per_token % self.lot_size != 0

    @cached_property
    def price_unit(self) -> int:
        """Base units of quote that the shown price grows by with each tick."""
        if self.priced_by_lot:
            return self.tick_value
        per_token: int = self.tick_value * 10**self.base.decimals
        return per_token // self.lot_size

    @property
    def priced_thing(self) -> str:
        """What the shown price buys."""
        return "lot" if self.priced_by_lot else self.base.symbol

    def quote_of(self, lots: int, ticks: int) -> int:
        """Return what ``lots`` cost at ``ticks``, before fees."""
        return lots * ticks * self.tick_value

    def base_of(self, lots: int) -> int:
        """Return what ``lots`` are in base units."""
        return lots * self.lot_size

    def price(self, ticks: int) -> str:
        """Return a price with all digits of the grid, so that prices line up."""
        return fixed_text(ticks * self.price_unit, self.quote.decimals, self.price_digits)

    def rounded_price(self, units: int) -> str:
        """Return a price in base units of quote, rounded to two digits more than the grid has."""
        decimals = self.quote.decimals
        step: int = 10 ** max(decimals - self.price_digits - 2, 0)
        return fixed_text((2 * units + step) // (2 * step) * step, decimals, self.price_digits)

    def size(self, lots: int) -> str:
        """Return a size in tokens with all digits of the grid."""
        return fixed_text(self.base_of(lots), self.base.decimals, self.size_digits)

    def read_price(self, text: str, side: Side) -> tuple[int, bool]:
        """Return the ticks that ``text`` names, and whether it lay on the grid.

        Between two ticks it is the one that is better for whoever asks: lower to buy.

        Raises:
            AmountError: as `base_units`.

        """
        ticks, beside = divmod(base_units(text, self.quote.decimals), self.price_unit)
        return (ticks + 1 if beside and side == "sell" else ticks), not beside

    def read_size(self, text: str) -> tuple[int, bool]:
        """Return the lots in the amount of tokens ``text`` names, and whether they are all of it.

        Raises:
            AmountError: as `base_units`.

        """
        lots, beside = divmod(base_units(text, self.base.decimals), self.lot_size)
        return lots, not beside

    @cached_property
    def price_digits(self) -> int:
        """Digits after the point that prices need."""
        return _digits(self.price_unit, self.quote.decimals)

    @cached_property
    def size_digits(self) -> int:
        """Digits after the point that sizes need."""
        return _digits(self.lot_size, self.base.decimals)


@dataclass(frozen=True, slots=True)
class Level:
    """Lots at one price, and together with all better ones."""

    ticks: int
    lots: int
    total: int


@dataclass(frozen=True)
class Book:
    """The best levels of both sides, best first, at a log position."""

    seq: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]

    @property
    def spread(self) -> int | None:
        """Ticks between the best prices; None where a side is empty."""
        return self.asks[0].ticks - self.bids[0].ticks if self.bids and self.asks else None

    def against(self, side: Side) -> tuple[Level, ...]:
        """Return the levels an order of ``side`` would trade with."""
        return self.asks if side == "buy" else self.bids


@dataclass(frozen=True, slots=True)
class Trade:
    """A trade as everybody sees it."""

    fill_id: int
    lots: int
    ticks: int
    taker_side: Side
    time: int
    state: str


@dataclass(frozen=True, slots=True)
class Candle:
    """Trading in one interval; prices in ticks."""

    start: int
    open: int
    high: int
    low: int
    close: int
    lots: int
    quote: int


@dataclass(frozen=True, slots=True)
class Day:
    """The last 24 hours; prices in ticks."""

    first: int
    last: int
    high: int
    low: int
    lots: int
    quote: int

    @property
    def change(self) -> int:
        """Ticks from the price a day ago to the last one."""
        return self.last - self.first

    @property
    def change_percent(self) -> str:
        """The change as a share of the price a day ago, with two digits, rounded to nearest."""
        return percent_text(self.change, self.first)


@dataclass(frozen=True)
class Board:
    """All that everybody sees of a market at one moment."""

    terms: MarketTerms
    book: Book
    trades: tuple[Trade, ...]
    """Newest first."""
    day: Day | None
    """None where nothing was traded in the last 24 hours."""

    @property
    def last(self) -> int | None:
        """The price of the last trade in ticks."""
        return self.trades[0].ticks if self.trades else None


def levels(pairs: Sequence[tuple[int, int]]) -> tuple[Level, ...]:
    """Return levels with their totals from pairs of ticks and lots, best first."""
    totals = accumulate(lots for _, lots in pairs)
    return tuple(
        Level(int(ticks), int(lots), int(total))
        for (ticks, lots), total in zip(pairs, totals, strict=True)
    )


def day_of(candles: Sequence[Candle], now: int) -> Day | None:
    """Return the last 24 hours before ``now`` from candles, oldest first.

    The price a day ago is where the last older candle closed, or where trading began.
    """
    since = now - DAY_MS
    recent = [candle for candle in candles if candle.start >= since]
    if not recent:
        return None
    older = [candle for candle in candles if candle.start < since]
    return Day(
        first=older[-1].close if older else recent[0].open,
        last=recent[-1].close,
        high=max(candle.high for candle in recent),
        low=min(candle.low for candle in recent),
        lots=sum(candle.lots for candle in recent),
        quote=sum(candle.quote for candle in recent),
    )


def fixed_text(units: int, decimals: int, digits: int) -> str:
    """Return an amount with at least ``digits`` digits after the point, exact.

    >>> fixed_text(83_500, 3, 2)
    '83.50'
    """
    text = decimal_text(units, decimals)
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.ljust(digits, '0')}" if digits else text


def percent_text(part: int, whole: int) -> str:
    """Return ``part / whole`` in percent with a sign and two digits, rounded to nearest."""
    hundredths = (abs(part) * 2 * BPS + whole) // (2 * whole)
    sign = "-" if part < 0 else "+"
    return f"{sign}{hundredths // 100}.{hundredths % 100:02d} %"


def _digits(unit: int, decimals: int) -> int:
    """Return how many digits after the point the multiples of ``unit`` need."""
    _, _, fraction = decimal_text(unit, decimals).partition(".")
    return len(fraction)
