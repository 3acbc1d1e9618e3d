"""The file of the views: its tables, and how it is made anew."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from gavelbook.service.exchange.errors import ViewError

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 2
"""Raise it with every change below: views of another format are made anew from the log."""

# Orders and accounts are all over the indexes, so pages are worth keeping and writing seldom.
_CHECKPOINT_PAGES = 16_384
_CACHE_KIB = 65_536

_TABLES = """
CREATE TABLE IF NOT EXISTS progress (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    position INTEGER NOT NULL,
    head BLOB NOT NULL
) STRICT;
INSERT OR IGNORE INTO progress VALUES (1, 0, x'');

-- hash_key is the first 8 bytes of the hash as an integer, so that the index stays small. command
-- is the PlaceOrder in MessagePack; lots as decimal text; times in unix milliseconds. leaves_at_ms
-- is 0 where the order never rested, done_* are 0 while it is open.
CREATE TABLE IF NOT EXISTS orders (
    position INTEGER PRIMARY KEY,
    time_ms INTEGER NOT NULL,
    hash_key INTEGER NOT NULL,
    order_hash BLOB NOT NULL,
    market INTEGER NOT NULL,
    maker BLOB NOT NULL,
    command BLOB NOT NULL,
    leaves_at_ms INTEGER NOT NULL,
    remaining_lots TEXT NOT NULL,
    done_reason TEXT,
    done_position INTEGER NOT NULL,
    done_time_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS orders_by_hash ON orders (hash_key);
CREATE INDEX IF NOT EXISTS orders_by_maker ON orders (maker);
CREATE INDEX IF NOT EXISTS open_orders ON orders (maker) WHERE done_reason IS NULL;

-- maker_order and taker_order are the positions of the orders. batch is 0 until it is settled.
CREATE TABLE IF NOT EXISTS fills (
    fill_id INTEGER PRIMARY KEY,
    position INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    market INTEGER NOT NULL,
    maker_order INTEGER NOT NULL,
    taker_order INTEGER NOT NULL,
    maker_hash BLOB NOT NULL,
    taker_hash BLOB NOT NULL,
    maker BLOB NOT NULL,
    taker BLOB NOT NULL,
    lots TEXT NOT NULL,
    ticks TEXT NOT NULL,
    taker_side INTEGER NOT NULL,
    quote TEXT NOT NULL,
    maker_fee TEXT NOT NULL,
    taker_fee TEXT NOT NULL,
    batch INTEGER NOT NULL,
    busted INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS fills_by_market ON fills (market);
CREATE INDEX IF NOT EXISTS fills_by_maker ON fills (maker);
CREATE INDEX IF NOT EXISTS fills_by_taker ON fills (taker);
CREATE INDEX IF NOT EXISTS fills_by_maker_order ON fills (maker_order);
CREATE INDEX IF NOT EXISTS fills_by_taker_order ON fills (taker_order);
CREATE INDEX IF NOT EXISTS open_fills ON fills (fill_id) WHERE batch = 0 AND busted = 0;

-- Prices in ticks, lots and quote as decimal text.
CREATE TABLE IF NOT EXISTS candles (
    market INTEGER NOT NULL,
    length_ms INTEGER NOT NULL,
    start_ms INTEGER NOT NULL,
    open TEXT NOT NULL,
    high TEXT NOT NULL,
    low TEXT NOT NULL,
    close TEXT NOT NULL,
    lots TEXT NOT NULL,
    quote TEXT NOT NULL,
    trades INTEGER NOT NULL,
    PRIMARY KEY (market, length_ms, start_ms)
) STRICT, WITHOUT ROWID;

-- command is the RequestWithdrawal in JSON; nonce as decimal text; paid is NULL while it is
-- pending.
CREATE TABLE IF NOT EXISTS withdrawals (
    position INTEGER PRIMARY KEY,
    time_ms INTEGER NOT NULL,
    account BLOB NOT NULL,
    nonce TEXT NOT NULL,
    deadline INTEGER NOT NULL,
    command BLOB NOT NULL,
    paid INTEGER
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS withdrawals_by_nonce ON withdrawals (account, nonce);
CREATE INDEX IF NOT EXISTS pending_withdrawals ON withdrawals (deadline) WHERE paid IS NULL;

-- amount as decimal text with its sign.
CREATE TABLE IF NOT EXISTS movements (
    number INTEGER PRIMARY KEY,
    position INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    account BLOB NOT NULL,
    token BLOB NOT NULL,
    kind TEXT NOT NULL,
    amount TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS movements_by_account ON movements (account);
"""


def open_views(path: Path) -> sqlite3.Connection:
    """Open the views at ``path`` to write them; what is no database of this format is made anew.

    Raises:
        ViewError: ``views_unusable``.

    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        database = _connect(path)
        if database is None:
            remove_views(path)
            database = _connect(path)
    except (OSError, sqlite3.Error) as error:
        raise unusable(path, error) from error
    if database is None:
        raise unusable(path, OSError("a new file is no database"))
    return database


def remove_views(path: Path) -> None:
    """Remove the files of the views at ``path``, which nobody may have open."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def hash_key(order_hash: bytes) -> int:
    """Return what orders are found by: part of the hash, so others may have the same."""
    return int.from_bytes(order_hash[:8], "big", signed=True)


def unusable(path: Path, error: Exception) -> ViewError:
    """Return the error about views that cannot be read or written."""
    message = f"{path}: Expected views that can be read and written, were unusable ({error})"
    return ViewError("views_unusable", message, file=str(path))


def _connect(path: Path) -> sqlite3.Connection | None:
    """Return a connection to views of this format; None if there is something else."""
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        (tables,) = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if version != FORMAT and tables:
            database.close()
            return None
        database.execute("PRAGMA journal_mode = WAL")
        # Durability is the log's; after a loss of power these are whole, if older.
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        database.executescript(_TABLES)
        database.execute(f"PRAGMA user_version = {FORMAT}")
    except sqlite3.DatabaseError as error:
        database.close()
        if error.sqlite_errorcode in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}:
            return None
        raise
    return database
