"""Slowing down whoever guesses passwords or opens accounts in heaps."""

from __future__ import annotations

import hashlib
import ipaddress
import math
from typing import TYPE_CHECKING, NamedTuple

from gavelbook.accounts.errors import Throttled
from gavelbook.accounts.store import DAY_MS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from gavelbook.accounts.store import AccountsStore

_HOUR_MS = 60 * 60 * 1000
_IPV6_PREFIX = 64
_MOST_DOUBLINGS = 30


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


# Somebody can lock another one's name, but only for so long.
_PATIENCE = {
    "name": _Patience(free=5, first_ms=2_000, longest_ms=15 * 60 * 1000),
    "client": _Patience(free=20, first_ms=2_000, longest_ms=_HOUR_MS),
}


class Throttle:
    """Counts attempts by name and by network address. What it counts outlives the process."""

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

    def attempt(self, name: str, client: str = "") -> None:
        """Count an attempt as failed before it is made, so that many at once gain nothing.

        Without a ``client`` only the name counts.

        Raises:
            Throttled: ``throttled``; the attempt must not be made.

        """
        with self._store.writing() as database:
            found = [
                (scope, who, *self._failures(database, scope, who))
                for scope, who in _scopes(name, client)
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

    def succeeded(self, name: str, client: str = "") -> None:
        """Take the attempt back; the name starts anew.

        The network address does not: one account of one's own must not pay for guesses at others.
        """
        with self._store.writing() as database:
            for scope, who in _scopes(name, client):
                failures, _ = self._failures(database, scope, who)
                left = 0 if scope == "name" else max(0, failures - 1)
                database.execute(
                    "UPDATE attempts SET failures = ?, blocked_until = 0 "
                    "WHERE scope = ? AND who = ?",
                    (left, scope, who),
                )

    def register(self, client: str) -> None:
        """Count a registration; without a ``client`` among all of them only.

        Raises:
            Throttled: ``registration_limited``.

        """
        who, now = _digest(client_key(client)), self._clock()
        with self._store.writing() as database:
            database.execute("DELETE FROM registrations WHERE at <= ?", (now - _HOUR_MS,))
            rows = database.execute("SELECT who, at FROM registrations ORDER BY at").fetchall()
            own = [at for each, at in rows if each == who and client]
            for limit, times in ((self._per_client, own), (self._per_hour, [at for _, at in rows])):
                if len(times) >= limit:
                    wait = times[-limit] + _HOUR_MS - now
                    raise _throttled("registration_limited", "fewer new accounts", wait)
            database.execute("INSERT INTO registrations VALUES (?, ?)", (who, now))

    def _failures(self, database: sqlite3.Connection, scope: str, who: bytes) -> tuple[int, int]:
        """Return the failures of the last day, and until when no attempt is made."""
        row = database.execute(
            "SELECT failures, last_at, blocked_until FROM attempts WHERE scope = ? AND who = ?",
            (scope, who),
        ).fetchone()
        if row is None or row[1] <= self._clock() - DAY_MS:
            return 0, 0
        return row[0], row[2]


def client_key(client: str) -> str:
    """Return what stands for a network address: a /64 for IPv6, since one client has all of it."""
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return client
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, _IPV6_PREFIX), strict=False).network_address)
    return client


def _scopes(name: str, client: str) -> list[tuple[str, bytes]]:
    scopes = [("name", _digest(name))]
    if client:
        scopes.append(("client", _digest(client_key(client))))
    return scopes


def _digest(text: str) -> bytes:
    # What people type as a name by mistake is sometimes their password.
    return hashlib.sha256(text.encode(errors="replace")).digest()


def _throttled(code: str, expected: str, wait_ms: int) -> Throttled:
    seconds = max(1, math.ceil(wait_ms / 1000))
    message = f"Expected {expected}, was too many: try again in {seconds} s"
    return Throttled(code, message, retry_after=seconds)
