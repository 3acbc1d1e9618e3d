"""The demand curve: how many lots are wanted at each price and above."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gavelbook.auction.allocation import allocate
from gavelbook.auction.bids import lots_by_tick

if TYPE_CHECKING:
    from gavelbook.auction.bids import Bids
    from gavelbook.auction.clearing import Clearing
    from gavelbook.auction.terms import AuctionTerms


@dataclass(frozen=True, slots=True)
class DemandStep:
    """One occupied tick: its price (payment token base units a lot) and the lots wanted there.

    ``cumulative_lots`` are the lots wanted at this price or above.
    """

    tick: int
    price: int
    lots: int
    cumulative_lots: int


@dataclass(frozen=True, slots=True)
class DemandCurve:
    """Occupied ticks, highest first, and the clearing if the sale closed with these bids."""

    steps: tuple[DemandStep, ...]
    clearing: Clearing

    @property
    def demand_lots(self) -> int:
        """Lots wanted at any price."""
        return self.steps[-1].cumulative_lots if self.steps else 0


def demand_curve(terms: AuctionTerms, bids: Bids) -> DemandCurve:
    """Return the demand curve of ``bids``.

    Raises:
        BidsError: a bid is off the price grid or larger than the supply; see `Bids.check`.

    """
    clearing = allocate(terms, bids).clearing
    totals = lots_by_tick(bids.ticks, bids.lots, terms.tick_count)
    steps: list[DemandStep] = []
    cumulative = 0
    for tick in range(terms.tick_count - 1, -1, -1):
        if totals[tick]:
            cumulative += totals[tick]
            steps.append(DemandStep(tick, terms.price(tick), totals[tick], cumulative))
    return DemandCurve(tuple(steps), clearing)
