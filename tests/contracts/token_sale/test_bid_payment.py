"""Placing a bid: what is paid for it, in tokens or in ether."""

from __future__ import annotations

from tests.contracts.conftest import PURSE
from tests.contracts.support import (
    DAY,
    MAX,
    NO_SIGNATURE,
    ZERO,
    Phase,
    admit,
    clearing,
    error_data,
    event,
    logs,
    plain,
    price,
    sign,
)

# --- The payment ------------------------------------------------------------------------------


def test_needs_an_allowance(sale, allow, refused, clock, bidder):
    clock.at(clock.start)
    with refused("ERC20InsufficientAllowance", sale, 0, 5 * price(3)):
        sale.bid(3, 5, sender=bidder)
    allow(sale, bidder, 5 * price(3) - 1)
    with refused("ERC20InsufficientAllowance", sale, 5 * price(3) - 1, 5 * price(3)):
        sale.bid(3, 5, sender=bidder)
    allow(sale, bidder, 5 * price(3))
    sale.bid(3, 5, sender=bidder)


def test_needs_the_balance(sale, allow, refused, clock, bidder, issuer, payment_token):
    payment_token.transfer(issuer, PURSE - 5 * price(3) + 1, sender=bidder)
    allow(sale, bidder)
    clock.at(clock.start)
    with refused("ERC20InsufficientBalance", bidder, 5 * price(3) - 1, 5 * price(3)):
        sale.bid(3, 5, sender=bidder)


def test_takes_nobody_elses_allowance(sale, allow, refused, clock, bidder, attacker):
    allow(sale, bidder)
    clock.at(clock.start)
    with refused("ERC20InsufficientAllowance", sale, 0, price(0)):
        sale.bid(0, 1, sender=attacker)


def test_takes_no_token_with_a_fee(open_sale, make_token, allow, refused, clock, bidder):
    token = make_token("MockFeeToken", 0)
    sale = open_sale(paymentToken=token)
    allow(sale, bidder, token=token)
    clock.at(clock.start)
    token.setFee(100, sender=bidder)
    with refused("PaymentMismatch", 5 * price(3), 5 * price(3) - 6):  # 1 % of 650, rounded down
        sale.bid(3, 5, sender=bidder)
    token.setFee(0, sender=bidder)
    sale.bid(3, 5, sender=bidder)


