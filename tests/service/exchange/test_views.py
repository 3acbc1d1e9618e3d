"""Views tell what the log and the engine would, page by page."""

import threading
import time
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gavelbook.exchange.commands import (
    BatchSettled,
    BustFill,
    CancelAll,
    Deposit,
    Exited,
    ExitRequested,
    RequestWithdrawal,
    ReverseDeposit,
    WithdrawalDone,
    WithdrawalExpired,
)
from gavelbook.exchange.orders import Side, TimeInForce
from gavelbook.exchange.reports import DoneReason, Filled, OrderDone
from gavelbook.service.exchange.candles import INTERVALS_MS
from gavelbook.service.exchange.view_queries import Views
from gavelbook.service.exchange.view_writer import ViewWriter
from tests.service.exchange.market_day import BASE, QUOTE, exchange_in, place, trader

START_MS = 1_800_000_000_000
DAY_MS = INTERVALS_MS["1d"]


@dataclass
class Day:
    """An exchange whose clock is set by hand."""

    running: object = None
    ms: int = START_MS
    traders: list = field(default_factory=lambda: [trader(number) for number in (1, 2, 3)])

    def clock(self):
        return self.ms

    def submit(self, *commands):
        applied = [self.running.sequencer.submit(command).result(10) for command in commands]
        self.wait()
        return applied

    def place(self, *orders):
        answers = place(self.running, *orders)
        self.wait()
        return answers

    def wait(self):
        assert self.views.wait_for(self.running.sequencer.tail.position, 10)

    @property
    def views(self):
        return self.running.views

    def trade(self, lots, ticks, **options):
        """Let the first trader sell to the second; return the two answers."""
        maker, taker, _ = self.traders
        return self.place(
            maker.order(Side.SELL, lots, ticks), taker.order(Side.BUY, lots, ticks, **options)
        )


@pytest.fixture
def day(tmp_path):
    day = Day()
    with exchange_in(tmp_path, *day.traders, clock_ms=day.clock) as day.running:
        yield day


class TestOrders:
    def test_tell_what_was_placed(self, day):
        maker = day.traders[0]
        order = maker.order(
            Side.SELL,
            2**64 - 1,
            2**64 - 1,
            lane=2**32 - 1,
            sequence=2**32 - 1,
            expiry=2**40 - 1,
            time_in_force=TimeInForce.GTT,
            good_till=day.ms + 5_000,
            post_only=True,
            client_id="mine",
        )
        rich = Deposit(maker.address, BASE, 2**64 * 10**15)
        _, (applied,) = day.submit(rich), day.place(order)
        record = day.views.order(applied.command.order_hash)
        assert record.order == order.order
        assert record.signature == order.signature
        assert (record.position, record.time_ms) == (applied.position, day.ms)
        assert (record.time_in_force, record.good_till) == (TimeInForce.GTT, day.ms + 5_000)
        assert (record.post_only, record.client_id) == (True, "mine")
        assert record.remaining_lots == 2**64 - 1
        assert (record.done_reason, record.done_position, record.done_time_ms) == (None, 0, 0)

    def test_are_unknown_by_other_hashes_though_these_begin_alike(self, day):
        (applied,) = day.place(day.traders[0].order())
        order_hash = applied.command.order_hash
        assert day.views.order(order_hash) is not None
        assert day.views.order(order_hash[:-1] + bytes([order_hash[-1] ^ 1])) is None

    def test_tell_how_they_fared(self, day):
        maker, taker, _ = day.traders
        resting, partly = day.place(maker.order(Side.SELL, 5, 100), taker.order(Side.BUY, 2, 100))
        day.ms += 10
        (cancelled,) = day.submit(CancelAll(maker.address))
        first = day.views.order(resting.command.order_hash)
        second = day.views.order(partly.command.order_hash)
        assert (first.remaining_lots, first.done_reason) == (3, DoneReason.CANCELLED)
        assert (first.done_position, first.done_time_ms) == (cancelled.position, day.ms)
        assert (second.remaining_lots, second.done_reason) == (0, DoneReason.FILLED)
        assert second.done_position == partly.position

    def test_come_in_pages_newest_first(self, day):
        maker, taker, _ = day.traders
        placed = day.place(*[maker.order(lane=lane) for lane in range(7)], taker.order(lane=9))
        positions = [applied.position for applied in placed[:7]][::-1]
        page = day.views.orders(maker.address, limit=4)
        assert [record.position for record in page] == positions[:4]
        page = day.views.orders(maker.address, before=page[-1].position, limit=4)
        assert [record.position for record in page] == positions[4:]
        assert day.views.orders(maker.address, market=2) == []
        assert day.views.orders(b"\x09" * 20) == []

    def test_that_are_open_can_be_had_alone(self, day):
        maker = day.traders[0]
        first, second, _ = day.place(maker.order(lane=1), maker.order(lane=2), maker.order(lane=3))
        day.place(maker.order(lane=3))
        day.place(maker.order(Side.SELL, ticks=200, lane=1, time_in_force=TimeInForce.IOC))
        found = day.views.orders(maker.address, open_only=True)
        with day.running.sequencer.reading() as engine:
            expected = {order.order_hash for order in engine.open_orders(maker.address)}
        assert {record.order_hash for record in found} == expected
        assert second.command.order_hash in expected
        assert first.command.order_hash not in expected


