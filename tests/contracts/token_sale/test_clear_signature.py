"""Posting the result: until when it needs the allocator's signature, and which one."""

from __future__ import annotations

import pytest

from tests.contracts.support import (
    DAY,
    DIGEST,
    NO_SIGNATURE,
    ZERO,
    clearing,
    event,
    logs,
    price,
    spoiled,
)


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
