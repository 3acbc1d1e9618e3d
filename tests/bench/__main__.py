"""Measure gas and speed, print a table and write build/bench.json: ``python -m tests.bench``."""

from __future__ import annotations

import json
import platform
import time

import numpy as np

from ape_gavelbook.paths import ANVIL_VERSION, SOLC_VERSION, project_root
from gavelbook.files.atomic import replacing
from tests.bench import allocation, exchange_gas, exchange_intake, matching, sale_gas, ui
from tests.bench.anvil_chain import HARDFORK, AnvilChain
from tests.bench.contract_code import settings
from tests.bench.targets import TARGETS, Target

OUTPUT = project_root() / "build" / "bench.json"


def main() -> None:
    """Measure everything; a missed target is printed, not hidden, and fails nothing."""
    started = time.perf_counter()
    with AnvilChain() as chain:
        figures = sale_gas.measure(chain)
    with AnvilChain() as chain:
        figures.update(exchange_gas.measure(chain))
    print(f"gas measured in {time.perf_counter() - started:.0f} s\n")
    figures.update(allocation.measure())
    figures.update(matching.measure())
    figures.update(exchange_intake.measure())
    figures.update(ui.measure())
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    with replacing(OUTPUT) as file:
        json.dump(figures, file, indent=2)
        file.write("\n")
    print("\n".join(_table(figures)))
    print(f"\n{_conditions()}\nWritten to {OUTPUT.relative_to(project_root())}")


def _table(figures: dict[str, float]) -> list[str]:
    lines = [f"{'metric':<36}{'ours':>12}{'target':>14}  {'':7}anchor: peers, measured elsewhere"]
    for metric, value in figures.items():
        target = TARGETS.get(metric, Target())
        lines.append(
            f"{metric:<36}{_number(value):>12}{target.text:>14}  "
            f"{target.verdict(value):<7}{target.anchor}".rstrip()
        )
    return lines


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1_000 else f"{value:,.3f}".rstrip("0").rstrip(".")


def _conditions() -> str:
    solc = settings()
    optimizer = solc["optimizer"]
    return (
        f"anvil {ANVIL_VERSION}, hardfork {HARDFORK}, gasUsed of receipts; solc {SOLC_VERSION}, "
        f"EVM {solc['evmVersion']}, optimizer {'on' if optimizer['enabled'] else 'off'}, "
        f"{optimizer['runs']} runs, via IR {'on' if solc['viaIR'] else 'off'}.\n"
        f"Python {platform.python_version()}, numpy {np.__version__}, {platform.machine()}."
    )


if __name__ == "__main__":
    main()