class TestFills:
    def test_tell_both_sides(self, day):
        maker, taker, stranger = day.traders
        _, incoming = day.trade(3, 70)
        (filled,) = [report for report in incoming.reports if isinstance(report, Filled)]
        for account in (maker.address, taker.address):
            (record,) = day.views.fills(account)
            assert record.fill == filled
            assert (record.position, record.batch, record.busted) == (incoming.position, 0, False)
        assert day.views.fills(stranger.address) == []
        assert day.views.fill(1).fill == filled
        assert day.views.fill(2) is None
        assert [record.fill for record in day.views.trades(1)] == [filled]
        assert day.views.trades(2) == []

    def test_come_in_pages_newest_first(self, day):
        for number in range(6):
            day.trade(1 + number, 70)
        maker = day.traders[0].address
        pages = [day.views.fills(maker, limit=4), day.views.fills(maker, before=3, limit=4)]
        assert [[record.fill.fill_id for record in page] for page in pages] == [
            [6, 5, 4, 3],
            [2, 1],
        ]
        pages = [day.views.trades(1, limit=4), day.views.trades(1, before=3, limit=4)]
        assert [[record.fill.lots for record in page] for page in pages] == [[6, 5, 4, 3], [2, 1]]

    def test_of_an_order_as_maker_and_as_taker(self, day):
        maker, taker, third = day.traders
        _, incoming = day.place(maker.order(Side.SELL, 2, 100), taker.order(Side.BUY, 5, 100))
        day.place(third.order(Side.SELL, 3, 100))
        fills = day.views.fills_of_order(incoming.command.order_hash)
        assert [(record.fill.fill_id, record.fill.lots) for record in fills] == [(1, 2), (2, 3)]
        assert day.views.fills_of_order(b"\x01" * 32) == []

    def test_settle_by_batches_of_their_market(self, day):
        for number in range(4):
            day.trade(1 + number, 70)
        day.submit(BatchSettled(1, 1, 1, 2, 2))
        assert [day.views.fill(number).batch for number in (1, 2, 3, 4)] == [1, 1, 0, 0]
        assert [record.fill.fill_id for record in day.views.open_fills()] == [3, 4]
        assert [record.fill.fill_id for record in day.views.open_fills(after=3)] == [4]
        assert [record.fill.fill_id for record in day.views.open_fills(limit=1)] == [3]

    def test_that_are_busted_are_open_no_more(self, day):
        _, incoming = day.trade(5, 70)
        day.trade(1, 70)
        day.submit(BustFill(1))
        assert day.views.fill(1).busted
        assert [record.fill.fill_id for record in day.views.open_fills()] == [2]
        assert day.views.order(incoming.command.order_hash).settled_lots == 0

    def test_count_for_orders_once_they_are_settled(self, day):
        maker, taker, _ = day.traders
        (resting,) = day.place(maker.order(Side.SELL, 9, 100))
        day.place(taker.order(Side.BUY, 2, 100), taker.order(Side.BUY, 3, 100))
        order_hash = resting.command.order_hash
        assert day.views.order(order_hash).settled_lots == 0
        day.submit(BatchSettled(1, 1, 1, 1, 1))
        assert day.views.order(order_hash).settled_lots == 2
        day.submit(BatchSettled(2, 1, 2, 2, 1))
        record = day.views.order(order_hash)
        assert (record.settled_lots, record.remaining_lots) == (5, 4)


