"""Orders come in.

PlaceOrder
├── trades at the maker's price, best price first, then first come
├── GTC rests, GTT until its time, IOC ends, FOK is all or nothing, post-only never takes
├── self-trade prevention ends the incoming order, the resting one, or both
├── replaces what is open in its lane
└── reserves what it may need, and gives back what it did not
"""

from __future__ import annotations

import pytest

from gavelbook.exchange import commands
from gavelbook.exchange.orders import SelfTradePrevention, TimeInForce
from gavelbook.exchange.reports import Filled, OrderAccepted, OrderDone, OrderRested
from tests.exchange.trading import (
    BUY,
    EXPIRY,
    GAVEL,
    MAKER,
    RICH,
    SELL,
    START_MS,
    TAKER,
    TRADER,
    USD,
    WINDOW_S,
    Trading,
)

GTC, GTT, IOC, FOK = TimeInForce
NEWEST, OLDEST, BOTH = SelfTradePrevention
TICK_VALUE, LOT_SIZE = 1_003, 7


def test_order_that_meets_nothing_rests(trading: Trading) -> None:
    command = trading.order(MAKER, SELL, 5, 10, client_id="mine")
    leaves_at_ms = (EXPIRY - WINDOW_S) * 1_000

    assert trading.apply(command) == [
        OrderAccepted(command.order_hash, MAKER, 1, "mine"),
        OrderRested(command.order_hash, MAKER, 1, SELL, 5, 10, leaves_at_ms),
    ]
    assert trading.depth(SELL) == [(10, 5, 1)]


def test_trade_is_at_the_makers_price_with_a_fee_from_both(trading: Trading) -> None:
    resting = trading.sell(MAKER, 5, 10)
    command = trading.order(TAKER, BUY, 3, 12)

    reports = trading.apply(command)

    quote = 3 * 10 * TICK_VALUE
    assert reports[1:] == [
        Filled(
            fill_id=1,
            market=1,
            maker_hash=resting,
            taker_hash=command.order_hash,
            maker=MAKER,
            taker=TAKER,
            lots=3,
            ticks=10,
            taker_side=BUY,
            quote=quote,
            maker_fee=quote * 10 // 10_000,
            taker_fee=quote * 20 // 10_000,
            time_ms=START_MS,
        ),
        OrderDone(command.order_hash, TAKER, 1, BUY, 0, 12, rested=False, reason="filled"),
    ]
    assert trading.available(TAKER, USD) == RICH - quote - quote * 20 // 10_000
    assert trading.available(TAKER, GAVEL) == RICH + 3 * LOT_SIZE
    assert trading.available(MAKER, USD) == RICH + quote - quote * 10 // 10_000
    assert trading.available(MAKER, GAVEL) == RICH - 5 * LOT_SIZE
    assert trading.reserved(MAKER, GAVEL) == 2 * LOT_SIZE


def test_best_price_first_then_first_come(trading: Trading) -> None:
    late_best = trading.sell(MAKER, 2, 9)
    first = trading.sell(MAKER, 2, 10)
    second = trading.sell(TRADER, 2, 10)

    incoming = trading.buy(TAKER, 5, 10)

    assert trading.fills() == [
        (late_best, incoming, 2, 9),
        (first, incoming, 2, 10),
        (second, incoming, 1, 10),
    ]


def test_partial_fill_keeps_its_place(trading: Trading) -> None:
    first, second = trading.buy(MAKER, 5, 10), trading.buy(TRADER, 5, 10)
    trading.sell(TAKER, 2, 10)

    incoming = trading.sell(TAKER, 4, 10)

    assert trading.fills()[1:] == [(first, incoming, 3, 10), (second, incoming, 1, 10)]


def test_rest_of_a_taker_rests_at_its_limit(trading: Trading) -> None:
    trading.sell(MAKER, 2, 9)

    trading.buy(TAKER, 5, 10)

    assert trading.depth(BUY) == [(10, 3, 1)]
    assert trading.depth(SELL) == []


