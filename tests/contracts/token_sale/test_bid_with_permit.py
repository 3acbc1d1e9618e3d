"""Bidding with a permit in the same transaction.

bidWithPermit
├── when the permit is good: it allows, escrows and enters the bid
├── when somebody else has submitted the permit before: it does no harm
├── when the permit is refused
│   ├── it goes on if the allowance is there anyway
│   └── it reverts with {PermitRefused} if not: expired, replayed, by or for another
├── when the token has no permit
│   ├── it goes on if the allowance is there anyway
│   └── it reverts if not, even where the token swallows the call
├── when the permit is for less than the bid: it reverts as the token does
└── it reverts as {bid} does otherwise
"""

from __future__ import annotations

import pytest

from tests.contracts.conftest import PURSE
from tests.contracts.support import MAX, event, logs, price, sign_typed

PAYMENT = 5 * price(3)
NO_PERMIT = (MAX, MAX, 27, bytes(32), bytes(32))


@pytest.fixture
def permit(payment_token, bidder, clock):
    """Arguments of {bidWithPermit} from `value` on, signed by the bidder unless told otherwise."""

    def make(sale, value=PAYMENT, deadline=None, nonce=0, owner=bidder, signer=bidder):
        deadline = clock.end if deadline is None else deadline
        values = (owner, sale, value, nonce, deadline)
        domain = {"name": "Paid"}
        signed = sign_typed(signer, payment_token, "Permit", values, **domain)
        return value, deadline, signed.v, signed.r, signed.s

    return make


@pytest.fixture(autouse=True)
def _open(sale, clock):
    clock.at(clock.start)


def test_allows_and_bids_in_one_transaction(sale, permit, bidder, payment_token):
    receipt = sale.bidWithPermit(3, 5, *permit(sale), sender=bidder)
    assert logs(receipt, sale) == [event("BidPlaced", bidder, 3, 0, 5, 1)]
    assert payment_token.balanceOf(sale) == PAYMENT
    assert payment_token.balanceOf(bidder) == PURSE - PAYMENT
    assert payment_token.allowance(bidder, sale) == 0


def test_goes_on_when_the_permit_was_submitted_before(
    sale, permit, bidder, attacker, payment_token
):
    value, deadline, v, r, s = permit(sale)
    payment_token.permit(bidder, sale, value, deadline, v, r, s, sender=attacker)
    receipt = sale.bidWithPermit(3, 5, value, deadline, v, r, s, sender=bidder)
    assert logs(receipt, sale) == [event("BidPlaced", bidder, 3, 0, 5, 1)]
    assert payment_token.balanceOf(sale) == PAYMENT


def test_refuses_a_permit_for_the_second_time(sale, permit, refused, bidder):
    signed = permit(sale)
    sale.bidWithPermit(3, 5, *signed, sender=bidder)
    with refused("PermitRefused", PAYMENT, 0):
        sale.bidWithPermit(3, 5, *signed, sender=bidder)
    sale.bidWithPermit(3, 5, *permit(sale, nonce=1), sender=bidder)


def test_counts_what_a_permit_left(sale, permit, refused, bidder):
    signed = permit(sale, value=2 * PAYMENT - 1)
    sale.bidWithPermit(3, 5, *signed, sender=bidder)
    with refused("PermitRefused", PAYMENT, PAYMENT - 1):
        sale.bidWithPermit(3, 5, *signed, sender=bidder)
    sale.bidWithPermit(3, 4, *signed, sender=bidder)


def test_refuses_an_expired_permit(sale, permit, refused, clock, bidder):
    with refused("PermitRefused", PAYMENT, 0):
        sale.bidWithPermit(3, 5, *permit(sale, deadline=clock.start - 1), sender=bidder)
    with refused("PermitRefused", PAYMENT, 0):
        sale.bidWithPermit(3, 5, *permit(sale, deadline=0), sender=bidder)


