"""Signatures are checked in any order, but what arrived first is first."""

import asyncio
import threading
import time
from types import SimpleNamespace

import pytest
from coincurve import PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from gavelbook.exchange.commands import (
    CancelAll,
    CancelOrder,
    ListMarket,
    PlaceOrder,
    RequestWithdrawal,
)
from gavelbook.exchange.errors import ExchangeError
from gavelbook.exchange.markets import Market
from gavelbook.exchange.orders import Order, Side
from gavelbook.exchange.reports import MarketListed
from gavelbook.exchange.signing import (
    CancelRequest,
    Withdrawal,
    cancel_hash,
    compact_signature,
    order_hash,
    sign,
    withdrawal_hash,
)
from gavelbook.service.exchange.async_intake import AsyncIntake
from gavelbook.service.exchange.entries import Applied
from gavelbook.service.exchange.errors import IntakeError
from gavelbook.service.exchange.intake import Intake
from gavelbook.service.exchange.verification import Verifier
from tests.service.exchange.market_day import (
    BASE,
    DOMAIN,
    MARKET,
    QUOTE,
    Answers,
    exchange_in,
    place,
    trader,
)


class RecordingSequencer:
    """Keeps what it is offered, and answers nothing before it is told to."""

    def __init__(self):
        self.offered = []

    def offer(self, parcels):
        self.offered += parcels

    def answer_all(self):
        for parcel in self.offered:
            parcel.deliver(parcel.commands)


class SlowVerifier:
    """Takes for each order as many milliseconds as it has lots."""

    def __init__(self):
        self.at_once = set()

    def check_orders(self, commands):
        self.at_once.add(threading.current_thread().name)
        time.sleep(sum(command.order.lots for command in commands) / 1_000)
        return commands


def intake_of(verifier, **options):
    sequencer = RecordingSequencer()
    intake = Intake(sequencer, verifier, **options)
    intake.start()
    return SimpleNamespace(intake=intake, sequencer=sequencer)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=5), min_size=1, max_size=30))
def test_arrival_decides_however_long_checks_take(delays):
    verifier = SlowVerifier()
    parts = intake_of(verifier, threads=4)
    sent = [[unsigned(lots, number) for lots in group] for number, group in enumerate(delays)]
    for orders in sent:
        parts.intake.place(orders, list)
    parts.intake.stop()
    assert [list(parcel.commands) for parcel in parts.sequencer.offered] == sent


def unsigned(lots, sequence):
    order = Order(1, b"\x01" * 20, Side.BUY, lots, 1, 0, sequence, 1, 1)
    return PlaceOrder(order, b"")


def test_threads_share_the_checks():
    verifier = SlowVerifier()
    parts = intake_of(verifier, threads=3)
    for number in range(60):
        parts.intake.place([unsigned(5, number)] * 8, list)
    parts.intake.stop()
    assert len(verifier.at_once) == 3
    assert len(parts.sequencer.offered) == 60


def test_too_much_at_once_is_refused_and_what_was_taken_is_not():
    parts = intake_of(SlowVerifier(), max_waiting=10)
    answers = Answers()
    parts.intake.place([unsigned(0, 1)] * 8, answers.deliver)
    for _ in range(2):
        with pytest.raises(IntakeError) as refused:
            parts.intake.place([unsigned(0, 2)] * 3, answers.deliver)
        assert refused.value.code == "overloaded"
    parts.intake.place([unsigned(0, 3)] * 2, answers.deliver)
    parts.intake.cancel(CancelAll(b"\x01" * 20), answers.deliver)
    parts.intake.stop()
    parts.sequencer.answer_all()
    assert len(answers) == 11
    assert parts.intake._admitted == parts.intake._answered


def test_cancels_have_a_bound_too():
    parts = intake_of(SlowVerifier(), max_waiting=10)
    for _ in range(20):
        parts.intake.cancel(CancelAll(b"\x01" * 20), list)
    with pytest.raises(IntakeError) as refused:
        parts.intake.cancel(CancelAll(b"\x01" * 20), list)
    assert refused.value.code == "overloaded"
    parts.intake.stop()


def test_a_check_that_breaks_holds_nobody_up():
    class Breaking:
        def check_orders(self, commands):
            if any(command.order.lots == 3 for command in commands):
                raise ZeroDivisionError
            return commands

    parts = intake_of(Breaking(), threads=1)
    parts.intake.pass_on(
        [parts.intake.admit_orders([unsigned(lots, lots)], list) for lots in (1, 3, 2)]
    )
    parts.intake.stop()
    first, broken, last = (parcel.commands[0] for parcel in parts.sequencer.offered)
    assert (first.order.lots, broken.code, last.order.lots) == (1, "check_failed", 2)


