"""Fills become final on chain, or are undone.

├── BatchSettled: consecutive numbers, exactly the fills it names
└── BustFill: both sides as before, orders without cover end, later fills are for the caller
"""

from __future__ import annotations

import pytest

from gavelbook.exchange import commands
from gavelbook.exchange.reports import FillBusted, FillsSettled
from tests.exchange.trading import (
    GAVEL,
    MAKER,
    RICH,
    TAKER,
    TOKENS,
    TRADER,
    TRADERS,
    USD,
    Trading,
)


@pytest.fixture
def trading() -> Trading:
    """Three fills: two in the first market, one in the second between them."""
    trading = Trading()
    for market in (1, 2, 1):
        trading.sell(MAKER, 10, 100, market=market)
        trading.buy(TAKER, 10, 100, market=market)
    return trading


def test_batch_settles_the_fills_of_its_market(trading: Trading) -> None:
    fees = trading.engine.pending_fees(USD)
    before = {each: trading.engine.balance(MAKER, each) for each in TOKENS}

    reports = trading.apply(commands.BatchSettled(1, 1, 1, 3, 2))

    assert reports == [FillsSettled(1, 1, 1, 3, 2, fees)]
    assert trading.engine.unsettled_fills() == 1
    assert trading.engine.last_batch == 1
    after = trading.engine.balance(MAKER, USD)
    assert after.available == before[USD].available
    assert after.unsettled_in == 0
    assert after.withdrawable == after.available
    assert trading.engine.balance(TAKER, GAVEL).unsettled_in == 10 * 3


def test_batch_numbers_are_consecutive(trading: Trading) -> None:
    assert trading.refusal(commands.BatchSettled(2, 1, 1, 3, 2)).code == "wrong_batch_number"
    trading.apply(commands.BatchSettled(1, 1, 1, 1, 1))
    assert trading.refusal(commands.BatchSettled(1, 1, 3, 3, 1)).code == "wrong_batch_number"


@pytest.mark.parametrize(
    ("market", "first", "last", "count"),
    [(1, 1, 3, 3), (1, 1, 3, 1), (2, 1, 1, 1), (1, 4, 9, 1), (1, 3, 1, 1), (1, 1, 2**70, 3)],
)
def test_batch_that_does_not_fit_is_refused(
    trading: Trading, market: int, first: int, last: int, count: int
) -> None:
    batch = commands.BatchSettled(1, market, first, last, count)

    assert trading.refusal(batch).code == "batch_mismatch"


def test_batch_of_no_market_is_refused(trading: Trading) -> None:
    assert trading.refusal(commands.BatchSettled(1, 9, 1, 1, 1)).code == "unknown_market"


def test_busted_fills_leave_no_trace_of_money(trading: Trading) -> None:
    for fill_id in (2, 3, 1):
        (report,) = trading.apply(commands.BustFill(fill_id))
        assert isinstance(report, FillBusted)
        assert report.fill.fill_id == fill_id

    for trader in TRADERS:
        for token in TOKENS:
            balance = trading.engine.balance(trader, token)
            assert (balance.available, balance.unsettled_in) == (RICH, 0)
    assert trading.engine.pending_fees(USD) == 0
    assert trading.engine.unsettled_fills() == 0


def test_only_unsettled_fills_are_busted(trading: Trading) -> None:
    trading.apply(commands.BatchSettled(1, 1, 1, 1, 1))
    trading.apply(commands.BustFill(2))

    for fill_id in (0, 1, 2, 4):
        assert trading.refusal(commands.BustFill(fill_id)).code == "unknown_fill"
    assert trading.refusal(commands.BatchSettled(2, 1, 2, 3, 2)).code == "batch_mismatch"
    trading.apply(commands.BatchSettled(2, 1, 2, 3, 1))


def test_bust_ends_orders_that_lose_their_cover_newest_first() -> None:
    trading = Trading(funds=0)
    trading.apply(commands.Deposit(MAKER, GAVEL, 70))
    trading.apply(commands.Deposit(TAKER, USD, 10**6))
    trading.sell(MAKER, 10, 1)
    trading.buy(TAKER, 10, 1)
    trading.apply(commands.Deposit(TAKER, GAVEL, 21))
    kept, lost = trading.sell(TAKER, 3, 9), trading.sell(TAKER, 10, 8)

    trading.apply(commands.BustFill(1))

    assert trading.ends()[lost] == ("deficit", 10)
    assert [each.order_hash for each in trading.engine.open_orders(TAKER)] == [kept]
    assert trading.available(TAKER, GAVEL) == 0
    assert not trading.engine.in_deficit(TAKER)


def test_bust_of_what_was_traded_on_is_made_good_by_the_later_bust() -> None:
    trading = Trading(funds=0)
    trading.apply(commands.Deposit(MAKER, GAVEL, 70))
    trading.apply(commands.Deposit(TAKER, USD, 10**6))
    trading.apply(commands.Deposit(TRADER, USD, 10**6))
    trading.sell(MAKER, 10, 1)
    trading.buy(TAKER, 10, 1)
    trading.sell(TAKER, 10, 2)
    trading.buy(TRADER, 10, 2)

    trading.apply(commands.BustFill(1))
    assert trading.available(TAKER, GAVEL) == -70
    assert trading.engine.in_deficit(TAKER)
    trading.apply(commands.BustFill(2))

    assert trading.available(MAKER, GAVEL) == 70
    assert trading.available(TAKER, USD) == trading.available(TRADER, USD) == 10**6
    assert not trading.engine.in_deficit(TAKER)
