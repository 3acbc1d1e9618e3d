"""Settling batches: amounts, fees, events, lanes and balances."""

from __future__ import annotations

import pytest
from eth_utils.crypto import keccak

from gavelbook.exchange.orders import Side
from tests.contracts.exchange.support import events
from tests.evm.exchange import (
    EXIT_DELAY,
    FEES,
    LOT_SIZE,
    MATCHER,
    MAX_BALANCE,
    RELAYER,
    TICK_VALUE,
    Lane,
)
from tests.evm.exchange_signing import compact, sign_batch
from tests.evm.machine import account
from tests.evm.sale import STRANGER
from tests.evm.signatures import Key
from tests.hostile.trading_scene import LOTS, MAKER, TAKER, THIEF, WEALTH, TradingStage

SIDES = pytest.mark.parametrize("maker_side", Side)
TAKER_FEE, MAKER_FEE = 29, 13
CHARGED = {"taker_fee_bps": TAKER_FEE, "maker_fee_bps": MAKER_FEE}


def _held(trading, key):
    floor = trading.floor
    return tuple(trading.exchange.held(key.address, t.address) for t in (floor.base, floor.quote))


def _packed(batch, ticks, lots, *, taker_sells):
    """The third word of a fill, as the manual lays it out."""
    fields = (
        *((lots, 64), (ticks, 64), (0, 8), (batch.number, 64), (batch.maker_fee_bps, 16)),
        *((batch.taker_fee_bps, 16), (taker_sells, 8), (batch.market, 16)),
    )
    word = place = 0
    for value, bits in fields:
        word |= value << place
        place += bits
    return word


@SIDES
def test_a_fill_moves_money_at_the_makers_price(floor, maker_side):
    trading = TradingStage(floor, maker_side)
    ticks, lots = trading.maker.order.ticks, 7
    batch = trading.batch(fills=[(1, 0, lots)], **CHARGED)
    trading.settle(batch)
    announced = events(trading.exchange)

    quote = lots * ticks * TICK_VALUE
    taker_fee, maker_fee = quote * TAKER_FEE // 10_000, quote * MAKER_FEE // 10_000
    base = lots * LOT_SIZE
    signs = {Side.BUY: 1, Side.SELL: -1}
    for key, side, fee in (
        (MAKER, maker_side, maker_fee),
        (TAKER, trading.taker_side, taker_fee),
    ):
        sign = signs[side]
        assert _held(trading, key) == (WEALTH + sign * base, WEALTH - sign * quote - fee)
        assert trading.exchange.lane(key.address, 0) == Lane(1, lots, 0, 0)
    assert trading.exchange.held(FEES, floor.quote.address) == taker_fee + maker_fee
    hashes = floor.hash(trading.maker.order), floor.hash(trading.taker.order)
    word = _packed(batch, ticks, lots, taker_sells=trading.taker_side)
    content_hash, fees = keccak(batch.pack()), taker_fee + maker_fee
    assert announced == [
        ("Fill", *hashes, word),
        ("BatchSettled", 1, 1, batch.log_head, content_hash, fees),
    ]
    assert trading.exchange.last_batch() == 1


