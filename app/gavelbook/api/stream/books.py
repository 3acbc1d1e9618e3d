"""Copies of the books for readers: what stands at each price, moved by the engine's reports."""

from __future__ import annotations

from heapq import nlargest, nsmallest
from typing import TYPE_CHECKING

from gavelbook.exchange.orders import Side
from gavelbook.exchange.reports import Filled, OrderDone, OrderRested
from gavelbook.wire.scalars import Uint64
from gavelbook.wire.stream import BookLevels

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gavelbook.exchange.reports import Report
    from gavelbook.wire.markets import Level


class BookCopy:
    """The lots at each price of one market."""

    def __init__(self) -> None:
        self._lots: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self._changed: tuple[set[int], set[int]] = (set(), set())

    def load(self, side: Side, levels: Iterable[tuple[int, int]]) -> None:
        """Start with ``levels``: ticks and lots."""
        self._lots[side].update(levels)

    def move(self, side: Side, ticks: int, lots: int) -> None:
        """Add ``lots``, or take them off where negative, at a price."""
        levels = self._lots[side]
        total = levels.get(ticks, 0) + lots
        if total:
            levels[ticks] = total
        else:
            del levels[ticks]
        self._changed[side].add(ticks)

    def changes(self) -> BookLevels:
        """Return the levels that changed since the last time."""
        bids, asks = (
            [_level(ticks, levels.get(ticks, 0)) for ticks in sorted(changed)]
            for levels, changed in zip(self._lots, self._changed, strict=True)
        )
        for changed in self._changed:
            changed.clear()
        return BookLevels(bids[::-1], asks)

    def best(self, depth: int) -> BookLevels:
        """Return the best ``depth`` levels of both sides, best first."""
        bids, asks = self._lots
        return BookLevels(
            [_level(ticks, bids[ticks]) for ticks in nlargest(depth, bids)],
            [_level(ticks, asks[ticks]) for ticks in nsmallest(depth, asks)],
        )

    def apply(self, report: Report) -> bool:
        """Follow ``report``, one about this market; False where it is about something else."""
        if isinstance(report, OrderRested):
            self.move(report.side, report.ticks, report.lots)
        elif isinstance(report, Filled):
            resting = Side.SELL if report.taker_side == Side.BUY else Side.BUY
            self.move(resting, report.ticks, -report.lots)
        elif isinstance(report, OrderDone):
            if not report.rested or not report.lots:
                return False
            self.move(report.side, report.ticks, -report.lots)
        else:
            return False
        return True


def _level(ticks: int, lots: int) -> Level:
    return Uint64(ticks), Uint64(lots)
