"""The contracts' interfaces, as `make abi` writes them from the compiled contracts."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from gavelbook.errors import FileError

FOLDER = Path(__file__).parent / "abi"


def contract_names() -> tuple[str, ...]:
    """Return the names of all contracts whose interface is here."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.json")))


def load_abi(name: str) -> list[dict[str, Any]]:
    """Return the ABI of the contract ``name``.

    Raises:
        FileError: ``abi_missing``.

    """
    abi: list[dict[str, Any]] = _load(name)["abi"]
    return abi


def load_bytecode(name: str) -> str:
    """Return the creation code of the contract ``name`` in hexadecimal with ``0x``.

    Raises:
        FileError: ``abi_missing``, or ``bytecode_missing`` for a contract that another deploys.

    """
    bytecode: str | None = _load(name).get("bytecode")
    if not bytecode:
        message = f"Expected creation code of {name}, was none: only its factory deploys it"
        raise FileError("bytecode_missing", message, name=name)
    return bytecode if bytecode.startswith("0x") else f"0x{bytecode}"


@cache
def _load(name: str) -> dict[str, Any]:
    path = FOLDER / f"{name}.json"
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"Expected the interface of {name} in {FOLDER.name}/: run `make abi`"
        raise FileError("abi_missing", message, name=name) from error
    return content
