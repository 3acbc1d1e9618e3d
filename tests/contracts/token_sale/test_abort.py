"""Giving up on a sale that nobody cleared.

abort
├── when abortTime has come: the sale fails, and it emits {Failed}
│   ├── every bid is refunded in full and all sale tokens return
│   └── it can no longer be cleared
├── before: it reverts with {AbortTooEarly}
└── when there is a result: it reverts with {AlreadyDecided}
"""

from __future__ import annotations

from tests.contracts.conftest import PURSE
from tests.contracts.support import NO_SIGNATURE, Phase, clearing, event, logs, sign


def test_waits_for_abort_time(sale, refused, clock, attacker, keeper):
    for time in (clock.start, clock.end - 1, clock.end, clock.abort - 1):
        clock.at(time)
        with refused("AbortTooEarly", clock.abort):
            sale.abort(sender=attacker)
    clock.at(clock.abort)
    receipt = sale.abort(sender=keeper)
    assert receipt.timestamp == clock.abort
    assert logs(receipt, sale) == [event("Failed", keeper, 0, 1)]
    assert sale.phase() == Phase.FAILED
    assert sale.raised() == 0


def test_refunds_all_and_returns_all_tokens(
    sale,
    place,
    abort,
    clear_out,
    bidder,
    rival,
    sale_token,
    payment_token,
    unsold_recipient,
    keeper,
):
    place(sale, bidder, 3, 60)
    place(sale, bidder, 7, 1)
    place(sale, rival, 7, 90)
    abort(sale)
    clear_out(sale, bidder, rival, tokens=(sale_token, payment_token), proceeds=False)
    assert payment_token.balanceOf(bidder) == PURSE
    assert payment_token.balanceOf(rival) == PURSE
    assert sale_token.balanceOf(bidder) == sale_token.balanceOf(rival) == 0
    assert sale_token.balanceOf(unsold_recipient) == 100 * 7


def test_leaves_nothing_to_clear(sale, place, abort, refused, bidder, keeper, allocator):
    place(sale, bidder, 3, 5)
    abort(sale)
    with refused("AlreadyDecided", Phase.FAILED):
        sale.clear(clearing(0), [], NO_SIGNATURE, sender=keeper)
    signature = sign(allocator, sale, "Clearing", clearing(0))
    with refused("AlreadyDecided", Phase.FAILED):
        sale.clear(clearing(0), [], signature, sender=allocator)
    with refused("AlreadyDecided", Phase.FAILED):
        sale.advance(clearing(0), [], sender=keeper)
    with refused("AlreadyDecided", Phase.FAILED):
        sale.abort(sender=keeper)


def test_does_not_undo_a_result(sale, place, clear, refused, clock, bidder, attacker):
    place(sale, bidder, 3, 5)
    clear(sale, 0)
    clock.at(clock.abort)
    with refused("AlreadyDecided", Phase.CLEARED):
        sale.abort(sender=attacker)


def test_leaves_no_bids_to_place_or_cancel(sale, place, abort, refused, clock, bidder):
    place(sale, bidder, 3, 5)
    abort(sale)
    with refused("WindowClosed", clock.end):
        sale.bid(3, 5, sender=bidder)
    with refused("CancelClosed", clock.end):
        sale.cancel(0, sender=bidder)
