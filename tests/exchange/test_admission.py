"""What an order must be, and what its account must have, to be taken.

├── sequences, duplicates, client ids, fee bound, cover, number of orders and lanes
├── values out of range
└── amounts up to the largest, and beyond
"""

from __future__ import annotations

import msgspec
import pytest

from gavelbook.exchange import commands
from gavelbook.exchange.errors import ExchangeError
from gavelbook.exchange.markets import Market
from gavelbook.exchange.orders import TimeInForce
from tests.exchange.trading import (
    BUY,
    EURO,
    GAVEL,
    MAKER,
    SELL,
    START_MS,
    TAKER,
    USD,
    WINDOW_S,
    Trading,
)

GTC, GTT, IOC, FOK = TimeInForce
TICK_VALUE, LOT_SIZE = 1_003, 7


@pytest.mark.parametrize("sequence", [1, 2])
def test_sequence_behind_the_lane_is_refused(trading: Trading, sequence: int) -> None:
    trading.buy(MAKER, 5, 10, lane=7, sequence=2, time_in_force=IOC)

    error = trading.refusal(trading.order(MAKER, BUY, 5, 10, lane=7, sequence=sequence))

    assert error.code == "sequence_passed"
    assert error.details == {"last": 2, "sequence": sequence}


def test_same_order_again_is_a_duplicate(trading: Trading) -> None:
    command = trading.order(MAKER, BUY, 5, 10)
    trading.apply(command)

    assert trading.refusal(command).code == "duplicate_order"


def test_client_id_is_unique_among_open_orders(trading: Trading) -> None:
    first = trading.order(MAKER, BUY, 1, 1, client_id="mine", lane=1)
    trading.apply(first)

    again = trading.order(MAKER, BUY, 1, 1, client_id="mine", lane=2)
    assert trading.refusal(again).code == "duplicate_client_id"
    trading.buy(TAKER, 1, 1, client_id="mine")
    trading.buy(MAKER, 1, 1, client_id="mine", lane=1)
    trading.apply(commands.CancelClient(MAKER, "mine"))
    trading.buy(MAKER, 1, 1, client_id="mine")


@pytest.mark.parametrize(
    ("max_fee_bps", "instructions", "taken"),
    [
        (20, {}, True),
        (19, {}, False),
        (19, {"time_in_force": IOC}, False),
        (10, {"post_only": True}, True),
        (9, {"post_only": True}, False),
    ],
)
def test_fee_bound(trading: Trading, max_fee_bps: int, instructions: dict, *, taken: bool) -> None:
    command = trading.order(MAKER, BUY, 1, 1, max_fee_bps=max_fee_bps, **instructions)
    if taken:
        trading.apply(command)
    else:
        assert trading.refusal(command).code == "fee_above_order"


def test_makers_fee_counts_where_it_is_the_higher_one(trading: Trading) -> None:
    """In the second market takers pay nothing and makers 30 bps."""
    resting = trading.order(MAKER, BUY, 1, 1, market=2, max_fee_bps=29)
    taking = trading.order(MAKER, BUY, 1, 1, market=2, max_fee_bps=0, time_in_force=IOC)

    assert trading.refusal(resting).code == "fee_above_order"
    trading.apply(taking)


def test_reservation_is_exact_to_the_unit() -> None:
    quote = 3 * 5 * TICK_VALUE
    needs = quote + quote * 20 // 10_000
    for funds, taken in ((needs, True), (needs - 1, False)):
        trading = Trading(funds=funds)
        command = trading.order(MAKER, BUY, 3, 5)
        if taken:
            trading.apply(command)
            assert trading.reserved(MAKER, USD) == quote + quote * 10 // 10_000
        else:
            error = trading.refusal(command)
            assert error.code == "insufficient_balance"
            assert error.details == {"available": needs - 1, "needed": needs}


def test_account_without_any_deposit_has_nothing(trading: Trading) -> None:
    error = trading.refusal(trading.order(b"n" * 20, SELL, 1, 1))

    assert error.code == "insufficient_balance"


def test_credits_of_fills_may_be_traded_with_at_once() -> None:
    trading = Trading(funds=0)
    trading.apply(commands.Deposit(MAKER, GAVEL, LOT_SIZE))
    trading.apply(commands.Deposit(TAKER, USD, 100_000))
    trading.sell(MAKER, 1, 10)
    trading.buy(TAKER, 1, 10)

    trading.sell(TAKER, 1, 10)

    assert trading.reserved(TAKER, GAVEL) == LOT_SIZE


def test_account_may_hold_only_so_many_orders_and_lanes() -> None:
    trading = Trading(max_open_orders=2, max_lanes=3)
    trading.buy(MAKER, 1, 1, lane=1)
    trading.buy(MAKER, 1, 1, lane=2)
    assert trading.refusal(trading.order(MAKER, BUY, 1, 1, lane=3)).code == "too_many_orders"

    trading.buy(MAKER, 1, 2, lane=2)
    trading.apply(commands.CancelAll(MAKER))
    trading.buy(MAKER, 1, 1, lane=3)
    assert trading.refusal(trading.order(MAKER, BUY, 1, 1, lane=4)).code == "too_many_lanes"
    trading.buy(MAKER, 1, 1, lane=1)


