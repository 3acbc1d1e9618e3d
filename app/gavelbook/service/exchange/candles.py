"""Candles: what was traded in intervals of time, from one minute to one day."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import sqlite3

    from gavelbook.exchange.reports import Filled

INTERVALS_MS = {
    "1m": 60_000,
    "5m": 300_000,
    "15m": 900_000,
    "1h": 3_600_000,
    "4h": 14_400_000,
    "1d": 86_400_000,
}
"""Lengths in milliseconds; each divides the ones after it, and all begin at the unix epoch."""

_SHORTEST_MS = INTERVALS_MS["1m"]

_Key = tuple[int, int, int]


class Candle(NamedTuple):
    """Trading from ``start_ms`` (unix milliseconds) on; prices in ticks, quote before fees.

    A trade that was undone later on stays: it did happen.
    """

    start_ms: int
    open: int
    high: int
    low: int
    close: int
    lots: int
    quote: int
    trades: int

    def then(self, later: Candle) -> Candle:
        """Return the candle of both, ``later`` having come after this one."""
        return Candle(
            self.start_ms,
            self.open,
            max(self.high, later.high),
            min(self.low, later.low),
            later.close,
            self.lots + later.lots,
            self.quote + later.quote,
            self.trades + later.trades,
        )


class CandleWriter:
    """Gathers fills to candles and writes those that changed."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._minutes: dict[tuple[int, int], Candle] = {}
        """By market and start, what came together since the last write."""

    def add(self, fill: Filled) -> None:
        """Take one fill."""
        ticks = fill.ticks
        start_ms = fill.time_ms - fill.time_ms % _SHORTEST_MS
        candle = Candle(start_ms, ticks, ticks, ticks, ticks, fill.lots, fill.quote, 1)
        key = (fill.market, start_ms)
        before = self._minutes.get(key)
        self._minutes[key] = candle if before is None else before.then(candle)

    def write(self) -> None:
        """Write what came together; within the caller's transaction."""
        changed: dict[_Key, Candle] = {}
        for (market, minute), candle in self._minutes.items():
            for length_ms in INTERVALS_MS.values():
                key = (market, length_ms, minute - minute % length_ms)
                before = changed.get(key) or self._read(key)
                changed[key] = before.then(candle) if before else candle._replace(start_ms=key[2])
        self._database.executemany(
            "INSERT OR REPLACE INTO candles VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            ((*key, *map(str, candle[1:7]), candle.trades) for key, candle in changed.items()),
        )
        self._minutes.clear()

    def _read(self, key: _Key) -> Candle | None:
        query = (
            "SELECT start_ms, open, high, low, close, lots, quote, trades FROM candles "
            "WHERE market = ? AND length_ms = ? AND start_ms = ?"
        )
        row = self._database.execute(query, key).fetchone()
        return candle_of(row) if row else None


def candle_of(row: tuple[int | str, ...]) -> Candle:
    """Return the candle in a row of the views."""
    return Candle(*map(int, row))
