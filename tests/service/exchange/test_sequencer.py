"""Commands are answered when they are durable, in their order, or nobody is told they happened."""

import threading
import time
from concurrent.futures import wait
from contextlib import suppress
from itertools import chain, pairwise
from types import SimpleNamespace

import pytest

from gavelbook.errors import GavelbookError
from gavelbook.exchange.commands import (
    CancelAll,
    CancelOrder,
    Clock,
    Deposit,
    PlaceOrder,
    decode,
)
from gavelbook.exchange.engine import Engine
from gavelbook.exchange.errors import ExchangeError
from gavelbook.exchange.orders import Side
from gavelbook.exchange.reports import DoneReason, OrderDone
from gavelbook.exchange.signing import order_hash
from gavelbook.service.exchange.errors import IntakeError, OutcomeUnknownError, ViewError
from gavelbook.service.exchange.parcels import Parcel
from gavelbook.service.exchange.recovery import replay
from gavelbook.service.exchange.sequencer import Sequencer
from gavelbook.service.exchange.snapshots import SnapshotFolder
from gavelbook.service.exchange.sqlite_log import SqliteLog, origin_of
from gavelbook.service.exchange.view_writer import ViewWriter
from tests.service.exchange.broken_log import BrokenLog
from tests.service.exchange.market_day import (
    DOMAIN,
    MARKET,
    MATCHER,
    QUOTE,
    TERMS,
    Answers,
    opening,
    trader,
)


class Clockwork:
    """A clock that is set by hand, in unix milliseconds."""

    def __init__(self, ms):
        self.ms = ms

    def __call__(self):
        return self.ms


def hashed(command):
    """Return ``command`` as the intake passes it on."""
    digest = order_hash(DOMAIN, MARKET, command.order)
    options = {name: getattr(command, name) for name in command.__struct_fields__[2:]}
    return PlaceOrder(command.order, digest, **options)


@pytest.fixture
def maker():
    return trader(1)


@pytest.fixture
def parts(tmp_path, maker):
    """A sequencer over a log that can break, and what it is made of."""
    log = BrokenLog(SqliteLog(tmp_path / "log.sqlite", origin_of(DOMAIN, TERMS)))
    writer = ViewWriter(tmp_path / "views.sqlite")
    engine, clock, failures = Engine(TERMS), Clockwork(1_000_000), []
    sequencer = Sequencer(
        engine,
        log,
        writer,
        SnapshotFolder(tmp_path / "snapshots"),
        MATCHER,
        clock_ms=clock,
        on_failure=failures.append,
    )
    sequencer.start()
    wait([sequencer.submit(command) for command in opening(maker)], 10)
    parts = SimpleNamespace(
        log=log, writer=writer, engine=engine, clock=clock, failures=failures, sequencer=sequencer
    )
    yield parts
    log.go_on()
    sequencer.stop()
    writer.close()
    log.close()


def logged(parts):
    return [decode(entry.content) for entry in parts.log.read(0)]


def test_nothing_is_answered_or_told_before_it_is_durable(parts, maker):
    told = []
    parts.sequencer.subscribe(told.extend)
    parts.log.hold()
    future = parts.sequencer.submit(hashed(maker.order()))
    time.sleep(0.05)
    with parts.sequencer.reading() as engine:
        assert len(engine.open_orders(maker.address)) == 1
    assert not future.done()
    assert told == []
    assert parts.sequencer.tail.position == 3
    parts.log.go_on()
    applied = future.result(10)
    assert applied.position == 4
    assert told == [applied]
    assert logged(parts)[3] == applied.command


def test_commands_that_arrive_during_a_commit_share_the_next(parts, maker):
    parts.log.hold()
    futures = [parts.sequencer.submit(hashed(maker.order(lane=lane))) for lane in range(100)]
    time.sleep(0.05)
    parts.log.go_on()
    assert [future.result(10).position for future in futures] == list(range(4, 104))
    assert len(parts.log.appended) < 20
    assert list(chain(*parts.log.appended)) == list(range(1, 104))


def test_commands_of_a_parcel_stay_together_and_are_answered_together(parts, maker):
    answers = Answers()
    refused = ExchangeError("bad_order_signature", "Expected a signature, was none")
    orders = [hashed(maker.order(lane=lane)) for lane in (0, 1)]
    parts.sequencer.offer([Parcel([orders[0], refused, orders[1]], answers.deliver)])
    first, second, third = answers.wait(3)
    assert (first.position, second, third.position) == (4, refused, 5)


def test_refused_commands_leave_no_trace(parts, maker):
    before = parts.engine.state_hash()
    with pytest.raises(ExchangeError) as refused:
        parts.sequencer.submit(CancelOrder(maker.address, b"\x01" * 32)).result(10)
    assert refused.value.code == "unknown_order"
    assert parts.sequencer.tail.position == 3
    assert parts.engine.state_hash() == before


