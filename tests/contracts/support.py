"""What the contract tests share: constants, clearings, keys, signatures, logs and refusals."""

from __future__ import annotations

from ast import literal_eval
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import ape
import pytest
from ape.exceptions import ContractLogicError, CustomError
from eth_abi import encode
from eth_account.messages import encode_typed_data
from eth_utils import keccak, to_canonical_address

if TYPE_CHECKING:
    from collections.abc import Iterator

ZERO = "0x" + "00" * 20
NO_DIGEST = bytes(32)
DIGEST = b"\xd1" * 32
FAMILY = b"family".ljust(32, b"\0")
NO_SIGNATURE = b""
MAX = 2**256 - 1
DAY = 86_400
#: Order of the secp256k1 group: a signature (r, s) can be turned into (r, N - s).
GROUP_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


class Rule(IntEnum):
    PRICE_TIME = 0
    GROUP_ROUND_ROBIN = 1
    TOP_THEN_ROUND_ROBIN = 2


class Pricing(IntEnum):
    PAY_AS_BID = 0
    UNIFORM = 1


class Phase(IntEnum):
    FUNDED = 0
    OPEN = 1
    CLOSED = 2
    CLEARED = 3
    FAILED = 4


OFFERED = [
    (Rule.PRICE_TIME, Pricing.PAY_AS_BID),
    (Rule.PRICE_TIME, Pricing.UNIFORM),
    (Rule.GROUP_ROUND_ROBIN, Pricing.PAY_AS_BID),
    (Rule.GROUP_ROUND_ROBIN, Pricing.UNIFORM),
    (Rule.TOP_THEN_ROUND_ROBIN, Pricing.PAY_AS_BID),
]


@dataclass
class Clock:
    """The times of the usual terms, and the way to them."""

    chain: Any
    now: int

    def __post_init__(self) -> None:
        self.start = self.now + 10_000
        self.end = self.start + DAY
        self.abort = self.end + DAY

    def at(self, time: int) -> None:
        """Let the next transaction happen at `time`."""
        self.chain.pending_timestamp = time

    def mine(self, time: int) -> None:
        """Let views see `time`."""
        self.chain.mine(timestamp=time)


def price(tick: int) -> int:
    """Price of a lot at `tick` under the usual terms."""
    return 100 + 10 * tick


def clearing(tick: int, level: int = 0, cut: int = 0, digest: bytes = NO_DIGEST) -> tuple:
    return (tick, level, cut, digest)


def key(bidder: Any, index: int) -> int:
    """The name of a bid in a margin."""
    return int(address(bidder), 16) << 8 | index


def address(account: Any) -> str:
    return getattr(account, "address", account)


def plain(value: Any) -> Any:
    """`value` for comparison: accounts as addresses in lower case, bytes as hex."""
    if isinstance(value, bytes):
        return "0x" + bytes(value).hex()
    return int(value) if isinstance(value, int) else address(value).lower()


# --- Logs -----------------------------------------------------------------------------------


def logs(receipt: Any, contract: Any) -> list[tuple]:
    """Every event of `contract` in `receipt`: its name, then its values in order."""
    found = []
    for log in receipt.events:
        if log.contract_address == contract.address:
            values = [log.event_arguments[i.name] for i in log.abi.inputs]
            found.append((log.event_name, *map(plain, values)))
    return found


def event(name: str, *values: Any) -> tuple:
    return (name, *map(plain, values))


# --- Signatures -----------------------------------------------------------------------------

TYPES = {
    "Clearing": [
        {"name": "marginalTick", "type": "uint256"},
        {"name": "level", "type": "uint256"},
        {"name": "cut", "type": "uint256"},
        {"name": "digest", "type": "bytes32"},
    ],
    "Admission": [
        {"name": "bidder", "type": "address"},
        {"name": "entity", "type": "bytes32"},
        {"name": "deadline", "type": "uint256"},
    ],
    "Permit": [
        {"name": "owner", "type": "address"},
        {"name": "spender", "type": "address"},
        {"name": "value", "type": "uint256"},
        {"name": "nonce", "type": "uint256"},
        {"name": "deadline", "type": "uint256"},
    ],
}