@pytest.mark.parametrize(
    ("field", "values", "code"),
    [
        ("lots", (0, -1, 2**64), "lots_out_of_range"),
        ("ticks", (0, -1, 2**64), "ticks_out_of_range"),
        ("lane", (-1, 2**32), "lane_out_of_range"),
        ("sequence", (0, 2**32), "sequence_out_of_range"),
        ("expiry", (-1, 2**40), "expiry_out_of_range"),
        ("max_fee_bps", (-1, 1_001), "max_fee_bps_out_of_range"),
        ("maker", (b"", b"x" * 19, b"x" * 21), "address_malformed"),
        ("market", (0, 3, -1, 2**70), "unknown_market"),
        ("expiry", (0, START_MS // 1_000, START_MS // 1_000 + WINDOW_S), "order_expired"),
    ],
)
def test_signed_value_out_of_range(trading: Trading, field: str, values: tuple, code: str) -> None:
    command = trading.order(MAKER, BUY, 1, 1)
    for value in values:
        order = msgspec.structs.replace(command.order, **{field: value})
        assert trading.refusal(msgspec.structs.replace(command, order=order)).code == code


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"order_hash": b"x" * 31}, "order_hash_malformed"),
        ({"signature": b"x" * 63}, "signature_malformed"),
        ({"client_id": "x" * 37}, "client_id_malformed"),
        ({"client_id": "ü"}, "client_id_malformed"),
        ({"client_id": "a\n"}, "client_id_malformed"),
        ({"time_in_force": GTT}, "good_till_out_of_range"),
        ({"time_in_force": GTT, "good_till": 2**60}, "good_till_out_of_range"),
        ({"time_in_force": GTT, "good_till": START_MS}, "order_expired"),
        ({"good_till": START_MS + 1}, "good_till_unexpected"),
        ({"post_only": True, "time_in_force": IOC}, "post_only_immediate"),
        ({"post_only": True, "time_in_force": FOK}, "post_only_immediate"),
    ],
)
def test_instruction_out_of_range(trading: Trading, values: dict, code: str) -> None:
    command = trading.order(MAKER, BUY, 1, 1)

    assert trading.refusal(msgspec.structs.replace(command, **values)).code == code


@pytest.mark.parametrize("signature", [b"", b"s" * 64, b"s" * 65])
def test_signature_may_be_short_long_or_on_chain(trading: Trading, signature: bytes) -> None:
    command = trading.order(MAKER, BUY, 1, 1)

    trading.apply(msgspec.structs.replace(command, signature=signature))


def test_largest_amounts_trade_exactly() -> None:
    """Lots and ticks near 2**64, balances of 2**216 - 1."""
    trading, most = Trading(funds=0), 2**216 - 1
    huge = Market(3, EURO, USD, 2**128 - 1, 2**64, taker_fee_bps=1_000, maker_fee_bps=1_000)
    trading.apply(commands.ListMarket(huge))
    trading.apply(commands.Deposit(MAKER, EURO, most))
    trading.apply(commands.Deposit(TAKER, USD, most))
    lots, ticks = 2**64 - 1, 2**64 - 1

    trading.sell(MAKER, lots, ticks, market=3, max_fee_bps=1_000)
    trading.buy(TAKER, lots, ticks, market=3, max_fee_bps=1_000, time_in_force=IOC)

    quote = lots * ticks * 2**64
    fee = quote // 10
    assert trading.available(TAKER, USD) == most - quote - fee
    assert trading.available(MAKER, USD) == quote - fee
    assert trading.available(TAKER, EURO) == lots * (2**128 - 1)
    assert trading.engine.pending_fees(USD) == 2 * fee


def test_amount_beyond_every_balance_is_refused_not_wrapped() -> None:
    trading = Trading(funds=0)
    huge = Market(3, EURO, USD, 2**128 - 1, 2**108 - 1, taker_fee_bps=0, maker_fee_bps=0)
    trading.apply(commands.ListMarket(huge))
    trading.apply(commands.Deposit(MAKER, USD, 2**216 - 1))

    error = trading.refusal(trading.order(MAKER, BUY, 2**64 - 1, 2**64 - 1, market=3))

    assert error.code == "insufficient_balance"
    assert error.details["needed"] == (2**64 - 1) ** 2 * (2**108 - 1)


def test_check_refuses_as_placing_and_changes_nothing(trading: Trading) -> None:
    before = trading.engine.state_hash()

    trading.engine.check(START_MS, trading.order(MAKER, BUY, 1, 1))
    with pytest.raises(ExchangeError, match="ticks"):
        trading.engine.check(START_MS, trading.order(MAKER, BUY, 1, 0))

    assert trading.engine.state_hash() == before
