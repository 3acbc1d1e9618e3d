"""Posting the result.

clear
├── when it is not clearing time
│   ├── it reverts with {NotClosed} before end, and takes the result from end on
│   ├── it reverts with {AlreadyDecided} once there is a result
│   └── it reverts with {ClearingExpired} from abortTime
├── when it is unsigned
│   ├── it reverts with {AllocatorWindow} until allocatorUntil
│   └── it reverts with {DigestUnsigned} if it carries a digest
├── when it is signed
│   ├── it takes the allocator's signature from anybody, at any time, and emits the digest
│   ├── it asks an allocator that is a contract (ERC-1271)
│   └── it reverts with {SignatureInvalid} on everything else, also after the window
├── when it is wrong
│   ├── it reverts with {WrongMarginalTick}
│   ├── it reverts with {MarginNotNeeded} if supply does not end inside a group
│   ├── it reverts with {MarginBidInvalid}: twice, off the margin, cancelled, out of order, garbage
│   ├── it reverts with {MarginIncomplete}, {CutMissing}, {CutInvalid}
│   ├── it reverts with {OverAllocated} or {UnderAllocated}
│   └── it takes one pair of level and cut, and no other
├── when the sale does not hold what it owes: it reverts with {EscrowShort}
├── when the minimum raise is missed: the sale fails and it emits {Failed}
└── when it is right: it keeps the result and emits {Cleared}
"""

from __future__ import annotations

import pytest

from tests.contracts.support import (
    NO_SIGNATURE,
    Phase,
    Pricing,
    clearing,
    event,
    key,
    logs,
    price,
)

# --- The right result -------------------------------------------------------------------------


def test_keeps_the_result_by_arrival(by_arrival, clear, keeper):
    sale, margin = by_arrival
    receipt = clear(sale, 3, 3, 3, margin)
    raised = 3 * price(5) + 7 * price(3)
    assert logs(receipt, sale) == [
        event("Cleared", keeper, bytes(32), 3, 3, 3, 10, raised),
    ]
    assert sale.raised() == raised
    assert sale.phase() == Phase.CLEARED
    assert tuple(sale.result()) == (Phase.CLEARED, False, False, False, 3, 4, 3, 3, 3, 10)


def test_keeps_the_result_by_rounds(by_rounds, clear, keeper):
    sale, margin = by_rounds
    receipt = clear(sale, 3, 3, 1, margin)
    raised = 3 * price(5) + 7 * price(3)
    assert logs(receipt, sale) == [event("Cleared", keeper, bytes(32), 3, 3, 1, 10, raised)]
    assert tuple(sale.result()) == (Phase.CLEARED, True, False, False, 3, 4, 3, 3, 1, 10)


def test_keeps_the_result_of_rounds_under_the_top(top, clear, keeper, bidder):
    sale, margin = top
    # Arrivals count over all ticks: 2, 4, 5 and 6 (3 was cancelled). Level 2 gives all 7 lots.
    receipt = clear(sale, 5, 2, 2, [*margin, key(bidder, 1)])
    raised = 3 * price(5) + 5 * price(3) + 2 * price(1)
    assert logs(receipt, sale) == [event("Cleared", keeper, bytes(32), 5, 2, 2, 10, raised)]
    assert tuple(sale.result()) == (Phase.CLEARED, True, False, False, 5, 5, 0, 2, 2, 10)


def test_takes_the_lowest_winning_price_of_all_under_uniform(open_sale, book, clear):
    sale = open_sale(supplyLots=10, pricing=Pricing.UNIFORM)
    clear(sale, 3, 3, 3, book(sale))
    assert sale.raised() == 10 * price(3)


def test_needs_no_bids(sale, clear, keeper):
    receipt = clear(sale, 0)
    assert logs(receipt, sale) == [event("Cleared", keeper, bytes(32), 0, 0, 0, 0, 0)]
    assert sale.phase() == Phase.CLEARED


def test_does_not_count_cancelled_bids(open_sale, place, clear, refused, bidder, rival):
    sale = open_sale(supplyLots=10)
    place(sale, rival, 7, 10)
    place(sale, bidder, 3, 10)
    sale.cancel(0, sender=rival)
    clear(sale, 3)
    assert sale.result().soldLots == 10
    assert sale.raised() == 10 * price(3)


# --- The time ---------------------------------------------------------------------------------


def test_waits_for_end(sale, refused, clock, keeper):
    clock.at(clock.end - 1)
    with refused("NotClosed", clock.end):
        sale.clear(clearing(0), [], NO_SIGNATURE, sender=keeper)
    clock.at(clock.end)
    assert sale.clear(clearing(0), [], NO_SIGNATURE, sender=keeper).timestamp == clock.end


def test_takes_a_signature_no_earlier(sale, signed, refused, clock, keeper):
    clock.at(clock.start)
    with refused("NotClosed", clock.end):
        sale.clear(*signed(sale, 0, 0, 0), sender=keeper)


def test_takes_one_result(sale, clear, refused, keeper, attacker):
    clear(sale, 0)
    for sender in (keeper, attacker):
        with refused("AlreadyDecided", Phase.CLEARED):
            clear(sale, 0, sender=sender)


