"""What a `BidReader` has read: events, and the hashes of the blocks that hold them, in SQLite."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gavelbook.chain.errors import StoreError
from gavelbook.chain.event_forms import values_from_json, values_to_json
from gavelbook.chain.event_reader import BlockMark
from gavelbook.chain.sale_events import EventKind, SaleEvent, read_log

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from gavelbook.chain.event_forms import RawLog

_TABLES = """
CREATE TABLE IF NOT EXISTS sale (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    chain_id INTEGER NOT NULL,
    address TEXT NOT NULL,
    from_block INTEGER NOT NULL
) STRICT;
-- Up to each of these blocks everything was read; hash in hexadecimal.
CREATE TABLE IF NOT EXISTS blocks (
    number INTEGER PRIMARY KEY,
    hash TEXT NOT NULL
) STRICT;
-- Integers among the values are decimal text.
CREATE TABLE IF NOT EXISTS events (
    block INTEGER NOT NULL,
    log_index INTEGER NOT NULL,
    kind TEXT NOT NULL,
    transaction_hash TEXT NOT NULL,
    values_json TEXT NOT NULL,
    PRIMARY KEY (block, log_index)
) STRICT, WITHOUT ROWID;
"""


class EventStore:
    """The events of one sale, in the file ``path``, or in memory where that is None.

    Every write is one transaction: a process killed at any moment leaves all of it or none.

    Raises:
        StoreError: ``store_unusable``.

    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(
                path or ":memory:", isolation_level=None, check_same_thread=False
            )
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.executescript(_TABLES)
        except (OSError, sqlite3.Error) as error:
            message = f"{path}: Expected a database, was unusable ({error})"
            raise StoreError("store_unusable", message, file=str(path)) from error

    def open_for(self, chain_id: int, address: str, from_block: int) -> None:
        """Make this the store of one sale, or check that it is.

        Raises:
            StoreError: ``store_of_another_sale``.

        """
        wanted = (chain_id, address, from_block)
        with self._writing() as database:
            row = database.execute("SELECT chain_id, address, from_block FROM sale").fetchone()
            if row is None:
                database.execute("INSERT INTO sale VALUES (1, ?, ?, ?)", wanted)
            elif row[:2] != wanted[:2] or row[2] > from_block:
                message = (
                    f"{self.path}: Expected the store of {address} on chain {chain_id} "
                    f"from block {from_block}, was of {row[1]} on chain {row[0]} from {row[2]}"
                )
                raise StoreError("store_of_another_sale", message, file=str(self.path))

    def add_logs(self, logs: Sequence[RawLog], marks: Iterable[BlockMark]) -> None:
        """Add the events in ``logs``, and the hashes of their blocks and of the last block read.

        Raises:
            ChainError: ``log_malformed``.

        """
        self.add([event for event in map(read_log, logs) if event is not None], marks)

    def add(self, events: Iterable[SaleEvent], marks: Iterable[BlockMark]) -> None:
        """Add ``events`` and the hashes of their blocks, and of the last block read."""
        rows = (
            (
                event.block,
                event.log_index,
                event.kind,
                event.transaction,
                values_to_json(event.values),
            )
            for event in events
        )
        with self._writing() as database:
            database.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?)", rows)
            database.executemany("INSERT OR REPLACE INTO blocks VALUES (?, ?)", marks)

    def forget_after(self, block: int) -> int:
        """Forget everything above ``block``; return how many events that were."""
        with self._writing() as database:
            forgotten = database.execute("DELETE FROM events WHERE block > ?", (block,)).rowcount
            database.execute("DELETE FROM blocks WHERE number > ?", (block,))
        return int(forgotten)

    def last_mark(self) -> BlockMark | None:
        """Return the last block read; None where nothing was."""
        query = "SELECT number, hash FROM blocks ORDER BY number DESC LIMIT 1"
        row = self._database.execute(query).fetchone()
        return BlockMark(*row) if row else None

    def marks_downward(self) -> list[BlockMark]:
        """Return the blocks whose hash is known, highest first."""
        query = "SELECT number, hash FROM blocks ORDER BY number DESC"
        return [BlockMark(*row) for row in self._database.execute(query)]

    def events(self, *kinds: EventKind) -> Iterator[SaleEvent]:
        """Yield the events of ``kinds`` (of all, where none is named) in order."""
        marks = ",".join("?" * len(kinds))
        where = f"WHERE kind IN ({marks})" if kinds else ""
        query = (
            "SELECT kind, block, log_index, transaction_hash, values_json "  # noqa: S608 -- marks
            f"FROM events {where} ORDER BY block, log_index"
        )
        for kind, block, log_index, transaction, values in self._database.execute(query, kinds):
            yield SaleEvent(
                EventKind(kind), block, log_index, transaction, values_from_json(values)
            )

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield self._database
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")
