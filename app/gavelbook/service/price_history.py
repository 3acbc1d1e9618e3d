"""How the clearing price came about: what it was after each change of the bids. Pure.

Prices are payment token base units a lot, sizes lots, times Unix seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gavelbook.auction import Bids, allocate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gavelbook.auction import Allocation, AuctionTerms

MOST_MOMENTS = 240
"""Moments that a history shows at most: as many as a chart has places for."""


@dataclass(frozen=True, slots=True)
class BidSpan:
    """A bid from when it was placed to when it was cancelled; None for one that stays."""

    tick: int
    lots: int
    placed_at: int
    cancelled_at: int | None = None

    def stands(self, at: int) -> bool:
        """Whether it is among the bids at the end of second ``at``."""
        return self.placed_at <= at and (self.cancelled_at is None or at < self.cancelled_at)


@dataclass(frozen=True, slots=True)
class PricePoint:
    """The sale as it would have closed at the end of second ``at``.

    ``price`` is the lowest that would have won something, None where nobody would have.
    """

    at: int
    price: int | None
    demand_lots: int


def lowest_winning_price(allocation: Allocation) -> int | None:
    """Return the lowest price that wins something; None where nobody wins."""
    if allocation.failed or not len(allocation.bids):
        return None
    price_tick = allocation.clearing.price_tick
    tick = allocation.lowest_winning_tick if price_tick is None else price_tick
    return None if tick is None else allocation.terms.price(tick)


def price_history(
    auction: AuctionTerms, spans: Sequence[BidSpan], most: int = MOST_MOMENTS
) -> tuple[PricePoint, ...]:
    """Return the price after each change of the bids, oldest first.

    Args:
        auction: the terms by which the sale clears.
        spans: all bids ever placed, in arrival order.
        most: how many moments to return at most, at least 2: where there are more, some in
            between are left out, and those returned are exact all the same.

    """
    moments = _moments(spans, most)
    ticks = np.array([span.tick for span in spans], dtype=np.int64)
    lots = np.array([span.lots for span in spans], dtype=object)
    placed = np.array([span.placed_at for span in spans], dtype=object)
    never = moments[-1] + 1 if moments else 0
    ended = np.array(
        [never if span.cancelled_at is None else span.cancelled_at for span in spans], dtype=object
    )
    points = []
    for at in moments:
        standing = ((placed <= at) & (ended > at)).astype(bool)
        bids = Bids.from_columns(ticks[standing], lots[standing].tolist())
        price = lowest_winning_price(allocate(auction, bids))
        points.append(PricePoint(at, price, bids.total_lots))
    return tuple(points)


def _moments(spans: Sequence[BidSpan], most: int) -> list[int]:
    """Return the times of changes, at most ``most`` of them, the first and the last included."""
    times = {span.placed_at for span in spans}
    times |= {span.cancelled_at for span in spans if span.cancelled_at is not None}
    ordered = sorted(times)
    if len(ordered) <= most:
        return ordered
    last = len(ordered) - 1
    return [ordered[number * last // (most - 1)] for number in range(most)]
