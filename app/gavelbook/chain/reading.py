"""Asking a contract, with every failure as one of ours.

web3 looks a function up anew for each call, which takes longer than the call. Here its form is
kept, and only the request itself is web3's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import collapse_if_tuple
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from web3 import HTTPProvider
from web3.exceptions import ContractLogicError, Web3RPCError
from web3.types import RPCEndpoint

from gavelbook.chain.abi import load_abi
from gavelbook.chain.errors import ChainError
from gavelbook.chain.refusals import refusal_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eth_typing import ChecksumAddress
    from web3 import Web3
    from web3.types import BlockIdentifier

_WORD_BYTES = 32
_QUESTIONS_PER_MESSAGE = 200


@dataclass(frozen=True, slots=True)
class _Form:
    """How a question is written and its answer read; ``outputs`` are as in the ABI."""

    selector: bytes
    inputs: tuple[str, ...]
    output_types: tuple[str, ...]
    outputs: tuple[dict[str, Any], ...]


class Asker:
    """Asks the contract at ``address`` whose interface is ``name``; it should be a ``what``."""

    def __init__(self, web3: Web3, address: ChecksumAddress, name: str, what: str) -> None:
        self._web3 = web3
        self._address = address
        self._forms = _views(name)
        self._what = what

    def ask(self, function: str, *arguments: Any, block: BlockIdentifier = "latest") -> Any:
        """Return what ``function`` answers at the end of ``block``.

        A struct is a mapping of its names, several values are a tuple, addresses have a checksum.

        Raises:
            ContractRefused: the contract refused to answer.
            ChainError: ``not_a_sale``, ``not_a_token``, ``not_an_exchange`` (by ``what``) where the
                contract is none, or ``call_failed`` by the node.
            ChainUnreachable: the node does not answer.

        """
        form = self._forms[function]
        data = form.selector + encode(form.inputs, arguments)
        try:
            answer = self._web3.eth.call({"to": self._address, "data": data}, block)
        except (ContractLogicError, Web3RPCError) as error:
            refusal = refusal_of(error)
            if refusal is not None:
                raise refusal from error
            raise self._failed(function, repr(error)) from error
        return self._decoded(form, bytes(answer))

    def ask_many(
        self, function: str, arguments: Sequence[tuple[Any, ...]], block: int
    ) -> list[Any]:
        """Return the answers to many questions in few messages; errors as `ask`.

        What the contract refuses to answer is ``call_failed`` here.
        """
        provider = self._web3.provider
        if not isinstance(provider, HTTPProvider):
            return [self.ask(function, *each, block=block) for each in arguments]
        form = self._forms[function]
        answers: list[Any] = []
        for start in range(0, len(arguments), _QUESTIONS_PER_MESSAGE):
            calls = [
                (RPCEndpoint("eth_call"), [self._call(form, each), hex(block)])
                for each in arguments[start : start + _QUESTIONS_PER_MESSAGE]
            ]
            responses = provider.make_batch_request(calls)
            if not isinstance(responses, list):
                raise self._failed(function, str(responses.get("error")))
            for response in responses:
                if "error" in response:
                    raise self._failed(function, str(response["error"]))
                answers.append(self._decoded(form, bytes.fromhex(response["result"][2:])))
        return answers

    def _call(self, form: _Form, arguments: tuple[Any, ...]) -> dict[str, str]:
        data = form.selector + encode(form.inputs, arguments)
        return {"to": self._address, "data": f"0x{data.hex()}"}

    def _decoded(self, form: _Form, answer: bytes) -> Any:
        # No answer has fewer words than values; the decoder can be set to read beyond the end.
        if len(answer) < _WORD_BYTES * len(form.outputs):
            raise self._something_else()
        try:
            values = decode(form.output_types, answer)
        except (DecodingError, OverflowError, UnicodeDecodeError) as error:
            raise self._something_else() from error
        read = tuple(map(_read, form.outputs, values))
        return read[0] if len(read) == 1 else read

    def _failed(self, function: str, reason: str) -> ChainError:
        message = f"Expected {function} of {self._address}, was refused: {reason}"
        return ChainError("call_failed", message, address=self._address)

    def _something_else(self) -> ChainError:
        article = "an" if self._what[0] in "aeiou" else "a"
        message = f"Expected {article} {self._what} at {self._address}, was something else"
        return ChainError(f"not_{article}_{self._what}", message, address=self._address)


@cache
def _views(name: str) -> dict[str, _Form]:
    forms = {}
    for entry in load_abi(name):
        if entry["type"] == "function":
            inputs = tuple(collapse_if_tuple(item) for item in entry["inputs"])
            signature = f"{entry['name']}({','.join(inputs)})"
            outputs = tuple(entry["outputs"])
            types = tuple(collapse_if_tuple(item) for item in outputs)
            forms[entry["name"]] = _Form(keccak(text=signature)[:4], inputs, types, outputs)
    return forms


def _read(item: dict[str, Any], value: Any) -> Any:
    kind = item["type"]
    if kind.endswith("[]"):
        inner = {**item, "type": kind[:-2]}
        return [_read(inner, element) for element in value]
    if kind == "tuple":
        return {
            component["name"]: _read(component, element)
            for component, element in zip(item["components"], value, strict=True)
        }
    return to_checksum_address(value) if kind == "address" else value
