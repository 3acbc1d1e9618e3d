"""The clearing as the contract keeps it.

clearing
├── names where supply ends, for each shape of demand and each rule
├── decides every fill by itself
└── is the only one that gives out exactly what is left of supply
"""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given

from gavelbook.auction import Bids, Clearing, Pricing, Rule, allocate
from tests.auction.strategies import Auction, auctions, terms_of

PRICE_TIME, GROUP, TOP = Rule


class Case(NamedTuple):
    """Bids for ten lots and the numbers that decide them."""

    rule: Rule
    ticks: list[int]
    lots: list[int]
    marginal_tick: int
    level: int
    cut: int | None
    margin_from: int
    full_from: int


CASES = {
    "no bids": Case(PRICE_TIME, [], [], 0, 0, None, 0, 0),
    "demand under supply": Case(GROUP, [5, 2], [4, 5], 0, 0, None, 0, 0),
    "demand under supply, top rule": Case(TOP, [5, 2], [4, 5], 0, 0, None, 0, 0),
    "demand equals supply": Case(PRICE_TIME, [5, 2], [4, 6], 2, 0, None, 2, 2),
    "demand equals supply, top rule": Case(TOP, [5, 2, 3], [4, 5, 1], 2, 0, None, 2, 2),
    "supply ends between ticks": Case(GROUP, [5, 2, 1], [4, 6, 3], 2, 0, None, 2, 2),
    "supply ends between ticks that rounds ignore": Case(TOP, [5, 2, 1], [4, 6, 3], 5, 3, 1, 0, 5),
    "last bid partial": Case(PRICE_TIME, [5, 2, 2, 2], [4, 3, 5, 1], 2, 3, 2, 2, 3),
    "last bid gets nothing": Case(PRICE_TIME, [5, 2, 2], [4, 6, 5], 2, 0, 2, 2, 3),
    "rounds with no lot over": Case(GROUP, [5, 2, 2], [4, 9, 9], 2, 3, 1, 2, 3),
    "rounds with lots over": Case(GROUP, [2, 5, 2, 2], [9, 2, 9, 1], 2, 3, 2, 2, 3),
    "fewer lots than bids": Case(GROUP, [5, 2, 2, 2], [8, 2, 2, 2], 2, 0, 3, 2, 3),
    "top tick equals supply": Case(TOP, [5, 2, 5], [4, 6, 6], 5, 0, None, 5, 5),
    "top tick over supply": Case(TOP, [5, 2, 5], [8, 6, 6], 5, 2, 2, 5, 6),
    "top tick over supply, by rounds": Case(GROUP, [5, 2, 5], [8, 6, 6], 5, 5, 0, 5, 6),
    "rounds over all others": Case(TOP, [1, 5, 3, 0], [2, 4, 9, 9], 5, 2, 2, 0, 5),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_where_supply_ends(case: Case) -> None:
    clearing = allocate(terms_of(case.rule), Bids.from_columns(case.ticks, case.lots)).clearing

    assert clearing.marginal_tick == case.marginal_tick
    assert (clearing.level, clearing.cut) == (case.level, case.cut)
    assert (clearing.margin_from_tick, clearing.full_from_tick) == (
        case.margin_from,
        case.full_from,
    )


def test_price_tick_is_given_for_uniform_pricing_only() -> None:
    bids = Bids.from_columns([5, 2], [4, 9])

    assert allocate(terms_of(pricing=Pricing.UNIFORM), bids).clearing.price_tick == 2
    assert allocate(terms_of(pricing=Pricing.PAY_AS_BID), bids).clearing.price_tick is None


def fill_by_clearing(
    clearing: Clearing, ticks: list[int], lots: list[int], level: int, cut: int
) -> list[int]:
    """Apply the rule in the docstring of `Clearing`, bid by bid."""
    filled = []
    for i, (tick, q) in enumerate(zip(ticks, lots, strict=True)):
        if tick >= clearing.full_from_tick:
            filled.append(q)
        elif tick < clearing.margin_from_tick:
            filled.append(0)
        elif clearing.by_rounds:
            filled.append(min(q, level) + (1 if q > level and i < cut else 0))
        else:
            filled.append(q if i < cut else level if i == cut else 0)
    return filled


@given(auctions())
def test_clearing_decides_every_fill(auction: Auction) -> None:
    allocation = allocate(auction.terms, auction.bids)
    clearing = allocation.clearing

    cut = len(auction.lots) if clearing.cut is None else clearing.cut
    filled = fill_by_clearing(clearing, auction.ticks, auction.lots, clearing.level, cut)

    assert list(allocation.filled) == filled
    assert (clearing.cut is None) == (clearing.margin_from_tick == clearing.full_from_tick)


@given(auctions(min_bids=2))
def test_no_other_level_and_cut_gives_out_the_same_lots(auction: Auction) -> None:
    """A cut must be a bid of the margin that could get one lot more than it does."""
    clearing = allocate(auction.terms, auction.bids).clearing
    if clearing.cut is None:
        return
    fits = [
        (level, cut)
        for level in range(max(auction.lots))
        for cut, (tick, q) in enumerate(zip(auction.ticks, auction.lots, strict=True))
        if clearing.margin_from_tick <= tick < clearing.full_from_tick
        if q > level
        if sum(fill_by_clearing(clearing, auction.ticks, auction.lots, level, cut))
        == auction.terms.supply_lots
    ]

    assert fits == [(clearing.level, clearing.cut)]
