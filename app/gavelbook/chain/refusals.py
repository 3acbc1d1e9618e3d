"""What a contract says when it reverts, decoded into `ContractRefused`."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from web3.exceptions import ContractLogicError, Web3RPCError

from gavelbook.chain.abi import contract_names, load_abi
from gavelbook.chain.errors import ContractRefused
from gavelbook.chain.exchange_refusal_texts import EXCHANGE_REFUSAL_TEXTS
from gavelbook.chain.refusal_texts import REFUSAL_TEXTS

_TEXTS = {**REFUSAL_TEXTS, **EXCHANGE_REFUSAL_TEXTS}
_SELECTOR_BYTES = 4
_WORD_BYTES = 32
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_HEX_DATA = re.compile(r"0x[0-9a-fA-F]{8,}")
_ERROR_STRING = keccak(text="Error(string)")[:_SELECTOR_BYTES]
_PANIC = keccak(text="Panic(uint256)")[:_SELECTOR_BYTES]
_PANICS = {
    0x01: "an assertion failed",
    0x11: "an addition, subtraction or multiplication overflowed",
    0x12: "a division by zero",
    0x21: "a number outside its enumeration",
    0x31: "taking from an empty list",
    0x32: "an index outside its list",
    0x41: "too much memory asked for",
}


class ErrorForm(NamedTuple):
    """A custom error: its name, and the names and types of its values."""

    name: str
    value_names: tuple[str, ...]
    types: tuple[str, ...]

    @property
    def signature(self) -> str:
        """The name with the types."""
        return f"{self.name}({','.join(self.types)})"

    @property
    def selector(self) -> bytes:
        """The four bytes a revert payload begins with."""
        return keccak(text=self.signature)[:_SELECTOR_BYTES]


def snake_case(name: str) -> str:
    """Return ``ERC20InvalidSender`` as ``erc20_invalid_sender``."""
    return _WORD.sub("_", name).lower()


def decode_refusal(payload: bytes) -> ContractRefused:
    """Return the error in the revert payload ``payload``.

    ``code`` is the name of a custom error in snake case, its values are in ``details`` under their
    names in snake case: integers, addresses as text with checksum, ``bytes`` as hexadecimal text.
    Else ``code`` is ``reverted`` (with a text of the contract, or none), ``panic`` or
    ``refusal_unknown``.
    """
    selector, body = payload[:_SELECTOR_BYTES], payload[_SELECTOR_BYTES:]
    if not payload:
        return ContractRefused("reverted", "The contract refused without saying why")
    try:
        if selector == _ERROR_STRING:
            (reason,) = decode(["string"], body)
            return ContractRefused("reverted", f"The contract refused: {reason}", reason=reason)
        if selector == _PANIC:
            (number,) = decode(["uint256"], body)
            what = _PANICS.get(number, f"panic {number:#x}")
            return ContractRefused("panic", f"The contract stopped: {what}", panic=number)
        form = _forms().get(selector)
        # A value takes a word or more; the decoder can be set to read beyond the end.
        if form is not None and len(body) >= _WORD_BYTES * len(form.types):
            return _custom(form, decode(form.types, body))
    except (DecodingError, OverflowError, UnicodeDecodeError):
        pass
    data = f"0x{payload.hex()}"
    return ContractRefused(
        "refusal_unknown", f"The contract refused with {data[:10]}, which is unknown", data=data
    )


def refusal_of(error: Exception) -> ContractRefused | None:
    """Return what a contract said in an exception of web3; None where it is no revert."""
    if isinstance(error, ContractLogicError):
        payload = _payload(error.data)
        if payload is not None:
            return decode_refusal(payload)
        message = error.message or "execution reverted"
        return ContractRefused("reverted", f"The contract refused: {message}", reason=message)
    if isinstance(error, Web3RPCError) and error.rpc_response:
        answer: Any = error.rpc_response.get("error")
        if isinstance(answer, dict) and "revert" in str(answer.get("message", "")).lower():
            payload = _payload(answer.get("data"))
            return decode_refusal(payload or b"")
    return None


@cache
def _forms() -> dict[bytes, ErrorForm]:
    """Return all custom errors of our contracts, and with them those of ERC-20, by selector."""
    forms = (
        ErrorForm(
            entry["name"],
            tuple(value["name"] or f"value{i}" for i, value in enumerate(entry["inputs"])),
            tuple(value["type"] for value in entry["inputs"]),
        )
        for name in contract_names()
        for entry in load_abi(name)
        if entry["type"] == "error"
    )
    return {form.selector: form for form in forms}


def _custom(form: ErrorForm, values: tuple[Any, ...]) -> ContractRefused:
    named = {
        snake_case(name): _plain(kind, value)
        for name, kind, value in zip(form.value_names, form.types, values, strict=True)
    }
    template = _TEXTS.get(form.signature) or _TEXTS.get(form.name)
    if template is None:
        listed = ", ".join(f"{name}={value}" for name, value in named.items())
        message = f"The contract refused: {form.name}({listed})"
    else:
        message = template.format(**named)
    return ContractRefused(snake_case(form.name), message, **named)


def _plain(kind: str, value: Any) -> Any:
    if kind == "address":
        return to_checksum_address(value)
    return f"0x{value.hex()}" if isinstance(value, bytes) else value


def _payload(data: Any) -> bytes | None:
    """Return the payload in what nodes send: hexadecimal text, bare or inside a mapping."""
    if isinstance(data, dict):
        return next(filter(None, (_payload(value) for value in data.values())), None)
    if not isinstance(data, str):
        return None
    if data in {"", "0x"}:
        return b""
    found = _HEX_DATA.search(data)
    return bytes.fromhex(found.group()[2:]) if found and len(found.group()) % 2 == 0 else None
