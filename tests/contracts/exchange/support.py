"""What the exchange's tests share: its events and its refusals."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from eth_abi.abi import decode
from eth_utils.crypto import keccak

from ape_gavelbook.paths import project_root
from tests.evm.machine import Reverted

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.evm.exchange import Exchange

_ABI = ("app", "gavelbook", "chain", "abi", "Exchange.json")


def events(exchange: Exchange) -> list[tuple[Any, ...]]:
    """Return the exchange's events of the last call: the name, then the values in order."""
    found = []
    for address, topics, data in exchange.machine.logs():
        if address != exchange.address:
            continue
        entry = _events()[topics[0].removeprefix("0x")]
        indexed = iter(topics[1:])
        plain = iter(decode([i["type"] for i in entry["inputs"] if not i["indexed"]], data))
        values = [
            decode([i["type"]], bytes.fromhex(next(indexed).removeprefix("0x")))[0]
            if i["indexed"]
            else next(plain)
            for i in entry["inputs"]
        ]
        found.append((entry["name"], *values))
    return found


def refuses(call: Callable[[], object], name: str, *arguments: object) -> None:
    """Check that a call meets this error with these arguments."""
    with pytest.raises(Reverted) as caught:
        call()
    assert (caught.value.name, *caught.value.arguments) == (name, *arguments)


@cache
def _events() -> dict[str, dict[str, Any]]:
    abi = json.loads(project_root().joinpath(*_ABI).read_text())["abi"]
    return {
        keccak(text=f"{entry['name']}({','.join(i['type'] for i in entry['inputs'])})").hex(): entry
        for entry in abi
        if entry["type"] == "event"
    }
