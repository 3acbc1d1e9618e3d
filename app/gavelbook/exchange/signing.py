"""EIP-712 hashes and signatures of the exchange, packed by hand since every order needs one.

Accounts, tokens and contracts are the 20 bytes of addresses. `gavelbook.exchange.typed_data` has
the same messages as wallets ask for them.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import msgspec
from coincurve import PrivateKey, PublicKey
from tiny_keccak import keccak256

from gavelbook.exchange.errors import ExchangeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gavelbook.exchange.markets import Market
    from gavelbook.exchange.orders import Order

DOMAIN_NAME = "Gavelbook Exchange"
DOMAIN_VERSION = "1"

SIDE_NAMES = ("buy", "sell")
"""How a signed order names its side, by the side's number."""

ORDER_TYPE = (
    "Order(string side,uint256 baseAmount,address baseToken,uint256 quoteLimit,address quoteToken,"
    "uint256 maxFeeBps,address maker,uint256 market,uint256 lane,uint256 sequence,uint256 expiry)"
)
CANCEL_TYPE = (
    "CancelOrders(address account,uint256 market,string scope,string target,uint256 timestamp)"
)
WITHDRAWAL_TYPE = (
    "Withdrawal(address account,address token,uint256 amount,address to,uint256 nonce,"
    "uint256 deadline)"
)
BATCH_TYPE = "Batch(uint256 market,uint256 number,bytes32 contentHash)"
LOG_HEAD_TYPE = "LogHead(uint256 position,bytes32 head)"
DOMAIN_TYPE = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"

_WORD = 32
_ADDRESS = 20
_COMPACT = 64
_FULL = 65
_LOWEST_V = 27
_HIGHEST_S = bytes.fromhex("7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0")


def _hash(text: str) -> bytes:
    return bytes(keccak256(text.encode()))


_DOMAIN_TYPE_HASH = _hash(DOMAIN_TYPE)
_ORDER_TYPE_HASH = _hash(ORDER_TYPE)
_CANCEL_TYPE_HASH = _hash(CANCEL_TYPE)
_WITHDRAWAL_TYPE_HASH = _hash(WITHDRAWAL_TYPE)
_BATCH_TYPE_HASH = _hash(BATCH_TYPE)
_LOG_HEAD_TYPE_HASH = _hash(LOG_HEAD_TYPE)
_ORDER_STARTS = tuple(_ORDER_TYPE_HASH + _hash(side) for side in SIDE_NAMES)

# Words of 32 bytes with the value at the end of each.
_pack_order = struct.Struct(">32s12x20s32s12x20s30xH12x20s30xH28xI28xI24xQ").pack


class Domain:
    """The EIP-712 domain of one exchange contract: what was signed for another is no good."""

    __slots__ = ("chain_id", "contract", "prefix")

    def __init__(self, chain_id: int, contract: bytes) -> None:
        """Take the chain's id and the contract's address.

        Raises:
            ExchangeError: ``message_out_of_range``.

        """
        self.chain_id = chain_id
        self.contract = contract
        names = _hash(DOMAIN_NAME) + _hash(DOMAIN_VERSION)
        separator = keccak256(_DOMAIN_TYPE_HASH + names + _word(chain_id) + _address(contract))
        self.prefix = b"\x19\x01" + bytes(separator)
        """What every digest begins with: the version of EIP-191 and the domain separator."""

    @property
    def separator(self) -> bytes:
        """The domain separator, 32 bytes."""
        return self.prefix[2:]


class CancelRequest(msgspec.Struct, frozen=True):
    """A signed wish to cancel; ``scope`` is order, client, market or all.

    ``target`` is the order hash (0x text) or the client id, ``market`` 0 unless that is the scope,
    ``timestamp`` in unix milliseconds.
    """

    account: bytes
    market: int
    scope: str
    target: str
    timestamp: int


class Withdrawal(msgspec.Struct, frozen=True):
    """A withdrawal as account and matcher sign it; ``deadline`` in unix seconds."""

    account: bytes
    token: bytes
    amount: int
    to: bytes
    nonce: int
    deadline: int


def order_hash(domain: Domain, market: Market, order: Order) -> bytes:
    """Return the digest that the maker of ``order`` signs; ``market`` is the order's own.

    Raises:
        ExchangeError: ``order_out_of_range`` or, for an address, ``message_out_of_range``, where a
            value has no place in the message.

    """
    lots = order.lots
    maker = _exactly("maker", order.maker, _ADDRESS)
    try:
        content = _pack_order(
            (lots * market.lot_size).to_bytes(_WORD, "big"),
            market.base_token,
            (lots * order.ticks * market.tick_value).to_bytes(_WORD, "big"),
            market.quote_token,
            order.max_fee_bps,
            maker,
            order.market,
            order.lane,
            order.sequence,
            order.expiry,
        )
        start = _ORDER_STARTS[order.side]
    except (struct.error, OverflowError, IndexError) as error:
        message = f"Expected an order with every value in its range, was otherwise: {error}"
        raise ExchangeError("order_out_of_range", message) from error
    return bytes(keccak256(domain.prefix + keccak256(start + content)))


def cancel_hash(domain: Domain, request: CancelRequest) -> bytes:
    """Return the digest that an account signs to cancel through the API.

    Raises:
        ExchangeError: ``message_out_of_range``.

    """
    return _digest(
        domain,
        _CANCEL_TYPE_HASH,
        _address(request.account),
        _word(request.market),
        _hash(request.scope),
        _hash(request.target),
        _word(request.timestamp),
    )