def test_a_failed_commit_ends_everything_and_nobody_is_told_it_happened(parts, maker):
    told = []
    parts.sequencer.subscribe(told.extend)
    parts.log.hold()
    parts.log.fail = True
    futures = [parts.sequencer.submit(hashed(maker.order(lane=lane))) for lane in range(600)]
    parts.log.go_on()
    for future in futures:
        with pytest.raises(OutcomeUnknownError) as unknown:
            future.result(10)
        assert unknown.value.code == "outcome_unknown"
    assert [failure.code for failure in parts.failures] == ["log_write_failed"]
    assert told == []
    parts.log.fail = False
    with pytest.raises(IntakeError) as stopping:
        parts.sequencer.submit(CancelAll(maker.address)).result(10)
    assert stopping.value.code == "stopping"
    assert parts.sequencer.tail.position == 3


def test_an_engine_that_breaks_ends_everything(parts, maker, monkeypatch):
    apply = Engine.apply

    def breaking(self, position, time_ms, command):
        if isinstance(command, CancelAll):
            raise ZeroDivisionError
        return apply(self, position, time_ms, command)

    monkeypatch.setattr(Engine, "apply", breaking)
    first = parts.sequencer.submit(hashed(maker.order()))
    first.result(10)
    with pytest.raises(OutcomeUnknownError):
        parts.sequencer.submit(CancelAll(maker.address)).result(10)
    assert [type(failure) for failure in parts.failures] == [ZeroDivisionError]
    assert len(logged(parts)) == 4


def test_views_that_cannot_be_written_end_everything(parts, maker, monkeypatch):
    def full(_applied, _head):
        raise ViewError("views_unusable", "Expected a disk with room, was full")

    monkeypatch.setattr(parts.writer, "follow", full)
    # What came before may not be in the views yet: then it is over before this.
    with suppress(GavelbookError):
        parts.sequencer.submit(hashed(maker.order())).result(10)
    deadline = time.monotonic() + 10
    while not parts.failures and time.monotonic() < deadline:
        time.sleep(0.001)
    assert [failure.code for failure in parts.failures] == ["views_unusable"]


def test_who_gives_up_waiting_does_not_take_the_command_back(parts, maker):
    parts.log.hold()
    future = parts.sequencer.submit(hashed(maker.order()))
    assert future.cancel()
    parts.log.go_on()
    later = parts.sequencer.submit(CancelAll(maker.address)).result(10)
    assert later.position == 5
    assert future.cancelled()


def test_what_a_listener_gets_wrong_stops_nobody(parts, maker):
    def wrong(_applied):
        raise ValueError

    told = []
    parts.sequencer.subscribe(wrong)
    parts.sequencer.subscribe(told.extend)
    applied = parts.sequencer.submit(hashed(maker.order())).result(10)
    assert told == [applied]
    assert parts.failures == []


def test_listeners_can_leave(parts, maker):
    told = []
    leave = parts.sequencer.subscribe(told.extend)
    parts.sequencer.submit(hashed(maker.order())).result(10)
    leave()
    parts.sequencer.submit(hashed(maker.order())).result(10)
    assert [applied.position for applied in told] == [4]


class TestTime:
    def test_passes_before_a_command_when_an_order_is_due(self, parts, maker):
        expiry = parts.clock.ms // 1_000 + TERMS.settlement_window + 60
        resting = parts.sequencer.submit(hashed(maker.order(expiry=expiry))).result(10)
        parts.clock.ms += 60_000
        late = parts.sequencer.submit(Deposit(maker.address, QUOTE, 1)).result(10)
        *_, clock, deposit = logged(parts)
        assert isinstance(clock, Clock)
        assert isinstance(deposit, Deposit)
        assert late.position == resting.position + 2
        assert late.time_ms == parts.clock.ms

    def test_passes_on_its_own_when_nobody_asks(self, parts, maker):
        told = Answers()
        parts.sequencer.subscribe(told.deliver)
        expiry = parts.clock.ms // 1_000 + TERMS.settlement_window + 1
        parts.sequencer.submit(hashed(maker.order(expiry=expiry))).result(10)
        parts.clock.ms += 999
        time.sleep(0.01)
        assert len(told) == 1
        parts.clock.ms += 1
        _, passed = told.wait(2)
        assert isinstance(passed.command, Clock)
        (ended,) = passed.reports
        assert isinstance(ended, OrderDone)
        assert ended.reason is DoneReason.EXPIRED

    def test_never_goes_back(self, parts, maker):
        first = parts.sequencer.submit(hashed(maker.order())).result(10)
        parts.clock.ms -= 5_000
        second = parts.sequencer.submit(hashed(maker.order())).result(10)
        assert second.time_ms == first.time_ms == 1_000_000
        assert parts.sequencer.now_ms() == 1_000_000


