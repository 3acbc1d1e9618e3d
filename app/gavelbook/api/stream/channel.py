"""A channel: numbered deltas, a buffer of the latest ones, and whoever listens."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from gavelbook.wire.scalars import ENCODER, Uint64
from gavelbook.wire.stream import Delta, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable


class Listener(Protocol):
    """Whoever takes messages of a channel; must not wait."""

    def post(self, message: bytes) -> None:
        """Take one message, as JSON."""


class Channel:
    """Deltas of one channel. Each is encoded once, however many listen."""

    def __init__(self, name: str, seq: int, kept: int, snapshot: Callable[[], Any]) -> None:
        """Begin after ``seq``, a log position; ``snapshot`` makes the data of a snapshot."""
        self.name = name
        self.seq = seq
        self._snapshot = snapshot
        self._deltas: deque[tuple[int, int, bytes]] = deque(maxlen=kept)
        self._listeners: set[Listener] = set()

    @property
    def has_listeners(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    def publish(self, seq: int, data: Any) -> None:
        """Send what changed up to the log position ``seq``."""
        delta = Delta(self.name, Uint64(self.seq), Uint64(seq), data)
        message = ENCODER.encode(delta)
        self._deltas.append((self.seq, seq, message))
        self.seq = seq
        for listener in tuple(self._listeners):
            listener.post(message)

    def subscribe(self, listener: Listener, resume_from: int | None) -> None:
        """Send what ``listener`` needs first, and from now on every delta."""
        for message in self._missed(resume_from):
            listener.post(message)
        self._listeners.add(listener)

    def unsubscribe(self, listener: Listener) -> None:
        """Send no more to ``listener``."""
        self._listeners.discard(listener)

    def _missed(self, resume_from: int | None) -> list[bytes]:
        if resume_from == self.seq:
            return []
        if resume_from is not None and any(prev == resume_from for prev, _, _ in self._deltas):
            return [message for _, seq, message in self._deltas if seq > resume_from]
        return [ENCODER.encode(Snapshot(self.name, Uint64(self.seq), self._snapshot()))]