def test_nothing_is_taken_before_the_start_and_after_the_stop():
    intake = Intake(RecordingSequencer(), SlowVerifier())
    with pytest.raises(IntakeError, match="open exchange"):
        intake.place([unsigned(1, 1)], list)
    intake.start()
    intake.place([unsigned(1, 1)], list)
    intake.stop()
    with pytest.raises(IntakeError) as refused:
        intake.place([unsigned(1, 1)], list)
    assert refused.value.code == "stopping"


def test_what_is_checked_together_is_answered_each_for_itself():
    class Counting(SlowVerifier):
        together = 0

        def check_orders(self, commands):
            self.together = max(self.together, len(commands))
            return super().check_orders(commands)

        def check_cancel(self, _request, _signature):
            raise ExchangeError("bad_signature", "Expected another signature, was this one")

    verifier = Counting()
    parts = intake_of(verifier, threads=1)
    intake = parts.intake
    own = b"\x01" * 20
    intake.pass_on(
        [
            intake.admit_orders([unsigned(0, 1), unsigned(0, 2)], list),
            intake.admit_orders([unsigned(0, 3)], list),
            intake.admit_cancel(CancelAll(own), list, (None, b"")),
            intake.admit_cancel(CancelAll(own), list),
            intake.admit_orders([unsigned(0, 4)], list),
        ]
    )
    intake.stop()
    first, second, refused, cancelled, last = (
        parcel.commands for parcel in parts.sequencer.offered
    )
    assert [each.order.sequence for each in first] == [1, 2]
    assert second[0].order.sequence == 3
    assert refused[0].code == "bad_signature"
    assert cancelled == [CancelAll(own)]
    assert last[0].order.sequence == 4
    assert verifier.together == 3


class TestVerifier:
    verifier = Verifier(DOMAIN, [MARKET])

    def test_gives_the_order_its_hash(self):
        command = trader(1).order(client_id="mine", post_only=True)
        checked = self.verifier.check_order(command)
        assert checked.order_hash == order_hash(DOMAIN, MARKET, command.order)
        assert checked == PlaceOrder(
            command.order, checked.order_hash, command.signature, post_only=True, client_id="mine"
        )

    def test_takes_the_short_form_of_a_signature(self):
        command = trader(1).order()
        short = PlaceOrder(command.order, b"", compact_signature(command.signature))
        assert self.verifier.check_order(short).signature == short.signature

    @pytest.mark.parametrize(
        "change",
        [
            {"market": 2},
            {"maker": trader(2).address},
            {"side": Side.SELL},
            {"lots": 2},
            {"ticks": 99},
            {"lane": 1},
            {"sequence": 9},
            {"expiry": 4_000_000_001},
            {"max_fee_bps": 99},
        ],
    )
    def test_refuses_every_change_of_what_was_signed(self, change):
        other = Market(2, BASE, QUOTE, MARKET.lot_size, MARKET.tick_value, 20, 10)
        verifier = Verifier(DOMAIN, [MARKET, other])
        command = trader(1).order(lots=1, ticks=100)
        fields = {name: getattr(command.order, name) for name in command.order.__struct_fields__}
        changed = PlaceOrder(Order(**{**fields, **change}), b"", command.signature)
        with pytest.raises(ExchangeError) as refused:
            verifier.check_order(changed)
        assert refused.value.code == "bad_order_signature"

    def test_refuses_markets_it_does_not_know_until_they_are_listed(self):
        verifier = Verifier(DOMAIN, [])
        command = trader(1).order()
        with pytest.raises(ExchangeError) as refused:
            verifier.check_order(command)
        assert refused.value.code == "unknown_market"
        verifier.follow([Applied(1, 1, ListMarket(MARKET), [MarketListed(MARKET)])])
        verifier.check_order(command)

    def test_takes_orders_without_signature_only_where_approved_on_chain(self):
        command = trader(1).order()
        unsigned_order = PlaceOrder(command.order, b"")
        digest = order_hash(DOMAIN, MARKET, command.order)
        approved = {(command.order.maker, digest)}
        verifier = Verifier(DOMAIN, [MARKET], lambda *order: order in approved)
        assert verifier.check_order(unsigned_order).order_hash == digest
        approved.clear()
        for each in (verifier, self.verifier):
            with pytest.raises(ExchangeError) as refused:
                each.check_order(unsigned_order)
            assert refused.value.code == "bad_order_signature"

    def test_checks_many_orders_each_for_itself(self):
        own, stranger = trader(1), trader(2)
        good = own.order()
        commands = [
            good,
            PlaceOrder(good.order, b"", stranger.order().signature),
            PlaceOrder(good.order, b"", b"\x01" * 65),
            PlaceOrder(good.order, b""),
            own.order(lane=2),
        ]
        first, foreign, malformed, unsigned_order, last = self.verifier.check_orders(commands)
        assert first == self.verifier.check_order(good)
        assert last == self.verifier.check_order(commands[-1])
        for refused, command in zip(
            (foreign, malformed, unsigned_order), commands[1:4], strict=True
        ):
            with pytest.raises(ExchangeError) as alone:
                self.verifier.check_order(command)
            assert refused.code == alone.value.code == "bad_order_signature"
            assert refused.message == alone.value.message

    def test_checks_withdrawals(self):
        own = trader(1)
        fields = (own.address, BASE, 5, own.address, 1, 2_000)
        signature = sign(withdrawal_hash(DOMAIN, Withdrawal(*fields)), own.key)
        self.verifier.check_withdrawal(RequestWithdrawal(*fields, signature))
        with pytest.raises(ExchangeError) as refused:
            self.verifier.check_withdrawal(
                RequestWithdrawal(own.address, BASE, 6, *fields[3:], signature)
            )
        assert refused.value.code == "bad_signature"