def test_resting_buy_reserves_price_and_makers_fee_and_gets_back_the_rest(
    trading: Trading,
) -> None:
    trading.buy(MAKER, 10, 99)
    quote = 10 * 99 * TICK_VALUE
    assert trading.reserved(MAKER, USD) == quote + quote * 10 // 10_000

    for _ in range(10):
        trading.sell(TAKER, 1, 99)

    each = 99 * TICK_VALUE
    assert trading.reserved(MAKER, USD) == 0
    assert trading.available(MAKER, USD) == RICH - 10 * (each + each * 10 // 10_000)


def test_ioc_ends_with_what_it_did_not_fill(trading: Trading) -> None:
    trading.sell(MAKER, 2, 9)

    incoming = trading.buy(TAKER, 5, 10, time_in_force=IOC)

    assert trading.ends()[incoming] == ("ioc", 3)
    assert trading.depth(BUY) == []
    assert trading.reserved(TAKER, USD) == 0


def test_fok_fills_whole_or_not_at_all(trading: Trading) -> None:
    trading.sell(MAKER, 2, 9)
    trading.sell(MAKER, 2, 10)
    trading.sell(MAKER, 9, 11)

    too_much = trading.buy(TAKER, 5, 10, time_in_force=FOK)
    assert trading.ends() == {too_much: ("fok", 5)}
    assert trading.available(TAKER, USD) == RICH
    assert trading.fills() == []

    all_of_it = trading.buy(TAKER, 4, 10, time_in_force=FOK)
    assert trading.ends()[all_of_it] == ("filled", 0)


@pytest.mark.parametrize(("prevention", "filled"), [(NEWEST, False), (OLDEST, True), (BOTH, False)])
def test_fok_does_not_count_own_orders(
    trading: Trading, prevention: SelfTradePrevention, *, filled: bool
) -> None:
    trading.sell(MAKER, 2, 9)
    own = trading.sell(TAKER, 2, 9)
    trading.sell(MAKER, 2, 9)

    for lots, possible in ((5, False), (4, filled), (2, True)):
        trading_hash = trading.buy(
            TAKER, lots, 9, time_in_force=FOK, self_trade_prevention=prevention
        )
        assert (trading.ends()[trading_hash][0] == "filled") == possible
        if possible:
            break
        assert trading.engine.order(own) is not None


def test_gtt_leaves_at_its_time(trading: Trading) -> None:
    order = trading.buy(MAKER, 1, 1, time_in_force=GTT, good_till=START_MS + 500)
    assert trading.engine.next_expiry == START_MS + 500

    trading.pass_ms(499)
    assert trading.engine.order(order) is not None
    trading.pass_ms(1)
    assert trading.ends() == {order: ("expired", 1)}
    assert trading.available(MAKER, USD) == RICH
    assert trading.engine.next_expiry is None


def test_order_leaves_the_settlement_window_before_it_expires(trading: Trading) -> None:
    order = trading.buy(MAKER, 1, 1, expiry=START_MS // 1_000 + WINDOW_S + 5)

    trading.pass_ms(4_999)
    assert trading.engine.order(order) is not None
    trading.pass_ms(1)
    assert trading.ends() == {order: ("expired", 1)}


def test_nothing_but_the_clock_is_taken_while_an_order_is_due(trading: Trading) -> None:
    trading.buy(MAKER, 1, 1, time_in_force=GTT, good_till=START_MS + 500)
    trading.time_ms += 500

    assert trading.refusal(trading.order(TAKER, SELL, 1, 1)).code == "clock_due"
    trading.pass_ms(0)
    trading.sell(TAKER, 1, 1)
    assert trading.fills() == []


def test_cancelled_orders_do_not_ask_for_the_clock(trading: Trading) -> None:
    order = trading.buy(MAKER, 1, 1, time_in_force=GTT, good_till=START_MS + 500)
    trading.apply(commands.CancelOrder(MAKER, order))
    trading.time_ms += 500

    trading.sell(TAKER, 1, 1)


def test_post_only_rests_or_is_refused(trading: Trading) -> None:
    trading.sell(MAKER, 1, 10)

    trading.buy(TAKER, 1, 9, post_only=True)
    error = trading.refusal(trading.order(TAKER, BUY, 1, 10, post_only=True))

    assert error.code == "post_only_would_cross"
    assert trading.depth(BUY) == [(9, 1, 1)]


def test_post_only_does_not_cross_what_it_replaces(trading: Trading) -> None:
    trading.sell(MAKER, 1, 10, lane=4)

    trading.buy(MAKER, 1, 10, lane=4, post_only=True)

    assert trading.depth(BUY) == [(10, 1, 1)]
    assert trading.depth(SELL) == []


def test_post_only_crosses_others_beside_what_it_replaces(trading: Trading) -> None:
    trading.sell(MAKER, 1, 10, lane=4)
    trading.sell(TAKER, 1, 10)

    error = trading.refusal(trading.order(MAKER, BUY, 1, 10, lane=4, post_only=True))

    assert error.code == "post_only_would_cross"


@pytest.mark.parametrize(
    ("prevention", "fills", "incoming_end", "own_end"),
    [
        (NEWEST, 1, ("self_trade", 4), None),
        (OLDEST, 2, ("filled", 0), ("self_trade", 2)),
        (BOTH, 1, ("self_trade", 4), ("self_trade", 2)),
    ],
)
def test_self_trade_prevention(
    trading: Trading,
    prevention: SelfTradePrevention,
    fills: int,
    incoming_end: tuple[str, int],
    own_end: tuple[str, int] | None,
) -> None:
    trading.sell(MAKER, 1, 10)
    own = trading.sell(TAKER, 2, 10)
    trading.sell(MAKER, 4, 10)

    incoming = trading.buy(TAKER, 5, 10, self_trade_prevention=prevention)

    assert len(trading.fills()) == fills
    assert trading.ends()[incoming] == incoming_end
    assert trading.ends().get(own) == own_end
    assert trading.reserved(TAKER, USD) == 0
    assert trading.reserved(TAKER, GAVEL) == (2 * LOT_SIZE if own_end is None else 0)


def test_cancel_oldest_goes_through_thousands_of_own_orders() -> None:
    trading = Trading()
    engine, position = trading.engine, trading.engine.position
    for lane in range(3_000):
        position += 1
        engine.apply(position, START_MS, trading.order(TAKER, SELL, 1, 10, lane=lane))
    incoming = trading.order(TAKER, BUY, 1, 10, lane=4_000, self_trade_prevention=OLDEST)

    trading.apply(incoming)

    assert trading.depth(SELL) == []
    assert trading.depth(BUY) == [(10, 1, 1)]


def test_higher_sequence_replaces_what_is_open_in_the_lane(trading: Trading) -> None:
    old = trading.buy(MAKER, 5, 10, lane=7)

    new = trading.buy(MAKER, 3, 11, lane=7)

    assert trading.ends() == {old: ("replaced", 5)}
    assert [each.order_hash for each in trading.engine.open_orders(MAKER)] == [new]
    assert trading.engine.lane_sequence(MAKER, 7) == 2


def test_replacing_may_use_what_the_old_order_reserved() -> None:
    trading = Trading(funds=10_000)
    trading.buy(MAKER, 1, 9, lane=7)

    trading.buy(MAKER, 3, 3, lane=7)

    assert trading.depth(BUY) == [(3, 3, 1)]


def test_replaced_order_does_not_trade_with_its_successor(trading: Trading) -> None:
    trading.sell(MAKER, 5, 10, lane=7)

    trading.buy(MAKER, 5, 10, lane=7)

    assert trading.fills() == []
    assert trading.depth(BUY) == [(10, 5, 1)]
