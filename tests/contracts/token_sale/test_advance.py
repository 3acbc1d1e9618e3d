"""Showing a long margin in parts.

advance
├── when a caller shows the margin in several transactions: each continues the one before
├── when the caller clears: the bids not yet shown are enough, however the margin was split
├── when two callers advance: each has a progress of its own
├── when a progress is wrong or abandoned
│   ├── it blocks nobody else
│   └── it does not keep its owner from another clearing
├── it keeps the progress whatever the digest
├── it forgets the caller's progress where no bids are shown
└── it reverts as {clear} does, but for the signature
"""

from __future__ import annotations

import pytest

from tests.contracts.support import (
    DAY,
    MAX,
    NO_SIGNATURE,
    Phase,
    Rule,
    clearing,
    event,
    key,
    logs,
    price,
    sign,
    stored,
)

#: Right by rounds: 13 lots for bids of 4, 6, 1 and 5 are 4 full rounds (4 + 4 + 1 + 4).
RIGHT = clearing(3, 4, 2)
BOUNDS = (4, 3)


@pytest.fixture
def shown(open_sale, place, bidder, rival, latecomer, clock):
    """A closed sale of 15 lots by rounds: 2 at tick 5, then 4, 6, 1 and 5 at tick 3."""

    def make(rule=Rule.GROUP_ROUND_ROBIN, **changes):
        sale = open_sale(supplyLots=15, rule=rule, **changes)
        place(sale, rival, 5, 2)
        place(sale, bidder, 3, 4)
        place(sale, latecomer, 3, 6)
        place(sale, rival, 3, 1)
        place(sale, bidder, 3, 5)
        clock.at(clock.end)
        return sale, [key(bidder, 0), key(latecomer, 0), key(rival, 1), key(bidder, 1)]

    return make


def progress(cut_seen, last_arrival, ungiven, unshown):
    return (True, True, cut_seen, last_arrival, *BOUNDS, ungiven, unshown)


def test_continues_over_several_transactions(shown, keeper):
    sale, margin = shown()
    assert tuple(sale.progressOf(keeper, RIGHT)) == (False, False, False, 0, 0, 0, 0, 0)
    assert logs(sale.advance(RIGHT, margin[:1], sender=keeper), sale) == []
    assert tuple(sale.progressOf(keeper, RIGHT)) == progress(0, 1, 9, 12)
    sale.advance(RIGHT, margin[1:3], sender=keeper)
    assert tuple(sale.progressOf(keeper, RIGHT)) == progress(1, 3, 4, 5)

    receipt = sale.clear(RIGHT, margin[3:], NO_SIGNATURE, sender=keeper)
    raised = 2 * price(5) + 13 * price(3)
    assert logs(receipt, sale) == [event("Cleared", keeper, bytes(32), 3, 4, 2, 15, raised)]


@pytest.mark.parametrize(
    ("rule", "right"),
    [(Rule.PRICE_TIME, (3, 2, 4)), (Rule.GROUP_ROUND_ROBIN, (3, 4, 2)), (Rule(2), (5, 4, 3))],
)
def test_comes_to_the_same_however_it_is_split(shown, chain, keeper, rule, right):
    sale, margin = shown(rule)
    results = set()
    for split in range(5):
        start = chain.snapshot()
        sale.advance(clearing(*right), margin[:split], sender=keeper)
        sale.clear(clearing(*right), margin[split:], NO_SIGNATURE, sender=keeper)
        results.add((*sale.result(), sale.raised()))
        chain.restore(start)
    assert len(results) == 1
    assert results.pop()[-2:] == (15, 2 * price(5) + 13 * price(3))


def test_keeps_the_progress_of_callers_apart(shown, refused, keeper, attacker):
    sale, margin = shown()
    sale.advance(RIGHT, margin, sender=attacker)
    with refused("MarginIncomplete", 16):
        sale.clear(RIGHT, [], NO_SIGNATURE, sender=keeper)
    sale.advance(RIGHT, margin[:2], sender=keeper)
    with refused("MarginBidInvalid", margin[2]):
        sale.clear(RIGHT, margin[2:], NO_SIGNATURE, sender=attacker)
    assert tuple(sale.progressOf(attacker, RIGHT)) == progress(1, 4, 0, 0)
    assert tuple(sale.progressOf(keeper, RIGHT)) == progress(1, 2, 5, 6)
    sale.clear(RIGHT, margin[2:], NO_SIGNATURE, sender=keeper)
    assert sale.phase() == Phase.CLEARED


def test_lets_no_wrong_or_abandoned_progress_block_anybody(shown, refused, keeper, attacker):
    sale, margin = shown()
    sale.advance(RIGHT, margin[:3], sender=attacker)  # abandoned
    sale.advance(clearing(3, 1, 4), margin, sender=attacker)  # too little
    sale.advance(clearing(3, 0, 0), margin[3:], sender=attacker)  # skips bids
    sale.advance(clearing(3, 4, 3), margin[:1], sender=attacker)  # a wrong cut
    with refused("UnderAllocated", 7):
        sale.clear(clearing(3, 1, 4), [], NO_SIGNATURE, sender=attacker)
    with refused("MarginBidInvalid", margin[0]):
        sale.clear(clearing(3, 0, 0), margin[:3], NO_SIGNATURE, sender=attacker)

    sale.clear(RIGHT, margin, NO_SIGNATURE, sender=keeper)
    assert sale.result().soldLots == 15


def test_does_not_keep_a_caller_from_another_clearing(shown, keeper):
    sale, margin = shown()
    sale.advance(clearing(3, 1, 4), margin, sender=keeper)
    sale.advance(RIGHT, margin[:2], sender=keeper)
    sale.clear(RIGHT, margin[2:], NO_SIGNATURE, sender=keeper)
    assert sale.phase() == Phase.CLEARED


