"""A small auction by the rule of a sale, computed like the sale itself. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gavelbook.auction import Bids, allocate

if TYPE_CHECKING:
    from gavelbook.auction import Allocation, AuctionTerms

SUPPLY_LOTS = 15
_WISHES = ((2, 5), (1, 6), (1, 5), (1, 4), (0, 4))
"""Steps above the lowest price of the example, and lots: more than there is, with a tie."""


@dataclass(frozen=True, slots=True)
class ExampleBid:
    """A bid of the example and what becomes of it; money in payment token base units."""

    name: str
    tick: int
    price: int
    lots: int
    filled: int
    payment: int


@dataclass(frozen=True)
class WorkedExample:
    """Five bids for 15 lots at prices of the sale."""

    supply_lots: int
    bids: tuple[ExampleBid, ...]
    allocation: Allocation


def worked_example(auction: AuctionTerms) -> WorkedExample:
    """Return what the rule and the pricing of ``auction`` make of five bids at its prices."""
    top = auction.tick_count - 1
    # Round steps of the ladder around its middle; a short ladder has fewer prices.
    spread = max(auction.tick_count // 8, 1)
    ticks = [min(top // 2 + steps * spread, top) for steps, _ in _WISHES]
    lots = [wish for _, wish in _WISHES]
    terms = replace(
        auction, supply_lots=SUPPLY_LOTS, cap_bps=10_000, min_bid_lots=1, minimum_raise=0
    )
    allocation = allocate(terms, Bids.from_columns(ticks, lots))
    rows = zip("ABCDE", ticks, lots, allocation.filled_list, allocation.payments, strict=True)
    bids = tuple(
        ExampleBid(name, tick, terms.price(tick), wanted, filled, payment)
        for name, tick, wanted, filled, payment in rows
    )
    return WorkedExample(SUPPLY_LOTS, bids, allocation)
