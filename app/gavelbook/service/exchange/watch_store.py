"""What the watcher has read, and what it has to tell the engine: a kill loses and doubles nothing.

Events and the inputs that follow from them are written together. An input waits until its command
is in the log or was refused. What was in flight when the process was killed, the log itself knows.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, NamedTuple

from gavelbook.chain.errors import StoreError
from gavelbook.chain.event_forms import values_from_json, values_to_json
from gavelbook.chain.event_reader import BlockMark
from gavelbook.chain.exchange_events import ExchangeEvent, ExchangeEventKind, read_exchange_log
from gavelbook.exchange import commands
from gavelbook.service.exchange.sqlite_file import SqliteFile
from gavelbook.service.exchange.watch_inputs import (
    WATCHED,
    Contradiction,
    LandedBatch,
    inputs_of,
    inputs_undoing,
    vanished_withdrawal,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from gavelbook.chain.event_forms import RawLog
    from gavelbook.service.exchange.batch_planner import Holding
    from gavelbook.service.exchange.watch_inputs import Input

_TABLES = """
CREATE TABLE IF NOT EXISTS source (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    chain_id INTEGER NOT NULL,
    address TEXT NOT NULL,
    from_block INTEGER NOT NULL,
    log_position INTEGER NOT NULL
) STRICT;
-- Up to each of these blocks everything was read; hash in hexadecimal.
CREATE TABLE IF NOT EXISTS blocks (number INTEGER PRIMARY KEY, hash TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS events (
    block INTEGER NOT NULL,
    log_index INTEGER NOT NULL,
    kind TEXT NOT NULL,
    transaction_hash TEXT NOT NULL,
    values_json TEXT NOT NULL,
    PRIMARY KEY (block, log_index)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS events_by_kind ON events (kind);
-- state: waiting, logged (at log_position), refused or ignored (reason says why).
CREATE TABLE IF NOT EXISTS inputs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    content BLOB NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',
    log_position INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX IF NOT EXISTS inputs_by_state ON inputs (state, number);
CREATE TABLE IF NOT EXISTS applied (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
-- Accounts and tokens whose money left without the engine's consent.
CREATE TABLE IF NOT EXISTS lacking (
    account BLOB NOT NULL, token BLOB NOT NULL, PRIMARY KEY (account, token)
) STRICT, WITHOUT ROWID;
"""
_EXITS = (
    ExchangeEventKind.EXIT_REQUESTED,
    ExchangeEventKind.EXIT_CANCELLED,
    ExchangeEventKind.EXITED,
)
_COMMAND, _BATCH, _CONTRADICTION = "command", "batch", "contradiction"
_REFUSED_SHOWN = 20


class Waiting(NamedTuple):
    """An input that is not known to be in the log."""

    number: int
    input: Input


class WatchStore:
    """What a `Watcher` keeps in the file ``path``, or in memory where that is None.

    Every write is all or nothing and on disk when it returns. Safe to share between threads.

    Raises:
        StoreError: ``store_in_use`` by another process, or ``store_unusable``.

    """

    def __init__(self, path: Path | None = None) -> None:
        self._file = SqliteFile(path, _TABLES)
        self._lock = threading.RLock()
        # Account and token of each exit under way; None where it has to be read.
        self._exits: set[tuple[bytes, bytes]] | None = None

    def open_for(self, chain_id: int, address: str, from_block: int) -> None:
        """Make this the store of one exchange, or check that it is.

        Raises:
            StoreError: ``store_of_another_exchange``.

        """
        wanted = (chain_id, address)
        with self._lock, self._file.writing() as database:
            row = database.execute("SELECT chain_id, address FROM source").fetchone()
            if row is None:
                database.execute("INSERT INTO source VALUES (1, ?, ?, ?, 0)", (*wanted, from_block))
            elif row != wanted:
                message = (
                    f"{self._file.path}: Expected the store of {address} on chain {chain_id}, "
                    f"was of {row[1]} on chain {row[0]}"
                )
                raise StoreError("store_of_another_exchange", message, file=str(self._file.path))

    # Reading the chain: a `LogStore`

    def add_logs(self, logs: Sequence[RawLog], marks: Iterable[BlockMark]) -> None:
        """Add the events in ``logs`` with the inputs that follow, and the hashes of their blocks.

        Raises:
            ChainError: ``log_malformed``.

        """
        events = [event for event in map(read_exchange_log, logs) if event is not None]
        with self._lock, self._file.writing() as database:
            for event in events:
                if event.kind in WATCHED:
                    self._add_event(database, event)
            database.executemany("INSERT OR REPLACE INTO blocks VALUES (?, ?)", marks)
            for event in events:
                if event.kind in _EXITS and self._exits is not None:
                    _note_exit(self._exits, event)

    def forget_after(self, block: int) -> int:
        """Forget the blocks above ``block``, and undo their events, last first."""
        with self._lock, self._file.writing() as database:
            events = self._events("WHERE block > ? ORDER BY block DESC, log_index DESC", block)
            for event in events:
                key = (event.block, event.log_index)
                database.execute("DELETE FROM events WHERE block = ? AND log_index = ?", key)
                if event.kind is ExchangeEventKind.DEPOSITED:
                    self._note_lacking(database, event)
                self._enqueue(database, inputs_undoing(event, self))
            database.execute("DELETE FROM blocks WHERE number > ?", (block,))
            self._exits = None
        return len(events)

    def last_mark(self) -> BlockMark | None:
        """Return the last block read; None where nothing was."""
        return next(iter(self._marks("LIMIT 1")), None)

    def marks_downward(self) -> list[BlockMark]:
        """Return the blocks whose hash is known, highest first."""
        return self._marks("")

    # What was applied of that which is not undone: a `Memory`

    def recall(self, name: str) -> str | None:
        """Return what is remembered under ``name``."""
        with self._lock:
            query = "SELECT value FROM applied WHERE name = ?"
            row = self._file.connection.execute(query, (name,)).fetchone()
        return None if row is None else str(row[0])

    def remember(self, name: str, value: str) -> None:
        """Remember ``value`` under ``name``."""
        with self._lock, self._file.writing() as database:
            database.execute("INSERT OR REPLACE INTO applied VALUES (?, ?)", (name, value))

    def fee_recipient(self) -> bytes | None:
        """Return the account that the fees go to by the events read."""
        kind = ExchangeEventKind.FEE_RECIPIENT_CHANGED
        where = "WHERE kind = ? ORDER BY block DESC, log_index DESC LIMIT 1"
        events = self._events(where, kind)
        return events[0].account("recipient") if events else None

    # Inputs

    def waiting(self, limit: int = 1000) -> list[Waiting]:
        """Return the inputs that are not known to be in the log, in order."""
        with self._lock:
            query = (
                "SELECT number, kind, content FROM inputs WHERE state = 'waiting' "
                "ORDER BY number LIMIT ?"
            )
            rows = self._file.connection.execute(query, (limit,)).fetchall()
        return [Waiting(number, _input(kind, content)) for number, kind, content in rows]

    def note_logged(self, logged: Sequence[tuple[int, int]], log_position: int) -> None:
        """Note inputs, by number, as logged at their positions.

        Args:
            logged: number of the input and position of its command in the log.
            log_position: up to which no other input is in the log.

        """
        rows = [(position, number) for number, position in logged]
        with self._lock, self._file.writing() as database:
            database.executemany(
                "UPDATE inputs SET state = 'logged', log_position = ? WHERE number = ?", rows
            )
            database.execute("UPDATE source SET log_position = ?", (log_position,))

    def note_refused(self, number: int, reason: str, *, ignored: bool = False) -> None:
        """Note an input as refused by the engine; ``ignored`` where nobody has to look at it."""
        state = "ignored" if ignored else "refused"
        with self._lock, self._file.writing() as database:
            database.execute(
                "UPDATE inputs SET state = ?, reason = ? WHERE number = ?", (state, reason, number)
            )

    def log_position(self) -> int:
        """Return the log position above which inputs may be that are still noted as waiting."""
        with self._lock:
            row = self._file.connection.execute("SELECT log_position FROM source").fetchone()
        return int(row[0])

    def refused(self) -> list[str]:
        """Return why inputs were refused: the first few, oldest first."""
        with self._lock:
            query = "SELECT reason FROM inputs WHERE state = 'refused' ORDER BY number LIMIT ?"
            rows = self._file.connection.execute(query, (_REFUSED_SHOWN,))
            return [row[0] for row in rows]

    def lists(self, token: bytes) -> bool:
        """Return whether a market in ``token`` was listed."""
        with self._lock:
            events = self._events("WHERE kind = ?", ExchangeEventKind.MARKET_LISTED)
        return any(token in (each.account("base"), each.account("quote")) for each in events)

    def credit_vanished(self, is_over: Callable[[bytes, int], bool]) -> int:
        """Give back withdrawals that the chain took back and that can no longer be paid.

        Args:
            is_over: says of account and nonce whether the deadline is over for good.

        Returns:
            How many these were.

        """
        with self._lock, self._file.writing() as database:
            rows = database.execute(
                "SELECT name, value FROM applied WHERE value = 'gone'"
            ).fetchall()
            found = [(name, vanished_withdrawal(name, value)) for name, value in rows]
            over = [(name, each) for name, each in found if each and is_over(each[0], each[3])]
            for name, (account, token, amount, _) in over:
                self.remember(name, "expired")
                self._enqueue(database, [commands.Deposit(account, token, amount)])
        return len(over)

    # Questions of the settler

    def exiting(self) -> frozenset[bytes]:
        """Return the accounts with an exit under way, of any token."""
        with self._lock:
            if self._exits is None:
                self._exits = set()
                where = "WHERE kind IN (?, ?, ?) ORDER BY block, log_index"
                for event in self._events(where, *_EXITS):
                    _note_exit(self._exits, event)
            return frozenset(account for account, _ in self._exits)

    def lacking(self) -> set[Holding]:
        """Return accounts and tokens whose money left by an exit or a deposit's disappearance."""
        with self._lock:
            rows = self._file.connection.execute("SELECT account, token FROM lacking").fetchall()
        return {(row[0], row[1]) for row in rows}

    def close(self) -> None:
        """Close the database."""
        self._file.close()

    def _add_event(self, database: sqlite3.Connection, event: ExchangeEvent) -> None:
        # Before the event is there, so that the memory is that of the blocks below.
        self._enqueue(database, inputs_of(event, self))
        if event.kind is ExchangeEventKind.EXITED:
            self._note_lacking(database, event)
        database.execute(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?)",
            (
                event.block,
                event.log_index,
                event.kind,
                event.transaction,
                values_to_json(event.values),
            ),
        )

    def _note_lacking(self, database: sqlite3.Connection, event: ExchangeEvent) -> None:
        holding = (event.account("account"), event.account("token"))
        database.execute("INSERT OR IGNORE INTO lacking VALUES (?, ?)", holding)

    def _enqueue(
        self,
        database: sqlite3.Connection,
        inputs: Iterable[Input],
    ) -> None:
        database.executemany("INSERT INTO inputs (kind, content) VALUES (?, ?)", map(_row, inputs))

    def _events(self, where: str, *values: object) -> list[ExchangeEvent]:
        query = f"SELECT kind, block, log_index, transaction_hash, values_json FROM events {where}"  # noqa: S608
        with self._lock:
            rows = self._file.connection.execute(query, values).fetchall()
        return [
            ExchangeEvent(
                ExchangeEventKind(kind), block, index, transaction, values_from_json(text)
            )
            for kind, block, index, transaction, text in rows
        ]

    def _marks(self, limit: str) -> list[BlockMark]:
        query = f"SELECT number, hash FROM blocks ORDER BY number DESC {limit}"  # noqa: S608
        with self._lock:
            return [BlockMark(*row) for row in self._file.connection.execute(query)]


def _note_exit(exits: set[tuple[bytes, bytes]], event: ExchangeEvent) -> None:
    holding = (event.account("account"), event.account("token"))
    if event.kind is ExchangeEventKind.EXIT_REQUESTED:
        exits.add(holding)
    else:
        exits.discard(holding)


def _row(each: Input) -> tuple[str, bytes]:
    if isinstance(each, LandedBatch):
        return _BATCH, json.dumps([each.number, each.content_hash.hex()]).encode()
    if isinstance(each, Contradiction):
        return _CONTRADICTION, each.what.encode()
    return _COMMAND, commands.encode(each)


def _input(kind: str, content: bytes) -> Input:
    if kind == _BATCH:
        number, content_hash = json.loads(content)
        return LandedBatch(number, bytes.fromhex(content_hash))
    if kind == _CONTRADICTION:
        return Contradiction(content.decode())
    return commands.decode(content)
