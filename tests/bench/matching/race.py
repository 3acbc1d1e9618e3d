"""Run all engines in turns and print a table, then the metrics as one line of JSON."""

from __future__ import annotations

import gc
import json
import statistics

from tests.bench.matching.engines import (
    CythonOrderbook,
    Engine,
    LimitOrderBook,
    Liquibook,
    OrderMatching,
    Ours,
    timed,
)
from tests.bench.matching.workload import Workload, mixed_flow, steady_flow

ROUNDS = 7
FAST = (Ours, LimitOrderBook, Liquibook, CythonOrderbook)
KNOWN_TRADES = 67_909
KNOWN_LOTS = 2_591_972
"""What the mixed flow trades, known from other implementations of the same."""


def main() -> None:
    """Print what was measured."""
    mixed, small = mixed_flow(), mixed_flow(events=300, resting=1_000)
    speeds = race(FAST, mixed, ROUNDS)
    speeds |= race((OrderMatching,), small, 1, against=Ours)
    ours = speeds[Ours.name]
    peers = {name: speed for name, speed in speeds.items() if name != Ours.name}
    print(f"{'matching, 200,000 mixed events':<36}{'events/s':>12}{'of ours':>10}")
    for name, speed in speeds.items():
        note = "  (300 events, 1,000 resting)" if name == OrderMatching.name else ""
        print(f"{name:<36}{speed:>12,.0f}{speed / ours:>10.3f}{note}")
    resting = {size: steady(size) for size in (1_000, 1_000_000)}
    for size, speed in resting.items():
        print(f"{f'gavelbook, {size:,} resting':<36}{speed:>12,.0f}{speed / ours:>10.3f}")
    figures = {
        "exchange.match.events_per_s": ours,
        "exchange.match.ratio_best_peer": ours / max(peers.values()),
        "exchange.match.ratio_1m_resting": resting[1_000_000] / resting[1_000],
    }
    print(json.dumps(figures))


def race(
    kinds: tuple[type[Engine], ...],
    workload: Workload,
    rounds: int,
    against: type[Engine] | None = None,
) -> dict[str, float]:
    """Return the median events per second of each engine; all must trade and end alike."""
    speeds: dict[str, list[float]] = {kind.name: [] for kind in kinds}
    _, reference = timed(against or kinds[0], workload)
    trades, resting = reference.trades(), reference.resting()
    if against is None and (len(trades), sum(each[3] for each in trades)) != (
        KNOWN_TRADES,
        KNOWN_LOTS,
    ):
        raise AssertionError(f"Expected {KNOWN_TRADES} trades, was {len(trades)}")
    for _ in range(rounds):
        for kind in kinds:
            speed, engine = timed(kind, workload)
            speeds[kind.name].append(speed)
            if kind.reports_trades and engine.trades() != trades:
                raise AssertionError(f"Expected the same trades of {kind.name}, was others")
            if not all(resting[key] == each for key, each in engine.resting().items()):
                raise AssertionError(f"Expected the same book of {kind.name}, was another")
            del engine
            gc.collect()
    return {name: statistics.median(found) for name, found in speeds.items()}


def steady(resting: int, rounds: int = 3) -> float:
    """Return our median events per second with ``resting`` orders in the book all the time."""
    workload = steady_flow(resting)
    return statistics.median(timed(Ours, workload)[0] for _ in range(rounds))


if __name__ == "__main__":
    main()
