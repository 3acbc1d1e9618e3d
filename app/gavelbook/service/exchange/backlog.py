"""What one thread has done and the next one has still to do."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Backlog(Generic[T]):
    """A queue whose taker takes all there is, and whose giver waits where that is too much.

    What is waiting is weighed, as much time may lie between many small items as between few large
    ones: it may be a little more than ``most``, by the last item. None marks the end.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._items: list[T | None] = []
        self._weight = 0
        self._changed = threading.Condition()

    def put(self, item: T | None, weight: int = 0) -> None:
        """Add ``item``, once less than the most is waiting."""
        with self._changed:
            self._changed.wait_for(lambda: self._weight < self._most)
            self._items.append(item)
            self._weight += weight
            self._changed.notify_all()

    def take_all(self) -> tuple[list[T], bool]:
        """Wait for something and take all there is; return whether the end was among it."""
        with self._changed:
            self._changed.wait_for(lambda: self._items)
            taken, self._items = self._items, []
            self._weight = 0
            self._changed.notify_all()
        items = [item for item in taken if item is not None]
        return items, len(items) < len(taken)
