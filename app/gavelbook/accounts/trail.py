"""The audit trail: everything that was signed or sent, chained by hashes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gavelbook.accounts.errors import AccountsError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator

    from gavelbook.accounts.store import AccountsStore

GENESIS = bytes(32)
_AT_ONCE = 5_000
_COLUMNS = "position, at, account, session, kind, digest, title, summary, transaction_hash, head"


@dataclass(frozen=True, slots=True)
class Doing:
    """Something worth an entry: who did what in which session.

    ``account`` 0 is the signer itself. ``digest`` and ``transaction`` are hexadecimal text with
    0x, empty where there is none. ``title`` is what the caller called it, ``summary`` what the
    signer understood: pairs of label and text.
    """

    account: int
    session: str
    kind: str
    digest: str = ""
    title: str = ""
    summary: tuple[tuple[str, str], ...] = ()
    transaction: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry at ``position`` (from 1), written at ``at`` (Unix milliseconds)."""

    position: int
    at: int
    doing: Doing
    head: bytes
    """A hash over this entry and, through the head before it, over all that came before."""


class Trail:
    """Adds to the trail and reads it."""

    def __init__(self, store: AccountsStore, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock

    def add(self, doing: Doing) -> None:
        """Write an entry; inside `AccountsStore.writing` it is part of that."""
        with self._store.writing() as database:
            position, head = _tail(database)
            entry = Entry(position + 1, self._clock(), doing, b"")
            database.execute(
                f"INSERT INTO trail ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 -- of names above
                (*_values(entry), _next_head(head, entry)),
            )

    def head(self) -> tuple[int, bytes]:
        """Return the position of the last entry, 0 for none, and its head."""
        with self._store.writing() as database:
            return _tail(database)

    def page(self, account: int, before: int | None, limit: int) -> list[Entry]:
        """Return entries of ``account``, newest first, of positions below ``before``."""
        rows = self._store.rows(
            f"SELECT {_COLUMNS} FROM trail WHERE account = ? AND position < ? "  # noqa: S608
            "ORDER BY position DESC LIMIT ?",
            account,
            2**62 if before is None else before,
            limit,
        )
        return [_entry(row) for row in rows]

    def check(self, known: Iterable[tuple[int, bytes]] = ()) -> tuple[int, bytes]:
        """Compute the whole chain again; return its last position and head.

        ``known`` are positions and heads that were written down elsewhere: with one of them a
        trail that was cut short or written anew is found out, too.

        Raises:
            AccountsError: ``trail_broken``, with the position.

        """
        wanted = dict(known)
        position, head = 0, GENESIS
        for entry in self._all():
            head = _next_head(head, entry)
            position += 1
            expected = wanted.pop(position, head)
            if entry.position != position or entry.head != head or expected != head:
                raise _broken(position)
        for missing in wanted:
            raise _broken(missing)
        return position, head

    def _all(self) -> Iterator[Entry]:
        position = 0
        while rows := self._store.rows(
            f"SELECT {_COLUMNS} FROM trail WHERE position > ? ORDER BY position LIMIT ?",  # noqa: S608
            position,
            _AT_ONCE,
        ):
            for row in rows:
                entry = _entry(row)
                position = entry.position
                yield entry


def _broken(position: int) -> AccountsError:
    message = f"Expected an unbroken audit trail, was changed or cut at entry {position}"
    return AccountsError("trail_broken", message, position=position)


def _tail(database: sqlite3.Connection) -> tuple[int, bytes]:
    row = database.execute(
        "SELECT position, head FROM trail ORDER BY position DESC LIMIT 1"
    ).fetchone()
    return (row[0], bytes(row[1])) if row else (0, GENESIS)


def _values(entry: Entry) -> tuple[int | str, ...]:
    doing = entry.doing
    return (
        entry.position,
        entry.at,
        doing.account,
        doing.session,
        doing.kind,
        doing.digest,
        doing.title,
        json.dumps(doing.summary),
        doing.transaction,
    )


def _next_head(head: bytes, entry: Entry) -> bytes:
    return hashlib.sha256(head + json.dumps(_values(entry)).encode()).digest()


def _entry(row: tuple[object, ...]) -> Entry:
    position, at, account, session, kind, digest, title, summary, transaction, head = row
    pairs = tuple((str(label), str(text)) for label, text in json.loads(str(summary)))
    doing = Doing(
        int(str(account)), str(session), str(kind), str(digest), str(title), pairs, str(transaction)
    )
    return Entry(int(str(position)), int(str(at)), doing, bytes(head))  # type: ignore[call-overload]
