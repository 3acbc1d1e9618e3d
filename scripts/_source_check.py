"""Compile a contract afresh and compare it with what is on a chain."""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path("build", "verification")
_SOURCES = {
    "Exchange": "contracts/Exchange.sol",
    "SaleFactory": "contracts/SaleFactory.sol",
    "TokenSale": "contracts/TokenSale.sol",
    "FixedSupplyToken": "contracts/tokens/FixedSupplyToken.sol",
    "MockWrappedEther": "contracts/mocks/MockWrappedEther.sol",
}
_OUTPUTS = [
    "abi",
    "evm.bytecode.object",
    "evm.deployedBytecode.object",
    "evm.deployedBytecode.immutableReferences",
]


@dataclass(frozen=True)
class FreshCode:
    """A contract as its sources compile now, and the input that explorers compile again."""

    name: str
    source: str
    compiler: str
    standard_input: dict[str, Any]
    abi: list[dict[str, Any]]
    runtime: bytes
    immutables: tuple[tuple[int, int], ...]

    def matches(self, on_chain: bytes) -> bool:
        """Whether ``on_chain`` is this code, whatever the values of its immutables."""
        return len(on_chain) == len(self.runtime) and self._masked(on_chain) == self._masked(
            self.runtime
        )

    def encoded_arguments(self, values: list[Any]) -> bytes:
        """Return the ABI encoding of constructor arguments as the record keeps them."""
        from eth_abi.abi import encode
        from eth_utils.abi import collapse_if_tuple

        inputs: list[dict[str, Any]] = next(
            (e["inputs"] for e in self.abi if e["type"] == "constructor"), []
        )
        types = [collapse_if_tuple(each) for each in inputs]
        return encode(types, [_typed(kind, v) for kind, v in zip(types, values, strict=True)])

    def _masked(self, code: bytes) -> bytes:
        masked = bytearray(code)
        for start, length in self.immutables:
            masked[start : start + length] = bytes(length)
        return bytes(masked)


def compile_fresh(name: str) -> FreshCode:
    """Compile the contract ``name`` with the settings of ape-config.yaml, not from ape's cache.

    Takes up to a minute with the compiler from npm; the same sources come from build/ next time.
    """
    import ape

    source = _SOURCES[name]
    project = ape.project
    by_version = ape.compilers.solidity.get_standard_input_json(
        [project.path / source], project=project
    )
    ((version, document),) = by_version.items()
    document = copy.deepcopy(document)
    compiled = _compiled(str(version), document, source)[name]
    code = compiled["evm"]["deployedBytecode"]
    return FreshCode(
        name=name,
        source=source,
        compiler=f"v{str(version).removeprefix('v')}",
        standard_input=document,
        abi=compiled["abi"],
        runtime=bytes.fromhex(code["object"]),
        immutables=tuple(
            (place["start"], place["length"])
            for places in code.get("immutableReferences", {}).values()
            for place in places
        ),
    )


def _compiled(version: str, document: dict[str, Any], source: str) -> dict[str, Any]:
    """Compile, or take the answer to the same input from build/; narrows the outputs asked for."""
    import solcx

    from gavelbook.files.atomic import replacing

    document["settings"]["outputSelection"] = {source: {"*": _OUTPUTS}}
    text = json.dumps(document, sort_keys=True)
    path = FOLDER / "compiled" / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.json"
    if not path.exists():
        answer = solcx.compile_standard(document, solc_version=version.split("+", maxsplit=1)[0])
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            json.dump(answer["contracts"][source], file)
    contracts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return contracts


def _typed(kind: str, value: Any) -> Any:
    """Return a recorded argument as the encoder wants it: records keep integers as text."""
    return int(value) if kind.startswith(("uint", "int")) else value
