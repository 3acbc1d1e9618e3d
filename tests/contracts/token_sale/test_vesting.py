"""Won lots that vest.

claims in a sale with vesting
├── before the cliff: no tokens, but the refund at once
├── at the cliff: what has vested since vestingStart, in whole lots, rounded down
├── in between: what has vested since the last claim
├── from vestingEnd: the rest, so that all claims add up exactly
└── a failed sale refunds as without vesting
"""

from __future__ import annotations

import pytest

from tests.contracts.support import event, key, logs, price

LOT = 7
WON = 9
SPAN = 1_000


@pytest.fixture
def vesting(open_sale, place, clear, clock, bidder, rival):
    """The bidder wins 9 lots and gets 1 back; they vest over 1,000 seconds, cliff at 300."""

    def make(start=None, cliff=300):
        start = clock.end + 100 if start is None else start
        sale = open_sale(
            supplyLots=10,
            vestingStart=start,
            vestingCliff=start + cliff,
            vestingEnd=start + SPAN,
        )
        place(sale, rival, 5, 1)
        place(sale, bidder, 3, 10)
        clear(sale, 3, WON, 1, [key(bidder, 0)])
        return sale, start

    return make


def test_pays_the_refund_at_once_and_no_tokens_before_the_cliff(
    vesting, refused, clock, bidder, keeper
):
    sale, start = vesting()
    assert tuple(sale.owed(bidder)) == (0, WON * LOT, price(3))
    with refused("NothingToClaim", bidder):
        sale.claimTokens(bidder, sender=keeper)
    receipt = sale.claim(bidder, sender=keeper)
    assert logs(receipt, sale) == [event("RefundClaimed", bidder, bidder, price(3))]
    clock.at(start + 297)
    for call in (sale.claim, sale.claimTokens, sale.claimRefund):
        with refused("NothingToClaim", bidder):
            call(bidder, sender=keeper)
    assert tuple(sale.owed(bidder)) == (0, WON * LOT, 0)
    assert len(sale.bidsOf(bidder)) == 1


def test_pays_what_has_vested_in_whole_lots(vesting, refused, clock, bidder, keeper, sale_token):
    """Of 9 lots, one vests every 111.1 seconds."""
    sale, start = vesting()
    paid = 0
    for after, lots in [(300, 2), (334, 3), (555, 4), (556, 5), (999, 8), (1_000, 9)]:
        clock.at(start + after)
        receipt = sale.claimTokens(bidder, sender=keeper)
        assert receipt.timestamp == start + after
        assert logs(receipt, sale) == [
            event("TokensClaimed", bidder, bidder, (lots - paid) * LOT),
        ]
        paid = lots
        assert sale_token.balanceOf(bidder) == paid * LOT
        if after not in (555, 999):
            with refused("NothingToClaim", bidder):
                sale.claimTokens(bidder, sender=keeper)
    assert tuple(sale.owed(bidder)) == (0, 0, price(3))
    sale.claimRefund(bidder, sender=keeper)
    assert list(sale.bidsOf(bidder)) == []


def test_pays_everything_at_once_from_the_end(
    vesting, clock, clear_out, bidder, rival, sale_token, payment_token
):
    sale, start = vesting()
    clock.mine(start + SPAN - 1)
    assert tuple(sale.owed(bidder)) == (8 * LOT, LOT, price(3))
    clock.mine(start + SPAN)
    assert tuple(sale.owed(bidder)) == (WON * LOT, 0, price(3))
    clear_out(sale, bidder, rival, tokens=(sale_token, payment_token), unsold=False)
    assert sale_token.balanceOf(bidder) == WON * LOT


