"""Signed cancellations of the last moments: each works once, and is answered the same again."""

from __future__ import annotations

from collections import OrderedDict
from time import time
from typing import TYPE_CHECKING

from gavelbook.api.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gavelbook.wire.orders import Cancellation

_MOST = 1_000_000


class RecentCancels:
    """Answers to signed cancellations by their digest, for as long as they could come again.

    Whoever sees a signed "cancel all" cannot use it against later orders: a second one is not
    carried out, but answered as the first, so that a client may ask again after a broken
    connection.
    """

    def __init__(self, window: float, clock: Callable[[], float] = time) -> None:
        """Take timestamps up to ``window`` seconds before and after now."""
        self._window_ms = int(window * 1000)
        self._clock = clock
        self._answers: OrderedDict[bytes, tuple[int, Cancellation | None]] = OrderedDict()

    def check(self, timestamp: int) -> None:
        """Refuse a cancellation that was not signed just now.

        Raises:
            RequestError: ``cancel_outdated``.
        """
        now = int(self._clock() * 1000)
        if abs(now - timestamp) > self._window_ms:
            message = f"Expected a timestamp within {self._window_ms} ms of {now}, was {timestamp}"
            raise RequestError("cancel_outdated", message, timestamp=timestamp, now=now)

    def begin(self, digest: bytes) -> Cancellation | None:
        """Return the answer of the same cancellation; else note that it is being carried out.

        Raises:
            RequestError: ``cancel_under_way``, or ``overloaded``.
        """
        self._forget()
        if digest in self._answers:
            answer = self._answers[digest][1]
            if answer is None:
                message = "Expected a cancellation to be sent once, was being carried out already"
                raise RequestError("cancel_under_way", message)
            return answer
        if len(self._answers) >= _MOST:
            message = "Expected fewer cancellations under way, was the most there can be"
            raise RequestError("overloaded", message)
        self._answers[digest] = (self._ends(), None)
        return None

    def finish(self, digest: bytes, answer: Cancellation) -> None:
        """Keep the answer."""
        self._answers[digest] = (self._answers[digest][0], answer)

    def abandon(self, digest: bytes) -> None:
        """Forget a cancellation that was refused, since nothing was carried out."""
        del self._answers[digest]

    def _ends(self) -> int:
        return int(self._clock() * 1000) + 2 * self._window_ms

    def _forget(self) -> None:
        now = int(self._clock() * 1000)
        while self._answers and next(iter(self._answers.values()))[0] < now:
            self._answers.popitem(last=False)
