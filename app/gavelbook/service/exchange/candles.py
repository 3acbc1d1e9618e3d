"""Candles: what was traded in intervals of time, from one minute to one day."""

from __future__ import annotations

from functools import reduce
from itertools import takewhile
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

SHORTEST_MS = INTERVALS_MS["1m"]

_Key = tuple[int, int, int]


class Candle(NamedTuple):
    """Trading from ``start_ms`` (unix milliseconds) on; prices in ticks, quote before fees."""

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
    """Gathers fills to candles and writes those that changed. Trades that are undone leave them."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._minutes: dict[tuple[int, int], Candle] = {}
        """By market and start, what came together since the last write."""
        self._undone: dict[tuple[int, int], int] = {}
        """By market and start of a minute, the id of a fill in it that was undone."""

    def add(self, fill: Filled) -> None:
        """Take one fill."""
        ticks = fill.ticks
        start_ms = fill.time_ms - fill.time_ms % SHORTEST_MS
        candle = Candle(start_ms, ticks, ticks, ticks, ticks, fill.lots, fill.quote, 1)
        key = (fill.market, start_ms)
        before = self._minutes.get(key)
        self._minutes[key] = candle if before is None else before.then(candle)

    def undo(self, fill: Filled) -> None:
        """Take one fill out again, which the table of fills then has as busted."""
        self._undone[fill.market, fill.time_ms - fill.time_ms % SHORTEST_MS] = fill.fill_id

    def write(self) -> None:
        """Write what came together; within the caller's transaction, after its fills."""
        changed: dict[_Key, Candle] = {}
        for (market, minute), candle in self._minutes.items():
            for length_ms in INTERVALS_MS.values():
                key = (market, length_ms, minute - minute % length_ms)
                before = changed.get(key) or self._read(key)
                changed[key] = before.then(candle) if before else candle._replace(start_ms=key[2])
        self._put(changed)
        self._minutes.clear()
        for (market, minute), fill_id in self._undone.items():
            self._write_again(market, minute, fill_id)
        self._undone.clear()

    def _put(self, candles: dict[_Key, Candle]) -> None:
        self._database.executemany(
            "INSERT OR REPLACE INTO candles VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            ((*key, *map(str, candle[1:7]), candle.trades) for key, candle in candles.items()),
        )

    def _write_again(self, market: int, minute: int, fill_id: int) -> None:
        """Make a minute anew of its fills, and what is longer of its minutes."""
        for length_ms in INTERVALS_MS.values():
            start = minute - minute % length_ms
            if length_ms == SHORTEST_MS:
                parts = self._fills_of(market, minute, fill_id)
            else:
                query = (
                    "SELECT start_ms, open, high, low, close, lots, quote, trades FROM candles "
                    "WHERE market = ? AND length_ms = ? AND start_ms BETWEEN ? AND ? "
                    "ORDER BY start_ms"
                )
                values = (market, SHORTEST_MS, start, start + length_ms - 1)
                parts = [candle_of(row) for row in self._database.execute(query, values)]
            key = (market, length_ms, start)
            if parts:
                self._put({key: reduce(Candle.then, parts)._replace(start_ms=start)})
            else:
                self._database.execute(
                    "DELETE FROM candles WHERE market = ? AND length_ms = ? AND start_ms = ?", key
                )

    def _fills_of(self, market: int, minute: int, fill_id: int) -> list[Candle]:
        """Return the fills of the minute in which ``fill_id`` was, oldest first.

        No index has their times; they stand together, so that few are looked at.
        """
        end = minute + SHORTEST_MS
        query = "SELECT time_ms, lots, ticks, quote, busted FROM fills WHERE market = ? AND fill_id"
        before = self._database.execute(f"{query} <= ? ORDER BY fill_id DESC", (market, fill_id))
        rows = list(takewhile(lambda row: row[0] >= minute, before))[::-1]
        after = self._database.execute(f"{query} > ? ORDER BY fill_id", (market, fill_id))
        rows += takewhile(lambda row: row[0] < end, after)
        standing = [tuple(map(int, row[1:4])) for row in rows if not row[4]]
        return [
            Candle(minute, ticks, ticks, ticks, ticks, lots, quote, 1)
            for lots, ticks, quote in standing
        ]

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
