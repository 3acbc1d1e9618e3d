"""Orders end before they are filled.

├── by hash, by client id, in a market, all; each of its owner alone
├── on chain: a lane up to a sequence
├── by the clock, in the order of their times
└── with their market, if it is halted so
"""

from __future__ import annotations

import random

import pytest

from gavelbook.exchange import commands
from gavelbook.exchange.errors import ExchangeError
from gavelbook.exchange.markets import Market
from gavelbook.exchange.reports import DoneReason, MarketHalted, MarketListed, MarketResumed
from tests.exchange.trading import (
    BUY,
    EURO,
    GAVEL,
    MAKER,
    MARKET,
    RICH,
    START_MS,
    TAKER,
    USD,
    WINDOW_S,
    Trading,
)


def test_cancel_by_hash_gives_back_what_was_reserved(trading: Trading) -> None:
    first, second = trading.buy(MAKER, 2, 10), trading.buy(MAKER, 3, 10)

    trading.apply(commands.CancelOrder(MAKER, first, DoneReason.DISCONNECTED))

    assert trading.ends() == {first: ("disconnected", 2)}
    assert trading.depth(BUY) == [(10, 3, 1)]
    trading.apply(commands.CancelOrder(MAKER, second))
    assert trading.available(MAKER, USD) == RICH
    assert trading.reserved(MAKER, USD) == 0


@pytest.mark.parametrize("left", [0, 1, 2])
def test_cancel_anywhere_in_a_level_keeps_the_others_in_line(trading: Trading, left: int) -> None:
    orders = [trading.buy(MAKER, 2, 10) for _ in range(3)]

    trading.apply(commands.CancelOrder(MAKER, orders.pop(left)))
    trading.sell(TAKER, 4, 10)

    assert [each[0] for each in trading.fills()] == orders


def test_nobody_cancels_for_another(trading: Trading) -> None:
    order = trading.buy(MAKER, 2, 10, client_id="mine")

    assert trading.refusal(commands.CancelOrder(TAKER, order)).code == "unknown_order"
    assert trading.refusal(commands.CancelClient(TAKER, "mine")).code == "unknown_order"
    trading.apply(commands.CancelAll(TAKER))
    trading.apply(commands.CancelMarket(TAKER, 1))
    assert trading.engine.order(order) is not None


def test_what_is_over_cannot_be_cancelled(trading: Trading) -> None:
    order = trading.buy(MAKER, 2, 10, client_id="mine")
    trading.sell(TAKER, 2, 10)

    assert trading.refusal(commands.CancelOrder(MAKER, order)).code == "unknown_order"
    assert trading.refusal(commands.CancelClient(MAKER, "mine")).code == "unknown_order"
    assert trading.refusal(commands.CancelClient(b"n" * 20, "mine")).code == "unknown_order"


def test_cancel_market_spares_other_markets(trading: Trading) -> None:
    here = [trading.buy(MAKER, 1, 1), trading.sell(MAKER, 1, 9)]
    there = trading.buy(MAKER, 1, 1, market=2)

    trading.apply(commands.CancelMarket(MAKER, 1))

    assert list(trading.ends()) == here
    assert trading.engine.order(there) is not None
    assert trading.refusal(commands.CancelMarket(MAKER, 9)).code == "unknown_market"


def test_cancel_all_goes_oldest_first(trading: Trading) -> None:
    orders = [trading.buy(MAKER, 1, 1, lane=lane, market=1 + lane % 2) for lane in (5, 2, 9)]

    trading.apply(commands.CancelAll(MAKER, DoneReason.OPERATOR))

    assert list(trading.ends().items()) == [(each, ("operator", 1)) for each in orders]
    trading.apply(commands.CancelAll(MAKER))
    trading.apply(commands.CancelAll(b"n" * 20))


def test_engines_own_reasons_are_not_for_cancels(trading: Trading) -> None:
    order = trading.buy(MAKER, 1, 1)

    command = commands.CancelOrder(MAKER, order, DoneReason.FILLED)

    assert trading.refusal(command).code == "reason_not_offered"


def test_chain_cancel_ends_and_bars_up_to_its_sequence(trading: Trading) -> None:
    order = trading.buy(MAKER, 1, 1, lane=3, sequence=5)

    trading.apply(commands.ChainCancel(MAKER, 3, 4))
    assert trading.engine.order(order) is not None
    assert trading.engine.lane_sequence(MAKER, 3) == 5
    trading.apply(commands.ChainCancel(MAKER, 3, 7))

    assert trading.ends() == {order: ("chain_cancel", 1)}
    late = trading.order(MAKER, BUY, 1, 1, lane=3, sequence=7)
    assert trading.refusal(late).code == "sequence_passed"
    trading.buy(MAKER, 1, 1, lane=3, sequence=8)


def test_chain_cancel_ends_the_very_sequence_it_names(trading: Trading) -> None:
    order = trading.buy(MAKER, 1, 1, lane=3, sequence=5)

    trading.apply(commands.ChainCancel(MAKER, 3, 5))

    assert trading.ends() == {order: ("chain_cancel", 1)}


