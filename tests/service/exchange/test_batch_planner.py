from dataclasses import replace
from random import Random

import pytest

from gavelbook.chain.exchange_types import Escrow, Lane
from gavelbook.exchange.commands import BatchSettled, BustFill, Deposit, ListMarket, PlaceOrder
from gavelbook.exchange.engine import Engine, EngineTerms
from gavelbook.exchange.errors import ExchangeError
from gavelbook.exchange.markets import Market
from gavelbook.exchange.orders import Order, Side
from gavelbook.exchange.reports import Filled
from gavelbook.service.exchange.batch_planner import (
    Bust,
    ChainFacts,
    Obstacle,
    OpenFill,
    SignedOrder,
    movements,
    plan_batch,
)

FEES = b"\xfe" * 20
GOLD, SILVER, CASH = (bytes([n]) * 20 for n in (1, 2, 3))
MARKETS = {
    1: Market(1, GOLD, CASH, 10, 3, 100, 50),
    2: Market(2, SILVER, CASH, 7, 5, 0, 0),
    3: Market(3, GOLD, SILVER, 10, 2, 100, 0),
}
NOW = 1_900_000_000
EXPIRY = NOW + 3600
SIGNATURE = b"\x01" * 64


class Chain:
    """Balances and lanes, moved by batches as the contract does it."""

    def __init__(self):
        self.balances = {}
        self.lanes = {}
        self.batches = 0

    def settle(self, fills):
        assert len({entry.fill.market for entry in fills}) == 1
        changes = {}
        for entry in fills:
            for holding, credit, debit in movements(entry.fill, MARKETS[entry.fill.market]):
                changes[holding] = changes.get(holding, 0) + credit - debit
            for signed in (entry.maker, entry.taker):
                order = signed.order
                lane = self.lanes.get((order.maker, order.lane), Lane())
                assert order.sequence >= lane.sequence
                filled = lane.filled_lots if order.sequence == lane.sequence else 0
                assert filled + entry.fill.lots <= order.lots
                self.lanes[order.maker, order.lane] = Lane(order.sequence, filled + entry.fill.lots)
            fees = entry.fill.maker_fee + entry.fill.taker_fee
            fee_holding = (FEES, MARKETS[entry.fill.market].quote_token)
            changes[fee_holding] = changes.get(fee_holding, 0) + fees
        for holding, change in changes.items():
            self.balances[holding] = self.balances.get(holding, 0) + change
            assert self.balances[holding] >= 0
        self.batches += 1

    def facts(self, **changes):
        balances = {holding: Escrow(amount) for holding, amount in self.balances.items()}
        return replace(ChainFacts(NOW, NOW, balances, dict(self.lanes)), **changes)


