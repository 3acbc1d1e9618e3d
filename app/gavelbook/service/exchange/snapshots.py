"""Snapshots of the engine: files that let a start replay the end of the log instead of all."""

from __future__ import annotations

import os
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

import structlog

from gavelbook.service.exchange.errors import LogError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MAGIC = b"gavelbook snapshot 1\n"
_HASH_BYTES = 32
_POSITION_BYTES = 8
_KEPT = 3

_log = structlog.get_logger()


class Snapshot(NamedTuple):
    """The engine's ``state`` after the log entry at ``position``, whose head is ``head``."""

    position: int
    head: bytes
    state: bytes


class SnapshotFolder:
    """The newest snapshots, each a file that is whole or does not count."""

    def __init__(self, folder: Path) -> None:
        """Use ``folder``, which is made if it is not there.

        Raises:
            LogError: ``snapshots_unusable``.

        """
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unusable(error) from error

    def save(self, snapshot: Snapshot) -> None:
        """Keep ``snapshot`` beside the one or two before it.

        Raises:
            LogError: ``snapshots_unusable``.

        """
        content = snapshot.position.to_bytes(_POSITION_BYTES, "big") + snapshot.head
        content += snapshot.state
        path = self._folder / f"{snapshot.position:020}.snapshot"
        draft = path.with_suffix(".draft")
        try:
            with draft.open("wb") as file:
                file.write(_MAGIC + sha256(content).digest() + content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
            for old in self._paths()[_KEPT:]:
                old.unlink()
        except OSError as error:
            raise self._unusable(error) from error

    def newest_first(self) -> Iterator[Snapshot]:
        """Yield the snapshots that are whole; a damaged one is passed over."""
        for path in self._paths():
            snapshot = _read(path)
            if snapshot is None:
                _log.warning("snapshot_ignored", file=str(path))
            else:
                yield snapshot

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob("*.snapshot"), reverse=True)

    def _unusable(self, error: OSError) -> LogError:
        message = f"{self._folder}: Expected a folder for snapshots, was unusable ({error})"
        return LogError("snapshots_unusable", message, file=str(self._folder))


def _read(path: Path) -> Snapshot | None:
    try:
        content = path.read_bytes()
    except OSError:
        return None
    start = len(_MAGIC) + _HASH_BYTES
    magic, digest, rest = content[: len(_MAGIC)], content[len(_MAGIC) : start], content[start:]
    if magic != _MAGIC or sha256(rest).digest() != digest:
        return None
    state_start = _POSITION_BYTES + _HASH_BYTES
    return Snapshot(
        int.from_bytes(rest[:_POSITION_BYTES], "big"),
        rest[_POSITION_BYTES:state_start],
        rest[state_start:],
    )
