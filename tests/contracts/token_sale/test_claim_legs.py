"""Paying the two legs apart.

claimTokens, claimRefund
├── they pay one leg each, in either order, to the bidder
├── they revert with {NotDecided} before there is a result
├── they revert with {NothingToClaim} where their leg is empty or paid
├── they keep the bids until both legs are paid
└── a frozen payment token holds up the refund and not the tokens
"""

from __future__ import annotations

import pytest

from tests.contracts.support import event, key, logs, price


@pytest.fixture
def decided(open_sale, place, clear, bidder, rival):
    """The bidder wins 6 lots of 10 and gets 4 back; the rival wins all."""

    def make(**changes):
        sale = open_sale(supplyLots=10, **changes)
        token = {"token": changes["paymentToken"]} if "paymentToken" in changes else {}
        place(sale, rival, 5, 4, **token)
        place(sale, bidder, 3, 10, **token)
        clear(sale, 3, 6, 1, [key(bidder, 0)])
        return sale

    return make


def legs(sale, bidder):
    return [
        (sale.claimTokens, event("TokensClaimed", bidder, bidder, 6 * 7)),
        (sale.claimRefund, event("RefundClaimed", bidder, bidder, 4 * price(3))),
    ]


@pytest.mark.parametrize("order", [1, -1], ids=["tokens first", "refund first"])
def test_pay_one_leg_each(decided, refused, bidder, keeper, order):
    sale = decided()
    (first, paid_first), (second, paid_second) = legs(sale, bidder)[::order]

    assert logs(first(bidder, sender=keeper), sale) == [paid_first]
    assert [tuple(bid) for bid in sale.bidsOf(bidder)] == [(0, 3, 10, 1)]
    assert tuple(sale.owed(bidder)) == ((0, 0, 4 * price(3)) if order == 1 else (6 * 7, 0, 0))
    with refused("NothingToClaim", bidder):
        first(bidder, sender=keeper)

    assert logs(second(bidder, sender=bidder), sale) == [paid_second]
    assert list(sale.bidsOf(bidder)) == []
    for again in (first, second, sale.claim):
        with refused("NothingToClaim", bidder):
            again(bidder, sender=keeper)


@pytest.mark.parametrize("leg", [0, 1], ids=["tokens", "refund"])
def test_leave_the_other_leg_to_claim(decided, bidder, keeper, leg):
    sale = decided()
    pay, _ = legs(sale, bidder)[leg]
    _, rest = legs(sale, bidder)[1 - leg]
    pay(bidder, sender=keeper)
    assert logs(sale.claim(bidder, sender=keeper), sale) == [rest]
    assert list(sale.bidsOf(bidder)) == []


def test_wait_for_a_result(sale, place, refused, bidder):
    place(sale, bidder, 3, 5)
    for call in (sale.claimTokens, sale.claimRefund):
        with refused("NotDecided"):
            call(bidder, sender=bidder)


def test_pay_nothing_where_the_leg_is_empty(decided, refused, rival, attacker, keeper):
    sale = decided()
    with refused("NothingToClaim", rival):  # all of the escrow was paid for tokens
        sale.claimRefund(rival, sender=rival)
    for call in (sale.claimTokens, sale.claimRefund):
        with refused("NothingToClaim", attacker):
            call(attacker, sender=keeper)
    sale.claimTokens(rival, sender=keeper)
    assert list(sale.bidsOf(rival)) == []  # nothing is left to claim


def test_pay_a_loser_no_tokens(sale, place, abort, refused, bidder):
    place(sale, bidder, 3, 5)
    abort(sale)
    with refused("NothingToClaim", bidder):
        sale.claimTokens(bidder, sender=bidder)
    sale.claimRefund(bidder, sender=bidder)
    assert list(sale.bidsOf(bidder)) == []


def test_pay_the_tokens_of_an_account_frozen_in_the_payment_token(
    decided, make_token, refused, issuer, bidder, keeper, sale_token
):
    token = make_token("MockFreezableToken")
    sale = decided(paymentToken=token)
    token.freeze(bidder, sender=issuer)
    for call in (sale.claim, sale.claimRefund):
        with refused("AccountFrozen", bidder):
            call(bidder, sender=keeper)
    sale.claimTokens(bidder, sender=keeper)
    assert sale_token.balanceOf(bidder) == 6 * 7
    with refused("AccountFrozen", bidder):
        sale.claimRefund(bidder, sender=keeper)
    token.unfreeze(bidder, sender=issuer)
    assert logs(sale.claimRefund(bidder, sender=keeper), sale) == [legs(sale, bidder)[1][1]]


def test_pay_the_refund_of_an_account_frozen_in_the_sale_token(
    decided, make_token, refused, issuer, bidder, keeper
):
    token = make_token("MockFreezableToken")
    sale = decided(saleToken=token)
    token.freeze(bidder, sender=issuer)
    for call in (sale.claim, sale.claimTokens):
        with refused("AccountFrozen", bidder):
            call(bidder, sender=keeper)
    sale.claimRefund(bidder, sender=keeper)
    token.unfreeze(bidder, sender=issuer)
    assert logs(sale.claimTokens(bidder, sender=keeper), sale) == [legs(sale, bidder)[0][1]]
