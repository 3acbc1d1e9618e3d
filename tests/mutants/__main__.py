"""Run the contracts' tests against each mutant: ``python -m tests.mutants [name ...]``.

Each mutant is compiled apart from contracts/, which is not touched, and the cheap tests run on it
until one fails. A mutant on which all pass survives: a check that no test guards. Exit code 1 where
one survives. Takes some 20 seconds of a core for each; GAVELBOOK_JOBS sets how many run at once.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from ape_gavelbook import paths
from tests.evm.compiled import OVERRIDE, compile_changed
from tests.mutants.mutants import MUTANTS, Mutant

JOBS = int(os.environ.get("GAVELBOOK_JOBS", "2"))
FEW = {
    "GAVELBOOK_CASES": "80",
    "GAVELBOOK_REFUSAL_BOOKS": "10",
    "GAVELBOOK_EXAMPLES": "15",
    "GAVELBOOK_CALLS": "1600",
}


class Part(NamedTuple):
    """A contract that is deployed, and the tests that guard what is in it."""

    root: str
    tests: tuple[str, ...]


SALE = Part(
    "SaleFactory",
    (
        "tests/hostile/test_hostile_allocator.py",
        "tests/hostile/test_hostile_bidder.py",
        "tests/hostile/test_hostile_token.py",
        "tests/hostile/test_exit_without_operator.py",
        "tests/hostile/test_griefing.py::test_full_tick_stops_nothing_but_bids_at_it",
        "tests/parity/test_differential.py",
        "tests/hostile/test_malformed_calldata.py",
        "tests/stateful/test_solvency.py",
        "tests/parity/test_refusals.py",
    ),
)
EXCHANGE = Part(
    "Exchange",
    (
        "tests/contracts/exchange",
        "tests/hostile/test_hostile_deposits.py",
        "tests/hostile/test_hostile_matcher.py",
        "tests/hostile/test_forged_batches.py",
        "tests/hostile/test_stolen_keys.py",
        "tests/hostile/test_review_exchange.py",
        "tests/hostile/test_exchange_exit_without_operator.py",
        "tests/hostile/test_hostile_batches.py",
        "tests/hostile/test_hostile_terms.py",
        "tests/hostile/test_settlement_calldata.py",
        "tests/stateful/test_exchange_solvency.py",
        "tests/parity/test_exchange.py",
    ),
)
_FAILED = re.compile(r"^(?:FAILED|ERROR) (?P<test>\S+)", re.MULTILINE)


class Verdict(NamedTuple):
    """What became of a mutant; ``killer`` is the test that failed, "" where all passed."""

    name: str
    guards: str
    killer: str
    seconds: float


def judge(mutant: Mutant | None, part: Part) -> Verdict:
    """Compile a mutant and run the tests of ``part``; None stands for the contracts unchanged.

    Raises:
        CompileError: the mutant is no program.

    """
    begin = time.monotonic()
    overrides = {mutant.path: mutant.source()} if mutant else {}
    with TemporaryDirectory() as folder:
        compiled = Path(folder, "compiled.json")
        compiled.write_text(json.dumps(compile_changed(overrides, part.root)))
        command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "-p", "no:cacheprovider"]
        answer = subprocess.run(
            [*command, *part.tests],
            cwd=paths.project_root(),
            env={**os.environ, **FEW, OVERRIDE: str(compiled)},
            capture_output=True,
            text=True,
            check=False,
        )
    if answer.returncode not in {0, 1}:
        raise RuntimeError(f"{mutant}: the tests did not run:\n{answer.stdout[-2000:]}")
    found = _FAILED.search(answer.stdout)
    killer = found["test"] if found else ""
    name, guards = (mutant.name, mutant.guards) if mutant else ("(unchanged)", "")
    return Verdict(name, guards, killer, time.monotonic() - begin)


def main(names: list[str]) -> int:
    """Print a table of the mutants and return 1 where one survives."""
    chosen = [mutant for mutant in MUTANTS if not names or mutant.name in names]
    for part in {_part(mutant): None for mutant in chosen}:
        control = judge(None, part)
        if control.killer:
            print(f"The contracts as they are fail {control.killer}")
            return 1
    print(f"{'mutant':45} {'guards':12} {'seconds':>7}  killed by")
    survivors = 0
    with ThreadPoolExecutor(JOBS) as pool:
        for verdict in pool.map(judge, chosen, map(_part, chosen)):
            killer = verdict.killer.removeprefix("tests/") or "NOBODY"
            survivors += not verdict.killer
            print(
                f"{verdict.name:45} {verdict.guards:12} {verdict.seconds:7.0f}  {killer}",
                flush=True,
            )
    print(f"{len(chosen) - survivors} passed, {survivors} failed")
    return int(survivors > 0)


def _part(mutant: Mutant) -> Part:
    return EXCHANGE if mutant.of_exchange else SALE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
