"""The second step of the sequencer: makes what was applied durable, then answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from gavelbook.exchange.commands import encode
from gavelbook.service.exchange.entries import Entry, entry_digest, next_head
from gavelbook.service.exchange.snapshots import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gavelbook.service.exchange.entries import Applied
    from gavelbook.service.exchange.matcher_key import MatcherKey
    from gavelbook.service.exchange.parcels import Answer, Parcel
    from gavelbook.service.exchange.ports import Log

_log = structlog.get_logger()


class Group(NamedTuple):
    """What was applied at once: ``answers`` to each of ``parcels``, and what goes to the log.

    ``state`` is a snapshot of the engine after all of it, if one was due.
    """

    parcels: Sequence[Parcel]
    answers: Sequence[Sequence[Answer]]
    applied: Sequence[Applied]
    state: bytes | None = None


class Committed(NamedTuple):
    """What is durable, for those who follow; ``head`` is the log's after it.

    ``snapshot`` is of a position within it, if one was due.
    """

    applied: Sequence[Applied]
    head: bytes
    snapshot: Snapshot | None


class Committer:
    """Chains entries to the log and tells listeners and askers. Belongs to one thread."""

    def __init__(self, log: Log, key: MatcherKey) -> None:
        self._log_store = log
        self._key = key
        self._head = log.tail.head
        self._position = log.tail.position
        self._listeners: tuple[Callable[[Sequence[Applied]], None], ...] = ()

    def subscribe(self, listener: Callable[[Sequence[Applied]], None]) -> Callable[[], None]:
        """Tell ``listener`` of every commit from now on; return what ends that."""
        self._listeners += (listener,)

        def unsubscribe() -> None:
            self._listeners = tuple(each for each in self._listeners if each is not listener)

        return unsubscribe

    def commit(self, groups: Sequence[Group]) -> Committed:
        """Make ``groups`` durable, all at once.

        Raises:
            LogError: ``log_write_failed``.

        """
        head = self._head
        entries: list[Entry] = []
        everything: list[Applied] = []
        snapshot = None
        for group in groups:
            for applied in group.applied:
                position, time_ms, command = applied[:3]
                content = encode(command)
                head = next_head(head, entry_digest(position, time_ms, content))
                entries.append(Entry(position, time_ms, content, head))
            everything += group.applied
            if group.state is not None:
                position = entries[-1].position if entries else self._position
                snapshot = Snapshot(position, head, group.state)
        if entries:
            position = entries[-1].position
            self._log_store.append(entries, self._key.seal(position, head))
            self._position, self._head = position, head
        return Committed(everything, head, snapshot)

    def tell(self, committed: Committed, groups: Sequence[Group]) -> None:
        """Tell the listeners what was committed, and the askers their answers."""
        if committed.applied:
            for listener in self._listeners:
                _call(listener, committed.applied)
        for group in groups:
            for parcel, answers in zip(group.parcels, group.answers, strict=True):
                _call(parcel.deliver, answers)


def _call(listener: Callable[[Any], None], told: object) -> None:
    try:
        listener(told)
    except Exception:  # noqa: BLE001 -- what a listener gets wrong must not stop the exchange
        _log.exception("listener_failed")
