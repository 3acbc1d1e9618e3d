"""Password hashes (argon2id)."""

from __future__ import annotations

import secrets
import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gavelbook.accounts.names import normalized

_AT_ONCE = 4


def owasp_hasher() -> PasswordHasher:
    """Return a hasher with the least that OWASP advises: 19 MiB, two passes, one lane."""
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class Passwords:
    """Hashes and checks passwords, a few at once, so that many sign-ins do not take all memory.

    Hashing takes tens of milliseconds, and as long for a name that nobody has.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or owasp_hasher()
        self._turns = threading.Semaphore(_AT_ONCE)
        self._nobodys = self._hasher.hash(secrets.token_urlsafe(32))

    def hash(self, password: str) -> str:
        """Return a hash with its own salt and parameters in it."""
        with self._turns:
            return self._hasher.hash(normalized(password))

    def matches(self, password_hash: str | None, password: str) -> bool:
        """Return whether ``password`` is the one; never for a hash of None."""
        with self._turns:
            try:
                self._hasher.verify(password_hash or self._nobodys, normalized(password))
            except (VerificationError, InvalidHashError):
                return False
        return password_hash is not None

    def outdated(self, password_hash: str) -> bool:
        """Return whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)
