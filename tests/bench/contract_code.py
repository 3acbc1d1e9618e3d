"""Compiled contracts: the project's, and the benchmarks' own with the same settings."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import solcx
import yaml
from eth_abi.abi import decode, encode
from eth_utils.abi import collapse_if_tuple
from eth_utils.crypto import keccak

from ape_gavelbook.paths import SOLC_VERSION, activate, project_root
from gavelbook.files.atomic import replacing
from tests.evm.compiled import closure

if TYPE_CHECKING:
    from collections.abc import Sequence

_OWN = Path("tests", "bench", "contracts")
_CACHE = Path("build", "bench")
_PROJECT_ROOTS = (
    "contracts/Exchange.sol",
    "contracts/SaleFactory.sol",
    "contracts/mocks/MockWrappedEther.sol",
    "contracts/tokens/FixedSupplyToken.sol",
)
_OWN_ROOTS = tuple(
    path.relative_to(project_root()).as_posix()
    for path in sorted((project_root() / _OWN).glob("*.sol"))
)


class Code:
    """A compiled contract: how to deploy it and how to write a call."""

    def __init__(self, abi: list[dict[str, Any]], bytecode: str) -> None:
        self._inputs: dict[str, list[str]] = {"constructor": []}
        self._outputs: dict[str, list[str]] = {}
        self._creation = bytes.fromhex(bytecode.removeprefix("0x"))
        for entry in abi:
            if entry["type"] in {"function", "constructor"}:
                name = entry.get("name", "constructor")
                self._inputs[name] = [collapse_if_tuple(each) for each in entry["inputs"]]
                self._outputs[name] = [collapse_if_tuple(each) for each in entry.get("outputs", [])]

    def creation(self, *arguments: Any) -> bytes:
        """Return the data of the transaction that deploys the contract."""
        return self._creation + encode(self._inputs["constructor"], arguments)

    def call(self, name: str, *arguments: Any) -> bytes:
        """Return the data of a call of ``name``."""
        types = self._inputs[name]
        return keccak(text=f"{name}({','.join(types)})")[:4] + encode(types, arguments)

    def answer(self, name: str, data: bytes) -> Sequence[Any]:
        """Return what a call of ``name`` answered."""
        return decode(self._outputs[name], data)


def settings() -> dict[str, Any]:
    """Return the compiler settings of the project, as ape-config.yaml gives them."""
    section = yaml.safe_load((project_root() / "ape-config.yaml").read_text())["solidity"]
    return {
        "evmVersion": section["evm_version"],
        "viaIR": section["via_ir"],
        "optimizer": {"enabled": section["optimize"], "runs": section["optimization_runs"]},
    }


@cache
def contract_code(name: str) -> Code:
    """Return a contract by its name: one of the project or of tests/bench/contracts."""
    own = (project_root() / _OWN / f"{name}.sol").is_file()
    found = (_compiled(_OWN_ROOTS) if own else _compiled(_PROJECT_ROOTS))[name]
    return Code(found["abi"], found["bytecode"])


@cache
def _compiled(roots: tuple[str, ...]) -> dict[str, Any]:
    """Compile files and what they import, or take them from the cache.

    Not through ape: its cache outlives a change of the compiler settings. The code is the same as
    ape's, byte by byte, but for the hash of the metadata.
    """
    sources = closure(roots)
    selection = {"*": ["abi", "evm.bytecode.object"]}
    document = {
        "language": "Solidity",
        "sources": {path: {"content": text} for path, text in sorted(sources.items())},
        "settings": {**settings(), "outputSelection": dict.fromkeys(sources, selection)},
    }
    key = hashlib.sha256(json.dumps(document).encode()).hexdigest()[:24]
    cached = project_root() / _CACHE / f"{key}.json"
    if not cached.is_file():
        activate()
        output = solcx.compile_standard(document, solc_version=SOLC_VERSION)
        found = {
            name: {"abi": contract["abi"], "bytecode": contract["evm"]["bytecode"]["object"]}
            for contracts in output["contracts"].values()
            for name, contract in contracts.items()
        }
        cached.parent.mkdir(parents=True, exist_ok=True)
        with replacing(cached) as file:
            json.dump(found, file)
    content: dict[str, Any] = json.loads(cached.read_text())
    return content