def test_keeps_the_progress_whatever_the_digest(shown, clock, keeper, allocator):
    sale, margin = shown(allocatorUntil=clock.end + DAY, abortTime=clock.end + 2 * DAY)
    sale.advance(RIGHT, margin[:2], sender=keeper)
    signed = clearing(3, 4, 2, b"\xd1" * 32)
    assert sale.progressOf(keeper, signed) == sale.progressOf(keeper, RIGHT)
    sale.advance(signed, margin[2:3], sender=keeper)
    signature = sign(allocator, sale, "Clearing", signed)
    sale.clear(signed, margin[3:], signature, sender=keeper)
    assert sale.phase() == Phase.CLEARED


def test_gives_no_more_than_supply_over_all_parts(shown, refused, keeper):
    sale, margin = shown()
    high = clearing(3, 5, 2)
    sale.advance(high, margin[:2], sender=keeper)
    assert tuple(sale.progressOf(keeper, high)) == progress(1, 2, 4, 6)
    sale.advance(high, margin[2:3], sender=keeper)
    with refused("OverAllocated", 5, 3):
        sale.advance(high, margin[3:], sender=keeper)
    with refused("OverAllocated", 5, 3):
        sale.clear(high, margin[3:], NO_SIGNATURE, sender=keeper)


def test_shows_each_bid_once(shown, refused, keeper):
    sale, margin = shown()
    sale.advance(RIGHT, margin[:2], sender=keeper)
    for again in (margin[:1], margin[1:2]):
        with refused("MarginBidInvalid", again[0]):
            sale.advance(RIGHT, again, sender=keeper)
        with refused("MarginBidInvalid", again[0]):
            sale.clear(RIGHT, [*again, *margin[2:]], NO_SIGNATURE, sender=keeper)


def test_remembers_that_the_cut_was_skipped(shown, refused, keeper):
    sale, margin = shown()
    sale.advance(RIGHT, [margin[0], margin[2]], sender=keeper)
    with refused("MarginBidInvalid", margin[1]):
        sale.advance(RIGHT, [margin[1]], sender=keeper)
    with refused("MarginIncomplete", 6):
        sale.clear(RIGHT, margin[3:], NO_SIGNATURE, sender=keeper)


def test_starts_again_after_an_empty_part(shown, refused, watched, keeper, attacker):
    """Whoever left the cut out, or showed a bid too far, is not stuck with it."""
    sale, margin = shown()
    before = stored(watched)
    sale.advance(RIGHT, [], sender=keeper)
    assert stored(watched) == before

    sale.advance(RIGHT, [margin[3]], sender=keeper)
    with refused("MarginBidInvalid", margin[0]):
        sale.clear(RIGHT, margin, NO_SIGNATURE, sender=keeper)
    sale.advance(RIGHT, [], sender=attacker)  # forgets the attacker's own only
    assert tuple(sale.progressOf(keeper, RIGHT)) == progress(0, 4, 9, 11)
    sale.advance(RIGHT, [], sender=keeper)
    assert not any(sale.progressOf(keeper, RIGHT))
    sale.advance(RIGHT, margin[:2], sender=keeper)
    receipt = sale.clear(RIGHT, margin[2:], NO_SIGNATURE, sender=keeper)
    raised = 2 * price(5) + 13 * price(3)
    assert logs(receipt, sale) == [event("Cleared", keeper, bytes(32), 3, 4, 2, 15, raised)]


def test_reverts_as_clear_does(shown, refused, keeper, bidder, rival):
    sale, margin = shown()
    with refused("WrongMarginalTick", 3, 5):
        sale.advance(clearing(5), margin, sender=keeper)
    with refused("WrongMarginalTick", 3, MAX):
        sale.advance(clearing(MAX), margin[:1], sender=keeper)
    with refused("MarginBidInvalid", key(rival, 0)):
        sale.advance(RIGHT, [key(rival, 0)], sender=keeper)
    with refused("CutInvalid", 3, 1):
        sale.advance(clearing(3, 1, 3), margin, sender=keeper)
    with refused("OverAllocated", 16, 13):
        sale.advance(clearing(3, 6, 5), margin, sender=keeper)


def test_is_refused_where_no_bid_is_cut(sale, refused, clock, keeper, bidder):
    clock.at(clock.end)
    with refused("MarginNotNeeded", 0, 0, 1):
        sale.advance(clearing(0), [key(bidder, 0)], sender=keeper)
    with refused("MarginNotNeeded", 1, 2, 1):
        sale.advance(clearing(0, 1, 2), [key(bidder, 0)], sender=keeper)
    sale.clear(clearing(0), [], NO_SIGNATURE, sender=keeper)


def test_runs_from_end_to_abort_time(open_sale, refused, clock, keeper):
    sale, other = open_sale(), open_sale()
    clock.at(clock.end - 1)
    with refused("NotClosed", clock.end):
        sale.advance(clearing(0), [], sender=keeper)
    clock.at(clock.end)
    sale.advance(clearing(0), [], sender=keeper)
    other.clear(clearing(0), [], NO_SIGNATURE, sender=keeper)
    with refused("AlreadyDecided", Phase.CLEARED):
        other.advance(clearing(0), [], sender=keeper)
    clock.at(clock.abort - 1)
    sale.advance(clearing(0), [], sender=keeper)
    clock.at(clock.abort)
    with refused("ClearingExpired", clock.abort):
        sale.advance(clearing(0), [], sender=keeper)
    with refused("ClearingExpired", clock.abort):
        sale.clear(clearing(0), [], NO_SIGNATURE, sender=keeper)
