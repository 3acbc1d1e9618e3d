"""Logs of contracts as nodes give them, and reading them by the contracts' interfaces."""

from __future__ import annotations

import json
from dataclasses import dataclass
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
"""A value of an event: an integer, a flag, an address with checksum, or other bytes in
hexadecimal text with ``0x``."""


@dataclass(frozen=True, slots=True)
class RawLog:
    """A log as a node gives it; hashes in hexadecimal text, ``address`` with checksum."""

    block: int
    block_hash: str
    log_index: int
    transaction: str
    topics: tuple[bytes, ...]
    data: bytes
    address: str = ""

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
                address=_checksummed(_bytes(answer["address"])),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ChainError("log_malformed", "Expected a log, was malformed") from error


class _Field(NamedTuple):
    name: str
    type: str
    indexed: bool


class _Form(NamedTuple):
    name: str
    fields: tuple[_Field, ...]


def read_values(contract: str, log: RawLog) -> tuple[str, dict[str, Value]] | None:
    """Return name and values of the event of ``contract`` in ``log``; None for one unknown.

    The values are named as in the contract, in snake case. Every value takes one word.

    Raises:
        ChainError: ``log_malformed``.

    """
    form = _forms(contract).get(log.topics[0]) if log.topics else None
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
        message = f"Expected an event {form.name} in {place}, was malformed"
        raise ChainError("log_malformed", message) from error
    return form.name, values


def values_to_json(values: Mapping[str, Value]) -> str:
    """Return the values of an event as JSON, integers as decimal text."""
    return json.dumps({name: _text(value) for name, value in values.items()}, separators=(",", ":"))


def values_from_json(text: str) -> dict[str, Value]:
    """Return what `values_to_json` was given."""
    return {
        name: value if isinstance(value, bool) or value.startswith("0x") else int(value)
        for name, value in json.loads(text).items()
    }


def _text(value: Value) -> str | bool:
    return value if isinstance(value, bool | str) else str(value)


@cache
def event_topic(contract: str, event: str) -> bytes:
    """Return the first topic of the event ``event`` of ``contract``.

    Raises:
        KeyError: there is no such event.

    """
    return {form.name: topic for topic, form in _forms(contract).items()}[event]


@cache
def _forms(contract: str) -> dict[bytes, _Form]:
    """Return the form of each event by its first topic."""
    forms = {}
    for entry in load_abi(contract):
        if entry["type"] == "event":
            types = ",".join(field["type"] for field in entry["inputs"])
            fields = tuple(
                _Field(snake_case(field["name"]), field["type"], field["indexed"])
                for field in entry["inputs"]
            )
            forms[keccak(text=f"{entry['name']}({types})")] = _Form(entry["name"], fields)
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