class Floor:
    """An engine and what it has matched and not settled."""

    def __init__(self, seed, *, people=3, money=800):
        self.random = Random(seed)
        self.engine = Engine(EngineTerms(FEES))
        self.chain = Chain()
        self.people = [bytes([0xA0 + i]) * 20 for i in range(people)]
        self.sequences = {}
        self.orders = {}
        self.open = []
        for market in MARKETS.values():
            self.apply(ListMarket(market))
        for person in self.people:
            for token in (GOLD, SILVER, CASH):
                self.deposit(person, token, self.random.randint(money // 2, money))

    def apply(self, command):
        reports = self.engine.apply(self.engine.position + 1, NOW * 1000, command)
        self.open += [report for report in reports if isinstance(report, Filled)]
        return reports

    def deposit(self, person, token, amount):
        self.apply(Deposit(person, token, amount))
        self.chain.balances[person, token] = self.chain.balances.get((person, token), 0) + amount

    def place(self, person, market, side, lots, ticks, lane=0, expiry=EXPIRY):
        key = (person, lane)
        self.sequences[key] = self.sequences.get(key, 0) + 1
        order = Order(market, person, side, lots, ticks, lane, self.sequences[key], expiry, 100)
        order_hash = len(self.orders).to_bytes(32, "big")
        self.orders[order_hash] = SignedOrder(order, order_hash, SIGNATURE)
        return self.apply(PlaceOrder(order, order_hash, SIGNATURE))

    def trade(self, count):
        random = self.random
        for _ in range(count):
            try:
                self.place(
                    random.choice(self.people),
                    random.randint(1, 3),
                    random.choice(list(Side)),
                    random.randint(1, 30),
                    random.randint(4, 6),
                    lane=random.randint(0, 2),
                )
            except ExchangeError:
                # Out of money: a replaced order is gone nevertheless, or the sequence is passed.
                continue

    def fills(self):
        return [
            OpenFill(f, self.orders[f.maker_hash], self.orders[f.taker_hash]) for f in self.open
        ]

    def plan(self, most=10, **changes):
        return plan_batch(self.fills(), MARKETS, self.chain.facts(**changes), FEES, max_fills=most)

    def settle(self, fills):
        self.chain.settle(fills)
        first, last = fills[0].fill, fills[-1].fill
        command = BatchSettled(
            self.chain.batches, first.market, first.fill_id, last.fill_id, len(fills)
        )
        self.apply(command)
        done = {entry.fill.fill_id for entry in fills}
        self.open = [fill for fill in self.open if fill.fill_id not in done]

    def bust(self, busts):
        for fill_id, _ in busts:
            self.apply(BustFill(fill_id))
            self.open = [fill for fill in self.open if fill.fill_id != fill_id]

    def reconcile(self):
        for (person, token), amount in self.chain.balances.items():
            has = self.engine.balance(person, token)
            assert has.available + has.reserved == amount


def two_markets():
    """A floor whose traders take turns in two markets."""
    floor = Floor(0, money=10**6)
    one, two, _ = floor.people
    for _ in range(4):
        for market in (1, 2):
            floor.place(one, market, Side.SELL, 1, 5, lane=market)
            floor.place(two, market, Side.BUY, 1, 5, lane=market)
    return floor


@pytest.mark.parametrize("seed", range(40))
def test_all_that_the_engine_matches_settles_in_planned_batches(seed):
    floor = Floor(seed)
    for _ in range(6):
        floor.trade(60)
        while floor.open and floor.random.random() < 0.8:
            plan = floor.plan(most=floor.random.randint(1, 12))
            assert not plan.busts
            assert plan.blocked is None
            assert plan.fills
            floor.settle(plan.fills)
    while floor.open:
        floor.settle(floor.plan().fills)
    floor.reconcile()


def test_the_traders_of_the_property_depend_on_each_others_fills():
    held_back = batches = 0
    for seed in range(10):
        floor = Floor(seed)
        floor.trade(200)
        while floor.open:
            plan = floor.plan(most=100)
            first = plan.fills[0].fill.market
            held_back += sum(f.market == first for f in floor.open) > len(plan.fills)
            batches += 1
            floor.settle(plan.fills)
    assert held_back > 10
    assert batches > held_back


def test_a_batch_takes_fills_of_its_market_from_behind_those_of_others():
    plan = two_markets().plan()
    assert [entry.fill.fill_id for entry in plan.fills] == [1, 3, 5, 7]


def test_a_batch_has_no_more_fills_than_it_may():
    assert [entry.fill.fill_id for entry in two_markets().plan(most=3).fills] == [1, 3, 5]


def test_a_fill_waits_for_the_money_that_an_earlier_one_of_another_market_brings():
    floor = Floor(0, people=2, money=10**4)
    one, two = floor.people
    poor = b"\xbb" * 20
    floor.deposit(poor, SILVER, 7)
    floor.place(one, 1, Side.SELL, 1, 5, lane=1)
    floor.place(two, 1, Side.BUY, 1, 5, lane=1)
    floor.place(poor, 2, Side.SELL, 1, 5)
    floor.place(two, 2, Side.BUY, 1, 5, lane=2)
    floor.place(one, 1, Side.SELL, 1, 5, lane=1)
    # With the 25 that the silver brought.
    floor.place(poor, 1, Side.BUY, 1, 5, lane=1)
    assert [fill.market for fill in floor.open] == [1, 2, 1]
    assert [entry.fill.fill_id for entry in floor.plan().fills] == [1]


def test_a_later_order_of_a_lane_waits_for_an_earlier_one_of_another_market():
    floor = Floor(0, money=10**6)
    one, two, three = floor.people
    floor.place(one, 1, Side.SELL, 1, 5, lane=1)
    floor.place(two, 1, Side.BUY, 1, 5, lane=1)
    floor.place(one, 2, Side.SELL, 1, 5, lane=2)
    floor.place(three, 2, Side.BUY, 1, 5, lane=9)
    floor.place(one, 1, Side.SELL, 1, 5, lane=1)
    floor.place(three, 1, Side.BUY, 1, 5, lane=9)
    assert [entry.fill.fill_id for entry in floor.plan().fills] == [1]


class TestObstacles:
    """The fill is the second of three, between two others that can settle."""

    @pytest.fixture
    def floor(self):
        floor = Floor(0, people=4, money=10**6)
        one, two, three, four = floor.people
        floor.place(one, 1, Side.SELL, 1, 5, lane=1)
        floor.place(two, 1, Side.BUY, 1, 5)
        floor.place(one, 1, Side.SELL, 1, 5, lane=2, expiry=EXPIRY + 100)
        floor.place(three, 1, Side.BUY, 1, 5, lane=7)
        floor.place(one, 1, Side.SELL, 1, 5, lane=3, expiry=EXPIRY + 200)
        floor.place(four, 1, Side.BUY, 1, 5, expiry=EXPIRY + 200)
        for order_hash, signed in floor.orders.items():
            if signed.order.maker in {one, two}:
                later = replace_order(signed.order, expiry=EXPIRY + 200)
                floor.orders[order_hash] = signed._replace(order=later)
        return floor

    def cases(self, floor):
        *_, three, _ = floor.people
        lanes = {**floor.chain.lanes, (three, 7): Lane(0, 0, NOW, 1)}
        leaving = {(three, CASH): Escrow(10**6, NOW)}
        balances = {**floor.chain.facts().balances, **leaving}
        return {
            Obstacle.ORDER_EXPIRED: {"time": EXPIRY + 1},
            Obstacle.ORDER_CANCELLED: {"lanes": lanes},
            Obstacle.ACCOUNT_EXITED: {"balances": balances},
        }

    @pytest.mark.parametrize(
        "obstacle",
        [Obstacle.ORDER_EXPIRED, Obstacle.ORDER_CANCELLED, Obstacle.ACCOUNT_EXITED],
    )
    def test_what_will_not_pass_is_undone_when_it_is_final(self, floor, obstacle):
        changes = self.cases(floor)[obstacle]
        early = floor.plan(**{"confirmed_time": NOW - 1, **changes})
        assert not early.busts
        assert early.blocked == Bust(2, obstacle)
        assert [entry.fill.fill_id for entry in early.fills] == [1]
        final = floor.plan(**{**changes, "confirmed_time": changes.get("time", NOW)})
        assert final.busts == (Bust(2, obstacle),)
        assert not final.fills

    def test_a_day_before_an_exit_or_a_cancel_all_settle(self, floor):
        lane, balance = self.cases(floor)[Obstacle.ORDER_CANCELLED], floor.people[2]
        later = {key: each._replace(cancel_at=NOW + 1) for key, each in lane["lanes"].items()}
        balances = {**floor.chain.facts().balances, (balance, CASH): Escrow(10**6, NOW + 1)}
        assert len(floor.plan(lanes=later, balances=balances).fills) == 3

    def test_an_approval_that_ended_blocks_and_then_busts(self, floor):
        order_hash = floor.open[1].taker_hash
        floor.orders[order_hash] = floor.orders[order_hash]._replace(signature=b"")
        held = {"approvals": {order_hash: 2**256 - 1}}
        assert len(floor.plan(**held).fills) == 3
        ended = {"approvals": {order_hash: NOW}}
        assert floor.plan(**ended, confirmed_time=NOW - 1).blocked == Bust(
            2, Obstacle.ORDER_NOT_APPROVED
        )
        assert floor.plan(**ended).busts == (Bust(2, Obstacle.ORDER_NOT_APPROVED),)

    def test_missing_money_is_undone_only_where_the_log_knows_why(self, floor):
        poor = (floor.people[2], CASH)
        floor.chain.balances[poor] = 0
        assert floor.plan().blocked == Bust(2, Obstacle.INSUFFICIENT_BALANCE)
        assert floor.plan(deficits=frozenset({poor})).busts == (
            Bust(2, Obstacle.INSUFFICIENT_BALANCE),
        )

    def test_what_was_paid_with_an_undone_fill_is_undone_too(self):
        floor = Floor(0, people=3, money=10**6)
        one, two, three = floor.people
        poor = b"\xbb" * 20
        floor.deposit(poor, SILVER, 7)
        floor.place(poor, 2, Side.SELL, 1, 5)
        floor.place(two, 2, Side.BUY, 1, 5, expiry=EXPIRY - 300)
        floor.place(one, 1, Side.SELL, 1, 5)
        floor.place(poor, 1, Side.BUY, 1, 5, lane=1)
        floor.place(one, 1, Side.SELL, 1, 5, lane=1)
        floor.place(three, 1, Side.BUY, 1, 5, lane=1)
        plan = floor.plan(time=EXPIRY, confirmed_time=EXPIRY)
        assert plan.busts == (
            Bust(1, Obstacle.ORDER_EXPIRED),
            Bust(2, Obstacle.INSUFFICIENT_BALANCE),
        )
        floor.bust(plan.busts)
        floor.settle(floor.plan(time=EXPIRY, confirmed_time=EXPIRY).fills)
        floor.reconcile()

    @pytest.mark.parametrize(
        ("lane", "obstacle"),
        [(Lane(2, 0), Obstacle.SEQUENCE_PASSED), (Lane(1, 1), Obstacle.OVERFILLED)],
    )
    def test_a_lane_that_is_further_than_it_should_be_is_for_a_person(self, floor, lane, obstacle):
        floor.chain.lanes[floor.people[2], 7] = lane
        plan = floor.plan()
        assert plan.blocked == Bust(2, obstacle)
        assert not plan.busts
        assert len(plan.fills) == 1


def replace_order(order, **changes):
    fields = {name: getattr(order, name) for name in order.__struct_fields__}
    return Order(**{**fields, **changes})
