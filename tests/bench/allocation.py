"""Speed of the allocation: a million bids, and the plain loop on as many as it can finish.

Bids are uniform in size from 1 to 1,000 lots and spread over 1,024 ticks around the middle, three
lots wanted for each one sold. The time for a million runs from two arrays to the fill and payment
of every bid. By rounds it is the slower of two shapes: this one, and all bids at one price, where
every bid is in the margin. Against the plain loop only the fills are timed, each side starting from
bids in the form it works on, since payments are the same work for both.
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

import numpy as np

from gavelbook.auction import AuctionTerms, Bids, Pricing, Rule, allocate
from tests.auction.plain_loop import fill_by_loop

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

MILLION = 1_000_000
LOOP_BIDS = 100_000
RUNS = 5
LOOP_RUNS = 3
_TICKS = 1024
_SEED = 20_300_107


def measure() -> dict[str, float]:
    """Return the metrics of the allocation, medians of several runs."""
    spread, flat = _columns(MILLION), _columns(MILLION, one_price=True)
    by_rounds = [_seconds(Rule.GROUP_ROUND_ROBIN, *columns) for columns in (spread, flat)]
    return {
        "sale.alloc.million_price_time_s": _seconds(Rule.PRICE_TIME, *spread),
        "sale.alloc.million_round_robin_s": max(by_rounds),
        "sale.alloc.ratio_plain_loop": _ratio_to_plain_loop(),
    }


def _columns(bids: int, *, one_price: bool = False) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    random = np.random.default_rng(_SEED)
    spread = random.normal(_TICKS / 2, _TICKS / 12, bids).astype(np.int64)
    ticks = np.zeros_like(spread) if one_price else np.clip(spread, 0, _TICKS - 1)
    return ticks, random.integers(1, 1001, bids)


def _terms(rule: Rule, lots: NDArray[np.int64]) -> AuctionTerms:
    return AuctionTerms(
        rule=rule,
        pricing=Pricing.PAY_AS_BID,
        supply_lots=int(lots.sum()) // 3,
        lot_size=10**18,
        floor_price=10**15,
        tick_value=10**12,
        tick_count=_TICKS,
        min_bid_lots=1,
        cap_bps=10_000,
    )


def _seconds(rule: Rule, ticks: NDArray[np.int64], lots: NDArray[np.int64]) -> float:
    terms = _terms(rule, lots)
    return _median(lambda: allocate(terms, Bids.from_columns(ticks, lots)).payments)


def _ratio_to_plain_loop() -> float:
    """Return the plain loop's time over ours, for the same bids by rounds."""
    ticks, lots = _columns(LOOP_BIDS)
    terms = _terms(Rule.GROUP_ROUND_ROBIN, lots)
    tick_list, lot_list = ticks.tolist(), lots.tolist()
    bids = Bids.from_columns(ticks, lots)

    def plain() -> list[int]:
        return fill_by_loop(terms.rule, terms.supply_lots, tick_list, lot_list)

    if plain() != list(allocate(terms, bids).filled):
        raise AssertionError("Expected the fills of the plain loop, was something else")
    return _median(plain, LOOP_RUNS) / _median(lambda: allocate(terms, bids))


def _median(run: Callable[[], object], runs: int = RUNS) -> float:
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name:<36}{value:10.3f}")
