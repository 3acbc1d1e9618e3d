"""Nonces of sign-ins, which nobody can use up for others: they are not kept until they are used."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_TIME_BYTES, _RANDOM_BYTES, _PROOF_BYTES = 6, 8, 16
_STAMP_BYTES = _TIME_BYTES + _RANDOM_BYTES


class Nonces:
    """Gives out nonces of an account that are good once, for ``lifetime`` seconds.

    A nonce holds its end and a proof (HMAC-SHA256) that it is from here and for that account. Only
    used ones are remembered, until their end. A new process takes none of an earlier one.
    """

    def __init__(self, lifetime: float, clock: Callable[[], float]) -> None:
        """Prove with a secret of this process; ``clock`` is the time in Unix seconds."""
        self._lifetime = lifetime
        self._clock = clock
        self._secret = secrets.token_bytes(32)
        self._used: OrderedDict[str, float] = OrderedDict()

    def give(self, account: bytes) -> tuple[str, float]:
        """Return a nonce, letters and digits only, and its end in Unix seconds."""
        ends_ms = int((self._clock() + self._lifetime) * 1_000)
        stamp = ends_ms.to_bytes(_TIME_BYTES) + secrets.token_bytes(_RANDOM_BYTES)
        return (stamp + self._proof(stamp, account)).hex(), ends_ms / 1_000

    def is_good(self, nonce: str, account: bytes) -> bool:
        """Return whether ``nonce`` was given to ``account`` here, has not ended and is not used."""
        return nonce not in self._used and self._end(nonce, account) > self._clock()

    def use(self, nonce: str) -> None:
        """Use up ``nonce``, which is good."""
        now = self._clock()
        while self._used and next(iter(self._used.values())) <= now:
            self._used.popitem(last=False)
        self._used[nonce] = now + self._lifetime

    def _end(self, nonce: str, account: bytes) -> float:
        try:
            content = bytes.fromhex(nonce)
        except ValueError:
            return 0.0
        stamp, proof = content[:_STAMP_BYTES], content[_STAMP_BYTES:]
        if nonce != content.hex() or not hmac.compare_digest(proof, self._proof(stamp, account)):
            return 0.0
        return int.from_bytes(stamp[:_TIME_BYTES]) / 1_000

    def _proof(self, stamp: bytes, account: bytes) -> bytes:
        return hmac.new(self._secret, stamp + account, hashlib.sha256).digest()[:_PROOF_BYTES]