def test_fees_are_rounded_down_fill_by_fill(trading):
    """Two fills of one lot pay less than one of two where each loses a fraction."""
    trading.settle(trading.batch(fills=[(1, 0, 1), (1, 0, 1)], **CHARGED))
    each = 100 * TICK_VALUE
    fees = 2 * (each * TAKER_FEE // 10_000 + each * MAKER_FEE // 10_000)
    assert trading.exchange.held(FEES, trading.floor.quote.address) == fees


def test_without_fees_the_recipient_gets_nothing(trading):
    trading.settle(trading.batch())
    assert events(trading.exchange)[-1][-1] == 0
    assert trading.exchange.held(FEES, trading.floor.quote.address) == 0


def test_an_order_is_filled_in_parts_over_batches(trading):
    for batch, lots in enumerate((3, 3, 4), start=1):
        trading.settle(trading.batch(fills=[(1, 0, lots)]))
        filled = trading.exchange.lane(MAKER.address, 0).filled_lots
        assert filled == (3, 6, 10)[batch - 1]
    trading.refuses(trading.batch(fills=[(1, 0, 1)]), "Overfilled", 0, LOTS, LOTS + 1)


def test_an_order_takes_first_and_rests_then(trading):
    """One order, in two roles in one batch, pays the fee of each role."""
    late = trading.sign(THIEF, Side.SELL)
    orders = [trading.maker, trading.taker, late]
    trading.settle(trading.batch(orders, [(1, 0, 4), (2, 1, 6)], **CHARGED))
    first, second = 4 * 100 * TICK_VALUE, 6 * 120 * TICK_VALUE
    paid = first + second + first * TAKER_FEE // 10_000 + second * MAKER_FEE // 10_000
    assert _held(trading, TAKER) == (WEALTH + 10 * LOT_SIZE, WEALTH - paid)


def test_orders_of_one_lane_stand_by_rising_sequence(trading):
    later = trading.sign(TAKER, Side.BUY, sequence=2)
    last = trading.sign(TAKER, Side.BUY, sequence=9)
    orders = [trading.maker, trading.taker, later, last]
    fills = [(1, 0, 3), (2, 0, 2), (3, 0, 1)]
    turned = [orders[0], *orders[:0:-1]]
    trading.refuses(trading.batch(turned, fills), "SequencePassed", 2, 9, 2)
    trading.settle(trading.batch(orders, fills))
    assert trading.exchange.lane(TAKER.address, 0) == Lane(9, 1, 0, 0)
    assert trading.exchange.lane(MAKER.address, 0) == Lane(1, 6, 0, 0)


def test_an_order_listed_twice_counts_once(trading):
    rival = trading.sign(THIEF, Side.BUY)
    orders = [trading.maker, trading.taker, trading.maker, rival]
    trading.refuses(
        trading.batch(orders, [(1, 0, LOTS), (3, 2, 1)]), "Overfilled", 2, LOTS, LOTS + 1
    )
    trading.settle(trading.batch(orders, [(1, 0, 6), (3, 2, 4)]))
    assert trading.exchange.lane(MAKER.address, 0) == Lane(1, LOTS, 0, 0)


@pytest.mark.parametrize("lanes", [(0, 1), (1, 0), (2**32 - 2, 2**32 - 1)])
def test_neighbouring_lanes_do_not_touch_each_other(trading, lanes):
    orders = [
        *(trading.sign(MAKER, Side.SELL, lane=lane, sequence=lane + 1 & 0xFF) for lane in lanes),
        trading.taker,
    ]
    trading.settle(trading.batch(orders, [(2, 0, 3), (2, 1, 5)]))
    for lane, lots in zip(lanes, (3, 5), strict=True):
        assert trading.exchange.lane(MAKER.address, lane) == Lane(lane + 1 & 0xFF, lots, 0, 0)


@pytest.mark.parametrize("first", [Side.BUY, Side.SELL])
def test_an_account_pays_with_what_it_gets(trading, first):
    """Its order to buy stands before or after the one that brings the money."""
    poor, floor = Key("poor"), trading.floor
    floor.fund(poor.address, floor.base, LOT_SIZE)
    sells = trading.sign(poor, Side.SELL, lots=1, ticks=120, lane=0)
    buys = trading.sign(poor, Side.BUY, lots=1, ticks=100, lane=1)
    orders = [sells, buys] if first == Side.SELL else [buys, sells]
    sell, buy = orders.index(sells), orders.index(buys)
    orders += [trading.maker, trading.taker]
    trading.settle(trading.batch(orders, [(3, sell, 1), (buy, 2, 1)]))
    assert _held(trading, poor) == (LOT_SIZE, 20 * TICK_VALUE)


def test_what_is_not_there_is_not_paid(trading):
    poor, floor = Key("poor"), trading.floor
    price = 5 * 100 * TICK_VALUE
    floor.fund(poor.address, floor.quote, price - 1)
    batch = trading.batch([trading.maker, trading.sign(poor, Side.BUY, ticks=100)], [(1, 0, 5)])
    error = "InsufficientBalance", poor.address, floor.quote.address, price - 1, price
    trading.refuses(batch, *error)
    floor.fund(poor.address, floor.quote, 1)
    trading.settle(batch)
    assert _held(trading, poor) == (5 * LOT_SIZE, 0)


@pytest.mark.parametrize("key", [MAKER, TAKER], ids=["maker", "taker"])
@pytest.mark.parametrize("token", ["base", "quote"])
def test_an_exit_counts_when_it_is_due_and_not_before(trading, key, token):
    exchange, address = trading.exchange, getattr(trading.floor, token).address
    orders = [trading.sign(k, s, expiry=2**40 - 1) for k, s in ((MAKER, 1), (TAKER, 0))]
    exchange.request_exit(key.address, [address])
    due = exchange.balance(key.address, address).exit_at
    trading.machine.now = due - 1
    trading.settle(trading.batch(orders, [(1, 0, 1)], **CHARGED))
    assert exchange.balance(key.address, address).exit_at == due
    trading.machine.now = due
    trading.refuses(trading.batch(orders, [(1, 0, 1)]), "AccountExited", key.address, address, due)


def test_a_notice_changes_no_amount(floor):
    """Orders with something unusual to them are booked like the others."""
    outcomes = []
    for unusual in (False, True):
        with floor.machine.trial():
            trading = TradingStage(floor)
            if unusual:
                for key in (MAKER, TAKER):
                    trading.exchange.request_exit(key.address, [t.address for t in floor.tokens])
                    trading.exchange.cancel(key.address, 0, 5)
                    trading.exchange.cancel(key.address, 1, 5)
            more = [
                trading.sign(MAKER, Side.BUY, lane=1, ticks=130),
                trading.sign(TAKER, Side.SELL, lane=1, ticks=90),
            ]
            fills = [(1, 0, 3), (3, 2, 7), (1, 0, 2)]
            orders = [trading.maker, trading.taker, *more]
            trading.settle(trading.batch(orders, fills, **CHARGED))
            lanes = [
                trading.exchange.lane(key.address, lane)[:2]
                for key in (MAKER, TAKER)
                for lane in (0, 1)
            ]
            fees = trading.exchange.held(FEES, floor.quote.address)
            outcomes.append((_held(trading, MAKER), _held(trading, TAKER), lanes, fees))
    assert outcomes[0] == outcomes[1]


def test_a_debit_put_off_still_meets_the_notice(trading):
    """Money comes in by one order, and the order that would spend it finds the account gone."""
    floor, exchange, leaver = trading.floor, trading.exchange, Key("leaver")
    exchange.request_exit(leaver.address, [floor.quote.address])
    trading.machine.now += EXIT_DELAY
    due = exchange.balance(leaver.address, floor.quote.address).exit_at
    orders = [trading.sign(MAKER, Side.SELL), trading.sign(leaver, Side.BUY)]
    error = "AccountExited", leaver.address, floor.quote.address, due
    trading.refuses(trading.batch(orders, [(1, 0, 1)]), *error)


def test_the_fee_recipient_may_trade(trading):
    floor = trading.floor
    recipient = Key("recipient")
    trading.exchange.administer("proposeFeeRecipient", recipient.address)
    trading.machine.now += 2 * EXIT_DELAY
    trading.exchange.administer("acceptFeeRecipient")
    price, fee = 100 * TICK_VALUE, 100 * TICK_VALUE * TAKER_FEE // 10_000
    maker_fee = price * MAKER_FEE // 10_000
    # What it pays, less the fees that come back to it within the batch.
    floor.fund(recipient.address, floor.quote, price - maker_fee)
    orders = [trading.sign(MAKER, Side.SELL), trading.sign(recipient, Side.BUY)]
    trading.settle(trading.batch(orders, [(1, 0, 1)], **CHARGED))
    assert _held(trading, recipient) == (LOT_SIZE, 0)
    assert fee > 0


def test_more_than_fits_is_refused(trading):
    """Only a token that is not honest about its supply gets an account this far."""
    floor = trading.floor
    floor.fund(MAKER.address, floor.quote, MAX_BALANCE - 3 * WEALTH)
    floor.quote.seize(trading.exchange.address, MAX_BALANCE - 3 * WEALTH)
    floor.fund(MAKER.address, floor.quote, 2 * WEALTH - 1)
    price = 100 * TICK_VALUE
    error = "BalanceTooLarge", MAKER.address, floor.quote.address, price
    held = trading.exchange.held(MAKER.address, floor.quote.address)
    assert held == MAX_BALANCE - 1
    trading.refuses(trading.batch(fills=[(1, 0, 1)]), *error)


@pytest.mark.parametrize("sender", [RELAYER, STRANGER, MAKER.address, MATCHER.address])
def test_anybody_submits_a_batch(trading, sender):
    trading.floor.settle(trading.batch(), sender=sender)
    assert trading.exchange.last_batch() == 1


def test_the_matcher_signs_with_either_parity(trading):
    parities = set()
    for number in range(1, LOTS + 1):
        batch = trading.batch(fills=[(1, 0, 1)])
        signature = compact(sign_batch(MATCHER, trading.exchange.domain, batch))
        parities.add(signature[32] >> 7)
        trading.exchange.settle(batch.pack(), signature)
        assert trading.exchange.last_batch() == number
    assert parities == {0, 1}


def test_two_markets_share_the_numbers_of_batches(trading):
    trading.settle(trading.batch())
    orders = [
        trading.sign(MAKER, Side.SELL, ticks=1, market=2, sequence=2),
        trading.sign(TAKER, Side.BUY, ticks=1, market=2, sequence=2),
    ]
    trading.settle(trading.batch(orders, [(1, 0, 1)], market=2))
    assert trading.exchange.last_batch() == 2


def test_a_crowd_of_orders_settles_in_one_batch(trading):
    """As many orders as the gas of one transaction allows, each found by its index."""
    crowd = [Key(f"crowd {i}") for i in range(150)]
    for key in crowd:
        trading.floor.fund(key.address, trading.floor.quote, 10**9)
    maker = trading.sign(MAKER, Side.SELL, lots=10**4)
    orders = [maker, *(trading.sign(key, Side.BUY, lots=2) for key in crowd)]
    trading.settle(trading.batch(orders, [(i + 1, 0, 2) for i in range(len(crowd))]))
    for key in crowd:
        assert _held(trading, key) == (2 * LOT_SIZE, 10**9 - 200 * TICK_VALUE)
    assert _held(trading, MAKER)[0] == WEALTH - 300 * LOT_SIZE
    assert trading.exchange.held(account("nobody"), trading.floor.base.address) == 0
