"""From what is on disk to an engine and views as they were: a snapshot, then the log after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gavelbook.exchange.commands import decode
from gavelbook.exchange.engine import Engine
from gavelbook.exchange.errors import ExchangeError
from gavelbook.service.exchange.entries import Applied
from gavelbook.service.exchange.errors import LogError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gavelbook.exchange.engine import EngineTerms
    from gavelbook.service.exchange.ports import Log, Projection
    from gavelbook.service.exchange.snapshots import SnapshotFolder

_CHUNK = 1_000


def recover(
    log: Log, terms: EngineTerms, snapshots: SnapshotFolder, projection: Projection
) -> Engine:
    """Return the engine as ``log`` has it, and bring ``projection`` up to the end of the log.

    The newest snapshot counts that the log bears out and that is not ahead of ``projection``, which
    is told all that it lacks.

    Raises:
        LogError: ``log_damaged``, ``log_refused`` where the engine refuses an entry, or
            ``log_truncated`` where snapshots or views know more than the log has.

    """
    if projection.position > log.tail.position:
        raise _truncated(projection.position, log)
    if projection.position and log.head_at(projection.position) != projection.head:
        projection.reset()
    engine = _newest_engine(log, snapshots, projection.position) or Engine(terms)
    missing: list[Applied] = []
    for applied in replay(log, engine):
        if applied.position > projection.position:
            missing.append(applied)
            if len(missing) == _CHUNK:
                projection.follow(missing, log.head_at(applied.position))
                missing = []
    if missing:
        projection.follow(missing, log.tail.head)
    return engine


def replay(log: Log, engine: Engine) -> Iterator[Applied]:
    """Apply what ``log`` has above the position of ``engine``, and yield what came of it.

    Raises:
        LogError: ``log_damaged`` or ``log_refused``, with the position.

    """
    for position, time_ms, content, _ in log.read(engine.position):
        try:
            command = decode(content)
            reports = engine.apply(position, time_ms, command)
        except ExchangeError as error:
            message = f"Expected entry {position} to be taken, was refused: {error.message}"
            raise LogError("log_refused", message, position=position) from error
        yield Applied(position, time_ms, command, reports)


def _newest_engine(log: Log, snapshots: SnapshotFolder, highest: int) -> Engine | None:
    for snapshot in snapshots.newest_first():
        if snapshot.position > log.tail.position:
            raise _truncated(snapshot.position, log)
        if snapshot.position > highest or log.head_at(snapshot.position) != snapshot.head:
            continue
        try:
            return Engine.restore(snapshot.state)
        except ExchangeError:
            # Of an older version, for instance. The log has everything.
            continue
    return None


def _truncated(position: int, log: Log) -> LogError:
    end = log.tail.position
    message = f"Expected a log up to position {position} at least, was up to {end}"
    return LogError("log_truncated", message, position=end)