class TestCandles:
    def test_gather_trades_of_their_interval(self, day):
        for minutes, lots, ticks in [(0, 1, 70), (0, 2, 90), (0, 3, 60), (2, 4, 80), (61, 5, 50)]:
            day.ms = START_MS + minutes * 60_000
            day.trade(lots, ticks)
        minute = [(c.start_ms - START_MS, *c[1:5], c.lots, c.trades)
                  for c in day.views.candles(1, "1m")]  # fmt: skip
        assert minute == [
            (61 * 60_000, 50, 50, 50, 50, 5, 1),
            (2 * 60_000, 80, 80, 80, 80, 4, 1),
            (0, 70, 90, 60, 60, 6, 3),
        ]
        hours = day.views.candles(1, "1h")
        assert [(c.open, c.high, c.low, c.close, c.lots, c.trades) for c in hours] == [
            (50, 50, 50, 50, 5, 1),
            (70, 90, 60, 80, 10, 4),
        ]
        (whole_day,) = day.views.candles(1, "1d")
        assert whole_day.start_ms == START_MS - START_MS % DAY_MS
        assert whole_day.quote == sum(record.fill.quote for record in day.views.trades(1))
        assert day.views.candles(1, "1m", before=hours[0].start_ms, limit=1)[0].close == 80
        assert day.views.candles(2, "1d") == []

    def test_lose_trades_that_are_undone(self, day):
        for minutes, lots, ticks in [(0, 1, 70), (0, 2, 90), (0, 3, 60), (2, 4, 80), (61, 5, 50)]:
            day.ms = START_MS + minutes * 60_000
            day.trade(lots, ticks)
        day.submit(BustFill(2), BustFill(4))
        minutes = [(c.start_ms - START_MS, *c[1:]) for c in day.views.candles(1, "1m")]
        quotes = [record.fill.quote for record in day.views.trades(1)][::-1]
        assert minutes == [
            (61 * 60_000, 50, 50, 50, 50, 5, quotes[4], 1),
            (0, 70, 70, 60, 60, 4, quotes[0] + quotes[2], 2),
        ]
        (whole_day,) = day.views.candles(1, "1d")
        assert whole_day[1:] == (70, 70, 50, 50, 9, quotes[0] + quotes[2] + quotes[4], 3)
        day.submit(BustFill(1), BustFill(3))
        day.trade(6, 55)
        day.submit(BustFill(5))
        (minute,) = day.views.candles(1, "1m")
        assert (minute.start_ms - START_MS, minute.close, minute.trades) == (61 * 60_000, 55, 1)
        assert [len(day.views.candles(1, interval)) for interval in INTERVALS_MS] == [1] * 6

    @settings(max_examples=10, deadline=None,
              suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
    @given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 9), st.integers(1, 99)),
                    min_size=1, max_size=12))  # fmt: skip
    def test_of_all_lengths_agree_with_the_trades(self, tmp_path_factory, steps):
        day = Day()
        folder = tmp_path_factory.mktemp("exchange")
        with exchange_in(folder, *day.traders, clock_ms=day.clock) as day.running:
            for minutes, lots, ticks in steps:
                day.ms += minutes * 60_000
                day.trade(lots, ticks)
            fills = [record.fill for record in day.views.trades(1)][::-1]
            for interval, length in INTERVALS_MS.items():
                starts = sorted({fill.time_ms - fill.time_ms % length for fill in fills})
                candles = day.views.candles(1, interval)[::-1]
                assert [candle.start_ms for candle in candles] == starts
                for candle in candles:
                    end = candle.start_ms + length
                    within = [fill for fill in fills if candle.start_ms <= fill.time_ms < end]
                    ticks = [fill.ticks for fill in within]
                    prices = (ticks[0], max(ticks), min(ticks), ticks[-1])
                    assert candle[1:5] == prices
                    assert candle.lots == sum(fill.lots for fill in within)
                    assert candle.quote == sum(fill.quote for fill in within)
                    assert candle.trades == len(within)


