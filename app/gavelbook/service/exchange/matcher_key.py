"""The matcher's key: what it signs binds the exchange, so it signs what it knows and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coincurve import PrivateKey

from gavelbook.exchange.signing import address_of, batch_hash, log_head_hash, sign, withdrawal_hash
from gavelbook.service.exchange.entries import Seal

if TYPE_CHECKING:
    from gavelbook.exchange.signing import Domain, Withdrawal


class MatcherKey:
    """Signs log heads, batches and withdrawals of one exchange."""

    def __init__(self, domain: Domain, secret: bytes) -> None:
        """Take the 32 bytes of the private key."""
        self._domain = domain
        self._key = PrivateKey(secret)
        self.address = address_of(self._key)

    def __repr__(self) -> str:
        return f"MatcherKey(0x{self.address.hex()})"

    def seal(self, position: int, head: bytes) -> Seal:
        """Return the seal of the log's ``head`` at ``position``."""
        signature = sign(log_head_hash(self._domain, position, head), self._key)
        return Seal(position, head, signature)

    def sign_batch(self, market: int, number: int, content: bytes) -> bytes:
        """Return the signature (65 bytes) over batch ``number``, packed in ``content``."""
        return sign(batch_hash(self._domain, market, number, content), self._key)

    def sign_withdrawal(self, withdrawal: Withdrawal) -> bytes:
        """Return the signature (65 bytes) that lets ``withdrawal`` be paid at once.

        Only for what the log has accepted: its amount is set aside there.
        """
        return sign(withdrawal_hash(self._domain, withdrawal), self._key)