@pytest.fixture
def running(tmp_path):
    with exchange_in(tmp_path, trader(1)) as running:
        yield running


def test_each_order_of_a_batch_is_answered_on_its_own(running):
    own, stranger = trader(1), trader(2)
    forged = PlaceOrder(own.order().order, b"", stranger.order().signature)
    first, second, third = place(running, own.order(), forged, own.order(sequence=3))
    assert isinstance(first, Applied)
    assert second.code == "bad_order_signature"
    assert isinstance(third, Applied)
    assert third.position == first.position + 1


def test_a_signed_cancel_needs_the_accounts_own_signature(running):
    own = trader(1)
    (placed,) = place(running, own.order())
    command = CancelOrder(own.address, placed.command.order_hash)
    request = CancelRequest(own.address, 0, "order", f"0x{placed.command.order_hash.hex()}", 1_000)
    digest = cancel_hash(DOMAIN, request)
    answers = Answers()
    running.intake.cancel(
        command, answers.deliver, (request, sign(digest, PrivateKey(b"\x09" * 32)))
    )
    running.intake.cancel(command, answers.deliver, (request, sign(digest, own.key)))
    refused, cancelled = answers.wait(2)
    assert refused.code == "bad_signature"
    assert cancelled.position == placed.position + 1


def test_a_withdrawal_needs_the_accounts_own_signature(running):
    own = trader(1)
    fields = (own.address, QUOTE, 5, own.address, 1, 4_000_000_000)
    signature = sign(withdrawal_hash(DOMAIN, Withdrawal(*fields)), own.key)
    answers = Answers()
    running.intake.withdraw(RequestWithdrawal(*fields), answers.deliver)
    running.intake.withdraw(RequestWithdrawal(*fields, signature), answers.deliver)
    refused, taken = answers.wait(2)
    assert refused.code == "bad_signature"
    assert taken.command.amount == 5


def test_a_session_stands_for_a_signature(running):
    own = trader(1)
    answers = Answers()
    fields = (own.address, QUOTE, 5, own.address, 1, 4_000_000_000)
    running.intake.withdraw(RequestWithdrawal(*fields), answers.deliver, signed=False)
    (taken,) = answers.wait(1)
    assert isinstance(taken, Applied)


def test_coroutines_wait_for_their_own_answers(running):
    own = trader(1)

    async def trade():
        intake = AsyncIntake(running.intake, asyncio.get_running_loop())
        orders = [own.order(lane=lane) for lane in range(40)]
        waiting = [intake.place(order) for order in orders]
        batch = intake.place_batch([own.order(lane=50), PlaceOrder(orders[0].order, b"")])
        answers = await asyncio.gather(*waiting)
        assert [answer.command.order for answer in answers] == [order.order for order in orders]
        placed, refused = await batch
        assert placed.position == answers[-1].position + 1
        assert refused.code == "bad_order_signature"
        with pytest.raises(ExchangeError) as raised:
            await intake.place(PlaceOrder(orders[0].order, b""))
        assert raised.value.code == "bad_order_signature"
        cancelled = await intake.cancel(CancelAll(own.address))
        assert len(cancelled.reports) == 41

    asyncio.run(trade())


def test_a_coroutine_that_gave_up_and_a_loop_that_is_gone_do_no_harm(running):
    own = trader(1)

    async def give_up():
        intake = AsyncIntake(running.intake, asyncio.get_running_loop())
        intake.place(own.order(lane=1)).cancel()
        await intake.place(own.order(lane=2))
        intake.place(own.order(lane=3))

    asyncio.run(give_up())
    (answer,) = place(running, own.order(lane=4))
    assert isinstance(answer, Applied)