def test_adds_up_with_the_refund_in_the_middle(
    vesting, clock, clear_out, bidder, rival, keeper, sale_token, payment_token
):
    sale, start = vesting()
    clock.at(start + 500)
    sale.claimTokens(bidder, sender=keeper)
    sale.claimRefund(bidder, sender=keeper)
    assert tuple(sale.owed(bidder)) == (0, 5 * LOT, 0)
    clock.at(start + 700)
    sale.claimMany([bidder], sender=keeper)
    assert tuple(sale.owed(bidder)) == (0, 3 * LOT, 0)
    clock.at(start + 5_000)
    clear_out(sale, bidder, rival, tokens=(sale_token, payment_token), unsold=False)
    assert sale_token.balanceOf(bidder) == WON * LOT


def test_vests_from_a_start_in_the_past(vesting, clock, bidder, keeper):
    sale, start = vesting(start=clock.end - 500, cliff=0)
    clock.at(start + 600)
    receipt = sale.claim(bidder, sender=keeper)
    assert logs(receipt, sale) == [
        event("TokensClaimed", bidder, bidder, 5 * LOT),
        event("RefundClaimed", bidder, bidder, price(3)),
    ]


def test_pays_all_at_the_cliff_where_that_is_the_end(vesting, clock, bidder, keeper):
    sale, start = vesting(cliff=SPAN)
    clock.mine(start + SPAN - 1)
    assert tuple(sale.owed(bidder)) == (0, WON * LOT, price(3))
    clock.at(start + SPAN)
    receipt = sale.claimTokens(bidder, sender=keeper)
    assert logs(receipt, sale) == [event("TokensClaimed", bidder, bidder, WON * LOT)]


def test_does_not_hold_up_unsold_tokens_or_proceeds(
    open_sale, place, clear, clock, bidder, keeper, sale_token, payment_token
):
    start = clock.end + 100
    sale = open_sale(vestingStart=start, vestingCliff=start, vestingEnd=start + SPAN)
    place(sale, bidder, 3, 10)
    clear(sale, 0)
    sale.collectUnsold(sender=keeper)
    sale.collectProceeds(sender=keeper)
    assert sale_token.balanceOf(sale) == 10 * LOT
    assert payment_token.balanceOf(sale) == 0


def test_refunds_a_failed_sale_at_once(
    open_sale, place, abort, clear_out, clock, bidder, sale_token, payment_token
):
    start = clock.end + 100
    sale = open_sale(vestingStart=start, vestingCliff=start, vestingEnd=start + 10**8)
    place(sale, bidder, 3, 10)
    abort(sale)
    clear_out(sale, bidder, tokens=(sale_token, payment_token), proceeds=False)


def test_keeps_the_tokens_paid_though_the_refund_is_stuck(
    open_sale, make_token, place, clear, refused, clock, issuer, bidder, rival, keeper, sale_token
):
    """When all tokens are paid the count of claimed lots is given up; nothing may be paid anew."""
    token = make_token("MockFreezableToken")
    start = clock.end + 100
    times = {"vestingStart": start, "vestingCliff": start, "vestingEnd": start + SPAN}
    sale = open_sale(supplyLots=10, paymentToken=token, **times)
    place(sale, rival, 5, 1, token)
    place(sale, bidder, 3, 10, token)
    clear(sale, 3, WON, 1, [key(bidder, 0)])
    token.freeze(bidder, sender=issuer)
    clock.at(start + 500)
    sale.claimMany([bidder], sender=keeper)
    clock.at(start + SPAN)
    sale.claimMany([bidder], sender=keeper)
    assert sale_token.balanceOf(bidder) == WON * LOT
    assert logs(sale.claimMany([bidder], sender=keeper), sale) == [
        event("ClaimSkipped", bidder, 1, price(3)),
    ]
    with refused("NothingToClaim", bidder):
        sale.claimTokens(bidder, sender=keeper)
    token.unfreeze(bidder, sender=issuer)
    sale.claimRefund(bidder, sender=keeper)
    assert sale_token.balanceOf(bidder) == WON * LOT
    assert tuple(sale.owed(bidder)) == (0, 0, 0)
