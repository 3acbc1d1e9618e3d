"""Traders and tokens that mean harm: they take nothing, and hold nobody else up.

What is matched settles, whatever a trader does on chain inside the notices; a token that calls
back, takes a fee, freezes or comes in amounts beyond reason hurts those who hold it at most.
"""

from __future__ import annotations

from functools import partial

import msgspec
import pytest

from gavelbook.exchange.orders import MAX_LOTS, MAX_SEQUENCE, MAX_TICKS, Side
from tests.evm.exchange import (
    CANCEL_NOTICE,
    EXIT_DELAY,
    FEES,
    HOUR,
    MATCHER,
    MAX_BALANCE,
    TICK_VALUE,
    Lane,
    raw,
    selector,
)
from tests.evm.exchange_signing import (
    Withdrawal,
    sign_batch,
    sign_order,
    sign_withdrawal,
)
from tests.evm.machine import account, words
from tests.evm.signatures import Key
from tests.hostile.scene import refused
from tests.hostile.trading_scene import (
    LIMITS,
    LOTS,
    MAKER,
    TAKER,
    THIEF,
    WEALTH,
    TradingStage,
    floor,
)

ROLES = pytest.mark.parametrize("trader", [MAKER, TAKER], ids=["maker", "taker"])


# --- What is matched settles -----------------------------------------------------------------


@ROLES
def test_cancel_leaves_time_to_settle(stage: TradingStage, trader: Key) -> None:
    for lane, sequence in ((0, 1), (0, 7), (1, 9)):
        refused(partial(stage.exchange.cancel, trader.address, lane, sequence))
    floor().machine.now += CANCEL_NOTICE - 1
    stage.settle(stage.batch())


def test_cancel_under_way_can_be_neither_renewed_nor_brought_forward(stage: TradingStage) -> None:
    exchange, start = stage.exchange, floor().machine.now
    exchange.cancel(MAKER.address, 0, 3)
    due = start + CANCEL_NOTICE
    for wait in (0, 1, CANCEL_NOTICE - 1):
        floor().machine.now = start + wait
        for sequence, reason in (
            (3, "NothingToCancel"),
            (1, "NothingToCancel"),
            (4, "CancelPending"),
        ):
            call = partial(exchange.cancel, MAKER.address, 0, sequence)
            stage.refuses_call(call, reason)
        assert exchange.lane(MAKER.address, 0) == Lane(0, 0, due, 3)
    floor().machine.now = due
    exchange.cancel(MAKER.address, 0, 4)
    assert exchange.lane(MAKER.address, 0) == Lane(4, 0, due + CANCEL_NOTICE, 4)


def test_cancel_of_the_last_sequence_ends_a_lane_and_no_other(stage: TradingStage) -> None:
    """Two lanes share a word: what happens to one leaves the other as it is."""
    exchange = stage.exchange
    stage.settle(stage.batch(fills=[(1, 0, 3)]))
    exchange.cancel(MAKER.address, 1, MAX_SEQUENCE)
    floor().machine.now += CANCEL_NOTICE
    for sequence in (1, MAX_SEQUENCE):
        call = partial(exchange.cancel, MAKER.address, 1, sequence)
        stage.refuses_call(call, "NothingToCancel", MAKER.address, 1, sequence)
        dead = stage.sign(MAKER, Side.SELL, lane=1, sequence=sequence)
        taker = stage.sign(TAKER, Side.BUY, lane=5)
        stage.refuses(
            stage.batch([dead, taker], [(1, 0, 1)]), "OrderCancelled", 0, MAX_SEQUENCE, sequence
        )

    orders = [stage.sign(MAKER, Side.SELL), stage.sign(TAKER, Side.BUY)]
    stage.settle(stage.batch(orders, [(1, 0, 7)]))
    assert exchange.lane(MAKER.address, 0) == Lane(1, LOTS, 0, 0)
    last = stage.sign(MAKER, Side.SELL, lane=2**32 - 1, sequence=MAX_SEQUENCE)
    taker = stage.sign(TAKER, Side.BUY, lane=2**32 - 2)
    stage.settle(stage.batch([last, taker], [(1, 0, 2)]))
    assert exchange.lane(MAKER.address, 2**32 - 1) == Lane(MAX_SEQUENCE, 2, 0, 0)
    assert exchange.lane(MAKER.address, 2**32 - 2) == Lane(0, 0, 0, 0)


def test_cancel_of_nothing_is_refused(stage: TradingStage) -> None:
    """Sequences begin at 1, and so does what a cancel can announce."""
    call = partial(stage.exchange.cancel, THIEF.address, 0, 0)
    stage.refuses_call(call, "NothingToCancel", THIEF.address, 0, 0)


def test_cancel_touches_nobody_else(stage: TradingStage) -> None:
    before = stage.exchange.lane(MAKER.address, 0)
    for lane in (0, 1):
        stage.exchange.cancel(THIEF.address, lane, MAX_SEQUENCE)
    floor().machine.now += CANCEL_NOTICE

    assert stage.exchange.lane(MAKER.address, 0) == before
    stage.settle(stage.batch([stage.sign(MAKER, Side.SELL), stage.sign(TAKER, Side.BUY)]))


