from collections import Counter

import pytest

from gavelbook.demo.traders import LEVELS, Intent, Traders
from gavelbook.exchange.commands import Deposit, ListMarket, PlaceOrder
from gavelbook.exchange.engine import Engine, EngineTerms
from gavelbook.exchange.errors import ExchangeError
from gavelbook.exchange.markets import Market
from gavelbook.exchange.orders import Order, Side, TimeInForce
from gavelbook.exchange.reports import Filled

MAKERS, TAKERS, FIRST = 4, 6, 800
WHOLE = 10**18
MARKET = Market(1, b"\xba" * 20, b"\xcd" * 20, WHOLE, WHOLE // 1_000, 10, 2)


def traders(seed=1):
    return Traders(MAKERS, TAKERS, FIRST, seed)


def rounds(count, seed=1):
    crowd = traders(seed)
    return [crowd.round() for _ in range(count)]


def test_the_same_seed_gives_the_same_wishes():
    assert rounds(50, seed=7) == rounds(50, seed=7)
    assert rounds(50, seed=7) != rounds(50, seed=8)


@pytest.mark.parametrize("seed", range(10))
def test_ladders_leave_a_spread_around_the_price(seed):
    wishes = traders(seed).ladders()
    bids = [wish.ticks for wish in wishes if wish.side is Side.BUY]
    asks = [wish.ticks for wish in wishes if wish.side is Side.SELL]
    assert len(bids) == len(asks) == MAKERS * LEVELS
    assert max(bids) < FIRST < min(asks)
    assert min(asks) - max(bids) < FIRST // 50
    assert len(set(bids)) > LEVELS


def test_every_quote_of_a_maker_has_its_lane():
    wishes = traders().ladders()
    assert len({(wish.trader, wish.lane) for wish in wishes}) == len(wishes)
    assert {wish.trader for wish in wishes} == set(range(MAKERS))


@pytest.mark.parametrize("seed", range(10))
def test_each_round_a_taker_comes_and_makers_follow(seed):
    for first, *followers in rounds(300, seed):
        assert MAKERS <= first.trader < MAKERS + TAKERS
        assert first.intent in {Intent.TAKE, Intent.REST}
        assert {wish.intent for wish in followers} == {Intent.QUOTE}
        assert all(wish.trader < MAKERS for wish in followers)
        assert all(wish.lots >= 1 and wish.ticks >= 1 for wish in (first, *followers))


def test_takers_come_on_both_sides_with_both_intents():
    first = [wishes[0] for wishes in rounds(300)]
    assert {wish.side for wish in first} == set(Side)
    assert {wish.intent for wish in first} == {Intent.TAKE, Intent.REST}


def test_the_price_wanders_and_stays_in_reach():
    crowd = traders()
    prices = set()
    for _ in range(20_000):
        for wish in crowd.round():
            assert FIRST // 3 <= wish.ticks <= FIRST * 3
            prices.add(wish.ticks)
    assert len(prices) > 100


@pytest.mark.parametrize("seed", range(3))
def test_a_market_of_them_stays_alive(seed):
    floor = Floor(seed)
    floor.place(floor.crowd.ladders())
    for _ in range(10):
        before = floor.fills
        for _ in range(100):
            floor.place(floor.crowd.round())
        assert floor.fills - before > 50
        (bid, *_), (ask, *_) = (floor.engine.depth(1, side, 5) for side in Side)
        assert bid.ticks < ask.ticks < bid.ticks * 1.05
    assert floor.refused.keys() <= {"insufficient_balance", "post_only_would_cross"}
    assert sum(floor.refused.values()) < floor.placed / 4


class Floor:
    """Traders at an engine, each with money and the makers with tokens, too."""

    def __init__(self, seed):
        self.crowd = traders(seed)
        self.engine = Engine(EngineTerms(fee_recipient=b"\xfe" * 20))
        self.placed = self.fills = 0
        self.refused = Counter()
        self.accounts = [bytes([number + 1]) * 20 for number in range(MAKERS + TAKERS)]
        self.apply(ListMarket(MARKET))
        for number, account in enumerate(self.accounts):
            self.apply(Deposit(account, MARKET.quote_token, 20_000 * WHOLE))
            if number < MAKERS + TAKERS // 2:
                self.apply(Deposit(account, MARKET.base_token, 15_000 * WHOLE))

    def apply(self, command):
        return self.engine.apply(self.engine.position + 1, 1, command)

    def place(self, wishes):
        for wish in wishes:
            self.placed += 1
            order = Order(
                market=1,
                maker=self.accounts[wish.trader],
                side=wish.side,
                lots=wish.lots,
                ticks=wish.ticks,
                lane=wish.lane,
                sequence=self.placed,
                expiry=4_000_000_000,
                max_fee_bps=MARKET.taker_fee_bps,
            )
            command = PlaceOrder(
                order,
                self.placed.to_bytes(32, "big"),
                time_in_force=TimeInForce.IOC if wish.intent is Intent.TAKE else TimeInForce.GTC,
                post_only=wish.intent is Intent.QUOTE,
            )
            try:
                reports = self.apply(command)
            except ExchangeError as error:
                self.refused[error.code] += 1
            else:
                self.fills += sum(isinstance(report, Filled) for report in reports)
