"""The events of a sale: their shape, and reading them from logs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from gavelbook.chain.abi import load_abi
from gavelbook.chain.errors import ChainError
from gavelbook.chain.refusals import snake_case

if TYPE_CHECKING:
    from collections.abc import Mapping

_WORD_BYTES = 32
_ADDRESS_BYTES = 20

Value = int | str | bool


class EventKind(StrEnum):
    """The events of `ITokenSale`."""

    BID_PLACED = "BidPlaced"
    BID_CANCELLED = "BidCancelled"
    ADMITTED = "Admitted"
    CLEARED = "Cleared"
    FAILED = "Failed"
    TOKENS_CLAIMED = "TokensClaimed"
    REFUND_CLAIMED = "RefundClaimed"
    CLAIM_SKIPPED = "ClaimSkipped"
    PROCEEDS_COLLECTED = "ProceedsCollected"
    UNSOLD_COLLECTED = "UnsoldCollected"


@dataclass(frozen=True, slots=True)
class SaleEvent:
    """One event of a sale and its place in the chain.

    ``values`` are named as in the contract, in snake case: integers, flags, addresses with
    checksum, and other bytes in hexadecimal text with ``0x``.
    """

    kind: EventKind
    block: int
    log_index: int
    transaction: str
    values: Mapping[str, Value]


class _Field(NamedTuple):
    name: str
    type: str
    indexed: bool


class _Form(NamedTuple):
    kind: EventKind
    fields: tuple[_Field, ...]


@dataclass(frozen=True, slots=True)
class RawLog:
    """A log as a node gives it; hashes in hexadecimal text."""

    block: int
    block_hash: str
    log_index: int
    transaction: str
    topics: tuple[bytes, ...]
    data: bytes

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """Return the log in an answer to ``eth_getLogs``.

        Raises:
            ChainError: ``log_malformed``.

        """
        try:
            return cls(
                block=_quantity(answer["blockNumber"]),
                block_hash=f"0x{_bytes(answer['blockHash']).hex()}",
                log_index=_quantity(answer["logIndex"]),
                transaction=f"0x{_bytes(answer['transactionHash']).hex()}",
                topics=tuple(_bytes(topic) for topic in answer["topics"]),
                data=_bytes(answer["data"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ChainError("log_malformed", "Expected a log, was malformed") from error


def read_log(log: RawLog) -> SaleEvent | None:
    """Return the event in ``log`` of a sale; None for an event unknown here.

    Raises:
        ChainError: ``log_malformed``.

    """
    form = _forms().get(log.topics[0]) if log.topics else None
    if form is None:
        return None
    words = [log.data[i : i + _WORD_BYTES] for i in range(0, len(log.data), _WORD_BYTES)]
    indexed, plain = iter(log.topics[1:]), iter(words)
    try:
        values = {
            field.name: _value(field.type, next(indexed if field.indexed else plain))
            for field in form.fields
        }
    except (StopIteration, ValueError) as error:
        place = f"block {log.block}, log {log.log_index}"
        message = f"Expected an event {form.kind} in {place}, was malformed"
        raise ChainError("log_malformed", message) from error
    return SaleEvent(form.kind, log.block, log.log_index, log.transaction, values)


@cache
def _forms() -> dict[bytes, _Form]:
    """Return the form of each event by its first topic. All their values take one word each."""
    forms = {}
    for entry in load_abi("TokenSale"):
        if entry["type"] == "event" and entry["name"] in set(EventKind):
            types = ",".join(field["type"] for field in entry["inputs"])
            fields = tuple(
                _Field(snake_case(field["name"]), field["type"], field["indexed"])
                for field in entry["inputs"]
            )
            topic = keccak(text=f"{entry['name']}({types})")
            forms[topic] = _Form(EventKind(entry["name"]), fields)
    return forms


def _value(kind: str, word: bytes) -> Value:
    if len(word) != _WORD_BYTES:
        raise ValueError(word)
    if kind == "address":
        return _checksummed(word[-_ADDRESS_BYTES:])
    if kind == "bool":
        return any(word)
    if kind.startswith("uint"):
        return int.from_bytes(word, "big")
    return f"0x{word.hex()}"


@cache
def _checksummed(address: bytes) -> str:
    return str(to_checksum_address(address))


def _quantity(value: Any) -> int:
    """Return a number of a node's answer; nodes inside this process leave out the hexadecimal."""
    return int(value, 16) if isinstance(value, str) else int(value)


def _bytes(value: Any) -> bytes:
    return bytes.fromhex(value.removeprefix("0x")) if isinstance(value, str) else bytes(value)


def integer(values: Mapping[str, Any], name: str) -> int:
    """Return the integer ``name`` of an event."""
    return int(values[name])


def text(values: Mapping[str, Any], name: str) -> str:
    """Return the address or the bytes ``name`` of an event."""
    return str(values[name])
