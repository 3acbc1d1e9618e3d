"""Posting the result: the marginal tick, and the bids that are shown of it."""

from __future__ import annotations

from itertools import product

import pytest
from ape.exceptions import ContractLogicError

from tests.contracts.support import (
    MAX,
    NO_SIGNATURE,
    clearing,
    key,
)

# --- The marginal tick ------------------------------------------------------------------------


def test_needs_the_tick_where_supply_ends(by_arrival, by_rounds, clear, refused):
    for sale, margin in (by_arrival, by_rounds):
        for tick in (0, 1, 2, 4, 5, 7, 8, 2**16 + 3, MAX):
            with refused("WrongMarginalTick", 3, tick):
                clear(sale, tick, 3, 3, margin)


def test_needs_the_top_where_rounds_go_over_all_others(top, clear, refused, bidder):
    sale, margin = top
    for tick in (0, 3, 4, 6):
        with refused("WrongMarginalTick", 5, tick):
            clear(sale, tick, 2, 2, [*margin, key(bidder, 1)])


def test_needs_tick_zero_where_demand_stays_under_supply(open_sale, place, clear, refused, bidder):
    sale = open_sale(supplyLots=10)
    place(sale, bidder, 3, 9)
    with refused("WrongMarginalTick", 0, 3):
        clear(sale, 3)
    clear(sale, 0)


def test_needs_the_lowest_tick_where_demand_is_supply(open_sale, place, clear, refused, bidder):
    sale = open_sale(supplyLots=10)
    place(sale, bidder, 3, 9)
    place(sale, bidder, 2, 1)
    for tick in (0, 3):
        with refused("WrongMarginalTick", 2, tick):
            clear(sale, tick)
    clear(sale, 2)


# --- The margin -------------------------------------------------------------------------------


def test_takes_no_margin_where_none_is_cut(open_sale, place, clear, refused, bidder, rival):
    sale = open_sale(supplyLots=10)
    place(sale, bidder, 3, 10)
    place(sale, rival, 2, 1)
    keys = [key(bidder, 0)]
    with refused("MarginNotNeeded", 1, 0, 0):
        clear(sale, 3, 1)
    with refused("MarginNotNeeded", 0, 1, 0):
        clear(sale, 3, 0, 1)
    with refused("MarginNotNeeded", 0, 0, 1):
        clear(sale, 3, 0, 0, keys)
    with refused("MarginNotNeeded", MAX, MAX, 1):
        clear(sale, 3, MAX, MAX, keys)
    clear(sale, 3)


def test_takes_no_bids_but_those_of_the_margin(by_arrival, clear, refused, bidder, rival, attacker):
    sale, (first, second, third) = by_arrival
    above, below, cancelled = key(rival, 0), key(bidder, 1), key(attacker, 0)
    margins = [
        ([first, first, second, third], first),
        ([first, second, second, third], second),
        ([first, second, third, third], third),
        ([second, first, third], first),
        ([first, third, second], second),
        ([first, second, third, first], first),
        ([above, first, second, third], above),
        ([first, second, above, third], above),
        ([first, second, third, below], below),
        ([cancelled, first, second, third], cancelled),
        ([first, cancelled, second, third], cancelled),
        ([first, second, third, cancelled], cancelled),
    ]
    garbage = [
        *(0, MAX, key(attacker, 1), key(bidder, 2), key(bidder, 3), key(bidder, 24)),
        *(key(bidder, 255), first | 1 << 168, first | 1 << 255, first >> 8, first << 8),
    ]
    margins += [([first, bad, second, third], bad) for bad in garbage]
    for margin, bad in margins:
        with refused("MarginBidInvalid", bad):
            clear(sale, 3, 3, 3, margin)
    clear(sale, 3, 3, 3, [first, second, third])


def test_takes_no_top_bid_into_the_rounds_below(top, clear, refused, bidder, rival):
    sale, margin = top
    above = key(rival, 0)
    with refused("MarginBidInvalid", above):
        clear(sale, 5, 2, 2, [above, *margin, key(bidder, 1)])
    swapped = [margin[1], margin[0], margin[2], key(bidder, 1)]
    with refused("MarginBidInvalid", margin[0]):
        clear(sale, 5, 2, 2, swapped)


