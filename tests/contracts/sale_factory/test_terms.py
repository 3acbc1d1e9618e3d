"""Terms that cannot work are refused, those at the very edge are not.

createSale reverts with
├── {AddressMissing}, {RecipientInvalid}, {TokensEqual}, {NotAToken}
├── {SupplyInvalid}, {TickCountInvalid}, {UnitZero}, {CapInvalid}, {CapUnderMinimum}
├── {PricingNotOffered}, {MinimumRaiseUnreachable}
├── {AmountTooLarge} where a product leaves 256 bits
└── {WindowInvalid}, {CancelInvalid}, {AllocatorWindowInvalid}, {AbortTimeInvalid}, {VestingInvalid}
"""

from __future__ import annotations

import pytest
import rlp
from ape.exceptions import ContractLogicError
from eth_utils import keccak, to_canonical_address, to_checksum_address

from tests.contracts.support import (
    DAY,
    MAX,
    NO_SIGNATURE,
    ZERO,
    Pricing,
    Rule,
    clearing,
    plain,
    price,
    stored,
)

VESTING = ("vestingStart", "vestingCliff", "vestingEnd")


@pytest.fixture
def try_terms(factory, terms_with, issuer, sale_token, watched):
    watched.clear()
    watched.update((factory.address, sale_token.address))

    def attempt(**changes):
        return factory.createSale(tuple(terms_with(**changes).values()), sender=issuer)

    return attempt


@pytest.fixture
def deploy(project, terms_with, issuer, wrapped_ether):
    """A sale that nobody funded, for terms beyond every token."""

    def make(**changes):
        terms = terms_with(**changes)
        sale = issuer.deploy(project.TokenSale, tuple(terms.values()), wrapped_ether)
        assert [*map(plain, sale.terms())] == [*map(plain, terms.values())]
        return sale

    return make


# --- Addresses --------------------------------------------------------------------------------


def test_need_addresses(try_terms, refused):
    for place, term in [
        (0, "saleToken"),
        (1, "paymentToken"),
        (2, "allocator"),
        (4, "proceedsRecipient"),
        (5, "unsoldRecipient"),
    ]:
        with refused("AddressMissing", place):
            try_terms(**{term: ZERO})


def test_need_two_tokens(try_terms, refused, sale_token, attacker):
    with refused("TokensEqual", sale_token):
        try_terms(paymentToken=sale_token)
    for term in ("saleToken", "paymentToken"):
        with refused("NotAToken", attacker):
            try_terms(**{term: attacker})


def test_need_recipients_other_than_the_sale(
    project, chain, terms_with, refused, issuer, wrapped_ether
):
    """Only whoever deploys without the factory can know the address of a sale beforehand."""
    created = rlp.encode([to_canonical_address(issuer.address), issuer.nonce])
    sale = to_checksum_address(keccak(created)[12:])
    for term in ("proceedsRecipient", "unsoldRecipient"):
        terms = tuple(terms_with(**{term: sale}).values())
        deploy = project.TokenSale.constructor
        transaction = deploy.serialize_transaction(terms, wrapped_ether, sender=issuer)
        with refused("RecipientInvalid", sale):  # not sent: ape would replay it at another nonce
            chain.provider.send_call(transaction)
    terms = tuple(terms_with().values())
    assert issuer.deploy(project.TokenSale, terms, wrapped_ether).address == sale


# --- Amounts ----------------------------------------------------------------------------------


def test_need_a_supply_of_32_bits(try_terms, deploy, refused):
    for lots in (0, 2**32, MAX):
        with refused("SupplyInvalid", lots):
            try_terms(supplyLots=lots)
    try_terms(supplyLots=1)
    deploy(supplyLots=2**32 - 1)


def test_need_1_to_4096_ticks(try_terms, refused):
    for ticks in (0, 4_097, MAX):
        with refused("TickCountInvalid", ticks, 4_096):
            try_terms(tickCount=ticks)
    try_terms(tickCount=1)
    try_terms(tickCount=4_096)


def test_need_units(try_terms, refused):
    with refused("UnitZero", 0, 100, 10):
        try_terms(lotSize=0)
    with refused("UnitZero", 7, 0, 10):
        try_terms(floorPrice=0)
    with refused("UnitZero", 7, 100, 0):
        try_terms(tickValue=0)
    try_terms(lotSize=1, floorPrice=1, tickValue=1)


def test_need_a_cap_with_room_for_the_smallest_bid(try_terms, refused):
    for bps in (0, 10_001, MAX):
        with refused("CapInvalid", bps):
            try_terms(capBps=bps)
    with refused("CapUnderMinimum", 0, 1):
        try_terms(capBps=99)  # 0.99 lots of 100
    with refused("CapUnderMinimum", 0, 1):
        try_terms(supplyLots=1, capBps=9_999)
    with refused("CapUnderMinimum", 100, 0):
        try_terms(minBidLots=0)
    with refused("CapUnderMinimum", 100, 101):
        try_terms(minBidLots=101)
    with refused("CapUnderMinimum", 49, 50):
        try_terms(minBidLots=50, capBps=4_999)
    try_terms(capBps=100)
    try_terms(minBidLots=50, capBps=5_000)


def test_need_a_minimum_raise_that_bids_can_reach(try_terms, deploy, refused):
    most = 100 * price(7)
    for minimum in (most + 1, MAX):
        with refused("MinimumRaiseUnreachable", minimum, most):
            try_terms(minimumRaise=minimum)
    try_terms(minimumRaise=most)
    with refused("MinimumRaiseUnreachable", 8, 7):
        try_terms(minimumRaise=8, floorPrice=7, tickCount=1, supplyLots=1)
    deploy(minimumRaise=MAX, floorPrice=MAX - 7, tickValue=1, supplyLots=1)


