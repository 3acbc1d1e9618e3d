"""Signing in with an Ethereum account (ERC-4361), and the sessions that follow."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from datetime import UTC, datetime
from time import time
from typing import TYPE_CHECKING, NamedTuple

from eth_utils.address import to_canonical_address, to_checksum_address

from gavelbook.api.errors import RequestError
from gavelbook.api.nonces import Nonces
from gavelbook.errors import shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from siwe import SiweMessage

    from gavelbook.api.settings import ApiSettings

STATEMENT = (
    "Sign in to Gavelbook. This reads your account and can cancel orders; it moves no money."
)
_CLOCK_SKEW = 60.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS sessions (
    token_hash BLOB PRIMARY KEY,
    account BLOB NOT NULL,
    expires REAL NOT NULL
) WITHOUT ROWID
"""


class Session(NamedTuple):
    """A session of ``account`` that ends at ``expires`` (unix seconds)."""

    account: bytes
    expires: float


class Sessions:
    """Sign-in messages that were given out and sessions that are open.

    Tokens are kept as hashes only, in ``path`` as in memory: who reads the file cannot use them.
    """

    def __init__(
        self,
        settings: ApiSettings,
        chain_id: int,
        path: Path | None = None,
        clock: Callable[[], float] = time,
    ) -> None:
        """Open the sessions kept in ``path``; None keeps them in memory."""
        self._settings = settings
        self._chain_id = chain_id
        self._clock = clock
        self._nonces = Nonces(settings.nonce_lifetime, clock)
        self._database = sqlite3.connect(path or ":memory:", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute(_SCHEMA)
        self._database.execute("DELETE FROM sessions WHERE expires <= ?", (clock(),))
        self._sessions = {
            token_hash: Session(account, expires)
            for token_hash, account, expires in self._database.execute(
                "SELECT token_hash, account, expires FROM sessions ORDER BY expires"
            )
        }
        # Of each account, oldest first.
        self._tokens: dict[bytes, list[bytes]] = {}
        for token_hash, session in self._sessions.items():
            self._tokens.setdefault(session.account, []).append(token_hash)

    def message_for(self, account: bytes) -> tuple[str, str, float]:
        """Return a fresh nonce, a message with it for ``account`` to sign, and when it ends."""
        from siwe import SiweMessage

        now = self._clock()
        nonce, expires = self._nonces.give(account)
        text = SiweMessage(
            domain=self._settings.domain,
            address=to_checksum_address(account),
            statement=STATEMENT,
            uri=self._settings.public_url,
            version="1",
            chain_id=self._chain_id,
            nonce=nonce,
            issued_at=_iso(now),
            expiration_time=_iso(now + self._settings.session_lifetime),
        ).prepare_message()
        return nonce, text, expires

    def open(self, message: str, signature: bytes) -> tuple[str, Session]:
        """Return the token of a new session for whoever signed ``message``.

        Raises:
            RequestError: ``malformed_message``, or ``bad_sign_in`` with the field that is wrong.
        """
        parsed = _parsed(message)
        self._check(parsed)
        account = to_canonical_address(parsed.address)
        if _signer(message, signature) != account:
            raise _bad_sign_in("signature", signature, f"of {parsed.address}")
        self._nonces.use(parsed.nonce)
        now = self._clock()
        expires = now + self._settings.session_lifetime
        if parsed.expiration_time is not None:
            expires = min(expires, _seconds(parsed.expiration_time))
        return self._keep(Session(account, expires))

    def account_of(self, token: str) -> bytes | None:
        """Return whose session ``token`` opens; None if none."""
        session = self._sessions.get(_hash(token))
        if session is None or session.expires <= self._clock():
            return None
        return session.account

    def rotate(self, token: str) -> tuple[str, Session]:
        """End the session of ``token``, which is open, and return another with the same end."""
        session = self._sessions[_hash(token)]
        self.close(token)
        return self._keep(session)

    def close(self, token: str) -> None:
        """End the session of ``token``."""
        self._forget(_hash(token))

    def end(self) -> None:
        """Close the file."""
        self._database.close()

    def _check(self, parsed: SiweMessage) -> None:
        """Refuse a message for another place or time."""
        now = self._clock()
        wanted = {
            "domain": (parsed.domain, self._settings.domain),
            "uri": (parsed.uri, self._settings.public_url),
            "chain_id": (parsed.chain_id, self._chain_id),
        }
        for field, (was, expected) in wanted.items():
            if was != expected:
                raise _bad_sign_in(field, was, shown(expected))
        if parsed.scheme is not None:
            raise _bad_sign_in("scheme", parsed.scheme, "left out")
        if not self._nonces.is_good(parsed.nonce, to_canonical_address(parsed.address)):
            expected = "from here, of this account, unused and not expired"
            raise _bad_sign_in("nonce", parsed.nonce, expected)
        issued = _seconds(parsed.issued_at)
        if not now - self._settings.nonce_lifetime - _CLOCK_SKEW <= issued <= now + _CLOCK_SKEW:
            raise _bad_sign_in("issued_at", parsed.issued_at, "now")
        if parsed.expiration_time is not None and _seconds(parsed.expiration_time) <= now:
            raise _bad_sign_in("expiration_time", parsed.expiration_time, "in the future")
        if parsed.not_before is not None and _seconds(parsed.not_before) > now:
            raise _bad_sign_in("not_before", parsed.not_before, "in the past")

    def _keep(self, session: Session) -> tuple[str, Session]:
        self._forget_ended()
        own = self._tokens.get(session.account, [])
        for token_hash in own[: max(0, len(own) + 1 - self._settings.sessions_per_account)]:
            self._forget(token_hash)
        token = f"gavelbook_{secrets.token_urlsafe(32)}"
        token_hash = _hash(token)
        self._sessions[token_hash] = session
        self._tokens.setdefault(session.account, []).append(token_hash)
        self._database.execute(
            "INSERT INTO sessions VALUES (?, ?, ?)", (token_hash, session.account, session.expires)
        )
        return token, session

    def _forget_ended(self) -> None:
        """Forget ended sessions from the oldest on; none outlives the one that all may last."""
        now = self._clock()
        while self._sessions:
            token_hash, session = next(iter(self._sessions.items()))
            if session.expires > now:
                return
            self._forget(token_hash)

    def _forget(self, token_hash: bytes) -> None:
        session = self._sessions.pop(token_hash, None)
        if session is not None:
            own = self._tokens[session.account]
            own.remove(token_hash)
            if not own:
                del self._tokens[session.account]
        self._database.execute("DELETE FROM sessions WHERE token_hash = ?", (token_hash,))


def _parsed(message: str) -> SiweMessage:
    from siwe import SiweMessage

    try:
        parsed = SiweMessage.from_message(message)
        canonical = parsed.prepare_message() == message
    except Exception as error:  # noqa: BLE001  # the parser raises errors of three libraries
        text = f"Expected a message as ERC-4361 has it, was otherwise: {type(error).__name__}"
        raise RequestError("malformed_message", text) from None
    if not canonical:
        text = "Expected a message as ERC-4361 has it, was written in another way"
        raise RequestError("malformed_message", text)
    return parsed


def _signer(message: str, signature: bytes) -> bytes | None:
    from eth_account import Account
    from eth_account.messages import encode_defunct

    try:
        signer = Account.recover_message(encode_defunct(text=message), signature=signature)
    except Exception:  # noqa: BLE001  # as above: ValueError, BadSignature, ValidationError, ...
        return None
    return to_canonical_address(signer)


def _bad_sign_in(field: str, was: object, expected: str) -> RequestError:
    text = f"Expected {field} {expected}, was {shown(was)}"
    return RequestError("bad_sign_in", text, field=field, value=was)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