def test_takes_no_payment_that_loses_a_unit_to_share_rounding(
    open_sale, make_token, place, refused, bidder
):
    token = make_token("MockRebasingToken")
    sale = open_sale(paymentToken=token)
    place(sale, bidder, 0, 1, token)
    token.rebase(token.totalSupply() * 11 // 10, sender=bidder)
    with refused("PaymentMismatch", price(0), price(0) - 1):
        sale.bid(0, 1, sender=bidder)


def test_takes_no_answer_of_false(open_sale, make_token, allow, refused, clock, bidder):
    token = make_token("MockFalseToken")
    sale = open_sale(paymentToken=token)
    clock.at(clock.start)
    with refused("SafeERC20FailedOperation", token):
        sale.bid(0, 1, sender=bidder)
    allow(sale, bidder, token=token)
    sale.bid(0, 1, sender=bidder)


def test_takes_a_token_that_answers_nothing(open_sale, make_token, place, bidder):
    token = make_token("MockSilentToken")
    sale = open_sale(paymentToken=token)
    place(sale, bidder, 3, 5, token)
    assert token.balanceOf(sale) == 5 * price(3)


def test_takes_bids_of_a_frozen_account_no_more(
    open_sale, make_token, place, refused, bidder, issuer
):
    token = make_token("MockFreezableToken")
    sale = open_sale(paymentToken=token)
    place(sale, bidder, 0, 1, token)
    token.freeze(bidder, sender=issuer)
    with refused("AccountFrozen", bidder):
        sale.bid(0, 1, sender=bidder)


def test_takes_exact_ether_where_payment_is_wrapped_ether(
    open_sale, refused, clock, bidder, wrapped_ether
):
    sale = open_sale(paymentToken=wrapped_ether)
    clock.at(clock.start)
    for sent in (1, 5 * price(3) - 1, 5 * price(3) + 1, 10 * price(3)):
        with refused("PaymentMismatch", 5 * price(3), sent):
            sale.bid(3, 5, value=sent, sender=bidder)
    sale.bid(3, 5, value=5 * price(3), sender=bidder)
    assert wrapped_ether.balanceOf(sale) == 5 * price(3)
    assert sale.balance == 0


def test_takes_wrapped_ether_by_allowance(open_sale, allow, refused, clock, bidder, wrapped_ether):
    sale = open_sale(paymentToken=wrapped_ether)
    wrapped_ether.deposit(value=price(3), sender=bidder)
    clock.at(clock.start)
    with refused("ERC20InsufficientAllowance", sale, 0, price(3)):
        sale.bid(3, 1, sender=bidder)
    allow(sale, bidder, token=wrapped_ether)
    sale.bid(3, 1, sender=bidder)
    assert wrapped_ether.balanceOf(sale) == price(3)


def test_takes_no_ether_for_other_tokens(sale, place, refused, bidder):
    place(sale, bidder, 0, 1)
    for sent in (1, price(0)):
        with refused("EtherNotAccepted"):
            sale.bid(0, 1, value=sent, sender=bidder)


def test_takes_no_ether_where_there_is_no_wrapped_ether(
    project, terms_with, refused, clock, bidder, issuer, watched
):
    terms = tuple(terms_with().values())
    sale = issuer.deploy(project.TokenSale, terms, ZERO)
    watched.clear()
    watched.add(sale.address)
    clock.at(clock.start)
    with refused("EtherNotAccepted"):
        sale.bid(0, 1, value=price(0), sender=bidder)
    with refused("EtherNotAccepted"):
        bidder.transfer(sale, 1)


def test_takes_no_ether_without_a_bid(sale, open_sale, refused, bidder, wrapped_ether):
    with refused("EtherNotAccepted"):
        bidder.transfer(sale, 1)
    other = open_sale(paymentToken=wrapped_ether)
    with refused("EtherNotAccepted"):
        bidder.transfer(other, 1)


def test_is_not_reentered_from_the_token(
    open_sale, make_token, errors, place, clock, bidder, gate, allow, rival
):
    """The token is admitted and has a live bid: outside of the transfer its calls would do."""
    token = make_token("MockReentrantToken")
    sale = open_sale(paymentToken=token, gate=gate)
    admit(sale, gate, bidder, clock.end)
    own = (token.address, b"\2" * 32, clock.end)
    sale.admit(*own, sign(gate, sale, "Admission", own), sender=rival)
    token.transfer(token, 10 * price(0), sender=bidder)
    token.execute(token, token.approve.encode_input(sale, MAX), sender=bidder)
    allow(sale, bidder, token=token)
    clock.at(clock.start)
    token.execute(sale, sale.bid.encode_input(0, 1), sender=bidder)

    late = (rival.address, b"\3" * 32, clock.end + DAY)
    attempts = [
        sale.bid.encode_input(0, 1),
        sale.bidWithPermit.encode_input(0, 1, MAX, MAX, 27, bytes(32), bytes(32)),
        sale.cancel.encode_input(0),
        sale.admit.encode_input(*late, sign(gate, sale, "Admission", late)),
        sale.clear.encode_input(clearing(0), [], NO_SIGNATURE),
        sale.advance.encode_input(clearing(0), []),
        sale.abort.encode_input(),
        sale.claim.encode_input(bidder),
        sale.claimTokens.encode_input(bidder),
        sale.claimRefund.encode_input(bidder),
        sale.claimTo.encode_input(token, token, False),  # noqa: FBT003
        sale.claimMany.encode_input([bidder, token]),
        sale.collectProceeds.encode_input(),
        sale.collectUnsold.encode_input(),
        sale.multicall.encode_input([sale.bid.encode_input(0, 1)]),
    ]
    token.arm(sale, attempts, sender=bidder)
    receipt = sale.bid(3, 5, sender=bidder)

    guard = error_data(errors["ReentrancyGuardReentrantCall"], ())
    assert [(answer.done, plain(answer.data)) for answer in token.answers()] == [
        (False, guard) for _ in attempts
    ]
    assert logs(receipt, sale) == [event("BidPlaced", bidder, 3, 0, 5, 1)]
    assert token.balanceOf(sale) == price(0) + 5 * price(3)
    assert sale.phase() == Phase.OPEN

    token.execute(sale, sale.cancel.encode_input(0), sender=bidder)  # the same call from outside
    assert token.balanceOf(sale) == 5 * price(3)