def withdrawal_hash(domain: Domain, withdrawal: Withdrawal) -> bytes:
    """Return the digest of a withdrawal, which account and matcher sign.

    Raises:
        ExchangeError: ``message_out_of_range``.

    """
    return _digest(
        domain,
        _WITHDRAWAL_TYPE_HASH,
        _address(withdrawal.account),
        _address(withdrawal.token),
        _word(withdrawal.amount),
        _address(withdrawal.to),
        _word(withdrawal.nonce),
        _word(withdrawal.deadline),
    )


def batch_hash(domain: Domain, market: int, number: int, content: bytes) -> bytes:
    """Return the digest that the matcher signs for batch ``number`` with the packed ``content``.

    Raises:
        ExchangeError: ``message_out_of_range``.

    """
    content_hash = bytes(keccak256(content))
    return _digest(domain, _BATCH_TYPE_HASH, _word(market), _word(number), content_hash)


def log_head_hash(domain: Domain, position: int, head: bytes) -> bytes:
    """Return the digest that the matcher signs for the ``head`` (32 bytes) of its log.

    Raises:
        ExchangeError: ``message_out_of_range``.

    """
    return _digest(domain, _LOG_HEAD_TYPE_HASH, _word(position), _exactly("head", head, _WORD))


def recover(digest: bytes, signature: bytes) -> bytes:
    """Return the account that signed ``digest`` with ``signature``: r, s, v or r, vs (EIP-2098).

    Only what OpenZeppelin's ECDSA takes is taken: v of 27 or 28, and s in the lower half, so that
    nobody can turn a signature into another one.

    Raises:
        ExchangeError: ``bad_signature``.

    """
    compact, parity = _parts(signature)
    recoverable = compact + (b"\x01" if parity else b"\x00")
    try:
        key = PublicKey.from_signature_and_message(recoverable, digest, hasher=None)
    except ValueError as error:
        raise _bad_signature("of some account") from error
    return address_of(key)


def recover_all(questions: Sequence[tuple[bytes, bytes]]) -> list[bytes | ExchangeError]:
    """Return for each digest and signature what `recover` does, errors as values."""
    answers: list[bytes | ExchangeError] = []
    for digest, signature in questions:
        try:
            answers.append(recover(digest, signature))
        except ExchangeError as error:
            error.__traceback__ = None
            answers.append(error)
    return answers


def sign(digest: bytes, key: PrivateKey) -> bytes:
    """Return the signature of ``key`` over ``digest``: r, s and v of 27 or 28, 65 bytes."""
    signature = key.sign_recoverable(digest, hasher=None)
    return signature[:_COMPACT] + bytes([signature[_COMPACT] + _LOWEST_V])


def compact_signature(signature: bytes) -> bytes:
    """Return ``signature`` as r and vs (EIP-2098), 64 bytes, as a batch holds it.

    Raises:
        ExchangeError: ``bad_signature``.

    """
    compact, parity = _parts(signature)
    return _with_top_bit(compact, set_to=1) if parity else compact


def address_of(key: PublicKey | PrivateKey) -> bytes:
    """Return the account of a key."""
    public = key.public_key if isinstance(key, PrivateKey) else key
    return bytes(keccak256(public.format(compressed=False)[1:])[-_ADDRESS:])


def _parts(signature: bytes) -> tuple[bytes, int]:
    """Return r and s, 64 bytes, and the parity of y."""
    if len(signature) == _FULL:
        compact = signature[:_COMPACT]
        parity = signature[_COMPACT] - _LOWEST_V
        if parity not in {0, 1}:
            raise _bad_signature("with v of 27 or 28")
    elif len(signature) == _COMPACT:
        compact = signature
        parity = signature[_WORD] >> 7
        if parity:
            compact = _with_top_bit(signature, set_to=0)
    else:
        raise _bad_signature(f"of {_COMPACT} or {_FULL} bytes")
    if compact[_WORD:] > _HIGHEST_S:
        raise _bad_signature("with s in the lower half of its range")
    return compact, parity


def _with_top_bit(compact: bytes, *, set_to: int) -> bytes:
    """Return r and s with the highest bit of s, where EIP-2098 keeps the parity, ``set_to``."""
    byte = compact[_WORD] & 0x7F | set_to << 7
    return compact[:_WORD] + bytes([byte]) + compact[_WORD + 1 :]


def _bad_signature(expected: str) -> ExchangeError:
    return ExchangeError("bad_signature", f"Expected a signature {expected}, was otherwise")


def _digest(domain: Domain, *words: bytes) -> bytes:
    return bytes(keccak256(domain.prefix + keccak256(b"".join(words))))


def _word(value: int) -> bytes:
    try:
        return value.to_bytes(_WORD, "big")
    except OverflowError as error:
        raise ExchangeError.refuse(
            "message_out_of_range", "number", value, "from 0 to 2**256 - 1"
        ) from error


def _address(value: bytes) -> bytes:
    return _exactly("address", value, _ADDRESS).rjust(_WORD, b"\x00")


def _exactly(key: str, value: bytes, length: int) -> bytes:
    if len(value) != length:
        raise ExchangeError.refuse("message_out_of_range", key, value, f"{length} bytes")
    return value
