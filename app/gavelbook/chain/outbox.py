"""Transactions that were signed and are not known to be mined, so that none is sent twice."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from gavelbook.chain.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

_TABLE = """
CREATE TABLE IF NOT EXISTS outbox (
    chain_id INTEGER NOT NULL,
    sender TEXT NOT NULL,
    nonce INTEGER NOT NULL,
    transaction_json TEXT NOT NULL,
    PRIMARY KEY (chain_id, sender, nonce)
) STRICT
"""


@dataclass(slots=True)
class PendingTransaction:
    """A signed transaction and its replacements, all of one nonce, so at most one is mined.

    ``fields`` are those that were signed last, integers as decimal text. ``hashes`` are all that
    were ever signed, newest last; ``raw`` is the newest. All in hexadecimal.
    """

    nonce: int
    fields: dict[str, str]
    raw: str
    hashes: list[str] = field(default_factory=list)


class Outbox(Protocol):
    """Where a `Sender` keeps what it has signed, from before it is sent until it is mined."""

    def save(self, transaction: PendingTransaction) -> None:
        """Keep ``transaction`` in place of the one with its nonce."""

    def remove(self, nonce: int) -> None:
        """Forget the transaction with ``nonce``, if there is one."""

    def pending(self) -> list[PendingTransaction]:
        """Return all transactions kept, lowest nonce first."""


class MemoryOutbox:
    """An outbox that ends with the process."""

    def __init__(self) -> None:
        self._kept: dict[int, PendingTransaction] = {}

    def save(self, transaction: PendingTransaction) -> None:
        """Keep ``transaction`` in place of the one with its nonce."""
        self._kept[transaction.nonce] = transaction

    def remove(self, nonce: int) -> None:
        """Forget the transaction with ``nonce``, if there is one."""
        self._kept.pop(nonce, None)

    def pending(self) -> list[PendingTransaction]:
        """Return all transactions kept, lowest nonce first."""
        return [self._kept[nonce] for nonce in sorted(self._kept)]


class SqliteOutbox:
    """An outbox on disk for ``sender`` on one chain: what `save` has returned from is safe.

    It is held by one process at a time, so that two of them never share an account's nonces.

    Raises:
        StoreError: ``store_in_use`` by another process, or ``store_unusable``.

    """

    def __init__(self, path: Path, chain_id: int, sender: str) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(
                path, timeout=0, isolation_level=None, check_same_thread=False
            )
            self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.execute("BEGIN EXCLUSIVE")
            self._database.execute(_TABLE)
            self._database.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise self._unusable(path, error) from error
            message = f"{path}: Expected to be the only user, was in use by another process"
            raise StoreError("store_in_use", message, file=str(path)) from error
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(path, error) from error
        self._key = (chain_id, sender)

    def save(self, transaction: PendingTransaction) -> None:
        """Keep ``transaction`` in place of the one with its nonce."""
        self._database.execute(
            "INSERT OR REPLACE INTO outbox VALUES (?, ?, ?, ?)",
            (*self._key, transaction.nonce, json.dumps(asdict(transaction))),
        )

    def remove(self, nonce: int) -> None:
        """Forget the transaction with ``nonce``, if there is one."""
        self._database.execute(
            "DELETE FROM outbox WHERE chain_id = ? AND sender = ? AND nonce = ?",
            (*self._key, nonce),
        )

    def pending(self) -> list[PendingTransaction]:
        """Return all transactions kept, lowest nonce first."""
        rows: list[tuple[Any]] = self._database.execute(
            "SELECT transaction_json FROM outbox WHERE chain_id = ? AND sender = ? ORDER BY nonce",
            self._key,
        ).fetchall()
        return [PendingTransaction(**json.loads(row[0])) for row in rows]

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    @staticmethod
    def _unusable(path: Path, error: Exception) -> StoreError:
        message = f"{path}: Expected a database, was unusable ({error})"
        return StoreError("store_unusable", message, file=str(path))
