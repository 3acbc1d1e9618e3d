"""Paying a bidder everything at once.

claim
├── before there is a result: it reverts with {NotDecided}
├── when the bidder has something coming
│   ├── it pays both legs to the bidder, whoever calls, and emits {TokensClaimed}, {RefundClaimed}
│   ├── it pays the refund only to a bidder who won nothing
│   ├── it pays tokens only to a winner who paid all of the escrow
│   └── it adds up all bids of the bidder, whatever was cancelled among them
├── when nothing is owed: it reverts with {NothingToClaim}
├── when one leg fails: it reverts, and both stay open
└── it is not reentered from the token
"""

from __future__ import annotations

from tests.contracts.conftest import PURSE
from tests.contracts.support import (
    Phase,
    Pricing,
    Rule,
    error_data,
    event,
    key,
    logs,
    plain,
    price,
)


def test_waits_for_a_result(sale, place, refused, clock, bidder):
    place(sale, bidder, 3, 5)
    for time in (clock.end - 1, clock.end, clock.abort):
        clock.at(time)
        with refused("NotDecided"):
            sale.claim(bidder, sender=bidder)


def test_pays_both_legs_to_the_bidder_whoever_calls(
    open_sale, place, clear, bidder, rival, keeper, sale_token, payment_token
):
    sale = open_sale(supplyLots=10)
    place(sale, rival, 5, 4)
    place(sale, bidder, 3, 10)
    clear(sale, 3, 6, 1, [key(bidder, 0)])
    receipt = sale.claim(bidder, sender=keeper)

    assert logs(receipt, sale) == [
        event("TokensClaimed", bidder, bidder, 6 * 7),
        event("RefundClaimed", bidder, bidder, 4 * price(3)),
    ]
    assert sale_token.balanceOf(bidder) == 6 * 7
    assert payment_token.balanceOf(bidder) == PURSE - 6 * price(3)
    assert [sale_token.balanceOf(keeper), payment_token.balanceOf(keeper)] == [0, 0]
    assert list(sale.bidsOf(bidder)) == []
    assert tuple(sale.owed(bidder)) == (0, 0, 0)


def test_pays_a_loser_back(open_sale, place, clear, bidder, rival, payment_token):
    sale = open_sale(supplyLots=10)
    place(sale, rival, 5, 10)
    place(sale, bidder, 3, 10)
    clear(sale, 5)
    receipt = sale.claim(bidder, sender=bidder)
    assert logs(receipt, sale) == [event("RefundClaimed", bidder, bidder, 10 * price(3))]
    assert payment_token.balanceOf(bidder) == PURSE


def test_pays_tokens_only_where_nothing_is_left_of_the_escrow(
    sale, place, clear, bidder, payment_token
):
    place(sale, bidder, 3, 10)
    clear(sale, 0)
    receipt = sale.claim(bidder, sender=bidder)
    assert logs(receipt, sale) == [event("TokensClaimed", bidder, bidder, 10 * 7)]
    assert payment_token.balanceOf(bidder) == PURSE - 10 * price(3)


def test_pays_the_difference_to_the_price_of_all_back(
    open_sale, place, clear, bidder, rival, payment_token
):
    sale = open_sale(supplyLots=10, pricing=Pricing.UNIFORM)
    place(sale, bidder, 7, 4)
    place(sale, rival, 2, 6)
    clear(sale, 2)
    receipt = sale.claim(bidder, sender=bidder)
    assert logs(receipt, sale) == [
        event("TokensClaimed", bidder, bidder, 4 * 7),
        event("RefundClaimed", bidder, bidder, 4 * (price(7) - price(2))),
    ]


def test_adds_up_all_bids_of_a_bidder(
    open_sale, place, clear, clear_out, bidder, rival, sale_token, payment_token
):
    """Eight bids in three words, with holes in the first, the middle and the last."""
    sale = open_sale(supplyLots=20)
    for tick in (7, 1, 5, 5, 0, 4, 5, 3):
        place(sale, bidder, tick, 2)
    for index in (1, 4, 7):
        sale.cancel(index, sender=bidder)
    place(sale, rival, 4, 20)
    # 2 lots at 7, 6 at 5, then 12 are left for 2 and 20 at tick 4.
    clear(sale, 4, 10, 2, [key(bidder, 5), key(rival, 0)])

    receipt = sale.claim(bidder, sender=bidder)
    assert logs(receipt, sale) == [event("TokensClaimed", bidder, bidder, 10 * 7)]
    assert payment_token.balanceOf(bidder) == PURSE - 2 * price(7) - 6 * price(5) - 2 * price(4)
    assert list(sale.bidsOf(bidder)) == []
    clear_out(sale, rival, tokens=(sale_token, payment_token), unsold=False)


def test_pays_nobody_twice(sale, place, clear, refused, bidder, attacker, keeper):
    place(sale, bidder, 3, 10)
    place(sale, attacker, 3, 10)
    clear(sale, 0)
    sale.claim(attacker, sender=attacker)
    for sender in (attacker, keeper):
        with refused("NothingToClaim", attacker):
            sale.claim(attacker, sender=sender)
    with refused("NothingToClaim", attacker):
        sale.claimTokens(attacker, sender=attacker)
    with refused("NothingToClaim", attacker):
        sale.claimRefund(attacker, sender=attacker)
    sale.claim(bidder, sender=bidder)