def test_takes_no_result_after_a_failed_one(open_sale, clear, refused):
    sale = open_sale(minimumRaise=1)
    clear(sale, 0)
    with refused("AlreadyDecided", Phase.FAILED):
        clear(sale, 0)


def test_ends_at_abort_time(open_sale, signed, refused, chain, clock, keeper):
    first, second = open_sale(), open_sale()
    clock.at(clock.abort - 1)
    first.clear(clearing(0), [], NO_SIGNATURE, sender=keeper)
    assert chain.blocks.head.timestamp == clock.abort - 1
    clock.at(clock.abort)
    with refused("ClearingExpired", clock.abort):
        second.clear(clearing(0), [], NO_SIGNATURE, sender=keeper)
    with refused("ClearingExpired", clock.abort):
        second.clear(*signed(second, 0, 0, 0), sender=keeper)


# --- What the sale holds ----------------------------------------------------------------------


def test_needs_the_payment_it_owes(open_sale, make_token, place, clear, refused, clock, bidder):
    token = make_token("MockRebasingToken")
    sale = open_sale(paymentToken=token)
    place(sale, bidder, 3, 5, token)
    owed, supply = 5 * price(3), token.totalSupply()
    token.rebase(supply * (owed - 1) // owed + 1, sender=bidder)
    assert token.balanceOf(sale) == owed - 1
    with refused("EscrowShort", token, owed - 1, owed):
        clear(sale, 0)
    token.rebase(supply, sender=bidder)
    clear(sale, 0)
    assert sale.raised() == owed


def test_needs_the_tokens_it_sells(open_sale, make_token, clear, refused, bidder):
    token = make_token("MockRebasingToken")
    sale = open_sale(saleToken=token)
    supply = token.totalSupply()
    token.rebase(supply * 699 // 700 + 1, sender=bidder)
    assert token.balanceOf(sale) == 699
    with refused("EscrowShort", token, 699, 700):
        clear(sale, 0)
    token.rebase(2 * supply, sender=bidder)  # more than enough is fine
    clear(sale, 0)


def test_fails_though_it_holds_too_little(open_sale, make_token, place, clear, bidder, keeper):
    token = make_token("MockRebasingToken")
    sale = open_sale(saleToken=token, minimumRaise=100 * price(7))
    place(sale, bidder, 3, 5)
    token.rebase(1, sender=bidder)
    receipt = clear(sale, 0)
    assert logs(receipt, sale) == [event("Failed", keeper, 5 * price(3), 0)]


# --- The minimum raise ------------------------------------------------------------------------


@pytest.mark.parametrize("pricing", list(Pricing))
def test_fails_where_the_minimum_raise_is_missed_by_one(
    open_sale,
    book,
    clear,
    clear_out,
    keeper,
    pricing,
    bidder,
    rival,
    latecomer,
    sale_token,
    payment_token,
    unsold_recipient,
):
    raised = {Pricing.PAY_AS_BID: 3 * price(5) + 7 * price(3), Pricing.UNIFORM: 10 * price(3)}
    sale = open_sale(supplyLots=10, pricing=pricing, minimumRaise=raised[pricing] + 1)
    receipt = clear(sale, 3, 3, 3, book(sale))

    assert logs(receipt, sale) == [event("Failed", keeper, raised[pricing], 0)]
    assert sale.phase() == Phase.FAILED
    assert sale.raised() == 0
    assert tuple(sale.result()) == (Phase.FAILED, False, False, False, 0, 0, 0, 0, 0, 0)
    assert tuple(sale.owed(rival)) == (0, 0, 3 * price(5) + price(3))
    clear_out(sale, bidder, rival, latecomer, tokens=(sale_token, payment_token), proceeds=False)
    assert sale_token.balanceOf(unsold_recipient) == 10 * 7


@pytest.mark.parametrize("pricing", list(Pricing))
def test_clears_where_the_minimum_raise_is_just_met(open_sale, book, clear, pricing):
    raised = {Pricing.PAY_AS_BID: 3 * price(5) + 7 * price(3), Pricing.UNIFORM: 10 * price(3)}
    sale = open_sale(supplyLots=10, pricing=pricing, minimumRaise=raised[pricing])
    clear(sale, 3, 3, 3, book(sale))
    assert sale.phase() == Phase.CLEARED
    assert sale.raised() == raised[pricing]


def test_fails_without_bids_where_something_must_be_raised(open_sale, clear, keeper):
    sale = open_sale(minimumRaise=1)
    receipt = clear(sale, 0)
    assert logs(receipt, sale) == [event("Failed", keeper, 0, 0)]


def test_checks_a_failing_result_no_less(open_sale, book, clear, refused):
    sale = open_sale(supplyLots=10, minimumRaise=10 * price(7))
    margin = book(sale)
    with refused("OverAllocated", 8, 7):
        clear(sale, 3, 4, 3, margin)
    with refused("MarginIncomplete", 11):
        clear(sale, 3, 3, 3)
