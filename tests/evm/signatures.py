"""Keys and what they sign for a sale."""

from __future__ import annotations

from functools import lru_cache

from coincurve import PrivateKey
from eth_utils.crypto import keccak

from tests.evm.machine import CHAIN_ID, words

SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

_DOMAIN = keccak(
    text="EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
_NAME = keccak(text="Gavelbook TokenSale")
_VERSION = keccak(text="1")
_CLEARING = keccak(text="Clearing(uint256 marginalTick,uint256 level,uint256 cut,bytes32 digest)")
_ADMISSION = keccak(text="Admission(address bidder,bytes32 entity,uint256 deadline)")


class Key:
    """The key of a role."""

    def __init__(self, role: str) -> None:
        self._key = PrivateKey(keccak(text=f"key of {role}"))
        point = self._key.public_key.format(compressed=False)
        self.address = "0x" + keccak(point[1:])[-20:].hex()

    def sign(self, digest: bytes) -> bytes:
        """Return r, s and v over a digest."""
        signature = self._key.sign_recoverable(digest, hasher=None)
        return signature[:64] + bytes([27 + signature[64]])

    def sign_clearing(
        self, sale: str, clearing: tuple[int, int, int, bytes], *, chain_id: int = CHAIN_ID
    ) -> bytes:
        """Vouch for a result."""
        *numbers, digest = clearing
        return self.sign(_typed(sale, chain_id, _CLEARING + words(*numbers) + digest))

    def sign_admission(
        self, sale: str, bidder: str, entity: bytes, deadline: int, *, chain_id: int = CHAIN_ID
    ) -> bytes:
        """Admit a bidder as a wallet of an entity."""
        struct = _ADMISSION + words(bidder) + entity + words(deadline)
        return self.sign(_typed(sale, chain_id, struct))


def malleable(signature: bytes) -> bytes:
    """Return the other signature that the same key and message have."""
    s = SECP256K1_ORDER - int.from_bytes(signature[32:64], "big")
    return signature[:32] + s.to_bytes(32, "big") + bytes([55 - signature[64]])


@lru_cache(10_000)
def _domain(sale: str, chain_id: int) -> bytes:
    return keccak(_DOMAIN + _NAME + _VERSION + words(chain_id, sale))


def _typed(sale: str, chain_id: int, struct: bytes) -> bytes:
    return keccak(b"\x19\x01" + _domain(sale, chain_id) + keccak(struct))
