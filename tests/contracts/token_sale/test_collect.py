"""Collecting proceeds and unsold tokens.

collectProceeds
├── it sends what winners pay to the proceeds recipient, once, whoever calls
└── it reverts with {NothingToCollect} where nothing was raised, as in a failed sale
collectUnsold
├── it sends what nobody bought to the unsold recipient, once, whoever calls
├── it sends all tokens in a failed sale
└── it reverts with {NothingToCollect} where everything was sold
both
├── they revert with {NotDecided} before there is a result
└── they stay open if the transfer fails
"""

from __future__ import annotations

import pytest

from tests.contracts.support import event, key, logs, price


@pytest.fixture
def decided(open_sale, place, clear, bidder, rival):
    """9 lots of 10 are sold: 4 at tick 5, 5 at tick 3."""

    def make(**changes):
        sale = open_sale(supplyLots=10, **changes)
        token = {"token": changes["paymentToken"]} if "paymentToken" in changes else {}
        place(sale, rival, 5, 4, **token)
        place(sale, bidder, 3, 5, **token)
        clear(sale, 0)
        return sale

    return make


RAISED = 4 * price(5) + 5 * price(3)


def test_sends_proceeds_and_unsold_once(
    decided,
    refused,
    attacker,
    proceeds_recipient,
    unsold_recipient,
    sale_token,
    payment_token,
    clear_out,
    bidder,
    rival,
):
    sale = decided()
    receipt = sale.collectProceeds(sender=attacker)
    assert logs(receipt, sale) == [event("ProceedsCollected", proceeds_recipient, RAISED)]
    assert payment_token.balanceOf(proceeds_recipient) == RAISED
    receipt = sale.collectUnsold(sender=attacker)
    assert logs(receipt, sale) == [event("UnsoldCollected", unsold_recipient, 7)]
    assert sale_token.balanceOf(unsold_recipient) == 7
    for call in (sale.collectProceeds, sale.collectUnsold):
        for sender in (attacker, proceeds_recipient):
            with refused("NothingToCollect"):
                call(sender=sender)
    result = sale.result()
    assert (result.proceedsCollected, result.unsoldCollected) == (True, True)
    clear_out(sale, bidder, rival, tokens=(sale_token, payment_token), proceeds=False, unsold=False)


def test_leave_what_is_owed_to_bidders(
    open_sale, place, clear, clear_out, refused, bidder, rival, keeper, sale_token, payment_token
):
    sale = open_sale(supplyLots=10)
    place(sale, rival, 5, 4)
    place(sale, bidder, 3, 10)
    clear(sale, 3, 6, 1, [key(bidder, 0)])
    sale.collectProceeds(sender=keeper)
    with refused("NothingToCollect"):
        sale.collectUnsold(sender=keeper)  # everything was sold
    assert payment_token.balanceOf(sale) == 4 * price(3)
    assert sale_token.balanceOf(sale) == 10 * 7
    tokens = (sale_token, payment_token)
    clear_out(sale, bidder, rival, tokens=tokens, proceeds=False, unsold=False)


def test_wait_for_a_result(sale, place, refused, clock, bidder, issuer):
    place(sale, bidder, 3, 5)
    for time in (clock.start + 100, clock.end, clock.abort):
        clock.at(time)
        for call in (sale.collectProceeds, sale.collectUnsold):
            with refused("NotDecided"):
                call(sender=issuer)


def test_send_all_tokens_and_no_proceeds_of_a_failed_sale(
    open_sale, place, clear, refused, bidder, keeper, unsold_recipient, sale_token, payment_token
):
    sale = open_sale(minimumRaise=5 * price(3) + 1)
    place(sale, bidder, 3, 5)
    clear(sale, 0)
    with refused("NothingToCollect"):
        sale.collectProceeds(sender=keeper)
    receipt = sale.collectUnsold(sender=keeper)
    assert logs(receipt, sale) == [event("UnsoldCollected", unsold_recipient, 100 * 7)]
    with refused("NothingToCollect"):
        sale.collectUnsold(sender=keeper)
    assert payment_token.balanceOf(sale) == 5 * price(3)
    assert sale_token.balanceOf(sale) == 0


def test_send_all_tokens_where_nobody_bid(sale, clear, refused, keeper, sale_token):
    clear(sale, 0)
    with refused("NothingToCollect"):
        sale.collectProceeds(sender=keeper)
    sale.collectUnsold(sender=keeper)
    assert sale_token.balanceOf(sale) == 0


def test_stay_open_if_the_transfer_fails(
    decided, make_token, refused, issuer, keeper, bidder, proceeds_recipient, unsold_recipient
):
    sold, paid = make_token("MockFreezableToken"), make_token("MockFreezableToken")
    sale = decided(saleToken=sold, paymentToken=paid)
    paid.freeze(proceeds_recipient, sender=issuer)
    sold.freeze(unsold_recipient, sender=issuer)
    with refused("AccountFrozen", proceeds_recipient):
        sale.collectProceeds(sender=keeper)
    with refused("AccountFrozen", unsold_recipient):
        sale.collectUnsold(sender=keeper)
    sale.claim(bidder, sender=keeper)  # bidders do not mind
    paid.unfreeze(proceeds_recipient, sender=issuer)
    sold.unfreeze(unsold_recipient, sender=issuer)
    sale.collectProceeds(sender=keeper)
    sale.collectUnsold(sender=keeper)
    assert paid.balanceOf(proceeds_recipient) == RAISED
    assert sold.balanceOf(unsold_recipient) == 7


def test_take_no_answer_of_false(decided, make_token, refused, issuer, keeper):
    token = make_token("MockFalseToken")
    sale = decided(paymentToken=token)
    token.refuse(sender=issuer)
    with refused("SafeERC20FailedOperation", token):
        sale.collectProceeds(sender=keeper)
    token.relent(sender=issuer)
    sale.collectProceeds(sender=keeper)


def test_leave_what_strangers_sent(
    decided, bidder, rival, attacker, keeper, refused, payment_token
):
    sale = decided()
    payment_token.transfer(sale, 1_000, sender=attacker)
    sale.claimMany([bidder, rival], sender=keeper)
    sale.collectProceeds(sender=keeper)
    with refused("NothingToCollect"):
        sale.collectProceeds(sender=keeper)
    assert payment_token.balanceOf(sale) == 1_000