def test_pays_no_refund_twice_after_a_failed_sale(
    sale, place, abort, refused, bidder, attacker, payment_token
):
    place(sale, bidder, 3, 10)
    place(sale, attacker, 3, 10)
    abort(sale)
    sale.claim(attacker, sender=attacker)
    with refused("NothingToClaim", attacker):
        sale.claim(attacker, sender=attacker)
    sale.claim(bidder, sender=bidder)
    assert payment_token.balanceOf(sale) == 0


def test_pays_no_stranger(sale, place, clear, refused, bidder, attacker):
    place(sale, bidder, 3, 10)
    clear(sale, 0)
    with refused("NothingToClaim", attacker):
        sale.claim(attacker, sender=attacker)
    with refused("NothingToClaim", sale):
        sale.claim(sale, sender=attacker)


def test_pays_nothing_for_a_cancelled_bid(sale, place, abort, refused, bidder, rival):
    place(sale, bidder, 3, 10)
    place(sale, rival, 3, 10)
    sale.cancel(0, sender=bidder)
    abort(sale)
    with refused("NothingToClaim", bidder):
        sale.claim(bidder, sender=bidder)


def test_leaves_both_legs_open_if_one_fails(
    open_sale, make_token, place, clear, refused, issuer, bidder, rival, keeper
):
    token = make_token("MockFreezableToken")
    sale = open_sale(paymentToken=token, supplyLots=10)
    place(sale, rival, 5, 4, token)
    place(sale, bidder, 3, 10, token)
    clear(sale, 3, 6, 1, [key(bidder, 0)])
    token.freeze(bidder, sender=issuer)
    with refused("AccountFrozen", bidder):
        sale.claim(bidder, sender=keeper)
    sale.claim(rival, sender=keeper)  # another account does not mind
    token.unfreeze(bidder, sender=issuer)
    sale.claim(bidder, sender=keeper)


def test_takes_no_answer_of_false(
    open_sale, make_token, place, clear, refused, issuer, bidder, keeper
):
    token = make_token("MockFalseToken")
    sale = open_sale(saleToken=token)
    place(sale, bidder, 3, 10)
    clear(sale, 0)
    token.refuse(sender=issuer)
    with refused("SafeERC20FailedOperation", token):
        sale.claim(bidder, sender=keeper)
    token.relent(sender=issuer)
    sale.claim(bidder, sender=keeper)
    assert token.balanceOf(bidder) == PURSE + 10 * 7


def test_pays_tokens_that_answer_nothing(
    open_sale, make_token, place, clear, clear_out, bidder, rival
):
    sold, paid = make_token("MockSilentToken"), make_token("MockSilentToken")
    sale = open_sale(saleToken=sold, paymentToken=paid, supplyLots=10)
    place(sale, rival, 5, 3, paid)
    place(sale, bidder, 3, 6, paid)
    clear(sale, 0)
    clear_out(sale, bidder, rival, tokens=(sold, paid))
    assert sold.balanceOf(bidder) == PURSE + 6 * 7
    assert paid.balanceOf(rival) == PURSE - 3 * price(5)


def test_leaves_the_last_short_where_a_payment_token_shrinks(
    open_sale, make_token, place, clear, refused, bidder, rival, keeper
):
    """The manual does not support such tokens, and says what happens."""
    token = make_token("MockRebasingToken")
    sale = open_sale(paymentToken=token, supplyLots=10, minimumRaise=10 * price(7))
    place(sale, bidder, 3, 10, token)
    place(sale, rival, 3, 10, token)
    clear(sale, 3, 0, 2, [key(bidder, 0), key(rival, 0)])
    token.rebase(token.totalSupply() // 2, sender=bidder)
    sale.claim(bidder, sender=keeper)
    held = token.sharesOf(sale)
    with refused("SharesShort", sale, held, 2 * 10 * price(3)):
        sale.claim(rival, sender=keeper)
    token.transfer(sale, 10 * price(3), sender=bidder)  # somebody makes up for it
    sale.claim(rival, sender=keeper)


def test_is_not_reentered_from_the_token(
    open_sale, make_token, errors, clock, place, clear, bidder, rival, keeper
):
    token = make_token("MockReentrantToken")
    sale = open_sale(saleToken=token, rule=Rule.GROUP_ROUND_ROBIN)
    place(sale, bidder, 3, 10)
    place(sale, rival, 3, 5)
    clear(sale, 0)
    attempts = [
        sale.claim.encode_input(bidder),
        sale.claim.encode_input(rival),
        sale.claimTokens.encode_input(bidder),
        sale.claimMany.encode_input([bidder, rival]),
        sale.collectUnsold.encode_input(),
        sale.collectProceeds.encode_input(),
        sale.abort.encode_input(),
        sale.owed.encode_input(bidder),
    ]
    before = token.balanceOf(bidder)
    guard = error_data(errors["ReentrancyGuardReentrantCall"], ())
    refusals = [(False, guard)] * len(attempts)
    for call in (sale.claim, sale.collectUnsold):
        token.arm(sale, attempts, sender=bidder)
        call(*([bidder] if call is sale.claim else []), sender=keeper)
        assert [(a.done, plain(a.data)) for a in token.answers()] == refusals
    assert token.balanceOf(bidder) == before + 10 * 7

    token.arm(sale, attempts, sender=bidder)
    sale.claimMany([bidder, rival], sender=keeper)
    assert [(a.done, plain(a.data)) for a in token.answers()] == refusals
    assert token.balanceOf(bidder) == before + 10 * 7
    assert token.balanceOf(sale) == 0
    assert sale.phase() == Phase.CLEARED