def test_needs_all_bids_of_the_margin(by_arrival, by_rounds, clear, refused):
    sale, (first, second, third) = by_arrival
    for margin, missing in [
        ([], 11),
        ([first], 7),
        ([first, second], 1),
        ([first, third], 6),
        ([second, third], 4),
        ([third], 10),
    ]:
        with refused("MarginIncomplete", missing):
            clear(sale, 3, 3, 3, margin)
    sale, (first, second, third) = by_rounds
    for margin, missing in [([], 11), ([first, second], 1), ([second, third], 4)]:
        with refused("MarginIncomplete", missing):
            clear(sale, 3, 3, 1, margin)


def test_needs_the_bid_at_the_cut_to_ask_more_than_it_gets(by_arrival, by_rounds, clear, refused):
    sale, margin = by_arrival
    for level, cut, lots in [(6, 3, 6), (7, 3, 6), (4, 1, 4), (1, 4, 1), (MAX, 1, 4), (5, 1, 4)]:
        with refused("CutInvalid", cut, lots):
            clear(sale, 3, level, cut, margin)
    sale, margin = by_rounds
    for level, cut, lots in [
        (6, 3, 6),
        (4, 1, 4),
        (1, 4, 1),
        (3, 4, 1),
        (MAX, 1, 4),
        (2**32, 3, 6),
    ]:
        with refused("CutInvalid", cut, lots):
            clear(sale, 3, level, cut, margin)


def test_needs_the_cut_to_be_a_bid(by_arrival, by_rounds, clear, refused):
    """The cancelled bid has left its arrival behind: nobody is cut there, yet the lots add up."""
    sale, margin = by_rounds
    for cut in (0, 2):
        with refused("CutMissing", cut):
            clear(sale, 3, 2, cut, margin)
    sale, margin = by_arrival
    for cut in (0, 2):
        with refused("CutMissing", cut):
            clear(sale, 3, 0, cut, margin)


def test_needs_the_cut_to_be_a_bid_though_all_lots_are_given(
    open_sale, place, clear, refused, bidder, rival, latecomer
):
    sale = open_sale(supplyLots=4)
    place(sale, bidder, 3, 4)
    place(sale, latecomer, 3, 2)
    place(sale, rival, 3, 3)
    sale.cancel(0, sender=latecomer)
    margin = [key(bidder, 0), key(rival, 0)]
    with refused("CutMissing", 2):
        clear(sale, 3, 0, 2, margin)
    clear(sale, 3, 0, 3, margin)


def test_gives_neither_more_nor_less_than_supply(by_arrival, by_rounds, clear, refused):
    sale, margin = by_arrival
    for level, cut, given in [(4, 3, 8), (5, 3, 9), (0, 4, 10), (0, 5, 11), (0, MAX, 11)]:
        with refused("OverAllocated", given, 7):
            clear(sale, 3, level, cut, margin)
    for level, cut, left in [(2, 3, 1), (0, 3, 3), (3, 1, 4), (0, 1, 7)]:
        with refused("UnderAllocated", left):
            clear(sale, 3, level, cut, margin)

    sale, margin = by_rounds
    for level, cut, given in [(3, 3, 8), (4, 3, 9), (5, 3, 10), (MAX - 1, 0, 11)]:
        with refused("OverAllocated", given, 7):
            clear(sale, 3, level, cut, margin)
    for level, cut, left in [(2, 3, 1), (2, 1, 2), (0, 1, 7), (0, 4, 5), (1, 3, 3)]:
        with refused("UnderAllocated", left):
            clear(sale, 3, level, cut, margin)


@pytest.mark.parametrize(
    ("book_of", "tick", "right"),
    [("by_arrival", 3, (3, 3)), ("by_rounds", 3, (3, 1)), ("top", 5, (2, 2))],
)
def test_takes_one_pair_of_level_and_cut_only(request, clock, keeper, bidder, book_of, tick, right):
    sale, margin = request.getfixturevalue(book_of)
    if book_of == "top":
        margin = [*margin, key(bidder, 1)]
    clock.mine(clock.end)
    taken = []
    for level, cut in [*product(range(6), range(6)), (MAX, 1), (MAX - 1, MAX)]:
        try:
            sale.clear.call(clearing(tick, level, cut), margin, NO_SIGNATURE, sender=keeper)
        except ContractLogicError:
            continue
        taken.append((level, cut))
    assert taken == [right]
