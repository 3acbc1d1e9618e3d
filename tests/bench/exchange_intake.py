"""Signed orders over HTTP to durable acknowledgements: ours and a plain service, in the same run.

Every order is really signed, verified, matched, logged and committed before it is answered; the
load generator shares the machine. The services take turns, and the figures are medians.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ape_gavelbook.paths import project_root
from tests.bench.intake import load, replay
from tests.bench.intake.orders import BATCH, SIGNERS, Plan, requests

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = 3
_SINGLE = 200
_BATCHES = 10
_PLAIN = 20
_SECONDS_AT_HALF = 10
_SECONDS_TO_SETTLE = 3
"""What is measured at half of the peak is not what the peak before it left behind."""
_END_SECONDS = 30
_ROOT = project_root()
_PLAIN_PYTHON = _ROOT / ".venv-bench" / "bin" / "python"


def measure() -> dict[str, float]:
    """Return the metrics of the intake, and of the replay of what it left."""
    single, batched, plain = [], [], []
    with tempfile.TemporaryDirectory(prefix="gavelbook-bench-") as folder:
        with (
            _service([sys.executable, "-m", "tests.bench.intake.service"], folder) as ours,
            _service(
                [str(_PLAIN_PYTHON), str(Path(__file__).parent / "intake" / "plain_service.py")],
                folder,
            ) as theirs,
        ):
            for number in range(1, ROUNDS + 1):
                start = number * 100_000
                single.append(_rate(ours, Plan(start, _SINGLE, 1)))
                plain.append(_rate(theirs, Plan(start, _PLAIN, 1)))
                batched.append(_rate(ours, Plan(start + 50_000, _BATCHES, BATCH)))
            peak = statistics.median(single)
            rounds = max(1, int(peak / 2 * _SECONDS_AT_HALF / SIGNERS))
            time.sleep(_SECONDS_TO_SETTLE)
            calm = _checked(ours, Plan(900_000, rounds, 1), peak / 2)
        replayed = statistics.median(replay.measure(Path(folder)) for _ in range(ROUNDS))
    return {
        "exchange.intake.orders_per_s": peak,
        "exchange.intake.batch_orders_per_s": statistics.median(batched),
        "exchange.intake.ratio_plain": peak / statistics.median(plain),
        "exchange.intake.plain_orders_per_s": statistics.median(plain),
        "exchange.intake.p50_ms": calm.percentile(0.5),
        "exchange.intake.p99_ms": calm.percentile(0.99),
        "exchange.replay.entries_per_s": replayed,
        # Batches are the faster way in, so the stricter measure.
        "exchange.replay.ratio_live": replayed / max(peak, statistics.median(batched)),
    }


def _rate(port: int, plan: Plan) -> float:
    """Return how many orders a second were acknowledged."""
    outcome = _checked(port, plan, 0.0)
    return outcome.accepted_orders / outcome.seconds


def _checked(port: int, plan: Plan, rate: float) -> load.Outcome:
    outcome = load.run(port, requests(plan), rate)
    expected = SIGNERS * plan.rounds * plan.per_request
    if outcome.failed or outcome.accepted_orders != expected:
        raise AssertionError(
            f"Expected {expected} orders accepted, was {outcome.accepted_orders}, "
            f"{outcome.failed} requests failed"
        )
    return outcome


@contextmanager
def _service(command: list[str], folder: str) -> Iterator[int]:
    """Run a service that prints its port, and end it afterwards."""
    process = subprocess.Popen([*command, folder], stdout=subprocess.PIPE, cwd=_ROOT)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(_END_SECONDS)


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name:<40}{value:12,.1f}")