def sign_typed(signer: Any, contract: Any, kind: str, values: tuple, **domain: Any) -> Any:
    """Sign the message `kind` for `contract`; `domain` overrides fields of its EIP-712 domain."""
    fields = {
        "name": "Gavelbook TokenSale",
        "version": "1",
        "chainId": ape.chain.chain_id,
        "verifyingContract": address(contract),
    } | domain
    names = [field["name"] for field in TYPES[kind]]
    message = dict(zip(names, map(address, values), strict=True))
    return signer.sign_message(encode_typed_data(fields, {kind: TYPES[kind]}, message))


def sign(signer: Any, sale: Any, kind: str, values: tuple, **domain: Any) -> bytes:
    """As `sign_typed`: the 65 bytes."""
    return sign_typed(signer, sale, kind, values, **domain).encode_rsv()


def high_s(signature: bytes) -> bytes:
    """The other signature that recovers to the same signer."""
    r, s, v = signature[:32], int.from_bytes(signature[32:64]), signature[64]
    return r + (GROUP_ORDER - s).to_bytes(32) + bytes([55 - v])


def compact(signature: bytes) -> bytes:
    """The 64 bytes of ERC-2098."""
    s = int.from_bytes(signature[32:64]) | (signature[64] - 27) << 255
    return signature[:32] + s.to_bytes(32)


def spoiled(signature: bytes) -> dict[str, bytes]:
    """Bytes that are no signature any more, by what was done to them."""
    return {
        "high s": high_s(signature),
        "64 bytes": compact(signature),
        "one byte short": signature[:-1],
        "one byte long": signature + b"\0",
        "one byte": b"\x1b",
        "another v": signature[:64] + bytes([55 - signature[64]]),
        "v of 0 or 1": signature[:64] + bytes([signature[64] - 27]),
        "zeros": bytes(65),
        "garbage": bytes(range(65)),
        "s of zero": signature[:32] + bytes(32) + signature[64:],
    }


# --- Refusals -------------------------------------------------------------------------------


def stored(addresses: Any) -> dict[str, tuple[bytes, int]]:
    """Storage root and ether of each contract: equal only if nothing at all has changed."""
    accounts = ape.chain.provider.evm_backend.chain.get_vm().state._account_db
    found = {}
    for one in addresses:
        account = accounts._get_account(to_canonical_address(one))
        found[one] = (account.storage_root, account.balance)
    return found


def revert_data(message: str) -> str:
    """The hex in an error that ape could not decode; it trips over data with a quote in it."""
    return "0x" + literal_eval(message).hex() if message.startswith("b") else message


def error_data(abi: Any, values: tuple) -> str:
    types = [i.canonical_type for i in abi.inputs]
    return "0x" + (keccak(text=abi.selector)[:4] + encode(types, list(values))).hex()


class Refusals:
    """Checks that a call reverts with one error and leaves every contract it knows as it was.

    `ape.reverts` is not enough here: it passes over names it does not find in the error, and over
    errors it cannot decode, such as those of a token behind a sale.
    """

    def __init__(self, errors: dict[str, Any], watched: set[str]) -> None:
        self._errors = errors
        self.watched = watched

    @contextmanager
    def __call__(self, name: str, *values: Any) -> Iterator[None]:
        abi = self._errors[name]
        expected = tuple(map(plain, values))
        assert len(expected) == len(abi.inputs), f"{abi.signature}: one value for each"
        before = stored(self.watched)
        with pytest.raises(ContractLogicError) as caught:
            yield
        error = caught.value
        if isinstance(error, CustomError):
            found = (error.abi.selector, *map(plain, error.inputs.values()))
            assert found == (abi.selector, *expected)
        else:
            assert revert_data(error.revert_message) == error_data(abi, tuple(map(address, values)))
        assert stored(self.watched) == before


def admit(sale, gate, bidder, deadline, entity=FAMILY):
    values = (bidder, entity, deadline)
    return sale.admit(*values, sign(gate, sale, "Admission", values), sender=bidder)
