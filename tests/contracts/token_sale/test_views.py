"""What a sale tells.

├── terms: as they were given
├── phase: FUNDED, OPEN from start, CLOSED from end, then CLEARED or FAILED
├── price: floorPrice + tick * tickValue, or {TickOutOfRange}
├── capLots: rounded down
├── bidsOf, entityOf, entityLots, result, raised, progressOf: empty at first; the rest elsewhere
├── lotsAt: any part of the grid, or {TickOutOfRange}
├── owed: what a claim pays now and later, or {NotDecided}
└── eip712Domain: what to sign for
"""

from __future__ import annotations

import pytest

from tests.contracts.support import (
    DAY,
    MAX,
    Phase,
    Pricing,
    Rule,
    address,
    clearing,
    key,
    plain,
    price,
)


def test_terms_are_as_given(open_sale, terms_with, gate, clock):
    changes = {
        "gate": gate,
        "rule": Rule.GROUP_ROUND_ROBIN,
        "pricing": Pricing.UNIFORM,
        "lotSize": 11,
        "supplyLots": 222,
        "floorPrice": 333,
        "tickValue": 44,
        "tickCount": 55,
        "minBidLots": 6,
        "capBps": 7_777,
        "minimumRaise": 888,
        "start": clock.start + 1,
        "end": clock.end + 2,
        "cancelUntil": clock.end - 3,
        "allocatorUntil": clock.end + 4,
        "abortTime": clock.end + DAY + 5,
        "vestingStart": clock.end + 6,
        "vestingCliff": clock.end + 7,
        "vestingEnd": clock.end + 8,
    }
    sale = open_sale(**changes)
    assert [*map(plain, sale.terms())] == [*map(plain, terms_with(**changes).values())]
    assert sale.capLots() == 172  # 172.64


def test_phase_changes_at_start_and_end(sale, clock):
    for time, phase in [
        (clock.start - 1, Phase.FUNDED),
        (clock.start, Phase.OPEN),
        (clock.end - 1, Phase.OPEN),
        (clock.end, Phase.CLOSED),
        (clock.abort, Phase.CLOSED),
    ]:
        clock.mine(time)
        assert sale.phase() == phase


def test_phase_ends_with_a_result(sale, clear):
    clear(sale, 0)
    assert sale.phase() == Phase.CLEARED


def test_phase_ends_with_a_failure(sale, abort):
    abort(sale)
    assert sale.phase() == Phase.FAILED


def test_price_rises_by_a_tick_value_each(open_sale, refused):
    sale = open_sale(floorPrice=1_000, tickValue=3, tickCount=5)
    assert [sale.price(tick) for tick in range(5)] == [1_000, 1_003, 1_006, 1_009, 1_012]
    for tick in (5, MAX):
        with refused("TickOutOfRange", tick, 5):
            sale.price(tick)


def test_lots_of_any_part_of_the_grid(sale, place, refused, bidder, rival):
    for bidder_, tick, lots in [(bidder, 0, 1), (rival, 3, 2), (bidder, 4, 3), (rival, 7, 4)]:
        place(sale, bidder_, tick, lots)
    whole = [1, 0, 0, 2, 3, 0, 0, 4]
    assert sale.lotsAt(0, 8) == whole
    assert [sale.lotsAt(tick, 2) for tick in range(7)] == [whole[t : t + 2] for t in range(7)]
    assert list(sale.lotsAt(8, 0)) == []
    with refused("TickOutOfRange", 8, 8):
        sale.lotsAt(0, 9)
    with refused("TickOutOfRange", 8, 8):
        sale.lotsAt(8, 1)
    with refused("TickOutOfRange", MAX, 8):
        sale.lotsAt(MAX, 1)


def test_nothing_is_there_at_first(sale, bidder):
    assert list(sale.bidsOf(bidder)) == []
    assert sale.lotsAt(0, 8) == [0] * 8
    assert sale.entityOf(bidder) == bytes(32)
    assert sale.entityLots(bytes(32)) == 0
    assert not any(sale.result())
    assert sale.raised() == 0
    assert not any(sale.progressOf(bidder, clearing(0)))


def test_owed_is_what_a_claim_pays(open_sale, place, clear, refused, bidder, rival, latecomer):
    sale = open_sale(supplyLots=10)
    place(sale, rival, 5, 4)
    place(sale, bidder, 3, 10)
    with refused("NotDecided"):
        sale.owed(bidder)
    clear(sale, 3, 6, 1, [key(bidder, 0)])
    assert tuple(sale.owed(bidder)) == (6 * 7, 0, 4 * price(3))
    assert tuple(sale.owed(rival)) == (4 * 7, 0, 0)
    assert tuple(sale.owed(latecomer)) == (0, 0, 0)


def test_owed_is_the_escrow_after_a_failure(sale, place, abort, bidder):
    place(sale, bidder, 3, 10)
    place(sale, bidder, 0, 1)
    abort(sale)
    assert tuple(sale.owed(bidder)) == (0, 0, 10 * price(3) + price(0))


def test_domain_names_chain_and_sale(sale, wrapped_ether, chain):
    fields, name, version, chain_id, contract, salt, extensions = sale.eip712Domain()
    assert (bytes(fields), name, version) == (b"\x0f", "Gavelbook TokenSale", "1")
    assert (chain_id, contract) == (chain.chain_id, address(sale))
    assert (bytes(salt), list(extensions)) == (bytes(32), [])
    assert sale.wrappedEther() == wrapped_ether


@pytest.mark.parametrize("cap_bps", [1, 9_999, 10_000])
def test_cap_is_rounded_down(open_sale, cap_bps):
    sale = open_sale(supplyLots=19_999, capBps=cap_bps)
    assert sale.capLots() == {1: 1, 9_999: 19_997, 10_000: 19_999}[cap_bps]