class TestMoney:
    def request(self, own, nonce, amount=5, deadline=4_000_000_000):
        return RequestWithdrawal(own.address, QUOTE, amount, own.address, nonce, deadline)

    def test_withdrawals_are_pending_then_paid_or_expired(self, day):
        own, other, _ = day.traders
        seconds = day.ms // 1_000
        first, second = self.request(own, 1), self.request(own, 2**255, deadline=seconds + 900)
        day.submit(first, second, self.request(other, 1))
        (newest, oldest) = day.views.withdrawals(own.address)
        assert (oldest.nonce, oldest.amount, oldest.paid) == (1, 5, None)
        assert (newest.nonce, newest.deadline) == (2**255, seconds + 900)
        assert day.views.withdrawals(own.address, before=newest.position) == [oldest]
        assert [each.nonce for each in day.views.pending_withdrawals(seconds + 900)] == []
        assert [each.nonce for each in day.views.pending_withdrawals(seconds + 901)] == [2**255]
        day.ms += 901_000
        day.submit(WithdrawalDone(own.address, 1), WithdrawalExpired(own.address, 2**255))
        assert day.views.withdrawal(own.address, 1).paid is True
        assert day.views.withdrawal(own.address, 2**255).paid is False
        assert day.views.withdrawal(other.address, 1).paid is None
        assert day.views.withdrawal(other.address, 2) is None
        assert day.views.pending_withdrawals(2**40) == [day.views.withdrawal(other.address, 1)]
        assert day.views.withdrawal_deadline(own.address, 2**255) == seconds + 900
        assert day.views.withdrawal_deadline(own.address, 3) is None

    def test_movements_tell_what_came_and_went(self, day):
        own = day.traders[0]
        day.submit(
            Deposit(own.address, BASE, 2**200),
            ReverseDeposit(own.address, BASE, 7),
            self.request(own, 1, amount=11),
            WithdrawalDone(own.address, 1),
            self.request(own, 2, amount=13, deadline=day.ms // 1_000 + 60),
        )
        day.ms += 61_000
        day.submit(
            WithdrawalExpired(own.address, 2),
            ExitRequested(own.address, BASE),
            Exited(own.address, BASE, 17),
        )
        movements = day.views.movements(own.address)
        assert [(each.kind, each.token, each.amount) for each in movements[:4]] == [
            ("exit", BASE, -17),
            ("withdrawal", QUOTE, -11),
            ("deposit_reversed", BASE, -7),
            ("deposit", BASE, 2**200),
        ]
        assert day.views.movements(own.address, before=movements[3].number) == movements[4:]
        assert [each.kind for each in movements[4:]] == ["deposit", "deposit"]


def test_no_query_walks_through_a_whole_table(day, monkeypatch):
    plans = []
    query = Views._query

    def explained(self, text, *values):
        plans.extend(row[3] for row in query(self, f"EXPLAIN QUERY PLAN {text}", *values))
        return query(self, text, *values)

    _, incoming = day.trade(3, 70)
    monkeypatch.setattr(Views, "_query", explained)
    account, order_hash = incoming.command.order.maker, incoming.command.order_hash
    views = day.views
    views.order(order_hash)
    views.first_answer(order_hash)
    views.orders(account)
    views.orders(account, market=1, open_only=True)
    views.fills(account, market=1)
    views.fills_of_order(order_hash)
    views.trades(1)
    views.fill(1)
    assert len(list(views.open_fills(after=0))) == 1
    views.candles(1, "1m")
    views.withdrawal(account, 1)
    views.withdrawals(account)
    views.pending_withdrawals(5)
    views.movements(account)
    assert len(plans) > 15
    assert not [plan for plan in plans if "SCAN" in plan]
    # All fills there ever were are as good as a whole table.
    assert "SEARCH fills USING INDEX open_fills (fill_id>?)" in plans


def test_waiting_for_what_is_not_there_ends(day):
    began = time.monotonic()
    assert not day.views.wait_for(day.running.sequencer.tail.position + 1, 0.05)
    assert 0.04 < time.monotonic() - began < 5


def test_resting_views_go_on_when_somebody_waits(tmp_path):
    writer = ViewWriter(tmp_path / "views.sqlite")
    resting = threading.Thread(target=writer.rest, args=(60,))
    resting.start()
    assert not writer.wait_for(1, 0.01)
    resting.join(10)
    assert not resting.is_alive()
    began = time.monotonic()
    writer.rest(60)
    assert time.monotonic() - began < 10
    writer.close()


def test_orders_that_fill_at_once_and_rest_later_are_answered_alike(day):
    maker, taker, _ = day.traders
    day.place(maker.order(Side.SELL, 2, 100))
    incoming = taker.order(Side.BUY, 5, 100, time_in_force=TimeInForce.IOC)
    (first,) = day.place(incoming)
    again = day.views.first_answer(first.command.order_hash)
    own = [
        report
        for report in first.reports
        if not (isinstance(report, OrderDone) and report.account == maker.address)
    ]
    assert again == first._replace(reports=own)
    assert day.views.first_answer(b"\x01" * 32) is None
