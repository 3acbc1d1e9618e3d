"""Slowing down whoever guesses passwords or opens accounts in heaps."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, NamedTuple

from gavelbook.accounts.errors import Throttled
from gavelbook.accounts.store import DAY_MS
from gavelbook.rates import address_key

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from gavelbook.accounts.store import AccountsStore

_HOUR_MS = 60 * 60 * 1000
_MOST_DOUBLINGS = 30
_KNOWN_MS = 90 * DAY_MS


class _Patience(NamedTuple):
    """``free`` failures cost nothing, then each doubles the wait, up to ``longest_ms``."""

    free: int
    first_ms: int
    longest_ms: int

    def pause(self, failures: int) -> int:
        beyond = failures - self.free
        if beyond <= 0:
            return 0
        return min(self.first_ms << min(beyond - 1, _MOST_DOUBLINGS), self.longest_ms)


# Somebody can lock another one's name, but only for so long, and only for places it never was at.
_OF_ACCOUNTS = _Patience(free=5, first_ms=2_000, longest_ms=15 * 60 * 1000)
_PATIENCE = {
    "name": _OF_ACCOUNTS,
    "known": _OF_ACCOUNTS,
    "session": _OF_ACCOUNTS,
    "client": _Patience(free=20, first_ms=2_000, longest_ms=_HOUR_MS),
}


class Throttle:
    """Counts attempts by name and by network address. What it counts outlives the process.

    Else strangers could keep somebody out by guessing all day: where the name has signed in
    before, and in its sessions, attempts count apart.
    """

    def __init__(
        self,
        store: AccountsStore,
        clock: Callable[[], int],
        registrations_per_client: int,
        registrations_per_hour: int,
    ) -> None:
        self._store = store
        self._clock = clock
        self._per_client = registrations_per_client
        self._per_hour = registrations_per_hour

    def attempt(self, name: str, client: str | None = None) -> None:
        """Count an attempt as failed before it is made, so that many at once gain nothing.

        ``client`` is the network address it comes from, "" where that is unknown; None where a
        session of the account asks.

        Raises:
            Throttled: ``throttled``; the attempt must not be made.

        """
        with self._store.writing() as database:
            self._forget_old(database)
            found = [
                (scope, who, *self._failures(database, scope, who))
                for scope, who in _scopes(database, name, client)
            ]
            now = self._clock()
            wait = max(blocked_until for *_, blocked_until in found) - now
            if wait > 0:
                raise _throttled("throttled", "fewer attempts to sign in", wait)
            for scope, who, failures, _ in found:
                pause = _PATIENCE[scope].pause(failures + 1)
                database.execute(
                    "INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?, ?)",
                    (scope, who, failures + 1, now, now + pause),
                )

    def succeeded(self, name: str, client: str | None = None) -> None:
        """Take the attempt back; the name starts anew.

        The network address does not: one account of one's own must not pay for guesses at others.
        """
        with self._store.writing() as database:
            for scope, who in _scopes(database, name, client):
                failures, _ = self._failures(database, scope, who)
                left = max(0, failures - 1) if scope == "client" else 0
                database.execute(
                    "UPDATE attempts SET failures = ?, blocked_until = 0 "
                    "WHERE scope = ? AND who = ?",
                    (left, scope, who),
                )

    def know(self, name: str, client: str) -> None:
        """Note that the owner of ``name`` was let in at ``client``."""
        if client:
            with self._store.writing() as database:
                database.execute(
                    "INSERT OR REPLACE INTO attempts VALUES ('known', ?, 0, ?, 0)",
                    (_pair(name, client), self._clock()),
                )

    def register(self, client: str) -> None:
        """Count a registration; without a ``client`` among all of them only.

        Raises:
            Throttled: ``registration_limited``.

        """
        who, now = _digest(address_key(client)), self._clock()
        with self._store.writing() as database:
            database.execute("DELETE FROM registrations WHERE at <= ?", (now - _HOUR_MS,))
            rows = database.execute("SELECT who, at FROM registrations ORDER BY at").fetchall()
            own = [at for each, at in rows if each == who and client]
            for limit, times in ((self._per_client, own), (self._per_hour, [at for _, at in rows])):
                if len(times) >= limit:
                    wait = times[-limit] + _HOUR_MS - now
                    raise _throttled("registration_limited", "fewer new accounts", wait)
            database.execute("INSERT INTO registrations VALUES (?, ?)", (who, now))

    def _forget_old(self, database: sqlite3.Connection) -> None:
        now = self._clock()
        for scope in _PATIENCE:
            kept_ms = _KNOWN_MS if scope == "known" else DAY_MS
            database.execute(
                "DELETE FROM attempts WHERE scope = ? AND last_at <= ?", (scope, now - kept_ms)
            )

    def _failures(self, database: sqlite3.Connection, scope: str, who: bytes) -> tuple[int, int]:
        """Return the failures of the last day, and until when no attempt is made."""
        row = database.execute(
            "SELECT failures, last_at, blocked_until FROM attempts WHERE scope = ? AND who = ?",
            (scope, who),
        ).fetchone()
        if row is None or row[1] <= self._clock() - DAY_MS:
            return 0, 0
        return row[0], row[2]


def _scopes(database: sqlite3.Connection, name: str, client: str | None) -> list[tuple[str, bytes]]:
    if client is None:
        return [("session", _digest(name))]
    if not client:
        return [("name", _digest(name))]
    pair = _pair(name, client)
    known = database.execute(
        "SELECT 1 FROM attempts WHERE scope = 'known' AND who = ?", (pair,)
    ).fetchone()
    of_name = ("known", pair) if known else ("name", _digest(name))
    return [of_name, ("client", _digest(address_key(client)))]


def _pair(name: str, client: str) -> bytes:
    return _digest(f"{name}\n{address_key(client)}")


def _digest(text: str) -> bytes:
    # What people type as a name by mistake is sometimes their password.
    return hashlib.sha256(text.encode(errors="replace")).digest()


def _throttled(code: str, expected: str, wait_ms: int) -> Throttled:
    seconds = max(1, math.ceil(wait_ms / 1000))
    message = f"Expected {expected}, was too many: try again in {seconds} s"
    return Throttled(code, message, retry_after=seconds)
