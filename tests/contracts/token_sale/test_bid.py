"""Placing a bid.

bid
├── when the bid is good
│   ├── it escrows lots * price(tick), enters the bid and emits {BidPlaced}
│   ├── it numbers bids per bidder
│   ├── it numbers arrivals per tick, or over all ticks under TOP_THEN_ROUND_ROBIN
│   └── it uses the index of a cancelled bid again
├── when it is not bidding time
│   ├── it reverts with {NotOpen} until the second before start
│   └── it reverts with {WindowClosed} from end
├── when tick or lots are out of bounds
│   ├── it reverts with {TickOutOfRange}
│   ├── it reverts with {BidTooSmall}
│   ├── it reverts with {OverCap}, counting all live bids of the bidder or of the entity
│   ├── it reverts with {TooManyBids} at the 25th live bid
│   └── it reverts with {TickFull}
├── when the sale has a gate and the bidder was not admitted: it reverts with {NotAdmitted}
└── when the payment does not arrive
    ├── it reverts as the token does: no allowance, balance short, an answer of false
    ├── it reverts with {PaymentMismatch}: fee, share rounding, wrong ether
    ├── it reverts with {EtherNotAccepted} in a sale not paid in wrapped ether
    └── it is not reentered from the token
"""

from __future__ import annotations

import pytest

from tests.contracts.conftest import PURSE
from tests.contracts.support import (
    FAMILY,
    MAX,
    ZERO,
    Rule,
    admit,
    event,
    logs,
    price,
)


def test_escrows_and_enters_the_bid(sale, place, bidder, payment_token):
    receipt = place(sale, bidder, 3, 5)

    assert logs(receipt, sale) == [event("BidPlaced", bidder, 3, 0, 5, 1)]
    assert payment_token.balanceOf(sale) == 5 * price(3)
    assert payment_token.balanceOf(bidder) == PURSE - 5 * price(3)
    assert [tuple(bid) for bid in sale.bidsOf(bidder)] == [(0, 3, 5, 1)]
    assert sale.lotsAt(0, 8) == [0, 0, 0, 5, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("rule", "arrivals"),
    [
        (Rule.PRICE_TIME, [1, 1, 2, 2]),
        (Rule.GROUP_ROUND_ROBIN, [1, 1, 2, 2]),
        (Rule.TOP_THEN_ROUND_ROBIN, [1, 2, 3, 4]),
    ],
)
def test_numbers_bids_and_arrivals(open_sale, place, bidder, rival, rule, arrivals):
    sale = open_sale(rule=rule)
    placed = [
        *logs(place(sale, bidder, 3, 5), sale),
        *logs(place(sale, bidder, 4, 1), sale),
        *logs(place(sale, rival, 3, 2), sale),
        *logs(place(sale, bidder, 4, 6), sale),
    ]

    assert placed == [
        event("BidPlaced", bidder, 3, 0, 5, arrivals[0]),
        event("BidPlaced", bidder, 4, 1, 1, arrivals[1]),
        event("BidPlaced", rival, 3, 0, 2, arrivals[2]),
        event("BidPlaced", bidder, 4, 2, 6, arrivals[3]),
    ]
    assert [tuple(bid) for bid in sale.bidsOf(bidder)] == [
        (0, 3, 5, arrivals[0]),
        (1, 4, 1, arrivals[1]),
        (2, 4, 6, arrivals[3]),
    ]
    assert sale.lotsAt(3, 2) == [7, 7]


# --- The window -------------------------------------------------------------------------------


def test_is_refused_until_the_second_before_start(sale, allow, refused, clock, bidder):
    allow(sale, bidder)
    clock.at(clock.start - 1)
    with refused("NotOpen", clock.start):
        sale.bid(0, 1, sender=bidder)
    clock.at(clock.start)
    assert sale.bid(0, 1, sender=bidder).timestamp == clock.start


def test_is_refused_from_end(sale, allow, refused, clock, bidder):
    allow(sale, bidder)
    clock.at(clock.end - 1)
    assert sale.bid(0, 1, sender=bidder).timestamp == clock.end - 1
    clock.at(clock.end)
    with refused("WindowClosed", clock.end):
        sale.bid(0, 1, sender=bidder)


# --- Ticks and lots ---------------------------------------------------------------------------


def test_needs_a_tick_of_the_grid(sale, place, refused, bidder):
    place(sale, bidder, 7, 1)
    for tick in (8, 9, 4096, 2**12 + 3, 2**255, MAX):
        with refused("TickOutOfRange", tick, 8):
            sale.bid(tick, 1, sender=bidder)


def test_needs_the_smallest_bid(open_sale, place, refused, bidder):
    sale = open_sale(minBidLots=3)
    place(sale, bidder, 0, 3)
    for lots in (0, 1, 2):
        with refused("BidTooSmall", lots, 3):
            sale.bid(0, lots, sender=bidder)


def test_takes_no_bid_of_zero_lots(sale, place, refused, bidder):
    place(sale, bidder, 0, 1)
    with refused("BidTooSmall", 0, 1):
        sale.bid(0, 0, sender=bidder)


def test_keeps_one_bid_under_the_cap(open_sale, allow, refused, clock, bidder):
    sale = open_sale(capBps=1_099)  # 10.99 lots, rounded down
    allow(sale, bidder)
    clock.at(clock.start)
    for lots in (11, 2**32 + 1, 2**40, MAX):
        with refused("OverCap", lots, 10):
            sale.bid(0, lots, sender=bidder)
    sale.bid(0, 10, sender=bidder)


