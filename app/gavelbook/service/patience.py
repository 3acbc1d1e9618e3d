"""Doing something again while the node does not answer, for a bounded time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import structlog

from gavelbook.chain.errors import ChainUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")
_log = structlog.get_logger("gavelbook.allocator")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an outage may last, in seconds, and how often to try: at doubling intervals."""

    outage_seconds: float = 900.0
    first_pause: float = 0.5
    longest_pause: float = 15.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def call(self, step: Callable[[], _T]) -> _T:
        """Return what ``step`` returns; it must be safe to do again after any failure.

        Raises:
            ChainUnreachable: the last one, after ``outage_seconds`` without an answer.

        """
        since: float | None = None
        pause = self.first_pause
        while True:
            try:
                return step()
            except ChainUnreachable as error:
                now = self.clock()
                since = now if since is None else since
                if now + pause - since > self.outage_seconds:
                    raise
                _log.warning("node_unreachable", code=error.code, again_in_seconds=pause)
            self.sleep(pause)
            pause = min(pause * 2, self.longest_pause)
