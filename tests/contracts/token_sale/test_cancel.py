"""Cancelling a bid.

cancel
├── when the bid is live
│   ├── it pays the escrow back, takes the bid out and emits {BidCancelled}
│   ├── it leaves all other bids and their arrivals alone
│   └── it gives room under the cap again, also to the entity
├── when cancelling is over: it reverts with {CancelClosed} from cancelUntil, always where that is 0
├── when the caller has no such live bid: it reverts with {NoSuchBid}
└── when the token does not pay: it reverts, and the bid stays
"""

from __future__ import annotations

import pytest

from tests.contracts.conftest import PURSE
from tests.contracts.support import MAX, Rule, error_data, event, logs, plain, price


def test_pays_back_and_takes_the_bid_out(sale, place, bidder, payment_token):
    place(sale, bidder, 3, 5)
    place(sale, bidder, 3, 2)
    receipt = sale.cancel(0, sender=bidder)

    assert logs(receipt, sale) == [event("BidCancelled", bidder, 3, 0, 5, 1)]
    assert payment_token.balanceOf(sale) == 2 * price(3)
    assert payment_token.balanceOf(bidder) == PURSE - 2 * price(3)
    assert [tuple(bid) for bid in sale.bidsOf(bidder)] == [(1, 3, 2, 2)]
    assert sale.lotsAt(3, 1) == [2]


@pytest.mark.parametrize(("rule", "arrival"), [(Rule.PRICE_TIME, 3), (Rule(2), 4)])
def test_gives_a_new_bid_in_its_place_a_new_arrival(open_sale, place, bidder, rival, rule, arrival):
    sale = open_sale(rule=rule)
    place(sale, bidder, 3, 5)
    place(sale, rival, 3, 1)
    place(sale, rival, 7, 1)
    sale.cancel(0, sender=bidder)
    receipt = place(sale, bidder, 3, 5)

    assert logs(receipt, sale) == [event("BidPlaced", bidder, 3, 0, 5, arrival)]
    assert [bid.arrival for bid in sale.bidsOf(rival)] == ([2, 3] if rule else [2, 1])
    assert sale.lotsAt(3, 1) == [6]


def test_ends_at_cancel_until(open_sale, place, refused, clock, bidder):
    until = clock.start + 500
    sale = open_sale(cancelUntil=until)
    place(sale, bidder, 3, 5)
    place(sale, bidder, 3, 5)
    clock.at(until - 1)
    assert sale.cancel(0, sender=bidder).timestamp == until - 1
    clock.at(until)
    with refused("CancelClosed", until):
        sale.cancel(1, sender=bidder)


def test_ends_at_end_at_the_latest(sale, place, refused, clock, bidder):
    place(sale, bidder, 3, 5)
    place(sale, bidder, 3, 5)
    clock.at(clock.end - 1)
    sale.cancel(0, sender=bidder)
    clock.at(clock.end)
    with refused("CancelClosed", clock.end):
        sale.cancel(1, sender=bidder)


def test_is_not_offered_where_cancel_until_is_zero(open_sale, place, refused, bidder):
    sale = open_sale(cancelUntil=0)
    place(sale, bidder, 3, 5)
    with refused("CancelClosed", 0):
        sale.cancel(0, sender=bidder)


def test_needs_a_live_bid(sale, place, refused, bidder):
    place(sale, bidder, 3, 5)
    for index in (1, 2, 3, 23, 24, 255, 256, 2**8 * 3, 2**160, MAX):
        with refused("NoSuchBid", bidder, index):
            sale.cancel(index, sender=bidder)


def test_takes_a_bid_out_once(sale, place, refused, bidder, rival):
    place(sale, rival, 3, 5)
    place(sale, bidder, 3, 5)
    sale.cancel(0, sender=bidder)
    with refused("NoSuchBid", bidder, 0):
        sale.cancel(0, sender=bidder)


def test_takes_no_bid_of_another_out(sale, place, refused, bidder, attacker):
    place(sale, bidder, 3, 5)
    with refused("NoSuchBid", attacker, 0):
        sale.cancel(0, sender=attacker)
    # Words of bids are kept under `bidder << 8 | number`: no index may reach another bidder's.
    distance = (int(bidder.address, 16) - int(attacker.address, 16)) % 2**160
    with refused("NoSuchBid", attacker, (distance << 8) * 3):
        sale.cancel((distance << 8) * 3, sender=attacker)


def test_pays_wrapped_ether_back_as_such(open_sale, clock, bidder, wrapped_ether):
    sale = open_sale(paymentToken=wrapped_ether)
    clock.at(clock.start)
    sale.bid(3, 5, value=5 * price(3), sender=bidder)
    sale.cancel(0, sender=bidder)
    assert wrapped_ether.balanceOf(bidder) == 5 * price(3)
    assert wrapped_ether.balanceOf(sale) == 0


def test_leaves_the_bid_of_a_frozen_account(
    open_sale, make_token, place, refused, bidder, rival, issuer
):
    token = make_token("MockFreezableToken")
    sale = open_sale(paymentToken=token)
    place(sale, bidder, 3, 5, token)
    place(sale, rival, 3, 5, token)
    token.freeze(bidder, sender=issuer)
    with refused("AccountFrozen", bidder):
        sale.cancel(0, sender=bidder)
    sale.cancel(0, sender=rival)
    token.unfreeze(bidder, sender=issuer)
    sale.cancel(0, sender=bidder)
    assert token.balanceOf(sale) == 0


def test_takes_no_answer_of_false(open_sale, make_token, place, refused, bidder, issuer):
    token = make_token("MockFalseToken")
    sale = open_sale(paymentToken=token)
    place(sale, bidder, 3, 5, token)
    token.refuse(sender=issuer)
    with refused("SafeERC20FailedOperation", token):
        sale.cancel(0, sender=bidder)


def test_is_not_reentered_from_the_token(open_sale, make_token, errors, place, bidder):
    token = make_token("MockReentrantToken")
    sale = open_sale(paymentToken=token)
    token.transfer(token, 2 * price(0), sender=bidder)
    token.execute(token, token.approve.encode_input(sale, MAX), sender=bidder)
    place(sale, bidder, 3, 5, token)
    token.execute(sale, sale.bid.encode_input(0, 1), sender=bidder)

    attempts = [sale.cancel.encode_input(0), sale.bid.encode_input(0, 1)]
    token.arm(sale, attempts, sender=bidder)
    sale.cancel(0, sender=bidder)
    guard = error_data(errors["ReentrancyGuardReentrantCall"], ())
    assert [(a.done, plain(a.data)) for a in token.answers()] == [(False, guard)] * 2
    assert token.balanceOf(sale) == price(0)
    for attempt in reversed(attempts):
        token.execute(sale, attempt, sender=bidder)  # from outside they do