class TestRepeatedOrders:
    def test_get_the_first_answer(self, parts, maker):
        order = hashed(maker.order())
        first = parts.sequencer.submit(order).result(10)
        again = parts.sequencer.submit(order).result(10)
        assert again == first._replace(duplicate=True)
        assert parts.sequencer.tail.position == first.position

    def test_get_the_first_answer_of_the_same_group(self, parts, maker):
        order = hashed(maker.order())
        answers = Answers()
        parts.log.hold()
        parts.sequencer.offer([Parcel([order, order], answers.deliver)])
        time.sleep(0.02)
        assert answers == []
        parts.log.go_on()
        first, again = answers.wait(2)
        assert again == first._replace(duplicate=True)

    def test_get_the_first_answer_from_the_views(self, parts, maker):
        taker = trader(2)
        wait([parts.sequencer.submit(command) for command in opening(taker)[1:]])
        resting = hashed(maker.order(Side.SELL, lots=3))
        incoming = hashed(taker.order(Side.BUY, lots=5))
        first = [parts.sequencer.submit(order).result(10) for order in (resting, incoming)]
        last = parts.sequencer.submit(CancelAll(taker.address)).result(10)
        assert parts.writer.wait_for(last.position, 10)
        parts.sequencer.submit(CancelAll(taker.address)).result(10)
        assert not parts.sequencer._recent
        again = [parts.sequencer.submit(order).result(10) for order in (resting, incoming)]
        assert again[0] == first[0]._replace(duplicate=True)
        own = [
            report
            for report in first[1].reports
            if not (isinstance(report, OrderDone) and report.account == maker.address)
        ]
        assert again[1] == first[1]._replace(duplicate=True, reports=own)

    def test_are_refused_when_the_first_was(self, parts):
        poor = hashed(trader(9).order())
        for _ in range(2):
            with pytest.raises(ExchangeError) as refused:
                parts.sequencer.submit(poor).result(10)
            assert refused.value.code == "insufficient_balance"

    def test_another_order_with_a_live_client_id_is_refused(self, parts, maker):
        parts.sequencer.submit(hashed(maker.order(client_id="mine"))).result(10)
        with pytest.raises(ExchangeError) as refused:
            parts.sequencer.submit(hashed(maker.order(lane=1, client_id="mine"))).result(10)
        assert refused.value.code == "duplicate_client_id"


def test_views_that_lag_keep_nobody_waiting(parts, maker, monkeypatch):
    """However many commits it took: a trickle of orders lags by as many as there are."""
    held = threading.Event()
    monkeypatch.setattr(parts.writer, "rest", lambda _: held.wait(30))
    try:
        for lane in range(600):
            parts.sequencer.submit(hashed(maker.order(lane=lane))).result(5)
        assert parts.writer.position < 600
    finally:
        held.set()


def test_orders_that_the_views_have_are_forgotten_a_few_at_a_time(parts, maker):
    orders = [hashed(maker.order(lane=lane)) for lane in range(200)]
    answers = Answers()
    parts.sequencer.offer([Parcel(orders, answers.deliver)])
    last = answers.wait(200)[-1]
    assert parts.writer.wait_for(last.position, 10)
    left = []
    for _ in range(40):
        parts.sequencer.submit(CancelAll(maker.address)).result(10)
        left.append(len(parts.sequencer._recent))
    assert left[-1] == 0
    assert max(before - after for before, after in pairwise([200, *left])) <= 8


def test_reading_holds_the_engine_still(parts, maker):
    with parts.sequencer.reading() as engine:
        future = parts.sequencer.submit(hashed(maker.order()))
        time.sleep(0.02)
        assert engine.open_orders(maker.address) == []
        assert not future.done()
    future.result(10)


def test_stopping_answers_what_was_taken_and_takes_no_more(parts, maker):
    parts.log.hold()
    futures = [parts.sequencer.submit(hashed(maker.order(lane=lane))) for lane in range(20)]
    stopping = threading.Thread(target=parts.sequencer.stop)
    stopping.start()
    time.sleep(0.02)
    with pytest.raises(IntakeError) as refused:
        parts.sequencer.submit(CancelAll(maker.address)).result(10)
    assert refused.value.code == "stopping"
    parts.log.go_on()
    stopping.join(10)
    assert [future.result(0).position for future in futures] == list(range(4, 24))
    assert parts.writer.position == 23
    (snapshot,) = parts.sequencer._snapshots.newest_first()
    assert snapshot.position == 23
    assert snapshot.head == parts.log.tail.head
    again = Engine(TERMS)
    assert len(list(replay(parts.log, again))) == 23
    assert Engine.restore(snapshot.state).state_hash() == again.state_hash()


def test_many_threads_at_once_keep_the_log_whole(parts):
    traders = [trader(number) for number in range(10, 16)]
    wait([parts.sequencer.submit(command) for command in opening(*traders)[1:]])

    def trade(own):
        for number in range(50):
            side = Side(number % 2)
            parts.sequencer.submit(hashed(own.order(side, lots=1 + number % 7))).result(10)

    threads = [threading.Thread(target=trade, args=(each,)) for each in traders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    parts.sequencer.stop()
    again = Engine(TERMS)
    assert len(list(replay(parts.log, again))) == 3 + 12 + 300
    assert again.state_hash() == parts.engine.state_hash()
