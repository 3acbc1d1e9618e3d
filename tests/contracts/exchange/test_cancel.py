"""Voiding a lane on chain, after a notice."""

from __future__ import annotations

import pytest

from gavelbook.exchange.orders import Side
from tests.contracts.exchange.support import events, refuses
from tests.evm.exchange import CANCEL_NOTICE, Lane
from tests.hostile.trading_scene import LOTS, MAKER, TAKER

LAST_SEQUENCE = 2**32 - 1


def _meet(trading, maker_sequence, lots=1, lane=0):
    """Let an order of MAKER with this sequence be filled by a fresh one of TAKER."""
    taker_sequence = trading.exchange.lane(TAKER.address, 0).sequence + 1
    orders = [
        trading.sign(MAKER, Side.SELL, sequence=maker_sequence, lane=lane),
        trading.sign(TAKER, Side.BUY, sequence=taker_sequence),
    ]
    return trading.batch(orders, [(1, 0, lots)])


@pytest.mark.parametrize("lane", [0, 1, 2**32 - 1])
def test_a_cancel_is_kept_and_announced(trading, lane):
    exchange = trading.exchange
    due = trading.machine.now + CANCEL_NOTICE
    exchange.cancel(MAKER.address, lane, 7)
    assert events(exchange) == [("CancelRequested", MAKER.address, lane, 7, due)]
    assert exchange.lane(MAKER.address, lane) == Lane(0, 0, due, 7)
    assert exchange.lane(MAKER.address, lane ^ 1) == Lane(0, 0, 0, 0)


def test_it_counts_when_the_notice_is_over_and_not_before(trading):
    exchange, machine = trading.exchange, trading.machine
    exchange.cancel(MAKER.address, 0, 5)
    due = exchange.lane(MAKER.address, 0).cancel_at
    machine.now = due - 1
    trading.settle(_meet(trading, 4))
    trading.settle(_meet(trading, 5))
    assert exchange.lane(MAKER.address, 0) == Lane(5, 1, due, 5)
    machine.now = due
    trading.refuses(_meet(trading, 5), "OrderCancelled", 0, 5, 5)
    trading.settle(_meet(trading, 6))
    assert exchange.lane(MAKER.address, 0) == Lane(6, 1, 0, 0)


def test_what_was_filled_stays_counted(trading):
    exchange = trading.exchange
    trading.settle(_meet(trading, 5, lots=4))
    exchange.cancel(MAKER.address, 0, 4 + 1)
    trading.refuses(_meet(trading, 5, lots=LOTS), "Overfilled", 0, LOTS, LOTS + 4)
    trading.settle(_meet(trading, 5, lots=LOTS - 4))
    assert exchange.lane(MAKER.address, 0)[:2] == (5, LOTS)


def test_a_second_cancel_waits_for_the_first(trading):
    exchange, machine = trading.exchange, trading.machine
    exchange.cancel(MAKER.address, 0, 5)
    due = exchange.lane(MAKER.address, 0).cancel_at
    machine.now += 1
    for sequence in (0, 4, 5):
        refuses(
            lambda sequence=sequence: exchange.cancel(MAKER.address, 0, sequence),
            *("NothingToCancel", MAKER.address, 0, sequence),
        )
    refuses(lambda: exchange.cancel(MAKER.address, 0, 6), *("CancelPending", MAKER.address, 0, due))
    machine.now = due
    exchange.cancel(MAKER.address, 0, 8)
    later = due + CANCEL_NOTICE
    assert exchange.lane(MAKER.address, 0) == Lane(6, 0, later, 8)
    trading.refuses(_meet(trading, 5), "SequencePassed", 0, 6, 5)
    trading.settle(_meet(trading, 6, lots=2))
    trading.settle(_meet(trading, 8))
    machine.now = later
    trading.refuses(_meet(trading, 8), "OrderCancelled", 0, 8, 8)


def test_a_cancel_after_fills_of_a_cancelled_lane_keeps_them(trading):
    """The sequence after the cancelled ones had begun already: its fills still count."""
    exchange, machine = trading.exchange, trading.machine
    trading.settle(_meet(trading, 6, lots=3))
    exchange.cancel(MAKER.address, 0, 6)
    machine.now += CANCEL_NOTICE
    exchange.cancel(MAKER.address, 0, 7)
    lane = exchange.lane(MAKER.address, 0)
    assert lane == Lane(7, 0, machine.now + CANCEL_NOTICE, 7)
    trading.refuses(_meet(trading, 6), "SequencePassed", 0, 7, 6)
    trading.settle(_meet(trading, 7))


def test_what_is_void_cannot_be_cancelled(trading):
    exchange = trading.exchange
    refuses(lambda: exchange.cancel(MAKER.address, 0, 0), *("NothingToCancel", MAKER.address, 0, 0))
    trading.settle(_meet(trading, 5))
    refuses(lambda: exchange.cancel(MAKER.address, 0, 4), *("NothingToCancel", MAKER.address, 0, 4))
    exchange.cancel(MAKER.address, 0, 5)


def test_a_lane_can_be_ended(trading):
    exchange, machine = trading.exchange, trading.machine
    exchange.cancel(MAKER.address, 1, LAST_SEQUENCE)
    machine.now += CANCEL_NOTICE
    trading.refuses(
        _meet(trading, LAST_SEQUENCE, lane=1), *("OrderCancelled", 0, LAST_SEQUENCE, LAST_SEQUENCE)
    )
    refuses(
        lambda: exchange.cancel(MAKER.address, 1, LAST_SEQUENCE),
        *("NothingToCancel", MAKER.address, 1, LAST_SEQUENCE),
    )
    trading.settle(_meet(trading, 1))
