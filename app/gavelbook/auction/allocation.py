"""Who gets what: the allocation of lots to bids, exact for every amount a contract can hold."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gavelbook.auction.bids import lots_by_tick
from gavelbook.auction.clearing import Clearing, Margin, cut_by_arrival, cut_by_rounds, find_margin
from gavelbook.auction.terms import Pricing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gavelbook.auction.bids import Bids
    from gavelbook.auction.terms import AuctionTerms


class Outcomes(NamedTuple):
    """Number of bids filled in full, in part and not at all."""

    full: int
    partial: int
    nothing: int


@dataclass(frozen=True, eq=False)
class Allocation:
    """What each bid gets and pays, in the order of the bids.

    ``filled`` is in lots: an int64 array, or a list of Python integers where sizes do not fit one.
    """

    terms: AuctionTerms
    bids: Bids
    filled: NDArray[np.int64] | list[int]
    clearing: Clearing

    @property
    def failed(self) -> bool:
        """Whether the sale missed its minimum raise, so that nobody gets or pays anything."""
        return self.clearing.failed

    @property
    def sold_lots(self) -> int:
        """Lots sold; 0 in a failed sale."""
        return 0 if self.failed else self.clearing.sold_lots

    @property
    def raised(self) -> int:
        """Sum of all payments in payment token base units; 0 in a failed sale."""
        return 0 if self.failed else self.clearing.raised

    @property
    def lowest_winning_tick(self) -> int | None:
        """The lowest tick of a bid that gets something; None where nobody does."""
        ticks = self.bids.ticks[np.asarray(self.filled) > 0]
        return int(ticks.min()) if len(ticks) else None

    @property
    def filled_list(self) -> list[int]:
        """What each bid gets in lots, as Python integers whatever the type of ``filled``."""
        return self.filled if isinstance(self.filled, list) else self.filled.tolist()

    @cached_property
    def payments(self) -> list[int]:
        """What each bid pays: lots filled times price, in payment token base units."""
        filled = self.filled_list
        if self.clearing.price_tick is not None:
            price = self.terms.price(self.clearing.price_tick)
            return [lots * price for lots in filled]
        prices = [self.terms.price(tick) for tick in range(self.terms.tick_count)]
        ticks = self.bids.ticks.tolist()
        return [lots * prices[tick] for lots, tick in zip(filled, ticks, strict=True)]

    @cached_property
    def outcomes(self) -> Outcomes:
        """How many bids were filled in full, in part and not at all."""
        filled = np.asarray(self.filled)
        full = int(np.count_nonzero(filled == self.bids.lots))
        nothing = int(np.count_nonzero(filled == 0))
        return Outcomes(full, len(self.bids) - full - nothing, nothing)


def allocate(terms: AuctionTerms, bids: Bids) -> Allocation:
    """Allocate the supply to ``bids`` by the rule and the pricing of ``terms``.

    Time: O(n) for n bids, and O(n log n) where a margin of n bids is filled by rounds.

    Raises:
        BidsError: a bid is off the price grid or larger than the supply; see `Bids.check`.

    """
    bids.check(terms)
    totals = lots_by_tick(bids.ticks, bids.lots, terms.tick_count)
    margin = find_margin(terms.rule, terms.supply_lots, totals)
    filled = np.where(bids.ticks >= margin.full_from_tick, bids.lots, 0)
    level, cut = _fill_margin(margin, bids, filled)
    clearing = _clearing(
        terms, margin, level, cut, lots_by_tick(bids.ticks, filled, terms.tick_count)
    )
    if clearing.failed:
        filled = np.zeros_like(filled)
    return Allocation(terms, bids, filled.tolist() if filled.dtype == object else filled, clearing)


def _fill_margin(margin: Margin, bids: Bids, filled: NDArray[Any]) -> tuple[int, int | None]:
    """Write the fills of the margin into ``filled``; return level and cut as in `Clearing`."""
    if not margin.remaining_lots:
        return 0, None
    in_margin = (bids.ticks >= margin.from_tick) & (bids.ticks < margin.full_from_tick)
    positions = np.flatnonzero(in_margin)
    lots = bids.lots[positions]
    if margin.by_rounds:
        level, cut = cut_by_rounds(lots, margin.remaining_lots)
        extra = (np.arange(len(lots)) < cut) & (lots > level)
        filled[positions] = np.minimum(lots, level) + extra
    else:
        level, cut = cut_by_arrival(lots, margin.remaining_lots)
        filled[positions[:cut]] = lots[:cut]
        filled[positions[cut]] = level
    return level, int(positions[cut])


def _clearing(
    terms: AuctionTerms, margin: Margin, level: int, cut: int | None, sold: list[int]
) -> Clearing:
    """Add the money to the margin; ``sold`` are the lots filled at each tick."""
    if terms.pricing is Pricing.UNIFORM:
        price_tick = margin.marginal_tick
        raised = sum(sold) * terms.price(price_tick)
    else:
        price_tick = None
        raised = sum(lots * terms.price(tick) for tick, lots in enumerate(sold))
    return Clearing(
        marginal_tick=margin.marginal_tick,
        level=level,
        cut=cut,
        full_from_tick=margin.full_from_tick,
        margin_from_tick=margin.from_tick,
        by_rounds=margin.by_rounds,
        sold_lots=sum(sold),
        raised=raised,
        price_tick=price_tick,
        failed=raised < terms.minimum_raise,
    )
