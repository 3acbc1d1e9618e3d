"""Answers that many sessions share for a moment, so that twenty tabs ask like one."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from gavelbook.errors import GavelbookError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

T = TypeVar("T")


class _Entry(Generic[T]):
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.read_at: float | None = None
        self.value: T | None = None
        self.error: GavelbookError | None = None


class RecentReads:
    """At most ``most`` answers, each kept for ``seconds``. Safe to share between threads.

    Whoever asks while somebody reads waits for that answer. A failure is kept as well, so that a
    service that does not answer is not asked by everybody.
    """

    def __init__(
        self, seconds: float, most: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: OrderedDict[Hashable, _Entry[Any]] = OrderedDict()

    def get(self, key: Hashable, read: Callable[[], T]) -> T:
        """Return what ``read`` answered for ``key`` a moment ago, or answers now.

        Raises:
            GavelbookError: what ``read`` raises.

        """
        entry = self._entry(key)
        with entry.lock:
            if entry.read_at is None or self._clock() - entry.read_at >= self._seconds:
                try:
                    entry.value, entry.error = read(), None
                except GavelbookError as error:
                    entry.value, entry.error = None, error
                entry.read_at = self._clock()
            if entry.error is not None:
                raise entry.error
            return cast("T", entry.value)

    def forget(self, key: Hashable) -> None:
        """Read ``key`` again at the next `get`, however soon."""
        with self._lock:
            self._entries.pop(key, None)

    def _entry(self, key: Hashable) -> _Entry[Any]:
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
            while len(self._entries) > self._most:
                self._entries.popitem(last=False)
            return entry
