"""What the signer keeps: one database of its own, readable by its owner only."""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gavelbook.chain.errors import StoreError
from gavelbook.service.exchange.sqlite_file import SqliteFile

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

DAY_MS = 24 * 60 * 60 * 1000

_TABLES = """
CREATE TABLE IF NOT EXISTS place (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS accounts (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    key_index INTEGER NOT NULL UNIQUE,
    address TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    closed_at INTEGER
) STRICT;
CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY,
    token_hash BLOB NOT NULL UNIQUE,
    account INTEGER NOT NULL REFERENCES accounts,
    client TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS attempts (
    scope TEXT NOT NULL,
    who BLOB NOT NULL,
    failures INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    blocked_until INTEGER NOT NULL,
    PRIMARY KEY (scope, who)
) STRICT;
CREATE INDEX IF NOT EXISTS attempts_by_time ON attempts (scope, last_at);
CREATE TABLE IF NOT EXISTS registrations (who BLOB NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS trail (
    position INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    account INTEGER NOT NULL,
    session TEXT NOT NULL,
    kind TEXT NOT NULL,
    digest TEXT NOT NULL,
    title TEXT NOT NULL,
    summary TEXT NOT NULL,
    transaction_hash TEXT NOT NULL,
    head BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS trail_of_account ON trail (account, position);
CREATE TRIGGER IF NOT EXISTS trail_stays BEFORE UPDATE ON trail
    BEGIN SELECT RAISE(ABORT, 'the audit trail is only added to'); END;
CREATE TRIGGER IF NOT EXISTS trail_is_kept BEFORE DELETE ON trail
    BEGIN SELECT RAISE(ABORT, 'the audit trail is only added to'); END;
CREATE TABLE IF NOT EXISTS outbox (
    sender TEXT NOT NULL,
    nonce INTEGER NOT NULL,
    transaction_json TEXT NOT NULL,
    PRIMARY KEY (sender, nonce)
) STRICT;
CREATE TABLE IF NOT EXISTS dispatches (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    session TEXT NOT NULL,
    request_id TEXT NOT NULL,
    content_hash BLOB NOT NULL,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    summary TEXT NOT NULL,
    value TEXT NOT NULL,
    sender TEXT NOT NULL,
    nonce INTEGER NOT NULL,
    hashes TEXT NOT NULL,
    at INTEGER NOT NULL,
    state TEXT NOT NULL,
    error_code TEXT NOT NULL,
    error_message TEXT NOT NULL,
    UNIQUE (account, request_id)
) STRICT;
CREATE INDEX IF NOT EXISTS dispatches_by_state ON dispatches (state, id);
CREATE INDEX IF NOT EXISTS dispatches_by_kind ON dispatches (kind, at);
CREATE TABLE IF NOT EXISTS transfers (
    id TEXT PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES accounts,
    token TEXT NOT NULL,
    amount TEXT NOT NULL,
    recipient TEXT NOT NULL,
    state TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    sent_at INTEGER NOT NULL,
    transaction_hash TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS transfers_of_account ON transfers (account, asked_at);
CREATE TABLE IF NOT EXISTS limits (
    account INTEGER NOT NULL REFERENCES accounts,
    token TEXT NOT NULL,
    amount TEXT NOT NULL,
    next_amount TEXT NOT NULL,
    next_at INTEGER NOT NULL,
    PRIMARY KEY (account, token)
) STRICT;
"""


def now_ms() -> int:
    """Return the time in Unix milliseconds."""
    return time.time_ns() // 1_000_000


class AccountsStore:
    """The database in ``folder``; safe to share between threads, held by one process at a time.

    Amounts are decimal text, times Unix milliseconds, addresses text with checksum.

    Raises:
        StoreError: ``store_in_use`` by another process, ``store_unusable``, or ``store_exposed``
            where others than its owner may read it.

    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "accounts.sqlite"
        _lock_away(folder, self.path)
        self._file = SqliteFile(self.path, _TABLES)
        self._lock = threading.RLock()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Return a context that writes all or nothing; within another one it is part of that."""
        with self._lock, self._file.writing() as database:
            yield database

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return what ``query`` finds."""
        with self._lock:
            return self._file.connection.execute(query, values).fetchall()

    def row(self, query: str, *values: Any) -> tuple[Any, ...] | None:
        """Return the first that ``query`` finds; None where it finds nothing."""
        with self._lock:
            found: tuple[Any, ...] | None = self._file.connection.execute(query, values).fetchone()
            return found

    def belong_to(self, chain_id: int, first_address: str) -> None:
        """Make sure that the store is of this chain and keystore; a new one becomes so.

        With other keys the addresses would be of others, and the money out of reach.

        Raises:
            StoreError: ``store_of_another``.

        """
        wanted = {"chain_id": str(chain_id), "first_address": first_address}
        with self.writing() as database:
            for name, value in wanted.items():
                database.execute("INSERT OR IGNORE INTO place VALUES (?, ?)", (name, value))
        for name, value in wanted.items():
            found = self.row("SELECT value FROM place WHERE name = ?", name)
            if found != (value,):
                what = "chain" if name == "chain_id" else "keystore"
                message = f"{self.path}: Expected accounts of this {what}, was of another"
                raise StoreError("store_of_another", message, file=str(self.path))

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._file.close()


def _lock_away(folder: Path, path: Path) -> None:
    """Make the file before SQLite does, so that nobody else can ever open it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        mode = path.stat().st_mode
    except OSError as error:
        message = f"{path}: Expected a database, was unusable ({error.strerror})"
        raise StoreError("store_unusable", message, file=str(path)) from error
    if os.name == "posix" and mode & 0o077:
        message = f"{path}: Expected to be readable by its owner only, was open to others"
        raise StoreError("store_exposed", message, file=str(path))
