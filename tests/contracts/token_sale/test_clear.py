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

from itertools import product

import pytest
from ape.exceptions import ContractLogicError

from tests.contracts.support import (
    DAY,
    MAX,
    NO_SIGNATURE,
    ZERO,
    Phase,
    Pricing,
    Rule,
    clearing,
    event,
    key,
    logs,
    price,
    sign,
    spoiled,
)

DIGEST = b"\xd1" * 32


@pytest.fixture
def book(place, bidder, rival, latecomer, attacker):
    """Fill a sale of 10 lots: 3 lots at tick 5; 4, 6 and 1 at tick 3, with a cancelled bid between.

    By arrival supply ends in the second bid of tick 3, which gets 3 lots. By rounds the bids of
    tick 3 get 3, 3 and 1.
    """

    def fill(sale):
        place(sale, rival, 5, 3)
        place(sale, bidder, 3, 4)
        place(sale, attacker, 3, 9)
        place(sale, latecomer, 3, 6)
        sale.cancel(0, sender=attacker)
        place(sale, rival, 3, 1)
        place(sale, bidder, 1, 2)
        return [key(bidder, 0), key(latecomer, 0), key(rival, 1)]

    return fill


@pytest.fixture
def by_arrival(open_sale, book):
    sale = open_sale(supplyLots=10)
    return sale, book(sale)


@pytest.fixture
def by_rounds(open_sale, book):
    sale = open_sale(supplyLots=10, rule=Rule.GROUP_ROUND_ROBIN)
    return sale, book(sale)


@pytest.fixture
def top(open_sale, book):
    """After the top, 7 lots are left for bids of 4, 6, 1 and 2: they get 2, 2, 1 and 2."""
    sale = open_sale(supplyLots=10, rule=Rule.TOP_THEN_ROUND_ROBIN)
    return sale, book(sale)


@pytest.fixture
def signed(allocator):
    """Arguments of {clear}, signed by the allocator unless told otherwise."""

    def make(sale, tick, level, cut, digest=DIGEST, margin=(), signer=allocator, **domain):
        values = clearing(tick, level, cut, digest)
        return values, list(margin), sign(signer, sale, "Clearing", values, **domain)

    return make


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


# --- The signature ----------------------------------------------------------------------------


def test_needs_a_signature_until_allocator_until(open_sale, refused, clock, keeper):
    until = clock.end + 3_600
    sale = open_sale(allocatorUntil=until, abortTime=until + DAY)
    for time in (clock.end, until - 1):
        clock.at(time)
        with refused("AllocatorWindow", until):
            sale.clear(clearing(0), [], NO_SIGNATURE, sender=keeper)
    clock.at(until)
    assert sale.clear(clearing(0), [], NO_SIGNATURE, sender=keeper).timestamp == until


def test_carries_no_digest_without_signature(sale, refused, clock, keeper):
    clock.at(clock.end)
    with refused("DigestUnsigned", DIGEST):
        sale.clear(clearing(0, digest=DIGEST), [], NO_SIGNATURE, sender=keeper)


def test_takes_a_signed_result_from_anybody_in_the_window(open_sale, book, signed, clock, attacker):
    sale = open_sale(supplyLots=10, allocatorUntil=clock.end + DAY, abortTime=clock.end + 2 * DAY)
    margin = book(sale)
    clock.at(clock.end)
    receipt = sale.clear(*signed(sale, 3, 3, 3, DIGEST, margin), sender=attacker)
    raised = 3 * price(5) + 7 * price(3)
    assert logs(receipt, sale) == [event("Cleared", attacker, DIGEST, 3, 3, 3, 10, raised)]


def test_takes_a_signed_result_after_the_window(sale, signed, clock, keeper):
    clock.at(clock.end + 100)
    receipt = sale.clear(*signed(sale, 0, 0, 0), sender=keeper)
    assert logs(receipt, sale) == [event("Cleared", keeper, DIGEST, 0, 0, 0, 0, 0)]


def test_checks_a_signed_result_no_less(by_arrival, signed, refused, clock, keeper):
    sale, margin = by_arrival
    clock.at(clock.end)
    with refused("UnderAllocated", 1):
        sale.clear(*signed(sale, 3, 2, 3, DIGEST, margin), sender=keeper)
    with refused("WrongMarginalTick", 3, 5):
        sale.clear(*signed(sale, 5, 0, 0, DIGEST), sender=keeper)


@pytest.mark.parametrize("window", [0, 3_600], ids=["after the window", "in the window"])
def test_needs_the_signature_of_the_allocator(
    open_sale, signed, refused, clock, keeper, gate, attacker, allocator, window
):
    sale = open_sale(allocatorUntil=clock.end + window, abortTime=clock.end + window + DAY)
    clock.at(clock.end)
    for signer in (attacker, gate, keeper):
        with refused("SignatureInvalid", allocator):
            sale.clear(*signed(sale, 0, 0, 0, signer=signer), sender=signer)


def test_needs_a_signature_over_these_values(sale, signed, refused, clock, keeper, allocator):
    clock.at(clock.end)
    values, margin, signature = signed(sale, 0, 0, 0)
    changes = [
        clearing(1, 0, 0, DIGEST),
        clearing(0, 1, 0, DIGEST),
        clearing(0, 0, 1, DIGEST),
        clearing(0, 0, 0, b"\xd2" * 32),
        clearing(0),
    ]
    for changed in changes:
        with refused("SignatureInvalid", allocator):
            sale.clear(changed, margin, signature, sender=keeper)
    sale.clear(values, margin, signature, sender=keeper)


def test_needs_a_signature_for_this_domain(
    sale, open_sale, signed, refused, clock, keeper, allocator
):
    other = open_sale()
    clock.at(clock.end)
    for domain in ({"chainId": 1}, {"name": "Gavelbook"}, {"version": "2"}):
        with refused("SignatureInvalid", allocator):
            sale.clear(*signed(sale, 0, 0, 0, **domain), sender=keeper)
    for contract in (other, ZERO):
        with refused("SignatureInvalid", allocator):
            sale.clear(*signed(contract, 0, 0, 0), sender=keeper)


def test_takes_nothing_but_the_one_signature(sale, signed, refused, clock, keeper, allocator):
    clock.at(clock.end)
    values, margin, good = signed(sale, 0, 0, 0)
    for name, bad in spoiled(good).items():
        print(name)
        with refused("SignatureInvalid", allocator):
            sale.clear(values, margin, bad, sender=keeper)
    sale.clear(values, margin, good, sender=keeper)


def test_asks_an_allocator_that_is_a_contract(
    project, open_sale, signed, refused, clock, keeper, issuer, allocator, attacker
):
    wallet = issuer.deploy(project.MockSmartWallet, allocator)
    sale = open_sale(
        allocator=wallet, allocatorUntil=clock.end + DAY, abortTime=clock.end + 2 * DAY
    )
    clock.at(clock.end)
    with refused("SignatureInvalid", wallet):
        sale.clear(*signed(sale, 0, 0, 0, signer=attacker), sender=keeper)
    with refused("AllocatorWindow", clock.end + DAY):
        sale.clear(clearing(0), [], NO_SIGNATURE, sender=keeper)
    receipt = sale.clear(*signed(sale, 0, 0, 0), sender=keeper)
    assert logs(receipt, sale) == [event("Cleared", keeper, DIGEST, 0, 0, 0, 0, 0)]


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
