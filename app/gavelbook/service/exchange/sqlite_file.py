"""A small database in a file of its own that one process at a time holds."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from gavelbook.chain.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class SqliteFile:
    """The database at ``path``, in memory where that is None; what is written is on disk at once.

    Raises:
        StoreError: ``store_in_use`` by another process, or ``store_unusable``.

    """

    def __init__(self, path: Path | None, tables: str) -> None:
        self.path = path
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            self.connection = sqlite3.connect(
                path or ":memory:", timeout=0, isolation_level=None, check_same_thread=False
            )
            self.connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            self.connection.execute("PRAGMA journal_mode = WAL")
            self.connection.execute("PRAGMA synchronous = FULL")
            self.connection.executescript(f"BEGIN EXCLUSIVE; {tables} COMMIT;")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise self._unusable(error) from error
            message = f"{path}: Expected to be the only user, was in use by another process"
            raise StoreError("store_in_use", message, file=str(path)) from error
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from error

    def __enter__(self) -> Self:
        """Return the open database."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the database."""
        self.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Return a context that writes all or nothing; within another one it is part of that.

        Raises:
            StoreError: ``store_unusable``.

        """
        if self.connection.in_transaction:
            yield self.connection
            return
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def close(self) -> None:
        """Close the database."""
        self.connection.close()

    def _roll_back(self) -> None:
        """End a transaction: left open, it would take in what comes next and never be on disk."""
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    def _unusable(self, error: Exception) -> StoreError:
        message = f"{self.path}: Expected a database, was unusable ({error})"
        return StoreError("store_unusable", message, file=str(self.path))
