"""The committed gas figures, tests/gas.json: ``python -m tests.bench.gas_file`` writes them.

A change of the contracts that changes a figure then shows as a line of the review.
"""

from __future__ import annotations

import json

from ape_gavelbook.paths import project_root
from gavelbook.files.atomic import replacing
from tests.bench import actions, exchange_actions
from tests.bench.anvil_chain import AnvilChain

GAS_FILE = project_root() / "tests" / "gas.json"


def measured() -> dict[str, int]:
    """Return the gas of each action now, on chains of their own."""
    with AnvilChain() as chain:
        figures = actions.action_gas(chain)
    with AnvilChain() as chain:
        return figures | exchange_actions.action_gas(chain)


def committed() -> dict[str, int]:
    """Return the gas of each action as committed."""
    figures: dict[str, int] = json.loads(GAS_FILE.read_text(encoding="utf-8"))
    return figures


def differences(before: dict[str, int], after: dict[str, int]) -> list[str]:
    """Return a line for each action whose gas is another now."""
    return [
        f"{name}: {_shown(before.get(name))} -> {_shown(after.get(name))}"
        + (f" ({after[name] - before[name]:+,})" if name in before and name in after else "")
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    ]


def write() -> None:
    """Measure and write the file; print what changed."""
    before = committed() if GAS_FILE.exists() else {}
    figures = measured()
    with replacing(GAS_FILE) as file:
        json.dump(figures, file, indent=2)
        file.write("\n")
    print("\n".join(differences(before, figures)) or "No figure changed")


def _shown(figure: int | None) -> str:
    return "none" if figure is None else f"{figure:,}"


if __name__ == "__main__":
    write()