def test_offer_no_price_of_all_with_rounds_under_the_top(try_terms, refused):
    with refused("PricingNotOffered", Rule.TOP_THEN_ROUND_ROBIN, Pricing.UNIFORM):
        try_terms(rule=Rule.TOP_THEN_ROUND_ROBIN, pricing=Pricing.UNIFORM)


def test_know_three_rules_and_two_pricings(try_terms, watched):
    before = stored(watched)
    for changes in ({"rule": 3}, {"pricing": 2}):
        with pytest.raises(ContractLogicError):
            try_terms(**changes)
    assert stored(watched) == before


def test_keep_all_tokens_within_256_bits(deploy, try_terms, refused):
    largest = MAX // 100
    with refused("AmountTooLarge", largest + 1, 100):
        try_terms(lotSize=largest + 1)
    deploy(lotSize=largest)
    with refused("AmountTooLarge", MAX, 2**32 - 1):
        try_terms(lotSize=MAX, supplyLots=2**32 - 1)
    deploy(lotSize=MAX, supplyLots=1)


def test_keep_the_highest_price_within_256_bits(deploy, try_terms, refused):
    one = {"supplyLots": 1, "floorPrice": 1}
    largest = (MAX - 1) // 7
    with refused("AmountTooLarge", largest + 1, 7):
        try_terms(**one, tickValue=largest + 1)
    with refused("AmountTooLarge", MAX, 7):
        try_terms(**one, tickValue=MAX)
    sale = deploy(**one, tickValue=largest)
    assert sale.price(7) == 1 + 7 * largest


def test_keep_all_payments_within_256_bits(deploy, try_terms, refused):
    largest = MAX // 100
    with refused("AmountTooLarge", largest + 1, 100):
        try_terms(floorPrice=largest - 7 * 10 + 1)
    sale = deploy(floorPrice=largest - 7 * 10)
    assert sale.price(7) == largest
    with refused("AmountTooLarge", MAX, 2):
        try_terms(floorPrice=MAX - 7, tickValue=1, supplyLots=2)


def test_work_at_the_largest_price(deploy, clock, issuer, keeper, sale_token, payment_token):
    """99 of 100 lots at a price of a hundredth of 2**256 are more than any sum may overflow."""
    largest = MAX // 100
    sale = deploy(floorPrice=largest - 7, tickValue=1)
    sale_token.transfer(sale, 100 * 7, sender=issuer)
    payment_token.approve(sale, MAX, sender=issuer)
    clock.at(clock.start)
    sale.bid(7, 99, sender=issuer)
    clock.at(clock.end)
    sale.clear(clearing(0), [], NO_SIGNATURE, sender=keeper)
    assert sale.raised() == 99 * largest
    sale.claim(issuer, sender=keeper)
    sale.collectProceeds(sender=keeper)
    sale.collectUnsold(sender=keeper)
    assert [sale_token.balanceOf(sale), payment_token.balanceOf(sale)] == [0, 0]


# --- Times ------------------------------------------------------------------------------------


def test_need_a_window_that_is_not_over(try_terms, refused, clock):
    for start, end in [
        (clock.end, clock.end),
        (clock.end + 1, clock.end),
        (MAX, clock.end),
        (clock.start, 2**64),
        (clock.start, MAX),
        (0, 0),
    ]:
        with refused("WindowInvalid", start, end):
            try_terms(start=start, end=end)
    try_terms(start=0)
    try_terms(start=clock.end - 1)
    clock.at(clock.end - 1)
    try_terms()
    clock.at(clock.end)
    with refused("WindowInvalid", clock.start, clock.end):
        try_terms()


def test_may_end_at_the_end_of_64_bits(try_terms):
    end = 2**64 - 1
    try_terms(end=end, allocatorUntil=end, abortTime=end + DAY)


def test_end_cancelling_by_end(try_terms, refused, clock):
    for until in (clock.end + 1, MAX):
        with refused("CancelInvalid", until, clock.end):
            try_terms(cancelUntil=until)
    try_terms(cancelUntil=0)


def test_bound_the_window_of_the_allocator(try_terms, refused, clock):
    latest = clock.end + 7 * DAY
    for until in (0, clock.end - 1, latest + 1, MAX):
        with refused("AllocatorWindowInvalid", until, latest):
            try_terms(allocatorUntil=until, abortTime=latest + DAY)
    try_terms(allocatorUntil=latest, abortTime=latest + DAY)


def test_leave_a_day_to_clear_and_bound_the_wait(try_terms, refused, clock):
    until = clock.end + DAY
    earliest, latest = until + DAY, clock.end + 60 * DAY
    for time in (0, earliest - 1, latest + 1, MAX):
        with refused("AbortTimeInvalid", time, earliest, latest):
            try_terms(allocatorUntil=until, abortTime=time)
    try_terms(allocatorUntil=until, abortTime=earliest)
    try_terms(allocatorUntil=until, abortTime=latest)


def test_need_vesting_times_in_order(try_terms, refused, clock):
    start, last = clock.end, clock.end + 3_650 * DAY
    for times in [
        (0, start, start + 10),
        (0, 0, start),
        (start, 0, 0),
        (0, start, 0),
        (start, start, start),
        (start + 1, start + 1, start),
        (start, start - 1, start + 10),
        (start, start + 11, start + 10),
        (start, start, last + 1),
        (start, MAX, MAX),
    ]:
        with refused("VestingInvalid", *times):
            try_terms(**dict(zip(VESTING, times, strict=True)))
    for times in [(1, 1, 2), (1, 2, 2), (start, start + 5, start + 10), (start, start, last)]:
        try_terms(**dict(zip(VESTING, times, strict=True)))