def test_keeps_all_live_bids_together_under_the_cap(open_sale, place, refused, bidder, rival):
    sale = open_sale(capBps=1_000)
    for tick in (0, 7, 0, 7):
        place(sale, bidder, tick, 2)
    with refused("OverCap", 11, 10):
        sale.bid(5, 3, sender=bidder)
    sale.bid(5, 2, sender=bidder)
    with refused("OverCap", 11, 10):
        sale.bid(0, 1, sender=bidder)
    place(sale, rival, 0, 10)  # another bidder has a cap of its own

    sale.cancel(1, sender=bidder)
    with refused("OverCap", 11, 10):
        sale.bid(0, 3, sender=bidder)
    sale.bid(0, 2, sender=bidder)
    assert sum(bid.lots for bid in sale.bidsOf(bidder)) == 10


def test_takes_24_live_bids_and_uses_indexes_again(sale, place, refused, bidder):
    place(sale, bidder, 1, 1)
    more = [sale.bid.encode_input(1, 1) for _ in range(23)]
    sale.multicall(more, sender=bidder)
    assert [bid.index for bid in sale.bidsOf(bidder)] == list(range(24))
    with refused("TooManyBids", bidder, 24):
        sale.bid(1, 1, sender=bidder)

    for index in (23, 5, 16):
        sale.cancel(index, sender=bidder)
    placed = [logs(place(sale, bidder, 2, 2), sale)[0] for _ in range(3)]
    assert placed == [
        event("BidPlaced", bidder, 2, 5, 2, 1),
        event("BidPlaced", bidder, 2, 16, 2, 2),
        event("BidPlaced", bidder, 2, 23, 2, 3),
    ]
    with refused("TooManyBids", bidder, 24):
        sale.bid(1, 1, sender=bidder)
    assert sale.lotsAt(1, 2) == [21, 6]


@pytest.fixture
def aged_sale(project, actors, terms_with, allow, watched, clock):
    """A sale of 2**32 - 1 lots whose tick 0 has seen the given bids and holds the given lots."""

    def make(bids, lots, arrivals=0, **changes):
        terms = terms_with(supplyLots=2**32 - 1, **changes)
        sale = actors.issuer.deploy(project.MockAgedSale, tuple(terms.values()), ZERO)
        sale.age(bids, lots, arrivals, sender=actors.issuer)
        watched.clear()
        watched.update((sale.address, terms["paymentToken"].address))
        allow(sale, actors.bidder)
        clock.at(clock.start)
        return sale

    return make


def test_fills_a_tick_to_its_last_bid(aged_sale, refused, bidder):
    sale = aged_sale(2**24 - 2, 0)
    receipt = sale.bid(0, 1, sender=bidder)
    assert logs(receipt, sale) == [event("BidPlaced", bidder, 0, 0, 1, 2**24 - 1)]
    with refused("TickFull", 0):
        sale.bid(0, 1, sender=bidder)
    sale.cancel(0, sender=bidder)
    with refused("TickFull", 0):  # the count is over time
        sale.bid(0, 1, sender=bidder)
    sale.bid(1, 1, sender=bidder)  # and does not run over into the next tick
    assert sale.lotsAt(0, 3) == [0, 1, 0]


def test_fills_a_tick_to_its_last_lot(aged_sale, refused, bidder):
    sale = aged_sale(300, 2**40 - 1 - 10)
    with refused("TickFull", 0):
        sale.bid(0, 11, sender=bidder)
    sale.bid(0, 10, sender=bidder)
    with refused("TickFull", 0):
        sale.bid(0, 1, sender=bidder)
    assert sale.lotsAt(0, 2) == [2**40 - 1, 0]
    sale.cancel(0, sender=bidder)
    sale.bid(0, 10, sender=bidder)


def test_numbers_no_arrival_beyond_32_bits(aged_sale, refused, bidder):
    sale = aged_sale(5, 0, 2**32 - 2, rule=Rule.TOP_THEN_ROUND_ROBIN)
    receipt = sale.bid(0, 1, sender=bidder)
    assert logs(receipt, sale) == [event("BidPlaced", bidder, 0, 0, 1, 2**32 - 1)]
    for tick in (0, 7):
        with refused("TickFull", tick):
            sale.bid(tick, 1, sender=bidder)
    assert [tuple(bid) for bid in sale.bidsOf(bidder)] == [(0, 0, 1, 2**32 - 1)]


# --- The gate ---------------------------------------------------------------------------------


def test_needs_an_admission_where_there_is_a_gate(gated, allow, refused, clock, gate, bidder):
    allow(gated, bidder)
    clock.at(clock.start)
    with refused("NotAdmitted", bidder):
        gated.bid(0, 1, sender=bidder)
    admit(gated, gate, bidder, clock.end)
    gated.bid(0, 1, sender=bidder)


def test_counts_wallets_of_an_entity_together(
    open_sale, place, refused, clock, gate, bidder, rival, latecomer
):
    sale = open_sale(gate=gate, capBps=1_000)
    admit(sale, gate, bidder, clock.end)
    admit(sale, gate, rival, clock.end)
    admit(sale, gate, latecomer, clock.end, b"\1" * 32)
    place(sale, bidder, 0, 6)
    place(sale, rival, 7, 3)
    with refused("OverCap", 11, 10):
        sale.bid(0, 2, sender=rival)
    with refused("OverCap", 11, 10):
        sale.bid(0, 2, sender=bidder)
    place(sale, rival, 0, 1)
    place(sale, latecomer, 0, 10)
    assert sale.entityLots(FAMILY) == 10

    sale.cancel(0, sender=bidder)
    assert sale.entityLots(FAMILY) == 4
    with refused("OverCap", 11, 10):
        sale.bid(0, 7, sender=rival)
    sale.bid(0, 6, sender=rival)
    assert sale.entityLots(FAMILY) == 10
    with refused("OverCap", 11, 10):
        sale.bid(0, 1, sender=bidder)