@ROLES
def test_exit_leaves_time_to_settle(stage: TradingStage, trader: Key) -> None:
    """However often notice is given and taken back, the next settlement has the whole delay."""
    tokens = [token.address for token in floor().tokens]
    for _ in range(3):
        stage.exchange.request_exit(trader.address, tokens)
        floor().machine.now += EXIT_DELAY
        stage.exchange.cancel_exit(trader.address, tokens)
    stage.exchange.request_exit(trader.address, tokens)
    floor().machine.now += EXIT_DELAY - 1
    for token in tokens:
        call = partial(stage.exchange.exit, trader.address, token)
        stage.refuses_call(call, "ExitNotDue")
    later = floor().machine.now + HOUR
    orders = [
        stage.sign(MAKER, Side.SELL, expiry=later),
        stage.sign(TAKER, Side.BUY, expiry=later),
    ]
    stage.settle(stage.batch(orders))


def test_revoked_approval_leaves_time_to_settle(stage: TradingStage) -> None:
    digest = stage.exchange.approve_order(MAKER.address, stage.maker.order)
    stage.exchange.revoke_approval(MAKER.address, digest)
    again = partial(stage.exchange.revoke_approval, MAKER.address, digest)
    floor().machine.now += CANCEL_NOTICE - 1
    stage.refuses_call(again, "NotApproved", MAKER.address, digest)
    orders = [stage.maker._replace(approved=True), stage.taker]
    stage.settle(stage.batch(orders, [(1, 0, 1)]))
    floor().machine.now += 1
    stage.refuses(stage.batch(orders, [(1, 0, 1)]), "BadOrderSignature", 0)
    stage.exchange.approve_order(MAKER.address, stage.maker.order)
    stage.settle(stage.batch(orders, [(1, 0, 1)]))


def test_money_needs_the_matcher_to_leave_before_the_delay(stage: TradingStage) -> None:
    wish = Withdrawal(
        MAKER.address, floor().base.address, WEALTH, MAKER.address, 1, floor().machine.now
    )
    own = sign_withdrawal(MAKER, stage.exchange.domain, wish)
    call = partial(stage.exchange.withdraw, wish, own, own, MAKER.address)
    stage.refuses_call(call, "BadMatcherSignature")
    stage.settle(stage.batch())


def test_copied_batch_settles_once(stage: TradingStage) -> None:
    """A spoiler who submits it first has settled it; the second copy is refused, not paid twice."""
    batch = stage.batch()
    content, signature = batch.pack(), sign_batch(MATCHER, stage.exchange.domain, batch)
    stage.exchange.settle(content, signature, THIEF.address)
    call = partial(stage.exchange.settle, content, signature)
    stage.refuses_call(call, "WrongBatchNumber", 2, 1)


def test_dust_and_gifts_hold_nobody_up(stage: TradingStage) -> None:
    exchange, base, quote = stage.exchange, floor().base, floor().quote
    exchange.request_exit(MAKER.address, [base.address])
    due = exchange.balance(MAKER.address, base.address).exit_at
    for _ in range(5):
        floor().give(THIEF.address, base, 1)
        exchange.deposit_for(THIEF.address, MAKER.address, base.address, 1)
        base.mint(exchange.address, 1)
        quote.mint(exchange.forwarder_of(MAKER.address), 1)
        exchange.sweep(MAKER.address, quote.address, THIEF.address)
    assert exchange.balance(MAKER.address, base.address).exit_at == due
    floor().machine.now = due
    exchange.exit(MAKER.address, base.address)
    assert base.balance(MAKER.address) == WEALTH + 5
    assert base.balance(exchange.address) == 2 * WEALTH + 5


# --- Amounts beyond reason -------------------------------------------------------------------


def test_deposits_stay_under_the_largest_balance(stage: TradingStage) -> None:
    exchange, third = stage.exchange, floor().third
    floor().give(THIEF.address, third, 2**256 - 1)
    send = partial(exchange.deposit, THIEF.address, third.address)
    for amount in (2**216, 2**255, 2**256 - 1):
        stage.refuses_call(partial(send, amount), "BalanceTooLarge")
    send(MAX_BALANCE)
    stage.refuses_call(partial(send, 1), "BalanceTooLarge")
    third.transfer(THIEF.address, exchange.forwarder_of(MAKER.address), 1)
    sweep = partial(exchange.sweep, MAKER.address, third.address)
    stage.refuses_call(sweep, "BalanceTooLarge")
    stage.refuses_call(partial(send, 0), "AmountZero")

    exchange.request_exit(THIEF.address, [third.address])
    floor().machine.now += EXIT_DELAY
    exchange.exit(THIEF.address, third.address)
    assert third.balance(THIEF.address) == 2**256 - 2
    assert sweep() == 1


def test_orders_of_the_largest_market_do_not_wrap() -> None:
    """Lots, ticks, lot size and tick value as large as they come: refused for want of money."""
    with floor().machine.trial():
        stage = TradingStage(floor())
        largest = msgspec.structs.replace(
            stage.market,
            id=3,
            base_token=raw(floor().third.address),
            lot_size=2**128 - 1,
            tick_value=2**108 - 1,
        )
        assert stage.exchange.list_market(largest) == 3
        floor().markets[3] = largest
        try:
            settle_hugely(stage)
        finally:
            del floor().markets[3]


