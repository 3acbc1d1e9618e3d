"""With the matcher's key stolen, the thief settles nothing that its parties have not signed.

Each test lets the thief sign a batch that takes too much. The contract refuses it with the error
that says why, and nothing has changed; the right batch settles all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gavelbook.exchange.orders import MAX_LOTS, Side
from tests.evm.exchange import (
    CANCEL_NOTICE,
    FEES,
    HOUR,
    LOT_SIZE,
    MAKER_FEE_BPS,
    TAKER_FEE_BPS,
    TICK_VALUE,
)
from tests.evm.signatures import Key
from tests.hostile.trading_scene import (
    LIMITS,
    LOTS,
    MAKER,
    TAKER,
    WEALTH,
    TradingStage,
    floor,
)

if TYPE_CHECKING:
    from tests.evm.exchange_signing import (
        SignedOrder,
    )

ROLES = pytest.mark.parametrize("index", [0, 1], ids=["maker", "taker"])


@pytest.fixture(params=list(Side), ids=lambda side: f"maker-{'sells' if side else 'buys'}")
def stage(_leave_no_trace: None, request: pytest.FixtureRequest) -> TradingStage:
    return TradingStage(floor(), request.param)


# --- Prices and fees -------------------------------------------------------------------------


def test_fill_beyond_the_takers_limit(stage: TradingStage) -> None:
    price = LIMITS[stage.maker_side]
    worse = price - 1 if stage.taker_side is Side.BUY else price + 1
    taker = stage.sign(TAKER, stage.taker_side, ticks=worse)

    stage.refuses(stage.batch([stage.maker, taker]), "PriceOutsideLimit", 0, price, worse)

    stage.settles(stage.maker, stage.sign(TAKER, stage.taker_side, ticks=price))


def test_fill_beyond_the_makers_limit(stage: TradingStage) -> None:
    """With roles swapped it is the other who is below or above the limit, and still refused."""
    price = LIMITS[stage.maker_side]
    worse = price - 1 if stage.taker_side is Side.BUY else price + 1
    taker = stage.sign(TAKER, stage.taker_side, ticks=worse)

    swapped = stage.batch([stage.maker, taker], [(0, 1, LOTS)])
    stage.refuses(swapped, "PriceOutsideLimit", 0, worse, price)


def test_swapped_roles_trade_within_both_limits(stage: TradingStage) -> None:
    """What a thief can do: let the one who came later set the price. Nobody's limit is broken."""
    stage.settle(stage.batch(fills=[(0, 1, LOTS)]))

    price = LIMITS[stage.taker_side]
    buyer = TAKER if stage.taker_side is Side.BUY else MAKER
    cost = LOTS * price * TICK_VALUE
    assert stage.exchange.held(buyer.address, floor().quote.address) == WEALTH - cost
    assert cost <= LOTS * LIMITS[Side.BUY] * TICK_VALUE


@pytest.mark.parametrize(
    ("fees", "cap"),
    [
        ({"taker_fee_bps": TAKER_FEE_BPS + 1}, TAKER_FEE_BPS),
        ({"maker_fee_bps": MAKER_FEE_BPS + 1}, MAKER_FEE_BPS),
        ({"taker_fee_bps": 2**16 - 1, "maker_fee_bps": 2**16 - 1}, TAKER_FEE_BPS),
    ],
)
def test_fee_above_the_markets(stage: TradingStage, fees: dict[str, int], cap: int) -> None:
    asked = next(iter(fees.values()))
    stage.refuses(stage.batch(**fees), "FeeAboveMarket", cap, asked)

    stage.settle(stage.batch(taker_fee_bps=TAKER_FEE_BPS, maker_fee_bps=MAKER_FEE_BPS))


@ROLES
def test_fee_above_what_the_order_allows(stage: TradingStage, index: int) -> None:
    """Each role counts for itself: the other's fee may be above what this order allows."""
    key, side, bound = (
        (TAKER, stage.taker_side, TAKER_FEE_BPS) if index else (MAKER, stage.maker_side, 20)
    )
    orders = [stage.maker, stage.taker]
    fees = {"taker_fee_bps": TAKER_FEE_BPS, "maker_fee_bps": MAKER_FEE_BPS}

    orders[index] = stage.sign(key, side, max_fee_bps=bound - 1)
    stage.refuses(stage.batch(orders, **fees), "FeeAboveOrder", index, 0, bound - 1, bound)

    orders[index] = stage.sign(key, side, max_fee_bps=bound)
    settles_with_fees(stage, orders, fees)


