"""Which lane and sequence an order takes: one open order to a lane, and rising sequences."""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Place(NamedTuple):
    """A lane, and the sequence of the next order in it."""

    lane: int
    sequence: int


class Lanes:
    """Lanes of one account, used by one program.

    Sequences begin at the unix time in seconds, so that a program that starts anew lies above its
    earlier orders without having kept them. Two programs that trade for one account need lanes of
    their own each: give them different ``first``.

    Example:
        >>> from gavelbook.client import Lanes
        >>> lanes = Lanes(clock=lambda: 1_790_000_000.0)
        >>> one, two = lanes.take(), lanes.take()
        >>> one, two
        (Place(lane=0, sequence=1790000000), Place(lane=1, sequence=1790000000))
        >>> lanes.free(one.lane)
        >>> lanes.take()
        Place(lane=0, sequence=1790000001)
    """

    def __init__(self, first: int = 0, clock: Callable[[], float] = time) -> None:
        self._next = first
        self._clock = clock
        self._sequences: dict[int, int] = {}
        # A dict for its order: the lane that has been free longest comes first.
        self._free: dict[int, None] = {}

    def take(self) -> Place:
        """Return a place in a lane without an open order."""
        if self._free:
            lane = next(iter(self._free))
        else:
            lane = self._next
            self._next += 1
        return self.replace(lane)

    def replace(self, lane: int) -> Place:
        """Return a place that replaces whatever is open in ``lane``."""
        self._free.pop(lane, None)
        last = self._sequences.get(lane)
        sequence = int(self._clock()) if last is None else last + 1
        self._sequences[lane] = sequence
        return Place(lane, sequence)

    def free(self, lane: int) -> None:
        """Note that the order in ``lane`` has ended."""
        if lane in self._sequences:
            self._free[lane] = None

    def occupy(self, lane: int, sequence: int) -> None:
        """Note that ``lane`` holds an open order, or has passed ``sequence``."""
        self._free.pop(lane, None)
        self._next = max(self._next, lane + 1)
        self._sequences[lane] = max(sequence, self._sequences.get(lane, 0))
