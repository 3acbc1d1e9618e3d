"""What the sequencer asks of its log and of the views: small, so that others can stand behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gavelbook.service.exchange.entries import Applied, Entry, Seal, Tail


class Log(Protocol):
    """An append-only log of entries, chained by their heads. One thread appends."""

    @property
    def tail(self) -> Tail:
        """Where the log ends."""

    def append(self, entries: Sequence[Entry], seal: Seal) -> None:
        """Keep ``entries``, which follow the tail, with the ``seal`` of the last one.

        All of them are durable once this returns, and none where it raises.

        Raises:
            LogError: ``log_write_failed``; the process has to end, since nobody knows more.

        """

    def read(self, after: int, limit: int | None = None) -> Iterator[Entry]:
        """Yield the entries above position ``after`` in order; from any thread.

        Raises:
            LogError: ``log_damaged``, with the position, where the chain is broken.

        """

    def head_at(self, position: int) -> bytes:
        """Return the head of the log at ``position``, of which 0 is before the first entry.

        Raises:
            LogError: ``log_position_unknown``.

        """

    def seal_over(self, position: int) -> Seal | None:
        """Return the first seal at or above ``position``; None above the tail."""


class Projection(Protocol):
    """Something that follows the log and keeps what it needs of it, such as views for readers.

    It may lag behind and may be lost: at the start it is given again what it lacks.
    """

    @property
    def position(self) -> int:
        """The position up to which everything is kept for good."""

    @property
    def head(self) -> bytes:
        """The head of the log at `position`; empty at 0."""

    def follow(self, applied: Sequence[Applied], head: bytes) -> None:
        """Take what was committed, in order, without gaps, up to where the log's head is ``head``.

        Called by one thread at a time.
        """

    def rest(self, seconds: float) -> None:
        """Wait ``seconds`` before taking more, or less where somebody needs it."""

    def reset(self) -> None:
        """Forget everything, to begin anew at position 0."""

    def first_answer(self, order_hash: bytes) -> Applied | None:
        """Return what was answered when the order with this hash was placed; from any thread."""
