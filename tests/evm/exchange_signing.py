"""Keys of traders and of the matcher, and what they sign for an exchange.

Written from the manual (contracts/interfaces/IExchange.sol) without the app's signing, so that a
test compares the contract with a second reading of the manual.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from eth_utils.crypto import keccak

from gavelbook.exchange.orders import Side
from tests.evm.machine import CHAIN_ID, words

if TYPE_CHECKING:
    from gavelbook.exchange.markets import Market
    from gavelbook.exchange.orders import Order
    from tests.evm.signatures import Key

_DOMAIN = keccak(
    text="EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
_NAME = keccak(text="Gavelbook Exchange")
_VERSION = keccak(text="1")
_ORDER = keccak(
    text="Order(string side,uint256 baseAmount,address baseToken,uint256 quoteLimit,"
    "address quoteToken,uint256 maxFeeBps,address maker,uint256 market,uint256 lane,"
    "uint256 sequence,uint256 expiry)"
)
_BATCH = keccak(text="Batch(uint256 market,uint256 number,bytes32 contentHash)")
_WITHDRAWAL = keccak(
    text="Withdrawal(address account,address token,uint256 amount,address to,uint256 nonce,"
    "uint256 deadline)"
)
_PERMIT = keccak(
    text="Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
)
_SIDES = {Side.BUY: keccak(text="buy"), Side.SELL: keccak(text="sell")}


@dataclass(frozen=True)
class Domain:
    """What a signature counts for."""

    exchange: str
    chain_id: int = CHAIN_ID

    def digest(self, struct: bytes) -> bytes:
        """Return what is signed of an encoded struct."""
        return keccak(b"\x19\x01" + _separator(self) + keccak(struct))


class Withdrawal(NamedTuple):
    """A withdrawal as account and matcher sign it."""

    account: str
    token: str
    amount: int
    to: str
    nonce: int
    deadline: int


class Fill(NamedTuple):
    """A fill of a batch: indexes of taker and maker order, and lots."""

    taker: int
    maker: int
    lots: int


class SignedOrder(NamedTuple):
    """An order with the 64 bytes of its signature; ``approved`` where the chain vouches for it."""

    order: Order
    signature: bytes = bytes(64)
    approved: bool = False


class Batch(NamedTuple):
    """A batch as the matcher signs it."""

    number: int
    orders: tuple[SignedOrder, ...]
    fills: tuple[Fill, ...]
    taker_fee_bps: int = 0
    maker_fee_bps: int = 0
    market: int = 1
    log_head: bytes = b"head" * 8

    def pack(self) -> bytes:
        """Return the content as the manual lays it out."""
        return b"".join(
            [
                self.market.to_bytes(2, "big"),
                self.taker_fee_bps.to_bytes(2, "big"),
                self.maker_fee_bps.to_bytes(2, "big"),
                self.number.to_bytes(8, "big"),
                len(self.orders).to_bytes(2, "big"),
                self.log_head,
                *map(_pack_order, self.orders),
                *(
                    fill.taker.to_bytes(2, "big")
                    + fill.maker.to_bytes(2, "big")
                    + fill.lots.to_bytes(8, "big")
                    for fill in self.fills
                ),
            ]
        )


def order_hash(domain: Domain, market: Market, order: Order) -> bytes:
    """Return what the maker of ``order`` signs."""
    struct = _ORDER + _SIDES[order.side]
    struct += words(
        order.lots * market.lot_size,
        int.from_bytes(market.base_token, "big"),
        order.lots * order.ticks * market.tick_value,
        int.from_bytes(market.quote_token, "big"),
        order.max_fee_bps,
        int.from_bytes(order.maker, "big"),
        order.market,
        order.lane,
        order.sequence,
        order.expiry,
    )
    return domain.digest(struct)


def sign_order(key: Key, domain: Domain, market: Market, order: Order) -> SignedOrder:
    """Return ``order`` with the signature of ``key``."""
    return SignedOrder(order, compact(key.sign(order_hash(domain, market, order))))


def sign_batch(key: Key, domain: Domain, batch: Batch, content: bytes | None = None) -> bytes:
    """Vouch for a batch, or for other bytes under its market and number."""
    packed = batch.pack() if content is None else content
    return sign_content(key, domain, batch.market, batch.number, packed)


def sign_content(key: Key, domain: Domain, market: int, number: int, content: bytes) -> bytes:
    """Vouch for the bytes of a batch."""
    return key.sign(domain.digest(_BATCH + words(market, number) + keccak(content)))


def sign_withdrawal(key: Key, domain: Domain, withdrawal: Withdrawal) -> bytes:
    """Vouch for a withdrawal."""
    return key.sign(domain.digest(_WITHDRAWAL + words(*withdrawal)))


def sign_permit(
    key: Key, token: str, spender: str, amount: int, nonce: int, deadline: int
) -> bytes:
    """Return the signature of an ERC-2612 permit of a token named Wild, version 1."""
    separator = keccak(_DOMAIN + keccak(text="Wild") + _VERSION + words(CHAIN_ID, token))
    struct = keccak(_PERMIT + words(key.address, spender, amount, nonce, deadline))
    return key.sign(keccak(b"\x19\x01" + separator + struct))


def compact(signature: bytes) -> bytes:
    """Return r and vs (ERC-2098) of the 65 bytes r, s and v."""
    vs = int.from_bytes(signature[32:64], "big") | (signature[64] - 27) << 255
    return signature[:32] + vs.to_bytes(32, "big")


def _pack_order(entry: SignedOrder) -> bytes:
    order = entry.order
    return b"".join(
        [
            order.maker,
            bytes([order.side | entry.approved << 1]),
            order.lots.to_bytes(8, "big"),
            order.ticks.to_bytes(8, "big"),
            order.lane.to_bytes(4, "big"),
            order.sequence.to_bytes(4, "big"),
            order.expiry.to_bytes(5, "big"),
            order.max_fee_bps.to_bytes(2, "big"),
            entry.signature,
        ]
    )


@lru_cache(1_000)
def _separator(domain: Domain) -> bytes:
    return keccak(_DOMAIN + _NAME + _VERSION + words(domain.chain_id, domain.exchange))