def settle_hugely(stage: TradingStage) -> None:
    lots = (MAX_LOTS, 2**63, 1, 3)
    ticks = (MAX_TICKS, 2**63, 1)
    for size in lots:
        for price in ticks:
            terms = {"ticks": price, "market": 3, "max_fee_bps": 2**16 - 1}
            maker = stage.sign(MAKER, Side.SELL, lots=size, **terms)
            taker = stage.sign(TAKER, Side.BUY, lots=size, **terms)
            assert stage.exchange.order_hash(maker.order) == floor().hash(maker.order)
            batch = stage.batch(
                [maker, taker], [(1, 0, size)], market=3, taker_fee_bps=30, maker_fee_bps=20
            )
            quote = size * price * (2**108 - 1)
            base = size * (2**128 - 1)
            name = "BalanceTooLarge" if quote > 2**216 else "InsufficientBalance"
            stage.refuses(batch, name)
            assert base < 2**192


def test_money_that_goes_round_fits_into_a_balance(stage: TradingStage) -> None:
    """Money that goes round, more of it than fits into a balance, settles in one batch."""
    third, lots = floor().third, 2**45
    market = msgspec.structs.replace(
        stage.market, id=3, quote_token=raw(third.address), lot_size=1, tick_value=2**107
    )
    stage.exchange.list_market(market)
    one, two = Key("rich"), Key("richer")
    floor().fund(one.address, third, 2**215)
    floor().fund(two.address, floor().base, lots)
    orders = [
        sign_order(
            key,
            stage.exchange.domain,
            market,
            floor().order(key.address, side, lots, 2**63, lane=int(side), market=3),
        )
        for key, side in ((one, Side.BUY), (two, Side.SELL), (two, Side.BUY), (one, Side.SELL))
    ]

    stage.settle(stage.batch(orders, [(0, 1, lots), (2, 3, lots)], market=3))
    assert stage.exchange.held(one.address, third.address) == 2**215
    assert stage.exchange.held(two.address, floor().base.address) == lots


def test_approval_is_for_one_order(stage: TradingStage) -> None:
    """A contract's approval of an order says nothing about another, nor for another maker."""
    exchange = stage.exchange
    exchange.approve_order(MAKER.address, stage.maker.order)
    for fields in ({"ticks": 99}, {"lots": 11}, {"lane": 1}, {"sequence": 2}, {"max_fee_bps": 51}):
        other = stage.altered(stage.maker, **fields)._replace(approved=True)
        stage.refuses(stage.batch([other, stage.taker], [(1, 0, 1)]), "BadOrderSignature", 0)
    unknown = msgspec.structs.replace(stage.maker.order, market=9)
    call = partial(exchange.approve_order, MAKER.address, unknown)
    stage.refuses_call(call, "UnknownMarket", 9)


def test_fee_recipient_cannot_hold_settlement_up(stage: TradingStage) -> None:
    """Fees are booked to it whether it leaves or not, and it trades like anybody."""
    exchange = stage.exchange
    exchange.request_exit(FEES, [floor().quote.address])
    floor().machine.now += EXIT_DELAY
    orders = [stage.sign(MAKER, Side.SELL), stage.sign(TAKER, Side.BUY)]
    stage.settle(stage.batch(orders, taker_fee_bps=30))
    due = LOTS * LIMITS[Side.SELL] * TICK_VALUE * 30 // 10_000
    exchange.exit_for(FEES, floor().quote.address, THIEF.address)
    assert floor().quote.balance(FEES) == due


def test_huge_lists_and_lengths_are_refused(stage: TradingStage) -> None:
    """Calldata that says it is longer than it is, or lists what nobody pays gas for."""
    for name in ("requestExit", "cancelExit"):
        for offset, length in ((32, 2**255), (2**255, 1), (32, 2**64), (2**64, 0)):
            data = selector(name) + words(offset, length)
            assert refused(partial(stage.exchange.send, THIEF.address, data)) is not None
    for offsets in ((64, 2**255), (2**255, 64), (2**256 - 1, 2**256 - 1), (64, 64)):
        for length in (2**255, 2**256 - 1, 2**32):
            data = selector("settle") + words(*offsets, length)
            assert refused(partial(stage.exchange.send, THIEF.address, data)) is not None
    stage.settle(stage.batch())


def test_strangers_signature_is_not_anothers(stage: TradingStage) -> None:
    """An account's orders and withdrawals need its own key, whoever submits them."""
    wish = Withdrawal(
        TAKER.address, floor().base.address, 1, account("loot"), 1, floor().machine.now
    )
    consent = sign_withdrawal(MATCHER, stage.exchange.domain, wish)
    own = sign_withdrawal(THIEF, stage.exchange.domain, wish)
    call = partial(stage.exchange.withdraw, wish, own, consent, THIEF.address)
    stage.refuses_call(call, "SignatureInvalid", TAKER.address)