def test_chain_cancel_before_any_order_counts(trading: Trading) -> None:
    trading.apply(commands.ChainCancel(TAKER, 3, 7))

    early = trading.order(TAKER, BUY, 1, 1, lane=3, sequence=7)
    assert trading.refusal(early).code == "sequence_passed"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (commands.ChainCancel(b"x", 0, 1), "address_malformed"),
        (commands.ChainCancel(MAKER, 2**32, 1), "lane_out_of_range"),
        (commands.ChainCancel(MAKER, 0, 0), "sequence_out_of_range"),
    ],
)
def test_chain_cancel_out_of_range(trading: Trading, command: commands.Command, code: str) -> None:
    assert trading.refusal(command).code == code


def test_clock_ends_orders_by_their_time(trading: Trading) -> None:
    start_s = START_MS // 1_000 + WINDOW_S
    lives = {trading.buy(MAKER, 1, 1, expiry=start_s + each): each for each in (3, 1, 2, 2, 9)}

    trading.pass_ms(3_000)

    assert [lives[each] for each in trading.ends()] == [1, 2, 2, 3]
    assert trading.engine.next_expiry == START_MS + 9_000


def test_thousands_of_replaced_orders_leave_no_trace_in_memory(trading: Trading) -> None:
    """The next expiry stays right while those of orders that are over are thrown out."""
    engine, position, draw = trading.engine, trading.engine.position, random.Random(3)
    for _ in range(5_000):
        position += 1
        lane, expiry = draw.randrange(400), draw.randrange(2_000, 9_000)
        engine.apply(position, START_MS, trading.order(MAKER, BUY, 1, 1, lane=lane, expiry=expiry))

    assert len(engine._state.expiries) < 3_000
    leaving = sorted(each.leaves_at_ms for each in engine.open_orders(MAKER))
    assert engine.next_expiry == leaving[0]
    for due in sorted(set(leaving)):
        assert engine.next_expiry == due
        position += 1
        engine.apply(position, due, commands.Clock())
    assert not engine.open_orders(MAKER)


def test_halted_market_takes_cancels_only(trading: Trading) -> None:
    order = trading.buy(MAKER, 1, 1)

    assert trading.apply(commands.HaltMarket(1)) == [MarketHalted(1)]

    assert trading.engine.halted(1)
    assert trading.refusal(trading.order(TAKER, BUY, 1, 1)).code == "market_halted"
    assert trading.refusal(commands.HaltMarket(1)).code == "market_halted"
    trading.buy(TAKER, 1, 1, market=2)
    trading.apply(commands.CancelOrder(MAKER, order))
    assert trading.apply(commands.ResumeMarket(1)) == [MarketResumed(1)]
    trading.buy(TAKER, 1, 1)
    assert trading.refusal(commands.ResumeMarket(1)).code == "market_not_halted"


def test_halt_may_end_the_orders(trading: Trading) -> None:
    orders = [trading.buy(MAKER, 1, 2), trading.sell(TAKER, 1, 9), trading.buy(TAKER, 1, 3)]
    other = trading.buy(TAKER, 1, 3, market=2)

    trading.apply(commands.HaltMarket(1, cancel_orders=True))

    assert list(trading.ends()) == orders
    assert trading.engine.order(other) is not None
    assert trading.reserved(MAKER, USD) == trading.reserved(TAKER, GAVEL) == 0


def test_markets_are_listed_once(trading: Trading) -> None:
    new = Market(3, EURO, USD, 1, 1, 0, 0)

    assert trading.apply(commands.ListMarket(new)) == [MarketListed(new)]

    assert [each.id for each in trading.engine.markets()] == [1, 2, 3]
    assert trading.engine.market(3) == new
    same_pair = Market(4, EURO, USD, 2, 2, 0, 0)
    for market in (new, same_pair, Market(1, EURO, GAVEL, 1, 1, 0, 0)):
        assert trading.refusal(commands.ListMarket(market)).code == "market_exists"


@pytest.mark.parametrize("command", [commands.HaltMarket(9), commands.ResumeMarket(9)])
def test_unknown_market(trading: Trading, command: commands.Command) -> None:
    assert trading.refusal(command).code == "unknown_market"


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"id": 0}, "market_out_of_range"),
        ({"id": 2**16}, "market_out_of_range"),
        ({"id": True}, "market_out_of_range"),
        ({"base_token": b"x"}, "address_malformed"),
        ({"quote_token": "x" * 20}, "address_malformed"),
        ({"quote_token": GAVEL}, "tokens_equal"),
        ({"lot_size": 0}, "lot_size_invalid"),
        ({"lot_size": 2**128}, "lot_size_invalid"),
        ({"tick_value": 0}, "tick_value_invalid"),
        ({"tick_value": 2**108}, "tick_value_invalid"),
        ({"tick_value": 1.5}, "tick_value_invalid"),
        ({"taker_fee_bps": 1_001}, "fee_invalid"),
        ({"maker_fee_bps": -1}, "fee_invalid"),
    ],
)
def test_market_terms_out_of_range(values: dict, code: str) -> None:
    terms = {field: getattr(MARKET, field) for field in MARKET.__struct_fields__} | values

    with pytest.raises(ExchangeError) as error:
        Market(**terms).check()

    assert error.value.code == code
