"""Candles that are still open, in every interval, made of fills as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from gavelbook.service.exchange.candles import INTERVALS_MS, SHORTEST_MS, Candle
from gavelbook.wire.markets import CandleView
from gavelbook.wire.scalars import Uint64, Uint256

if TYPE_CHECKING:
    from gavelbook.exchange.reports import Filled
    from gavelbook.wire.markets import Interval

LENGTHS_MS = cast("dict[Interval, int]", INTERVALS_MS)


class OpenCandles:
    """The newest candle of each interval of one market."""

    def __init__(self) -> None:
        self._newest: dict[Interval, Candle] = {}
        self._changed: dict[Interval, list[Candle]] = {}
        # What came since the last look, by minute: added to every interval at once.
        self._minutes: dict[int, Candle] = {}

    def load(self, interval: Interval, candle: Candle) -> None:
        """Start with ``candle`` as the newest."""
        self._newest[interval] = candle

    def newest(self, interval: Interval) -> Candle | None:
        """Return the newest candle; None before the first trade."""
        self._gather()
        return self._newest.get(interval)

    def add(self, fill: Filled) -> None:
        """Follow one fill."""
        ticks = fill.ticks
        minute = fill.time_ms - fill.time_ms % SHORTEST_MS
        candle = Candle(minute, ticks, ticks, ticks, ticks, fill.lots, fill.quote, 1)
        before = self._minutes.get(minute)
        self._minutes[minute] = candle if before is None else before.then(candle)

    def mend(self, interval: Interval, candle: Candle) -> None:
        """Put ``candle`` in the place of the newest."""
        self._gather()
        self._newest[interval] = candle
        self._changed[interval] = [candle]

    def changes(self, interval: Interval) -> list[CandleView]:
        """Return the candles that changed since the last time, oldest first."""
        self._gather()
        return [candle_view(candle) for candle in self._changed.pop(interval, [])]

    def _gather(self) -> None:
        """Add what came since the last look."""
        for minute, part in self._minutes.items():
            for interval, length in LENGTHS_MS.items():
                start = minute - minute % length
                before = self._newest.get(interval)
                if before is not None and before.start_ms == start:
                    candle = before.then(part)
                else:
                    candle = part._replace(start_ms=start)
                self._newest[interval] = candle
                changed = self._changed.setdefault(interval, [])
                if changed and changed[-1].start_ms == start:
                    changed[-1] = candle
                else:
                    changed.append(candle)
        self._minutes.clear()


def candle_view(candle: Candle) -> CandleView:
    """Return a candle as the wire has it."""
    return CandleView(
        Uint64(candle.start_ms),
        Uint64(candle.open),
        Uint64(candle.high),
        Uint64(candle.low),
        Uint64(candle.close),
        Uint256(candle.lots),
        Uint256(candle.quote),
        Uint64(candle.trades),
    )
