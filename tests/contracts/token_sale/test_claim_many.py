"""Paying many bidders in one transaction.

claimMany
├── it pays each bidder both legs
├── it skips bidders with nothing to claim, also one named twice
├── it skips a transfer that fails, emits {ClaimSkipped} and leaves the leg open
├── it pays the leg later, once the transfer does not fail any more
├── it never takes a leg for paid that was not, however little gas it is given
└── it reverts with {NotDecided} before there is a result
"""

from __future__ import annotations

import pytest
from ape.exceptions import ContractLogicError, VirtualMachineError

from tests.contracts.conftest import PURSE
from tests.contracts.support import event, key, logs, price


@pytest.fixture
def decided(open_sale, place, clear, bidder, rival, latecomer):
    """The bidder wins 6 lots of 10 and gets 4 back, the rival wins 4, the latecomer nothing."""

    def make(**changes):
        sale = open_sale(supplyLots=10, **changes)
        token = {"token": changes["paymentToken"]} if "paymentToken" in changes else {}
        place(sale, rival, 5, 4, **token)
        place(sale, bidder, 3, 10, **token)
        place(sale, latecomer, 0, 5, **token)
        clear(sale, 3, 6, 1, [key(bidder, 0)])
        return sale

    return make


def test_pays_each_bidder(
    decided, bidder, rival, latecomer, keeper, sale_token, payment_token, clear_out
):
    sale = decided()
    receipt = sale.claimMany([bidder, rival, latecomer], sender=keeper)
    assert logs(receipt, sale) == [
        event("TokensClaimed", bidder, bidder, 6 * 7),
        event("RefundClaimed", bidder, bidder, 4 * price(3)),
        event("TokensClaimed", rival, rival, 4 * 7),
        event("RefundClaimed", latecomer, latecomer, 5 * price(0)),
    ]
    assert [list(sale.bidsOf(each)) for each in (bidder, rival, latecomer)] == [[], [], []]
    assert sale_token.balanceOf(keeper) == payment_token.balanceOf(keeper) == 0
    clear_out(sale, tokens=(sale_token, payment_token), unsold=False)


def test_skips_who_has_nothing_to_claim(decided, bidder, rival, attacker, keeper):
    sale = decided()
    sale.claim(rival, sender=keeper)
    receipt = sale.claimMany([attacker, bidder, rival, bidder, sale, bidder], sender=attacker)
    assert logs(receipt, sale) == [
        event("TokensClaimed", bidder, bidder, 6 * 7),
        event("RefundClaimed", bidder, bidder, 4 * price(3)),
    ]
    assert logs(sale.claimMany([bidder, rival], sender=keeper), sale) == []
    assert logs(sale.claimMany([], sender=keeper), sale) == []


def test_waits_for_a_result(sale, place, refused, bidder, keeper):
    place(sale, bidder, 3, 5)
    for bidders in ([bidder], []):
        with refused("NotDecided"):
            sale.claimMany(bidders, sender=keeper)


def test_leaves_a_refund_that_fails_and_pays_it_later(
    decided, make_token, issuer, bidder, rival, latecomer, keeper, sale_token, clear_out
):
    token = make_token("MockFreezableToken")
    sale = decided(paymentToken=token)
    token.freeze(bidder, sender=issuer)
    token.freeze(latecomer, sender=issuer)
    receipt = sale.claimMany([bidder, rival, latecomer], sender=keeper)
    assert logs(receipt, sale) == [
        event("TokensClaimed", bidder, bidder, 6 * 7),
        event("ClaimSkipped", bidder, 1, 4 * price(3)),
        event("TokensClaimed", rival, rival, 4 * 7),
        event("ClaimSkipped", latecomer, 1, 5 * price(0)),
    ]
    assert tuple(sale.owed(bidder)) == (0, 0, 4 * price(3))
    assert tuple(sale.owed(latecomer)) == (0, 0, 5 * price(0))

    receipt = sale.claimMany([bidder, latecomer], sender=keeper)
    assert logs(receipt, sale) == [
        event("ClaimSkipped", bidder, 1, 4 * price(3)),
        event("ClaimSkipped", latecomer, 1, 5 * price(0)),
    ]
    token.unfreeze(bidder, sender=issuer)
    token.unfreeze(latecomer, sender=issuer)
    receipt = sale.claimMany([bidder, latecomer], sender=keeper)
    assert logs(receipt, sale) == [
        event("RefundClaimed", bidder, bidder, 4 * price(3)),
        event("RefundClaimed", latecomer, latecomer, 5 * price(0)),
    ]
    assert token.balanceOf(latecomer) == PURSE
    clear_out(sale, tokens=(sale_token, token), unsold=False)


