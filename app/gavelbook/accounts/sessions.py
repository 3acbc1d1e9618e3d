"""Sessions of managed accounts. Who reads the database learns no token."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, NamedTuple

from gavelbook.accounts.bodies import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from gavelbook.accounts.store import AccountsStore

_COLUMNS = "id, account, client, created_at, used_at, expires_at"
_TOKEN_LENGTH = 128
_USE_NOTED_EVERY_MS = 30_000


class Session(NamedTuple):
    """A session; times in Unix milliseconds. ``id`` names it and opens nothing."""

    id: str
    account: int
    client: str
    created_at: int
    used_at: int
    expires_at: int


class Sessions:
    """Opens, finds and ends sessions.

    One ends ``lifetime_ms`` after it began, or ``idle_ms`` after it was last used, or when an
    account opens more than ``most`` and it is the oldest.
    """

    def __init__(
        self,
        store: AccountsStore,
        clock: Callable[[], int],
        *,
        lifetime_ms: int,
        idle_ms: int,
        most: int = 16,
    ) -> None:
        self._store = store
        self._clock = clock
        self._lifetime_ms = lifetime_ms
        self.idle_ms = idle_ms
        self._most = most

    def open(self, account: int, client: str) -> tuple[Secret, Session]:
        """Return the token of a new session; it is always made here, never taken from outside."""
        token = Secret(f"gavelbook_{secrets.token_urlsafe(32)}")
        now = self._clock()
        session = Session(secrets.token_hex(8), account, client, now, now, now + self._lifetime_ms)
        with self._store.writing() as database:
            self._forget_ended()
            for old in self.of(account)[self._most - 1 :]:
                database.execute("DELETE FROM sessions WHERE id = ?", (old.id,))
            database.execute(
                f"INSERT INTO sessions (token_hash, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 -- of names above
                (_hash(token), *session),
            )
        return token, session

    def find(self, token: str) -> Session | None:
        """Return the open session of ``token``, which counts as used now; None if none."""
        if len(token) > _TOKEN_LENGTH:
            return None
        row = self._store.row(
            f"SELECT {_COLUMNS} FROM sessions WHERE token_hash = ?",  # noqa: S608
            _hash(token),
        )
        session = None if row is None else Session(*row)
        now = self._clock()
        if session is None or self._ended(session, now):
            return None
        if now - session.used_at >= min(_USE_NOTED_EVERY_MS, self.idle_ms // 2):
            session = session._replace(used_at=now)
            with self._store.writing() as database:
                database.execute("UPDATE sessions SET used_at = ? WHERE id = ?", (now, session.id))
        return session

    def of(self, account: int) -> list[Session]:
        """Return the open sessions of ``account``, newest first."""
        rows = self._store.rows(
            f"SELECT {_COLUMNS} FROM sessions WHERE account = ? "  # noqa: S608
            "ORDER BY created_at DESC, rowid DESC",
            account,
        )
        now = self._clock()
        return [each for each in (Session(*row) for row in rows) if not self._ended(each, now)]

    def end(self, account: int, session_id: str) -> bool:
        """End a session of ``account``; return whether there was one."""
        with self._store.writing() as database:
            ended = database.execute(
                "DELETE FROM sessions WHERE account = ? AND id = ?", (account, session_id)
            )
            return ended.rowcount > 0

    def end_all(self, account: int) -> None:
        """End all sessions of ``account``."""
        with self._store.writing() as database:
            database.execute("DELETE FROM sessions WHERE account = ?", (account,))

    def _ended(self, session: Session, now: int) -> bool:
        return now >= session.expires_at or now >= session.used_at + self.idle_ms

    def _forget_ended(self) -> None:
        now = self._clock()
        with self._store.writing() as database:
            database.execute(
                "DELETE FROM sessions WHERE expires_at <= ? OR used_at <= ?",
                (now, now - self.idle_ms),
            )


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="replace")).digest()
