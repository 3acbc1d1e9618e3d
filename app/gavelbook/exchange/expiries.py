"""Resting orders by the time at which they leave their books."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gavelbook.exchange.book import LiveOrder

NEVER = 2**63
_SPARE_TIMES = 1_024
_by_position = attrgetter("position")


class Expiries:
    """The orders of ``orders`` that rest, by their `leaves_at_ms`.

    An order that is over is out at once. Its time stays until it has come, or until such times
    outnumber the orders.

    Attributes:
        earliest: No order leaves before it, in unix milliseconds; `NEVER` where none waits.

    """

    __slots__ = ("_leaving", "_orders", "_times", "earliest")

    def __init__(self, orders: Mapping[bytes, LiveOrder]) -> None:
        self._orders = orders
        self._leaving: dict[int, dict[int, LiveOrder]] = {}
        self._times: list[int] = []
        self.earliest = NEVER

    def __len__(self) -> int:
        """Return how many times are kept."""
        return len(self._times)

    def add(self, order: LiveOrder) -> None:
        """Note when ``order``, which rests, leaves."""
        time_ms = order.leaves_at_ms
        leaving = self._leaving.get(time_ms)
        if leaving is None:
            if len(self._times) > 2 * len(self._orders) + _SPARE_TIMES:
                self._forget_times()
            leaving = self._leaving[time_ms] = {}
            heappush(self._times, time_ms)
            self.earliest = self._times[0]
        leaving[order.position] = order

    def remove(self, order: LiveOrder) -> None:
        """Forget ``order``, which is over."""
        del self._leaving[order.leaves_at_ms][order.position]

    def next(self) -> int | None:
        """Return when the next order leaves, in unix milliseconds."""
        times = self._times
        while times and not self._leaving[times[0]]:
            del self._leaving[heappop(times)]
        self.earliest = times[0] if times else NEVER
        return times[0] if times else None

    def leaving_at(self, time_ms: int) -> Sequence[LiveOrder]:
        """Return the orders that leave at ``time_ms``, by their place in the log."""
        return sorted(self._leaving.get(time_ms, {}).values(), key=_by_position)

    def _forget_times(self) -> None:
        """Forget the times at which no order leaves any more."""
        self._leaving = {time_ms: leaving for time_ms, leaving in self._leaving.items() if leaving}
        self._times = list(self._leaving)
        heapify(self._times)
