"""Claiming to other addresses.

claimTo
├── it pays the caller's legs to the addresses given
├── it leaves a leg whose address is zero, and reverts with {NothingToClaim} if both are
├── it pays the refund in ether where asked
│   ├── it reverts with {EtherNotAccepted} where payment is not wrapped ether
│   ├── it reverts if the recipient refuses the ether
│   └── it is not reentered by the recipient
├── it reverts with {RecipientInvalid} for the sale itself
├── it reverts with {NotDecided} before there is a result
└── it claims for nobody but the caller
"""

from __future__ import annotations

import pytest

from tests.contracts.conftest import PURSE
from tests.contracts.support import ZERO, error_data, event, key, logs, plain, price

UNWRAP, KEEP = True, False


@pytest.fixture
def decided(open_sale, clock, clear, bidder, rival, wrapped_ether):
    """Paid in wrapped ether: the bidder wins 6 lots of 10 and gets 4 back."""
    sale = open_sale(paymentToken=wrapped_ether, supplyLots=10)
    clock.at(clock.start)
    sale.bid(5, 4, value=4 * price(5), sender=rival)
    sale.bid(3, 10, value=10 * price(3), sender=bidder)
    clear(sale, 3, 6, 1, [key(bidder, 0)])
    return sale


REFUND = 4 * price(3)


def test_pays_to_other_addresses(decided, bidder, rival, keeper, sale_token, wrapped_ether):
    receipt = decided.claimTo(rival, keeper, KEEP, sender=bidder)
    assert logs(receipt, decided) == [
        event("TokensClaimed", bidder, rival, 6 * 7),
        event("RefundClaimed", bidder, keeper, REFUND),
    ]
    assert sale_token.balanceOf(rival) == 6 * 7
    assert wrapped_ether.balanceOf(keeper) == REFUND
    assert list(decided.bidsOf(bidder)) == []


def test_leaves_a_leg_without_address(decided, refused, bidder, keeper):
    with refused("NothingToClaim", bidder):
        decided.claimTo(ZERO, ZERO, KEEP, sender=bidder)
    with refused("NothingToClaim", bidder):
        decided.claimTo(ZERO, ZERO, UNWRAP, sender=bidder)
    receipt = decided.claimTo(keeper, ZERO, UNWRAP, sender=bidder)
    assert logs(receipt, decided) == [event("TokensClaimed", bidder, keeper, 6 * 7)]
    assert tuple(decided.owed(bidder)) == (0, 0, REFUND)
    receipt = decided.claimTo(ZERO, keeper, KEEP, sender=bidder)
    assert logs(receipt, decided) == [event("RefundClaimed", bidder, keeper, REFUND)]
    with refused("NothingToClaim", bidder):
        decided.claimTo(keeper, keeper, KEEP, sender=bidder)


def test_pays_the_refund_in_ether(decided, bidder, issuer, wrapped_ether):
    before = issuer.balance
    receipt = decided.claimTo(bidder, issuer, UNWRAP, sender=bidder)
    assert logs(receipt, decided) == [
        event("TokensClaimed", bidder, bidder, 6 * 7),
        event("RefundClaimed", bidder, issuer, REFUND),
    ]
    assert issuer.balance == before + REFUND
    assert decided.balance == 0
    assert wrapped_ether.balanceOf(decided) == 4 * price(5) + 6 * price(3)


def test_pays_no_ether_in_another_sale(sale, place, clear, refused, bidder):
    place(sale, bidder, 3, 5)
    clear(sale, 0)
    with refused("EtherNotAccepted"):
        sale.claimTo(bidder, bidder, UNWRAP, sender=bidder)
    sale.claimTo(bidder, bidder, KEEP, sender=bidder)


def test_leaves_a_refund_whose_ether_is_refused(
    project, decided, refused, issuer, bidder, wrapped_ether
):
    wallet = issuer.deploy(project.MockSmartWallet, issuer)
    with refused("EtherRefused"):
        decided.claimTo(bidder, wallet, UNWRAP, sender=bidder)
    decided.claimTo(bidder, wallet, KEEP, sender=bidder)
    assert wrapped_ether.balanceOf(wallet) == REFUND


def test_is_not_reentered_by_the_recipient_of_ether(
    project,
    open_sale,
    errors,
    clock,
    abort,
    clear_out,
    bidder,
    issuer,
    keeper,
    wrapped_ether,
    sale_token,
):
    """The wallet is the bidder: if its second claim worked, it would be paid twice."""
    wallet = issuer.deploy(project.MockSmartWallet, issuer)
    sale = open_sale(paymentToken=wrapped_ether)
    clock.at(clock.start)
    sale.bid(3, 10, value=10 * price(3), sender=bidder)
    wallet.execute(sale, sale.bid.encode_input(3, 10), value=10 * price(3), sender=issuer)
    abort(sale)
    claim = sale.claimTo.encode_input(wallet, wallet, UNWRAP)
    wallet.arm(sale, claim, sender=issuer)
    wallet.execute(sale, claim, sender=issuer)
    assert plain(wallet.answer()) == error_data(errors["ReentrancyGuardReentrantCall"], ())
    assert wallet.balance == 10 * price(3)
    clear_out(sale, bidder, tokens=(sale_token, wrapped_ether), proceeds=False)


def test_pays_nothing_to_the_sale(decided, refused, bidder):
    for tokens_to, refund_to in [(decided, bidder), (bidder, decided), (decided, ZERO)]:
        with refused("RecipientInvalid", decided):
            decided.claimTo(tokens_to, refund_to, KEEP, sender=bidder)
    with refused("RecipientInvalid", decided):
        decided.claimTo(ZERO, decided, UNWRAP, sender=bidder)


def test_claims_for_nobody_but_the_caller(decided, refused, attacker, bidder):
    with refused("NothingToClaim", attacker):
        decided.claimTo(attacker, attacker, KEEP, sender=attacker)
    assert tuple(decided.owed(bidder)) == (6 * 7, 0, REFUND)


def test_waits_for_a_result(sale, place, refused, bidder):
    place(sale, bidder, 3, 5)
    with refused("NotDecided"):
        sale.claimTo(bidder, bidder, KEEP, sender=bidder)


def test_takes_a_refund_around_a_frozen_account(
    open_sale, make_token, place, abort, refused, issuer, bidder, keeper
):
    token = make_token("MockFreezableToken")
    sale = open_sale(paymentToken=token)
    place(sale, bidder, 3, 5, token)
    abort(sale)
    token.freeze(bidder, sender=issuer)
    with refused("AccountFrozen", bidder):
        sale.claimTo(bidder, bidder, KEEP, sender=bidder)
    sale.claimTo(bidder, keeper, KEEP, sender=bidder)
    assert token.balanceOf(keeper) == 5 * price(3)
    assert token.balanceOf(bidder) == PURSE - 5 * price(3)