def settles_with_fees(stage: TradingStage, orders: list[SignedOrder], fees: dict[str, int]) -> None:
    stage.settle(stage.batch(orders, **fees))
    quote = LOTS * LIMITS[stage.maker_side] * TICK_VALUE
    due = sum(quote * bps // 10_000 for bps in fees.values())
    assert stage.exchange.held(FEES, floor().quote.address) == due


# --- Sizes -----------------------------------------------------------------------------------


@ROLES
def test_fill_over_size(stage: TradingStage, index: int) -> None:
    key, side = (TAKER, stage.taker_side) if index else (MAKER, stage.maker_side)
    orders = [
        stage.sign(MAKER, stage.maker_side, lots=LOTS + 5),
        stage.sign(TAKER, stage.taker_side, lots=LOTS + 5),
    ]
    orders[index] = stage.sign(key, side)

    over = stage.batch(orders, [(1, 0, LOTS + 1)])
    stage.refuses(over, "Overfilled", index, LOTS, LOTS + 1)
    in_two = stage.batch(orders, [(1, 0, 6), (1, 0, 5)])
    stage.refuses(in_two, "Overfilled", index, LOTS, LOTS + 1)

    stage.settles(*orders)


@ROLES
def test_fill_over_size_in_several_batches(stage: TradingStage, index: int) -> None:
    key, side = (TAKER, stage.taker_side) if index else (MAKER, stage.maker_side)
    orders = [
        stage.sign(MAKER, stage.maker_side, lots=LOTS * 2),
        stage.sign(TAKER, stage.taker_side, lots=LOTS * 2),
    ]
    orders[index] = stage.sign(key, side)
    for lots in (6, 3):
        stage.settle(stage.batch(orders, [(1, 0, lots)]))

    stage.refuses(stage.batch(orders, [(1, 0, 2)]), "Overfilled", index, LOTS, LOTS + 1)
    stage.refuses(stage.batch(orders, [(1, 0, 9)]), "Overfilled", index, LOTS, LOTS + 8)

    settles_rest = stage.batch(orders, [(1, 0, 1)])
    stage.settle(settles_rest)
    assert stage.exchange.lane(key.address, 0).filled_lots == LOTS


@ROLES
def test_order_listed_twice(stage: TradingStage, index: int) -> None:
    orders = [
        stage.sign(MAKER, stage.maker_side, lots=LOTS * 2),
        stage.sign(TAKER, stage.taker_side, lots=LOTS * 2),
    ]
    key, side = (TAKER, stage.taker_side) if index else (MAKER, stage.maker_side)
    orders[index] = stage.sign(key, side)
    twice = [*orders, orders[index]]
    again = (2, 0) if index else (1, 2)

    over = stage.batch(twice, [(1, 0, LOTS), (*again, 1)])
    stage.refuses(over, "Overfilled", 2, LOTS, LOTS + 1)

    stage.settle(stage.batch(twice, [(1, 0, 6), (*again, 4)]))
    assert stage.exchange.lane(key.address, 0).filled_lots == LOTS


def test_order_signed_twice_for_one_sequence_has_one_size(stage: TradingStage) -> None:
    """Two orders of one lane and sequence count together, whatever else differs."""
    other = stage.sign(MAKER, stage.maker_side, max_fee_bps=49)
    taker = stage.sign(TAKER, stage.taker_side, lots=LOTS * 2)

    both = stage.batch([stage.maker, other, taker], [(2, 0, 6), (2, 1, 5)])
    stage.refuses(both, "Overfilled", 1, LOTS, LOTS + 1)


def test_lots_that_would_wrap(stage: TradingStage) -> None:
    """As many lots as 64 bits hold, twice: neither counter nor amount starts over."""
    huge = [
        stage.sign(MAKER, stage.maker_side, lots=MAX_LOTS),
        stage.sign(TAKER, stage.taker_side, lots=MAX_LOTS),
    ]
    stage.refuses(stage.batch(huge, [(1, 0, MAX_LOTS)]), "InsufficientBalance")
    twice = stage.batch(huge, [(1, 0, MAX_LOTS), (1, 0, 2)])
    stage.refuses(twice, "Overfilled", 0, MAX_LOTS, MAX_LOTS + 2)
    stage.settle(stage.batch(huge, [(1, 0, 1)]))
    stage.refuses(stage.batch(huge, [(1, 0, MAX_LOTS)]), "Overfilled", 0, MAX_LOTS, MAX_LOTS + 1)


# --- Cancelled, replaced and expired ---------------------------------------------------------


@ROLES
def test_cancelled_order(stage: TradingStage, index: int) -> None:
    key = (MAKER, TAKER)[index]
    orders = [
        stage.sign(MAKER, stage.maker_side, sequence=3, expiry=floor().machine.now + 9 * HOUR),
        stage.sign(TAKER, stage.taker_side, sequence=3, expiry=floor().machine.now + 9 * HOUR),
    ]
    stage.exchange.cancel(key.address, 0, 4)
    due = floor().machine.now + CANCEL_NOTICE

    floor().machine.now = due - 1
    stage.settle(stage.batch(orders, [(1, 0, 1)]))
    for moment in (due, due + HOUR):
        floor().machine.now = moment
        stage.refuses(stage.batch(orders, [(1, 0, 1)]), "OrderCancelled", index, 4, 3)


@ROLES
def test_cancel_binds_whatever_was_cancelled_since(stage: TradingStage, index: int) -> None:
    """A second cancel does not suspend the first while its own notice runs."""
    key, side = (TAKER, stage.taker_side) if index else (MAKER, stage.maker_side)
    later = floor().machine.now + 9 * HOUR
    orders = [
        stage.sign(MAKER, stage.maker_side, expiry=later),
        stage.sign(TAKER, stage.taker_side, expiry=later),
    ]
    stage.exchange.cancel(key.address, 0, 1)
    floor().machine.now += CANCEL_NOTICE
    stage.exchange.cancel(key.address, 0, 5)

    stage.refuses(stage.batch(orders, [(1, 0, 1)]), "SequencePassed", index, 2, 1)
    orders[index] = stage.sign(key, side, sequence=2, expiry=later)
    stage.settle(stage.batch(orders, [(1, 0, 1)]))
    floor().machine.now += CANCEL_NOTICE
    stage.refuses(stage.batch(orders, [(1, 0, 1)]), "OrderCancelled", index, 5, 2)


@ROLES
def test_replaced_order(stage: TradingStage, index: int) -> None:
    key, side = (TAKER, stage.taker_side) if index else (MAKER, stage.maker_side)
    orders = [
        stage.sign(MAKER, stage.maker_side, lots=LOTS * 2),
        stage.sign(TAKER, stage.taker_side, lots=LOTS * 2),
    ]
    old, orders[index] = orders[index], stage.sign(key, side, sequence=2)
    stage.settle(stage.batch(orders, [(1, 0, 1)]))

    orders[index] = old
    stage.refuses(stage.batch(orders, [(1, 0, 1)]), "SequencePassed", index, 2, 1)


def test_replaced_order_after_its_successor_in_one_batch(stage: TradingStage) -> None:
    new = stage.sign(MAKER, stage.maker_side, sequence=2)
    fills = [(2, 0, 1), (2, 1, 1)]

    falling = stage.batch([new, stage.maker, stage.taker], fills)
    stage.refuses(falling, "SequencePassed", 1, 2, 1)

    stage.settle(stage.batch([stage.maker, new, stage.taker], fills))
    assert stage.exchange.lane(MAKER.address, 0)[:2] == (2, 1)


@ROLES
def test_expired_order(stage: TradingStage, index: int) -> None:
    key, side = (TAKER, stage.taker_side) if index else (MAKER, stage.maker_side)
    expiry = floor().machine.now + 60
    orders = [stage.maker, stage.taker]
    orders[index] = stage.sign(key, side, expiry=expiry)

    floor().machine.now = expiry
    stage.settle(stage.batch(orders, [(1, 0, 1)]))
    floor().machine.now = expiry + 1
    stage.refuses(stage.batch(orders, [(1, 0, 1)]), "OrderExpired", index, expiry)


# --- Money that is not there -----------------------------------------------------------------


@ROLES
def test_account_after_its_exit(stage: TradingStage, index: int) -> None:
    leaver = (MAKER, TAKER)[index]
    later = floor().machine.now + 100 * HOUR
    orders = [
        stage.sign(MAKER, stage.maker_side, expiry=later),
        stage.sign(TAKER, stage.taker_side, expiry=later),
    ]
    for token in (floor().base, floor().quote):
        with floor().machine.trial():
            stage.exchange.request_exit(leaver.address, [token.address])
            due = stage.exchange.balance(leaver.address, token.address).exit_at
            floor().machine.now = due - 1
            stage.settle(stage.batch(orders, [(1, 0, 1)]))
            floor().machine.now = due
            stage.refuses(
                stage.batch(orders, [(1, 0, 1)]),
                *("AccountExited", leaver.address, token.address, due),
            )
    stage.leave(leaver)
    for token in (floor().base, floor().quote):
        stage.exchange.exit(leaver.address, token.address)
    side = (stage.maker_side, stage.taker_side)[index]
    paid = floor().base if side is Side.SELL else floor().quote
    needed = LOT_SIZE if side is Side.SELL else LIMITS[stage.maker_side] * TICK_VALUE
    stage.refuses(
        stage.batch(orders, [(1, 0, 1)]),
        *("InsufficientBalance", leaver.address, paid.address, 0, needed),
    )


@pytest.mark.parametrize("short", [1, LOT_SIZE, WEALTH])
def test_account_without_the_money(stage: TradingStage, short: int) -> None:
    """One unit too little for amount and fee together is too little."""
    price, fee_bps = LIMITS[stage.maker_side], TAKER_FEE_BPS
    quote = LOTS * price * TICK_VALUE
    selling = stage.taker_side is Side.SELL
    needed = LOTS * LOT_SIZE if selling else quote + quote * fee_bps // 10_000
    held = max(0, needed - short)
    poor = Key("poor taker")
    paid = floor().base if selling else floor().quote
    floor().fund(poor.address, paid, held)
    batch = stage.batch([stage.maker, stage.sign(poor, stage.taker_side)], taker_fee_bps=fee_bps)

    stage.refuses(batch, "InsufficientBalance", poor.address, paid.address, held, needed)

    floor().fund(poor.address, paid, needed - held)
    stage.settle(batch)
    assert stage.exchange.held(poor.address, paid.address) == 0