def test_refuses_a_permit_by_another_signer(sale, permit, refused, bidder, attacker):
    with refused("PermitRefused", PAYMENT, 0):
        sale.bidWithPermit(3, 5, *permit(sale, signer=attacker), sender=bidder)


def test_refuses_a_permit_for_another_sale(sale, permit, refused, bidder, factory):
    with refused("PermitRefused", PAYMENT, 0):
        sale.bidWithPermit(3, 5, *permit(factory), sender=bidder)


def test_refuses_a_permit_with_other_values_than_signed(sale, permit, refused, bidder):
    value, *rest = permit(sale)
    with refused("PermitRefused", PAYMENT, 0):
        sale.bidWithPermit(3, 5, value + 1, *rest, sender=bidder)


def test_lets_nobody_bid_by_the_permit_of_another(
    sale, permit, refused, bidder, attacker, payment_token
):
    signed = permit(sale)
    with refused("PermitRefused", PAYMENT, 0):
        sale.bidWithPermit(3, 5, *signed, sender=attacker)
    value, deadline, v, r, s = signed
    payment_token.permit(bidder, sale, value, deadline, v, r, s, sender=attacker)
    with refused("PermitRefused", PAYMENT, 0):
        sale.bidWithPermit(3, 5, *signed, sender=attacker)


def test_needs_no_good_permit_where_the_allowance_is_there(sale, allow, refused, bidder):
    allow(sale, bidder, PAYMENT - 1)
    with refused("PermitRefused", PAYMENT, PAYMENT - 1):
        sale.bidWithPermit(3, 5, *NO_PERMIT, sender=bidder)
    allow(sale, bidder, PAYMENT)
    sale.bidWithPermit(3, 5, *NO_PERMIT, sender=bidder)


def test_refuses_a_permit_for_less_than_the_bid(sale, permit, refused, bidder):
    with refused("ERC20InsufficientAllowance", sale, PAYMENT - 1, PAYMENT):
        sale.bidWithPermit(3, 5, *permit(sale, value=PAYMENT - 1), sender=bidder)
    sale.bidWithPermit(3, 5, *permit(sale), sender=bidder)  # the refusal used no nonce up


def test_goes_on_with_an_allowance_where_the_token_has_no_permit(
    open_sale, make_token, allow, refused, bidder
):
    token = make_token("MockFreezableToken")
    sale = open_sale(paymentToken=token)
    with refused("PermitRefused", PAYMENT, 0):
        sale.bidWithPermit(3, 5, *NO_PERMIT, sender=bidder)
    allow(sale, bidder, token=token)
    sale.bidWithPermit(3, 5, *NO_PERMIT, sender=bidder)
    assert token.balanceOf(sale) == PAYMENT


def test_is_not_fooled_by_a_token_that_swallows_the_permit(
    open_sale, make_token, allow, refused, bidder
):
    token = make_token("MockSilentToken")
    sale = open_sale(paymentToken=token)
    with refused("AllowanceShort", sale, 0, PAYMENT):
        sale.bidWithPermit(3, 5, *NO_PERMIT, sender=bidder)
    allow(sale, bidder, token=token)
    sale.bidWithPermit(3, 5, *NO_PERMIT, sender=bidder)
    assert token.balanceOf(sale) == PAYMENT


def test_keeps_the_rules_of_bids(sale, permit, refused, clock, bidder):
    with refused("TickOutOfRange", 8, 8):
        sale.bidWithPermit(8, 1, *permit(sale), sender=bidder)
    with refused("BidTooSmall", 0, 1):
        sale.bidWithPermit(0, 0, *permit(sale), sender=bidder)
    with refused("OverCap", 101, 100):
        sale.bidWithPermit(0, 101, *permit(sale, value=MAX), sender=bidder)
    clock.at(clock.end)
    with refused("WindowClosed", clock.end):
        sale.bidWithPermit(3, 5, *permit(sale, deadline=MAX), sender=bidder)