def test_leaves_tokens_that_fail_and_pays_them_later(
    decided, make_token, issuer, bidder, rival, keeper, refused
):
    token = make_token("MockFreezableToken")
    sale = decided(saleToken=token)
    token.freeze(bidder, sender=issuer)
    token.freeze(rival, sender=issuer)
    receipt = sale.claimMany([bidder, rival], sender=keeper)
    assert logs(receipt, sale) == [
        event("ClaimSkipped", bidder, 0, 6 * 7),
        event("RefundClaimed", bidder, bidder, 4 * price(3)),
        event("ClaimSkipped", rival, 0, 4 * 7),
    ]
    token.unfreeze(bidder, sender=issuer)
    receipt = sale.claimTokens(bidder, sender=keeper)
    assert logs(receipt, sale) == [event("TokensClaimed", bidder, bidder, 6 * 7)]
    with refused("NothingToClaim", bidder):
        sale.claimRefund(bidder, sender=keeper)


def test_takes_false_for_a_failure(decided, make_token, issuer, bidder, keeper):
    token = make_token("MockFalseToken")
    sale = decided(paymentToken=token)
    token.refuse(sender=issuer)
    receipt = sale.claimMany([bidder], sender=keeper)
    assert logs(receipt, sale) == [
        event("TokensClaimed", bidder, bidder, 6 * 7),
        event("ClaimSkipped", bidder, 1, 4 * price(3)),
    ]
    token.relent(sender=issuer)
    receipt = sale.claimMany([bidder], sender=keeper)
    assert logs(receipt, sale) == [event("RefundClaimed", bidder, bidder, 4 * price(3))]
    assert token.balanceOf(bidder) == PURSE - 6 * price(3)


def test_leaves_both_legs_if_both_fail(decided, make_token, issuer, bidder, keeper):
    sold, paid = make_token("MockFreezableToken"), make_token("MockFreezableToken")
    sale = decided(saleToken=sold, paymentToken=paid)
    for token in (sold, paid):
        token.freeze(bidder, sender=issuer)
    sale.claimMany([bidder], sender=keeper)
    assert tuple(sale.owed(bidder)) == (6 * 7, 0, 4 * price(3))
    for token in (sold, paid):
        token.unfreeze(bidder, sender=issuer)
    sale.claim(bidder, sender=keeper)
    assert tuple(sale.owed(bidder)) == (0, 0, 0)


def test_pays_or_owes_however_little_gas_it_is_given(
    decided, chain, bidder, attacker, sale_token, payment_token
):
    """An attacker picks the gas so that a transfer runs out of it and looks like one that fails."""
    sale = decided()
    before = payment_token.balanceOf(bidder)
    outcomes = set()
    for gas in range(60_000, 175_000, 10_000):
        snapshot = chain.snapshot()
        try:
            sale.claimMany([bidder], gas=gas, sender=attacker)
        except (ContractLogicError, VirtualMachineError):
            outcomes.add("reverted")
        tokens, _, refund = sale.owed(bidder)
        paid = sale_token.balanceOf(bidder), payment_token.balanceOf(bidder) - before
        assert (tokens + paid[0], refund + paid[1]) == (6 * 7, 4 * price(3))
        outcomes.add((tokens == 0, refund == 0))
        chain.restore(snapshot)
    assert {"reverted", (False, False), (True, True)} <= outcomes
