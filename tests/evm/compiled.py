"""The contracts as they stand in contracts/, compiled with the settings of ape-config.yaml.

Results are kept in build/evm under a hash of everything that went in, so nothing stale is run and
several test processes compile once. The mutation run names another result in GAVELBOOK_COMPILED.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml
from eth_utils.abi import collapse_if_tuple
from eth_utils.crypto import keccak

from ape_gavelbook import paths

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OVERRIDE = "GAVELBOOK_COMPILED"
CONTRACTS = {
    "SaleFactory": True,
    "TokenSale": False,
    "ITokenSale": False,
    "MockWrappedEther": True,
    "Exchange": True,
    "DepositForwarder": False,
    "MarketTerms": True,
    "MockFalseToken": True,
    "MockSilentToken": True,
    "MockSmartWallet": True,
}
"""What is compiled of the project, and whether with its code: a factory's contains a sale's."""

EXCHANGE = {"Exchange", "DepositForwarder", "MarketTerms"}
"""Those of them that belong to the exchange."""

_NO_CODE = {"bytecode": {"object": ""}}
_CACHE = Path("build", "evm")
_OWN = Path("tests", "evm", "contracts")
_IMPORT = re.compile(r'import\s(?:[^;"]*?from\s*)?"(?P<path>[^"]+)";')


class Function(NamedTuple):
    """A function: what its call begins with, what it takes and what it answers."""

    name: str
    selector: bytes
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    payable: bool
    view: bool


class Contract(NamedTuple):
    """A compiled contract."""

    creation: bytes
    functions: dict[str, Function]
    errors: dict[bytes, tuple[str, tuple[str, ...]]]


class CompileError(Exception):
    """The compiler refused the sources."""


@cache
def contract(name: str) -> Contract:
    """Return a contract of the project, or of tests/evm/contracts."""
    return _read(_compiled()[name])


@cache
def errors() -> dict[bytes, tuple[str, tuple[str, ...]]]:
    """Return name and types of every error of every contract, by selector."""
    return {
        selector: error for name in _compiled() for selector, error in contract(name).errors.items()
    }


def compile_sources() -> dict[str, Any]:
    """Compile what `CONTRACTS` names, and tests/evm/contracts.

    Raises:
        CompileError: the sources do not compile.

    """
    folder = paths.project_root() / _CACHE
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {}
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for roots in _groups():
            outputs = {name: {Path(name).stem: _outputs(name)} for name in roots}
            found.update(_compile(closure(roots), outputs, optimize=True))
    return found


def compile_changed(overrides: Mapping[str, str], root: str = "SaleFactory") -> dict[str, Any]:
    """Compile with some files' text replaced, quickly.

    Only ``root`` is compiled: the factory with the sale in it, or the exchange with what it
    deploys. The factory goes without optimization: that halves the time, and the code grows past
    what a chain takes.

    Raises:
        CompileError: the sources do not compile.

    """
    name = f"contracts/{root}.sol"
    group = next(group for group in _groups() if name in group)
    texts = {**closure(group), **overrides}
    # Where terms of markets are depends on the code that makes them: that is changed as well.
    roots = group if root == "Exchange" else [name]
    outputs = {each: {Path(each).stem: _outputs(each)} for each in roots}
    # Without optimization the loops of the exchange find no room on the stack.
    found = _compile(texts, outputs, optimize=root == "Exchange")
    return {**compile_sources(), **found}


def _compile(
    texts: Mapping[str, str], outputs: dict[str, Any], *, optimize: bool
) -> dict[str, Any]:
    document = {
        "language": "Solidity",
        "sources": {name: {"content": text} for name, text in sorted(texts.items())},
        "settings": {**_settings(optimize=optimize), "outputSelection": outputs},
    }
    text = json.dumps(document, sort_keys=True)
    name = hashlib.sha256(text.encode()).hexdigest()[:24]
    kept = paths.project_root() / _CACHE / f"{name}.json"
    if kept.is_file():
        found: dict[str, Any] = json.loads(kept.read_text())
        return found
    result = _run_solc(text)
    waiting = kept.with_suffix(f".{os.getpid()}")
    waiting.write_text(json.dumps(result))
    waiting.replace(kept)
    return result


@cache
def _compiled() -> dict[str, Any]:
    override = os.environ.get(OVERRIDE)
    if override:
        found: dict[str, Any] = json.loads(Path(override).read_text())
        return found
    return compile_sources()


def _settings(*, optimize: bool) -> dict[str, Any]:
    section = yaml.safe_load((paths.project_root() / "ape-config.yaml").read_text())["solidity"]
    return {
        "evmVersion": section["evm_version"],
        "viaIR": section["via_ir"],
        "optimizer": {
            "enabled": optimize and section["optimize"],
            "runs": section["optimization_runs"],
        },
    }


def _outputs(name: str) -> list[str]:
    deployed = CONTRACTS.get(Path(name).stem, True)
    return ["abi", "evm.bytecode.object"] if deployed else ["abi"]


def _run_solc(document: str) -> dict[str, Any]:
    paths.activate()
    native = paths.native_solc()
    command = [str(native if native.exists() else paths.npm_solc()), "--standard-json"]
    answer = subprocess.run(command, input=document, capture_output=True, text=True, check=True)
    output = json.loads(answer.stdout)
    refusals = [e["formattedMessage"] for e in output.get("errors", []) if e["severity"] == "error"]
    if refusals:
        raise CompileError("\n".join(refusals))
    return {
        name: {"abi": found["abi"], "bytecode": found.get("evm", _NO_CODE)["bytecode"]["object"]}
        for contracts in output["contracts"].values()
        for name, found in contracts.items()
    }


def _groups() -> list[list[str]]:
    """Return what is compiled together: a change of the exchange leaves the sale as it is."""
    root = paths.project_root()
    project = [
        path.relative_to(root).as_posix()
        for path in sorted((root / "contracts").rglob("*.sol"))
        if path.stem in CONTRACTS and ".cache" not in path.parts
    ]
    own = [path.relative_to(root).as_posix() for path in sorted((root / _OWN).glob("*.sol"))]
    exchange = [name for name in project if Path(name).stem in EXCHANGE]
    return [[name for name in project if name not in exchange], exchange, own]


def closure(roots: Iterable[str]) -> dict[str, str]:
    """Return contracts and all they import, by the names the compiler knows them by."""
    waiting = list(roots)
    texts: dict[str, str] = {}
    while waiting:
        name = waiting.pop()
        if name in texts:
            continue
        folder = paths.node_modules() if name.startswith("@") else paths.project_root()
        texts[name] = (folder / name).read_text()
        for match in _IMPORT.finditer(texts[name]):
            path = match["path"]
            waiting.append(_resolved(name, path) if path.startswith(".") else path)
    return texts


def _resolved(importer: str, path: str) -> str:
    parts = importer.split("/")[:-1]
    for part in path.split("/"):
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def _read(found: dict[str, Any]) -> Contract:
    functions: dict[str, Function] = {}
    errors: dict[bytes, tuple[str, tuple[str, ...]]] = {}
    for entry in found["abi"]:
        inputs = tuple(collapse_if_tuple(each) for each in entry.get("inputs", []))
        if entry["type"] == "error":
            selector = keccak(text=f"{entry['name']}({','.join(inputs)})")[:4]
            errors[selector] = (entry["name"], inputs)
        if entry["type"] == "function":
            name = entry["name"]
            functions[name] = Function(
                name=name,
                selector=keccak(text=f"{name}({','.join(inputs)})")[:4],
                inputs=inputs,
                outputs=tuple(collapse_if_tuple(each) for each in entry["outputs"]),
                payable=entry["stateMutability"] == "payable",
                view=entry["stateMutability"] in {"view", "pure"},
            )
    return Contract(bytes.fromhex(found["bytecode"]), functions, errors)
