"""The log in an SQLite file: durable when `SqliteLog.append` returns, whatever happens next."""

from __future__ import annotations

import sqlite3
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from gavelbook.service.exchange.entries import Entry, Seal, Tail, entry_digest, next_head
from gavelbook.service.exchange.errors import LogError
from gavelbook.service.exchange.many_rows import execute_rows
from gavelbook.service.exchange.readers import Readers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gavelbook.exchange.engine import EngineTerms
    from gavelbook.exchange.signing import Domain

_TABLES = """
-- What the log is of; the first head is its SHA-256.
CREATE TABLE IF NOT EXISTS origin (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    content BLOB NOT NULL
) STRICT;
-- time_ms in unix milliseconds; content as `gavelbook.exchange.commands.encode` made it.
CREATE TABLE IF NOT EXISTS log (
    position INTEGER PRIMARY KEY,
    time_ms INTEGER NOT NULL,
    content BLOB NOT NULL,
    head BLOB NOT NULL
) STRICT;
-- The matcher's signatures over the heads at these positions, one for each commit.
CREATE TABLE IF NOT EXISTS seals (
    position INTEGER PRIMARY KEY,
    signature BLOB NOT NULL
) STRICT;
"""
_FORMAT = 1
_PAGE = 2_000
_CHECKPOINT_PAGES = 8_192


def origin_of(domain: Domain, terms: EngineTerms) -> bytes:
    """Return what a log begins with: which contract it is for, and what the engine starts with."""
    return msgspec.json.encode(
        {
            "format": _FORMAT,
            "chain_id": str(domain.chain_id),
            "contract": f"0x{domain.contract.hex()}",
            "terms": terms,
        }
    )


class SqliteLog:
    """A log in the file ``path``, of which one process at a time may be the writer.

    Raises:
        LogError: ``log_unusable``, ``log_in_use`` by another process, ``log_of_another_exchange``
            or ``log_damaged``.

    """

    def __init__(self, path: Path, origin: bytes) -> None:
        self.path = path
        self._lock = _open_lock(path)
        try:
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
            self._database.executescript(_TABLES)
            self._check_origin(origin)
            self._readers = Readers(path)
            self._genesis = sha256(origin).digest()
            self._tail = self._read_tail()
        except sqlite3.Error as error:
            self._lock.close()
            raise _unusable(path, error) from error
        except LogError:
            self._lock.close()
            raise

    @property
    def tail(self) -> Tail:
        """Where the log ends."""
        return self._tail

    def append(self, entries: Sequence[Entry], seal: Seal) -> None:
        """Keep ``entries``, which follow the tail, with the ``seal`` of the last one.

        Raises:
            LogError: ``log_write_failed``: whether anything was kept is known at the next start.

        """
        try:
            self._database.execute("BEGIN IMMEDIATE")
            execute_rows(self._database, "INSERT INTO log {rows}", entries, len(Entry._fields))
            self._database.execute(
                "INSERT INTO seals VALUES (?, ?)", (seal.position, seal.signature)
            )
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            message = f"{self.path}: Expected to write after {self._tail.position}, failed: {error}"
            raise LogError(
                "log_write_failed", message, file=str(self.path), position=self._tail.position
            ) from error
        last = entries[-1]
        self._tail = Tail(last.position, last.time_ms, last.head)

    def read(self, after: int, limit: int | None = None) -> Iterator[Entry]:
        """Yield up to ``limit`` entries above ``after``, checking that each follows the one before.

        Raises:
            LogError: ``log_damaged`` or ``log_position_unknown``.

        """
        head = self.head_at(after)
        left = self._tail.position - after if limit is None else limit
        while left > 0:
            page = self._page(after, min(left, _PAGE))
            if not page:
                return
            for entry in page:
                after += 1
                digest = entry_digest(after, entry.time_ms, entry.content)
                head = next_head(head, digest)
                if entry.position != after or entry.head != head:
                    raise self._damaged(after, "to follow from the entries before it")
                yield entry
            left -= len(page)

    def head_at(self, position: int) -> bytes:
        """Return the head at ``position``, of which 0 is before the first entry.

        Raises:
            LogError: ``log_position_unknown``.

        """
        if position == 0:
            return self._genesis
        rows = self._query("SELECT head FROM log WHERE position = ?", (position,), position)
        if not rows:
            message = (
                f"{self.path}: Expected a position up to {self._tail.position}, was {position}"
            )
            raise LogError("log_position_unknown", message, position=position)
        return bytes(rows[0][0])

    def seal_over(self, position: int) -> Seal | None:
        """Return the first seal at or above ``position``; None above the tail."""
        query = (
            "SELECT position, head, signature FROM seals JOIN log USING (position) "
            "WHERE position >= ? ORDER BY position LIMIT 1"
        )
        rows = self._query(query, (position,), position)
        return Seal(*rows[0]) if rows else None

    def close(self) -> None:
        """Close the file and let others have it."""
        self._readers.close()
        self._database.close()
        self._lock.close()

    def _page(self, after: int, size: int) -> list[Entry]:
        query = (
            "SELECT position, time_ms, content, head FROM log "
            "WHERE position > ? ORDER BY position LIMIT ?"
        )
        return [Entry(*row) for row in self._query(query, (after, size), after + 1)]

    def _query(self, query: str, values: tuple[int, ...], position: int) -> list[Any]:
        try:
            return self._readers.query(query, values)
        except sqlite3.DatabaseError as error:
            raise self._damaged(position, f"to be readable ({error})") from error

    def _read_tail(self) -> Tail:
        query = "SELECT position, time_ms, head FROM log ORDER BY position DESC LIMIT 1"
        rows = self._readers.query(query, ())
        return Tail(*rows[0]) if rows else Tail(0, 0, self._genesis)

    def _check_origin(self, origin: bytes) -> None:
        self._database.execute("INSERT OR IGNORE INTO origin VALUES (1, ?)", (origin,))
        (was,) = self._database.execute("SELECT content FROM origin").fetchone()
        if was != origin:
            message = f"{self.path}: Expected the log of {origin.decode()}, was of {was.decode()}"
            raise LogError("log_of_another_exchange", message, file=str(self.path))

    def _damaged(self, position: int, expected: str) -> LogError:
        message = f"{self.path}: Expected entry {position} {expected}, was otherwise"
        return LogError("log_damaged", message, file=str(self.path), position=position)


def _open_lock(path: Path) -> sqlite3.Connection:
    """Return what keeps other processes from ``path`` until it is closed or this process ends.

    The log itself has to stay open to readers, so the lock is a file beside it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = sqlite3.connect(
            path.with_name(f"{path.name}.lock"),
            timeout=0,
            isolation_level=None,
            check_same_thread=False,
        )
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise _unusable(path, error) from error
        message = f"{path}: Expected to be the only user, was in use by another process"
        raise LogError("log_in_use", message, file=str(path)) from error
    except (OSError, sqlite3.Error) as error:
        raise _unusable(path, error) from error
    return lock


def _unusable(path: Path, error: Exception) -> LogError:
    message = f"{path}: Expected a log, was unusable ({error})"
    return LogError("log_unusable", message, file=str(path))
