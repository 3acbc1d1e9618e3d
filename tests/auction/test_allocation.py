"""Who gets what and pays what.

allocate
├── on the worked example of docs/formats.md, for each rule
├── where supply ends between ticks, at the top tick, or not at all
├── where the minimum raise is missed or just met
└── for any bids: equals the plain loop, conserves lots and money, respects bids
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavelbook.auction import Allocation, Bids, Outcomes, Pricing, Rule, allocate
from gavelbook.errors import BidsError
from tests.auction.plain_loop import fill_by_loop, pay_by_loop
from tests.auction.strategies import OFFERED, RULES, Auction, auctions, terms_of

EXAMPLE_TICKS = [3, 5, 3, 5, 1, 3, 3, 4, 3, 0, 2, 4]
EXAMPLE_LOTS = [4, 3, 2, 2, 4, 6, 1, 4, 5, 3, 5, 1]
EXAMPLE_FILLED = {
    Rule.PRICE_TIME: [4, 3, 2, 2, 0, 4, 0, 4, 0, 0, 0, 1],
    Rule.GROUP_ROUND_ROBIN: [3, 3, 2, 2, 0, 2, 1, 4, 2, 0, 0, 1],
    Rule.TOP_THEN_ROUND_ROBIN: [2, 3, 2, 2, 2, 2, 1, 2, 1, 1, 1, 1],
}


def filled_of(auction: Auction) -> list[int]:
    return list(allocate(auction.terms, auction.bids).filled)


@pytest.mark.parametrize("rule", RULES)
def test_worked_example(rule: Rule) -> None:
    """Twelve bids for 40 lots compete for 20."""
    terms = terms_of(rule, supply_lots=20)

    allocation = allocate(terms, Bids.from_columns(EXAMPLE_TICKS, EXAMPLE_LOTS))

    assert list(allocation.filled) == EXAMPLE_FILLED[rule]
    assert allocation.sold_lots == 20


def test_pay_as_bid_charges_own_price_and_uniform_the_lowest_winning_one() -> None:
    """Prices are 100 + 7 * tick; the lowest winning tick is 2."""
    bids = Bids.from_columns([4, 2, 1, 2], [3, 2, 5, 9])

    own = allocate(terms_of(pricing=Pricing.PAY_AS_BID), bids)
    uniform = allocate(terms_of(pricing=Pricing.UNIFORM), bids)

    assert list(own.filled) == list(uniform.filled) == [3, 2, 0, 5]
    assert own.payments == [3 * 128, 2 * 114, 0, 5 * 114]
    assert uniform.payments == [3 * 114, 2 * 114, 0, 5 * 114]
    assert uniform.raised == 10 * 114


def test_uniform_price_is_the_floor_while_supply_is_left() -> None:
    bids = Bids.from_columns([4, 2], [3, 6])

    allocation = allocate(terms_of(pricing=Pricing.UNIFORM), bids)

    assert allocation.payments == [300, 600]


def test_uniform_price_is_the_lowest_bid_where_demand_just_meets_supply() -> None:
    bids = Bids.from_columns([4, 2], [3, 7])

    allocation = allocate(terms_of(pricing=Pricing.UNIFORM), bids)

    assert allocation.payments == [3 * 114, 7 * 114]


@pytest.mark.parametrize(("rule", "pricing"), OFFERED)
def test_without_bids_nothing_is_sold(rule: Rule, pricing: Pricing) -> None:
    allocation = allocate(terms_of(rule, pricing), Bids.from_columns([], []))

    assert list(allocation.filled) == allocation.payments == []
    assert (allocation.sold_lots, allocation.raised, allocation.failed) == (0, 0, False)
    assert allocation.lowest_winning_tick is None


@pytest.mark.parametrize(("minimum_raise", "failed"), [(570, False), (571, True)])
def test_sale_fails_under_its_minimum_raise(minimum_raise: int, *, failed: bool) -> None:
    bids = Bids.from_columns([2, 0], [5, 2])
    terms = terms_of(supply_lots=5, minimum_raise=minimum_raise)

    allocation = allocate(terms, bids)

    assert allocation.failed is failed
    assert list(allocation.filled) == ([0, 0] if failed else [5, 0])
    assert sum(allocation.payments) == allocation.raised == (0 if failed else 570)
    assert allocation.sold_lots == (0 if failed else 5)
    assert allocation.clearing.raised == 570
    assert allocation.outcomes == (Outcomes(0, 0, 2) if failed else Outcomes(1, 0, 1))


def test_outcomes_count_full_partial_and_nothing() -> None:
    bids = Bids.from_columns([4, 2, 1], [3, 9, 5])

    assert allocate(terms_of(), bids).outcomes == Outcomes(full=1, partial=1, nothing=1)


def test_bids_under_other_terms_are_refused() -> None:
    """A tick off the grid or a size over supply cannot be in the contract."""
    with pytest.raises(BidsError, match="Expected bid 1 a tick from 0 to 7, was 8") as off_grid:
        allocate(terms_of(tick_count=8), Bids.from_columns([7, 8], [1, 1]))
    with pytest.raises(BidsError, match="at most the supply of 10 lots, was 11") as too_large:
        allocate(terms_of(supply_lots=10), Bids.from_columns([7, 3], [10, 11]))

    assert off_grid.value.code == "tick_out_of_range"
    assert too_large.value.code == "lots_over_supply"


@given(auctions())
def test_equals_the_plain_loop(auction: Auction) -> None:
    allocation = allocate(auction.terms, auction.bids)

    filled = fill_by_loop(
        auction.terms.rule, auction.terms.supply_lots, auction.ticks, auction.lots
    )
    assert list(allocation.filled) == filled
    assert allocation.payments == pay_by_loop(auction.terms, auction.ticks, filled)


@given(auctions())
def test_conserves_lots_and_money(auction: Auction) -> None:
    allocation = allocate(auction.terms, auction.bids)

    assert sum(allocation.filled) == min(auction.terms.supply_lots, sum(auction.lots))
    assert sum(allocation.filled) == allocation.sold_lots
    assert sum(allocation.payments) == allocation.raised
    assert sum(allocation.outcomes) == len(auction.lots)


@given(auctions())
def test_nobody_gets_more_than_asked_or_pays_above_the_bid(auction: Auction) -> None:
    allocation = allocate(auction.terms, auction.bids)

    for tick, lots, got, paid in zip(
        auction.ticks, auction.lots, allocation.filled, allocation.payments, strict=True
    ):
        assert 0 <= got <= lots
        assert paid <= got * auction.terms.price(tick)


@given(auctions(), st.integers(1, 5))
def test_more_supply_takes_nothing_from_anybody(auction: Auction, more: int) -> None:
    larger = dataclasses.replace(auction.terms, supply_lots=auction.terms.supply_lots + more)

    with_more = list(allocate(larger, auction.bids).filled)

    assert all(a <= b for a, b in zip(filled_of(auction), with_more, strict=True))


@given(auctions(min_bids=1), st.data())
def test_a_higher_bid_never_gets_less(auction: Auction, data: st.DataObject) -> None:
    bidder = data.draw(st.integers(0, len(auction.ticks) - 1))
    higher = data.draw(st.integers(auction.ticks[bidder], auction.terms.tick_count - 1))
    raised_ticks = [*auction.ticks[:bidder], higher, *auction.ticks[bidder + 1 :]]

    after = filled_of(auction._replace(ticks=raised_ticks))

    assert after[bidder] >= filled_of(auction)[bidder]


@given(auctions(rules=(Rule.PRICE_TIME, Rule.GROUP_ROUND_ROBIN)), st.randoms())
def test_order_matters_only_inside_a_tick(auction: Auction, random: object) -> None:
    """Moving bids past bids of other ticks changes no fill."""
    shuffled = sorted(range(len(auction.ticks)), key=lambda _: random.random())  # type: ignore[attr-defined]
    rank = {tick: i for i, tick in enumerate(dict.fromkeys(auction.ticks[i] for i in shuffled))}
    order = sorted(range(len(auction.ticks)), key=lambda i: (rank[auction.ticks[i]], i))
    moved = auction._replace(
        ticks=[auction.ticks[i] for i in order], lots=[auction.lots[i] for i in order]
    )

    before = filled_of(auction)

    assert filled_of(moved) == [before[i] for i in order]


@given(auctions(rules=(Rule.GROUP_ROUND_ROBIN, Rule.TOP_THEN_ROUND_ROBIN)), st.randoms())
def test_order_is_worth_at_most_one_lot_by_rounds(auction: Auction, random: object) -> None:
    if not allocate(auction.terms, auction.bids).clearing.by_rounds:
        return
    order = list(range(len(auction.ticks)))
    random.shuffle(order)  # type: ignore[attr-defined]
    moved = auction._replace(
        ticks=[auction.ticks[i] for i in order], lots=[auction.lots[i] for i in order]
    )

    before, after = filled_of(auction), filled_of(moved)

    assert all(abs(before[i] - got) <= 1 for i, got in zip(order, after, strict=True))


def with_python_integers(bids: Bids) -> Bids:
    return Bids(bids.ticks, bids.lots.astype(object))


@given(auctions())
def test_python_integers_give_the_same_result(auction: Auction) -> None:
    """Sizes beyond int64 take the same code with another dtype."""
    expected = allocate(auction.terms, auction.bids)

    allocation = allocate(auction.terms, with_python_integers(auction.bids))

    assert list(allocation.filled) == list(expected.filled)
    assert allocation.clearing == expected.clearing
    assert allocation.payments == expected.payments
    assert allocation.outcomes == expected.outcomes


def assert_exact(allocation: Allocation, lots: list[int]) -> None:
    """Check an allocation by rounds of one tick against the definition of its level."""
    clearing, supply = allocation.clearing, allocation.terms.supply_lots
    level, cut = clearing.level, clearing.cut
    assert cut is not None
    assert sum(min(q, level) for q in lots) <= supply < sum(min(q, level + 1) for q in lots)
    expected = [min(q, level) + (q > level and i < cut) for i, q in enumerate(lots)]
    assert list(allocation.filled) == expected
    assert sum(expected) == supply


@given(st.lists(st.integers(1, 2**200), min_size=2, max_size=20), st.integers(1, 2**200), st.data())
def test_exact_far_beyond_64_bits(lots: list[int], price: int, data: st.DataObject) -> None:
    supply = data.draw(st.integers(max(lots), sum(lots) - 1))
    terms = dataclasses.replace(
        terms_of(Rule.GROUP_ROUND_ROBIN, tick_count=1),
        supply_lots=supply,
        lot_size=1,
        floor_price=min(price, (2**256 - 1) // supply),
    )

    allocation = allocate(terms, Bids.from_columns([0] * len(lots), lots))

    assert_exact(allocation, lots)
    assert allocation.raised == sum(allocation.payments) == supply * terms.floor_price


@pytest.mark.parametrize(
    ("lots", "vectorised"),
    [
        ([2**60 - 1, 2**60 - 2, 2**60 - 1, 1], True),
        ([2**61 - 1, 2**61 - 2, 2**61 - 1, 1], True),
        ([2**61, 2**61 - 1, 2**61, 1], False),
        ([2**62, 2**62, 2**62, 2**62], False),
        ([1, 2**63], False),
        ([2**63 + 1, 2**63 + 1, 1], False),
        ([2**64 + 1, 2**64 + 1, 2**63], False),
    ],
)
@pytest.mark.parametrize("unsold", [1, 2, 3])
def test_exact_around_the_limit_of_int64(lots: list[int], unsold: int, *, vectorised: bool) -> None:
    """Four bids overflow products from 2**61 on: 4 * 2**61 = 2**63."""
    terms = dataclasses.replace(
        terms_of(Rule.GROUP_ROUND_ROBIN, tick_count=1),
        supply_lots=max(sum(lots) - unsold, *lots),
        lot_size=1,
    )

    allocation = allocate(terms, Bids.from_columns([0] * len(lots), lots))

    assert isinstance(allocation.filled, np.ndarray) is vectorised
    assert allocation.filled_list == list(allocation.filled)
    assert sum(allocation.filled_list) == terms.supply_lots
    assert_exact(allocation, lots)


def test_amounts_up_to_the_largest_of_a_contract() -> None:
    """One lot at a price of 2**256 - 1 is raised to the last unit."""
    terms = dataclasses.replace(
        terms_of(tick_count=2), supply_lots=1, lot_size=1, floor_price=2**256 - 8
    )

    allocation = allocate(terms, Bids.from_columns([1], [1]))

    assert allocation.raised == 2**256 - 1
