"""Batches as they were signed, kept from before they leave the process, for ever.

A number can have several contents: the first may have taken too much gas, or can never be mined.
Of all contents of one number the contract settles at most one, and its event says which by hash.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

from gavelbook.service.exchange.sqlite_file import SqliteFile

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_COLUMNS = (
    "number, attempt, market, first_fill, last_fill, fill_count, content, content_hash, signature, "
    "log_position, tx_hash, gas_used"
)
_TABLES = """
CREATE TABLE IF NOT EXISTS batches (
    number INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    market INTEGER NOT NULL,
    first_fill INTEGER NOT NULL,
    last_fill INTEGER NOT NULL,
    fill_count INTEGER NOT NULL,
    content BLOB NOT NULL,
    content_hash BLOB NOT NULL UNIQUE,
    signature BLOB NOT NULL,
    log_position INTEGER NOT NULL,
    tx_hash BLOB NOT NULL DEFAULT x'',
    gas_used INTEGER NOT NULL DEFAULT 0,
    settled INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (number, attempt)
) STRICT;
-- The settler asks these at every step; without them it would read all contents there ever were.
CREATE INDEX IF NOT EXISTS settled_numbers ON batches (number, settled);
CREATE INDEX IF NOT EXISTS last_fills ON batches (settled, market, last_fill, number);
CREATE INDEX IF NOT EXISTS gas_of_fills ON batches (gas_used, fill_count);
CREATE TABLE IF NOT EXISTS busts (
    fill_id INTEGER NOT NULL,
    obstacle TEXT NOT NULL,
    account BLOB NOT NULL,
    token BLOB NOT NULL,
    PRIMARY KEY (fill_id, account, token)
) STRICT;
"""


class SignedBatch(NamedTuple):
    """A batch as it is, or was to be, sent.

    It has the ``fill_count`` open fills of ``market`` with ids from ``first_fill`` to
    ``last_fill``. ``log_position`` is where the head is that it carries. ``tx_hash`` is empty
    while nobody has sent it, ``gas_used`` 0 until its receipt was seen.
    """

    number: int
    attempt: int
    market: int
    first_fill: int
    last_fill: int
    fill_count: int
    content: bytes
    content_hash: bytes
    signature: bytes
    log_position: int
    tx_hash: bytes = b""
    gas_used: int = 0

    def covers(self, market: int, fill_id: int) -> bool:
        """Return whether the fill is in the batch, if it was open when the batch was made."""
        return market == self.market and self.first_fill <= fill_id <= self.last_fill


class BatchStore:
    """The batches in the file ``path``, or in memory where that is None; one process at a time.

    What a method has written is on disk when it returns. Safe to share between threads.

    Raises:
        StoreError: ``store_in_use`` by another process, or ``store_unusable``.

    """

    def __init__(self, path: Path | None = None) -> None:
        self._file = SqliteFile(path, _TABLES)
        self._lock = threading.RLock()

    def add(self, batch: SignedBatch) -> None:
        """Keep a batch; it is now the one to send under its number.

        Its ``attempt`` is above those before it. The same content as before has another signature.
        """
        marks = ", ".join("?" * len(batch))
        again = "UPDATE batches SET attempt = ?, signature = ?, tx_hash = ? WHERE content_hash = ?"
        signed = (batch.attempt, batch.signature, batch.tx_hash, batch.content_hash)
        with self._lock, self._file.writing() as database:
            if database.execute(again, signed).rowcount:
                return
            database.execute(f"INSERT INTO batches ({_COLUMNS}) VALUES ({marks})", batch)  # noqa: S608

    def note_sent(self, batch: SignedBatch, tx_hash: bytes) -> None:
        """Note the transaction that carries a batch, in place of an earlier one."""
        self._update(batch, "tx_hash = ?", tx_hash)

    def note_receipt(self, batch: SignedBatch, tx_hash: bytes, gas_used: int) -> None:
        """Note the transaction that settled a batch, and what it took."""
        self._update(batch, "tx_hash = ?, gas_used = ?", tx_hash, gas_used)

    def current(self, number: int) -> SignedBatch | None:
        """Return the latest content made for ``number``."""
        found = self._select("WHERE number = ? ORDER BY attempt DESC LIMIT 1", number)
        return found[0] if found else None

    def contents(self, number: int) -> list[SignedBatch]:
        """Return all contents made for ``number``, oldest first."""
        return self._select("WHERE number = ? ORDER BY attempt", number)

    def by_hash(self, content_hash: bytes) -> SignedBatch | None:
        """Return the batch with this content."""
        return next(iter(self._select("WHERE content_hash = ?", content_hash)), None)

    def recent(self, count: int) -> list[SignedBatch]:
        """Return the latest content of each of the last ``count`` numbers, newest first."""
        last = self.last_number()
        found = self._select("WHERE number > ? ORDER BY number DESC, attempt DESC", last - count)
        return list({each.number: each for each in reversed(found)}.values())[::-1]

    def last_number(self) -> int:
        """Return the highest number a batch was made for; 0 before the first."""
        with self._lock:
            row = self._file.connection.execute("SELECT max(number) FROM batches").fetchone()
        return int(row[0] or 0)

    def note_settled(self, content_hash: bytes) -> None:
        """Note which content of its number is on the chain for good."""
        with self._lock, self._file.writing() as database:
            database.execute(
                "UPDATE batches SET settled = 1 WHERE content_hash = ?", (content_hash,)
            )

    def unconfirmed(self, last: int) -> list[int]:
        """Return the numbers up to ``last`` of which no content is noted as settled."""
        query = (
            "SELECT number FROM batches WHERE number <= ? GROUP BY number HAVING max(settled) = 0"
        )
        with self._lock:
            return [row[0] for row in self._file.connection.execute(query, (last,))]

    def watermarks(self, last: int, unconfirmed: Iterable[SignedBatch]) -> dict[int, int]:
        """Return the last fill of each market that is in a batch on the chain.

        Args:
            last: number of the last batch on the chain.
            unconfirmed: the contents on the chain that are not noted as settled yet.

        """
        query = (
            "SELECT market, max(last_fill) FROM batches WHERE settled = 1 AND number <= ? "
            "GROUP BY market"
        )
        with self._lock:
            marks = {row[0]: row[1] for row in self._file.connection.execute(query, (last,))}
        for batch in unconfirmed:
            marks[batch.market] = max(marks.get(batch.market, 0), batch.last_fill)
        return marks

    def add_bust(
        self, fill_id: int, obstacle: str, holdings: Iterable[tuple[bytes, bytes]]
    ) -> None:
        """Note that a fill is undone, and the accounts and tokens that miss its credits."""
        rows = [(fill_id, obstacle, account, token) for account, token in holdings]
        with self._lock, self._file.writing() as database:
            database.executemany("INSERT OR IGNORE INTO busts VALUES (?, ?, ?, ?)", rows)

    def bereft(self) -> set[tuple[bytes, bytes]]:
        """Return the accounts and tokens that miss a credit of a fill that was undone."""
        with self._lock:
            query = "SELECT DISTINCT account, token FROM busts"
            return {(row[0], row[1]) for row in self._file.connection.execute(query)}

    def bust_count(self) -> int:
        """Return how many fills were undone."""
        with self._lock:
            query = "SELECT count(DISTINCT fill_id) FROM busts"
            return int(self._file.connection.execute(query).fetchone()[0])

    def gas_used(self) -> tuple[int, int]:
        """Return the gas of all batches whose receipt was seen, and their fills."""
        query = "SELECT sum(gas_used), sum(fill_count) FROM batches WHERE gas_used > 0"
        with self._lock:
            row = self._file.connection.execute(query).fetchone()
        return int(row[0] or 0), int(row[1] or 0)

    def close(self) -> None:
        """Close the database."""
        self._file.close()

    def _select(self, where: str, *values: int | bytes) -> list[SignedBatch]:
        with self._lock:
            rows = self._file.connection.execute(
                f"SELECT {_COLUMNS} FROM batches {where}",  # noqa: S608 -- no values in it
                values,
            ).fetchall()
        return [SignedBatch(*row) for row in rows]

    def _update(self, batch: SignedBatch, assignments: str, *values: int | bytes) -> None:
        with self._lock, self._file.writing() as database:
            database.execute(
                f"UPDATE batches SET {assignments} WHERE number = ? AND attempt = ?",  # noqa: S608
                (*values, batch.number, batch.attempt),
            )
