"""Who trades with whom: the engine against the plain rules, for any orders.

PlaceOrder
├── trades, books, balances and fees are those of the plain exchange
├── is refused exactly where the plain exchange refuses, and then changes nothing
├── never fills beyond a limit
├── keeps every token to the unit
└── a replay of the log, or of a snapshot and the rest, comes to the same state
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gavelbook.exchange import commands
from gavelbook.exchange.engine import Engine
from gavelbook.exchange.errors import ExchangeError
from gavelbook.exchange.orders import SelfTradePrevention, Side, TimeInForce
from gavelbook.exchange.reports import Filled
from tests.exchange.plain_exchange import PlainExchange
from tests.exchange.trading import EURO_MARKET, MARKET, TOKENS, TRADERS, Trading

MARKETS = {MARKET.id: MARKET, EURO_MARKET.id: EURO_MARKET}

placements = st.fixed_dictionaries(
    {
        "maker": st.sampled_from(TRADERS),
        "side": st.sampled_from(Side),
        "lots": st.integers(1, 9),
        "ticks": st.integers(1, 6),
        "market": st.sampled_from([1, 1, 1, 2]),
        "lane": st.integers(0, 3) | st.none(),
        "max_fee_bps": st.sampled_from([100, 100, 100, 20, 10, 0]),
        "time_in_force": st.sampled_from(
            [
                TimeInForce.GTC,
                TimeInForce.GTC,
                TimeInForce.IOC,
                TimeInForce.FOK,
            ]
        ),
        "post_only": st.sampled_from([False, False, False, True]),
        "self_trade_prevention": st.sampled_from(SelfTradePrevention),
        "client_id": st.sampled_from(["", "", "a", "b"]),
    }
)


def run(funds: int, orders: list[dict]) -> tuple[Trading, PlainExchange]:
    """Put the same orders to both, comparing refusals on the way."""
    trading, plain = Trading(funds=funds), PlainExchange(dict(MARKETS))
    for trader in TRADERS:
        for token in TOKENS:
            plain.add(trader, token, funds)
    for values in orders:
        post_only = values["post_only"] and values["time_in_force"] is TimeInForce.GTC
        command = trading.order(**{**values, "post_only": post_only})
        refusals = plain.refusals(command)
        if refusals:
            with pytest.raises(ExchangeError) as error:
                trading.apply(command)
            assert error.value.code in refusals
            # The next one is to have a sequence that was not used.
            trading.sequences[command.order.maker, command.order.lane] = plain.lanes.get(
                (command.order.maker, command.order.lane), 0
            )
        else:
            trading.apply(command)
            plain.place(command)
    return trading, plain


@settings(max_examples=300)
@given(
    funds=st.sampled_from([30_000, 100_000, 10**9]),
    orders=st.lists(placements, min_size=1, max_size=40),
)
def test_same_as_the_plain_exchange(funds: int, orders: list[dict]) -> None:
    trading, plain = run(funds, orders)
    engine = trading.engine

    assert trading.fills() == plain.trades
    for trader in TRADERS:
        assert [(each.order_hash, each.lots) for each in engine.open_orders(trader)] == [
            (each.command.order_hash, each.left) for each in plain.open if each.owner == trader
        ]
        for token in TOKENS:
            balance = engine.balance(trader, token)
            assert balance.reserved == plain.reserved(trader, token)
            assert balance.available == plain.free(trader, token) >= 0
    for token in TOKENS:
        assert engine.pending_fees(token) == plain.fees.get(token, 0)
    for market in MARKETS:
        for side in Side:
            assert trading.depth(side, market) == levels(plain, market, side)


def levels(plain: PlainExchange, market: int, side: Side) -> list[tuple[int, int, int]]:
    found = [
        (each.command.order.ticks, each.left)
        for each in plain.open
        if (each.command.order.market, each.command.order.side) == (market, side)
    ]
    prices = sorted({ticks for ticks, _ in found}, reverse=side is Side.BUY)
    lots = [[left for ticks, left in found if ticks == price] for price in prices]
    return [(price, sum(each), len(each)) for price, each in zip(prices, lots, strict=True)]


@given(orders=st.lists(placements, min_size=1, max_size=40))
def test_nobody_trades_beyond_a_limit_and_no_unit_is_lost(orders: list[dict]) -> None:
    trading, _ = run(10**6, orders)
    signed = {
        each.order_hash: each.order
        for _, _, each in trading.log
        if isinstance(each, commands.PlaceOrder)
    }

    for fill in (each for each in trading.reports if isinstance(each, Filled)):
        maker, taker = signed[fill.maker_hash], signed[fill.taker_hash]
        assert fill.ticks == maker.ticks
        sign = 1 if taker.side is Side.BUY else -1
        assert sign * fill.ticks <= sign * taker.ticks
        assert maker.maker != taker.maker
        assert max(fill.maker_fee, fill.taker_fee) <= fill.quote * 30 // 10_000
    for token in TOKENS:
        balances = [trading.engine.balance(each, token) for each in TRADERS]
        total = sum(each.available + each.reserved for each in balances)
        assert total + trading.engine.pending_fees(token) == 3 * 10**6


@given(orders=st.lists(placements, min_size=1, max_size=30), cut=st.integers(0, 30))
def test_replay_comes_to_the_same_state(orders: list[dict], cut: int) -> None:
    trading, _ = run(10**6, orders)

    engine, reports = trading.replayed()
    assert reports == trading.reports
    assert engine.state_hash() == trading.engine.state_hash()

    cut = min(cut, len(trading.log))
    first = Engine(trading.terms)
    for entry in trading.log[:cut]:
        first.apply(*entry)
    second = Engine.restore(first.snapshot())
    assert second.state_hash() == first.state_hash()
    for entry in trading.log[cut:]:
        assert second.apply(*entry) == first.apply(*entry)
    assert second.snapshot() == trading.engine.snapshot()
