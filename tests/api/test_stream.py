"""The WebSocket: snapshots, numbered deltas, resuming, slowness, origins, cancel-on-disconnect."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from contextlib import suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from gavelbook.api.settings import ApiSettings, Rates
from gavelbook.api.stream import connection
from gavelbook.api.stream.channel import Channel
from gavelbook.client import Client, LocalBook
from gavelbook.exchange.commands import BatchSettled, BustFill, ListMarket
from gavelbook.exchange.markets import Market
from gavelbook.rates import Rate
from tests.api.running import BASE, PLENTY, RunningExchange, trader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from websockets.sync.client import ClientConnection


class Socket:
    """A raw connection to the stream."""

    def __init__(self, exchange: RunningExchange, **options: Any) -> None:
        self._url = f"ws://127.0.0.1:{exchange.port}/v1/stream"
        self._options = options

    def __enter__(self) -> Self:
        self.raw: ClientConnection = connect(self._url, **self._options)
        return self

    def __exit__(self, *_: object) -> None:
        self.raw.close()

    def say(self, op: str, **values: object) -> None:
        self.raw.send(json.dumps({"op": op, **values}))

    def hear(self, *ops: str, seconds: float = 10) -> dict[str, Any]:
        """Return the next message of one of ``ops``; heartbeats are passed over."""
        while True:
            message = json.loads(self.raw.recv(seconds))
            if message["op"] in ops or (not ops and message["op"] != "heartbeat"):
                return message

    def ask(self, op: str, **values: object) -> dict[str, Any]:
        self.say(op, id="asked", **values)
        while (message := self.hear()).get("id") != "asked":
            pass
        return message

    def closed(self) -> int:
        code = None
        while code is None:
            try:
                self.raw.recv(10)
            except ConnectionClosed as error:
                code = 0 if error.rcvd is None else error.rcvd.code
        return code


class TestBook:
    def test_a_snapshot_and_then_deltas_that_connect(
        self, exchange: RunningExchange, maker: Client
    ) -> None:
        maker.limit(1, "buy", lots=3, ticks=99)
        with Socket(exchange) as stream:
            stream.say("subscribe", channel="book.1")
            snapshot = stream.hear("snapshot")
            assert snapshot["data"]["bids"] == [["99", "3"]]
            stream.hear("done")
            maker.limit(1, "buy", lots=2, ticks=99)
            placed = maker.limit(1, "sell", lots=1, ticks=103)
            first, second = stream.hear("delta"), stream.hear("delta")
            assert first["prev"] == snapshot["seq"]
            assert first["data"]["bids"] == [["99", "5"]], "the whole new size"
            assert second["prev"] == first["seq"]
            assert second["data"]["asks"] == [["103", "1"]]
            maker.cancel(placed.order_hash)
            assert stream.hear("delta")["data"]["asks"] == [["103", "0"]]

    def test_a_local_book_stays_equal_to_the_exchanges(self, maker: Client, taker: Client) -> None:
        maker.limit(1, "buy", lots=50, ticks=90)
        updates = taker.stream("book.1")
        book = LocalBook(1)
        book.update(next(updates))
        for number in range(30):
            maker.limit(1, "sell" if number % 3 else "buy", lots=1 + number, ticks=91 + number % 7)
            if number % 4 == 0:
                taker.limit(1, "sell", lots=5, ticks=90, time_in_force="IOC")
        target = taker.book(1, depth=1_000)
        while book.seq is None or book.seq < target.seq:
            if (book.seq or 0) < target.seq and not _differs(book, target):
                break
            book.update(next(updates))
        assert sorted(book.bids.items(), reverse=True) == target.bids
        assert sorted(book.asks.items()) == target.asks

    def test_the_book_over_http_continues_with_the_stream(
        self, exchange: RunningExchange, maker: Client
    ) -> None:
        with Socket(exchange) as stream:
            stream.say("subscribe", channel="book.1")
            stream.hear("done")
            maker.limit(1, "buy", lots=3, ticks=99)
            older = stream.hear("delta")
            snapshot = maker.book(1)
            maker.limit(1, "buy", lots=4, ticks=98)
            newer = stream.hear("delta")
            assert int(older["seq"]) <= snapshot.seq < int(newer["seq"])
            assert int(newer["prev"]) <= snapshot.seq

    def test_resuming_brings_just_what_was_missed(
        self, exchange: RunningExchange, maker: Client
    ) -> None:
        with Socket(exchange) as stream:
            stream.say("subscribe", channel="book.1")
            seen = stream.hear("snapshot")["seq"]
        for ticks in (10, 11, 12):
            maker.limit(1, "buy", lots=1, ticks=ticks)
        with Socket(exchange) as stream:
            stream.say("subscribe", channel="book.1", resumeFrom=seen)
            missed = [stream.hear("delta", "snapshot") for _ in range(3)]
            assert [each["op"] for each in missed] == ["delta"] * 3
            assert missed[0]["prev"] == seen
            assert [each["data"]["bids"][0][0] for each in missed] == ["10", "11", "12"]
            last = missed[-1]["seq"]
        with Socket(exchange) as stream:
            stream.say("subscribe", channel="book.1", resumeFrom=last)
            assert stream.hear()["op"] == "done", "nothing was missed"

    def test_who_asks_for_what_is_gone_gets_a_snapshot(
        self, exchange: RunningExchange, maker: Client
    ) -> None:
        maker.limit(1, "buy", lots=1, ticks=9)
        for seq in ("0", "3", str(2**63)):
            with Socket(exchange) as stream:
                stream.say("subscribe", channel="book.1", resumeFrom=seq)
                assert stream.hear()["op"] == "snapshot"

    def test_a_market_listed_later_has_channels(self, exchange: RunningExchange) -> None:
        other = Market(7, BASE, bytes(range(20)), 1, 1, 0, 0)
        with Socket(exchange) as stream:
            assert stream.ask("subscribe", channel="book.7")["problem"]["code"] == "unknown_channel"
            exchange.submit(ListMarket(other))
            assert stream.ask("subscribe", channel="book.7")["op"] == "done"


def _differs(book: LocalBook, target: Any) -> bool:
    return (
        sorted(book.bids.items(), reverse=True) != target.bids
        or sorted(book.asks.items()) != target.asks
    )


def test_trades_and_candles_tell_of_a_fill_and_its_settlement(
    exchange: RunningExchange, maker: Client, taker: Client
) -> None:
    maker.limit(1, "sell", lots=5, ticks=120)
    with Socket(exchange) as stream:
        for channel in ("trades.1", "candles.1.1m", "candles.1.1d"):
            assert stream.ask("subscribe", channel=channel)["op"] == "done"
        placed = taker.limit(1, "buy", lots=2, ticks=120)
        told = {each["channel"]: each["data"] for each in (stream.hear("delta") for _ in range(3))}
        (trade,) = told["trades.1"]["trades"]
        fill_id = int(placed.fills[0].fill_id)
        assert (trade["fillId"], trade["lots"], trade["state"]) == (str(fill_id), "2", "MATCHED")
        assert told["candles.1.1m"]["candles"][-1]["close"] == "120"
        with exchange.exchange.sequencer.reading() as engine:
            number = engine.last_batch + 1
        exchange.submit(BatchSettled(number, 1, fill_id, fill_id, 1))
        (settled,) = stream.hear("delta")["data"]["settlements"]
        assert (settled["state"], settled["batch"]) == ("SETTLED", str(number))
        assert int(settled["firstFill"]) <= fill_id <= int(settled["lastFill"])
        busted = int(taker.limit(1, "buy", lots=1, ticks=120).fills[0].fill_id)
        exchange.submit(BustFill(busted))
        states = [
            trade["state"]
            for _ in range(4)
            for trade in stream.hear("delta")["data"].get("trades", [])
        ]
        assert states == ["MATCHED", "BUSTED"]
        (mended,) = stream.hear("delta")["data"]["candles"]
        (page, *_) = taker.candles(1, "1m").candles
        assert (mended["start"], mended["trades"]) == (page.start.text(), page.trades.text())
        told = [each.state for each in taker.trades(1).trades][:2]
        assert stream.ask("subscribe", channel="trades.1")["op"] == "done"
    with Socket(exchange) as stream:
        stream.say("subscribe", channel="trades.1")
        recent = stream.hear("snapshot")["data"]["trades"][::-1]
        assert [each["state"] for each in recent[:2]] == told == ["BUSTED", "SETTLED"]


class TestAccount:
    def test_it_needs_a_session(self, exchange: RunningExchange, maker: Client) -> None:
        with Socket(exchange) as stream:
            assert stream.ask("subscribe", channel="account")["problem"]["code"] == (
                "session_required"
            )
            assert stream.ask("authenticate", token="gavelbook_none")["problem"]["code"] == (
                "unknown_session"
            )
            token = maker.sign_in().token
            assert stream.ask("authenticate", token=token)["op"] == "done"
            stream.say("subscribe", channel="account")
            assert stream.hear("snapshot")["data"]["balances"]

    def test_one_connection_is_one_account(
        self, exchange: RunningExchange, maker: Client, attacker: Client
    ) -> None:
        with Socket(exchange) as stream:
            stream.ask("authenticate", token=attacker.sign_in().token)
            answer = stream.ask("authenticate", token=maker.sign_in().token)
            assert answer["problem"]["code"] == "foreign_account"

    def test_orders_fills_and_balances_as_they_stand(self, maker: Client, taker: Client) -> None:
        maker.sign_in()
        updates = maker.stream("account")
        first = next(updates)
        assert (first.is_snapshot, first.data.orders) == (True, [])
        placed = maker.limit(1, "sell", lots=5, ticks=130, client_id="mine")
        rested = next(updates)
        (order,) = rested.data.orders
        assert (order.order_hash, order.state, order.remaining_lots) == (
            placed.order_hash,
            "OPEN",
            5,
        )
        assert order.client_id == "mine"
        reserved = {bytes(each.token): each.reserved for each in rested.data.balances}
        assert reserved[BASE] > 0
        taker.limit(1, "buy", lots=2, ticks=130)
        filled = next(updates)
        (fill,) = filled.data.fills
        assert (fill.lots, fill.role, fill.state) == (2, "maker", "MATCHED")
        assert filled.data.orders[0].remaining_lots == 3
        taker.limit(1, "buy", lots=3, ticks=130)
        done = next(updates).data.orders[0]
        assert (done.state, done.reason, done.remaining_lots) == ("FILLED", "filled", 0)

    def test_nobody_hears_of_another(self, maker: Client, attacker: Client) -> None:
        attacker.sign_in()
        updates = attacker.stream("account")
        next(updates)
        maker.limit(1, "sell", lots=5, ticks=140)
        own = attacker.limit(1, "buy", lots=1, ticks=1)
        told = next(updates)
        assert [order.order_hash for order in told.data.orders] == [own.order_hash]
        assert told.data.fills == []


class TestCancelOnDisconnect:
    def _armed(self, stream: Socket, client: Client, seconds: int = 30) -> None:
        stream.ask("authenticate", token=client.sign_in().token)
        armed = stream.ask("cancelOnDisconnect", enabled=True, timeoutSeconds=seconds)
        assert armed["op"] == "done"

    @staticmethod
    def _wait_until_empty(client: Client) -> str | None:
        ends = time.monotonic() + 10
        while client.book(1).bids and time.monotonic() < ends:
            time.sleep(0.02)
        return client.orders(limit=1).orders[0].reason

    def test_orders_go_with_the_connection(self, exchange: RunningExchange, maker: Client) -> None:
        with Socket(exchange) as stream:
            self._armed(stream, maker)
            maker.limit(1, "buy", lots=1, ticks=5)
        assert self._wait_until_empty(maker) == "disconnected"

    def test_orders_go_with_a_connection_that_breaks(
        self, exchange: RunningExchange, maker: Client
    ) -> None:
        with Socket(exchange) as stream:
            self._armed(stream, maker)
            maker.limit(1, "buy", lots=1, ticks=5)
            stream.raw.socket.shutdown(socket.SHUT_RDWR)
            assert self._wait_until_empty(maker) == "disconnected"

    def test_orders_go_as_soon_as_a_busy_exchange_can_take_it(
        self, exchange: RunningExchange, maker: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        intake = exchange.exchange.intake
        with Socket(exchange) as stream:
            self._armed(stream, maker)
            maker.limit(1, "buy", lots=1, ticks=5)
            with monkeypatch.context() as busy:
                busy.setattr(intake, "_max_waiting", 0)
                stream.raw.socket.shutdown(socket.SHUT_RDWR)
                time.sleep(1)
                assert maker.book(1).bids
        assert self._wait_until_empty(maker) == "disconnected"

    def test_silence_ends_the_connection(self, exchange: RunningExchange, maker: Client) -> None:
        with Socket(exchange) as stream:
            self._armed(stream, maker, seconds=5)
            maker.limit(1, "buy", lots=1, ticks=5)
            assert stream.closed() == connection.SILENT
        assert self._wait_until_empty(maker) == "disconnected"

    def test_it_is_off_unless_asked_for_and_can_be_taken_back(
        self, exchange: RunningExchange, maker: Client
    ) -> None:
        with Socket(exchange) as stream:
            stream.ask("authenticate", token=maker.sign_in().token)
            maker.limit(1, "buy", lots=1, ticks=5)
        with Socket(exchange) as stream:
            self._armed(stream, maker)
            assert stream.ask("cancelOnDisconnect", enabled=False)["op"] == "done"
        time.sleep(0.3)
        assert maker.book(1).bids == [(5, 1)]

    def test_only_for_who_signed_in(self, exchange: RunningExchange) -> None:
        with Socket(exchange) as stream:
            answer = stream.ask("cancelOnDisconnect", enabled=True)
            assert answer["problem"]["code"] == "session_required"


class TestBadClients:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{",
            "[]",
            "null",
            '{"op":"launch"}',
            '{"op":"subscribe"}',
            '{"op":"subscribe","channel":"book.1","extra":1}',
            '{"op":"subscribe","channel":5}',
            '{"op":"subscribe","channel":"book.1","resumeFrom":5}',
            '{"op":"ping","id":"' + "x" * 37 + '"}',
            '{"op":"cancelOnDisconnect","enabled":true,"timeoutSeconds":1}',
            "[" * 4_000,
        ],
    )
    def test_a_malformed_message_is_answered_with_a_problem(
        self, exchange: RunningExchange, text: str
    ) -> None:
        with Socket(exchange) as stream:
            stream.raw.send(text)
            assert stream.hear("error")["problem"]["code"] == "malformed_message"
            assert stream.ask("ping")["op"] == "pong", "and the connection goes on"

    @pytest.mark.parametrize(
        "channel",
        ["book", "book.", "book.9", "book.01x", "candles.1.2m", "\u0661", "a.1", "x" * 64],
    )
    def test_an_unknown_channel(self, exchange: RunningExchange, channel: str) -> None:
        with Socket(exchange) as stream:
            answer = stream.ask("subscribe", channel=channel)
            assert answer["problem"]["code"] == "unknown_channel"

    def test_binary_is_not_spoken(self, exchange: RunningExchange) -> None:
        with Socket(exchange) as stream:
            stream.raw.send(b"\x00\x01")
            assert stream.closed() == connection.BAD_DATA

    def test_a_message_too_large_ends_it(self, exchange: RunningExchange) -> None:
        with Socket(exchange) as stream:
            stream.raw.send("x" * 100_000)
            assert stream.closed() == 1009

    def test_leaving_a_channel(self, exchange: RunningExchange, maker: Client) -> None:
        with Socket(exchange) as stream:
            stream.ask("subscribe", channel="book.1")
            stream.ask("unsubscribe", channel="book.1")
            stream.ask("unsubscribe", channel="book.1")
            maker.limit(1, "buy", lots=1, ticks=5)
            assert stream.ask("ping")["op"] == "pong"

    def test_subscribing_twice_is_one_subscription(
        self, exchange: RunningExchange, maker: Client
    ) -> None:
        with Socket(exchange) as stream:
            stream.ask("subscribe", channel="book.1")
            stream.ask("subscribe", channel="book.1")
            maker.limit(1, "buy", lots=1, ticks=5)
            assert stream.hear()["op"] == "delta"
            assert stream.ask("ping")["op"] == "pong"


class TestOrigin:
    def test_a_page_of_another_site_is_refused(self, exchange: RunningExchange) -> None:
        for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
            with pytest.raises(InvalidStatus) as caught, Socket(exchange, origin=origin):
                pass
            assert caught.value.response.status_code == 403

    def test_the_exchanges_own_pages_may(self, exchange: RunningExchange) -> None:
        with Socket(exchange, origin=exchange.settings.origin) as stream:
            assert stream.ask("ping")["op"] == "pong"

    def test_cors_is_off(self, exchange: RunningExchange) -> None:
        import httpx

        headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}
        answer = httpx.options(f"{exchange.url}/v1/orders", headers=headers)
        assert answer.status_code == 405
        answer = httpx.get(f"{exchange.url}/v1/time", headers=headers)
        assert "access-control-allow-origin" not in answer.headers


class TestBounds:
    @pytest.fixture(scope="class")
    def tight(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExchange]:
        rates = Rates(*[PLENTY] * 6, messages_per_stream=Rate(0.1, 5))
        settings = ApiSettings(
            rates=rates,
            streams_per_ip=2,
            stream_buffer=8,
            heartbeat=0.2,
            resume_buffer=4,
            origins=("https://pages.example",),
        )
        with RunningExchange(tmp_path_factory.mktemp("tight"), settings) as running:
            yield running

    def test_heartbeats_come_however_quiet_it_is(self, tight: RunningExchange) -> None:
        with Socket(tight) as stream:
            first, second = stream.hear("heartbeat"), stream.hear("heartbeat")
            assert int(first["time"]) < int(second["time"])

    def test_only_the_latest_deltas_are_kept(self, tight: RunningExchange) -> None:
        account = trader("who moves the book")
        tight.fund(account)
        with Client(tight.url, account=account) as maker:
            with Socket(tight) as stream:
                stream.say("subscribe", channel="book.1")
                seen = stream.hear("snapshot")["seq"]
            for ticks in range(1, 7):
                maker.limit(1, "buy", lots=1, ticks=ticks)
            with Socket(tight) as stream:
                stream.say("subscribe", channel="book.1", resumeFrom=seen)
                assert stream.hear("snapshot", "delta")["op"] == "snapshot"

    def test_a_client_has_so_many_connections(self, tight: RunningExchange) -> None:
        with Socket(tight), Socket(tight), pytest.raises(InvalidStatus), Socket(tight):
            pass
        time.sleep(0.2)
        with Socket(tight) as stream:
            stream.hear("heartbeat")

    def test_too_many_messages_end_it(self, tight: RunningExchange) -> None:
        with Socket(tight) as stream:
            # It may end before all is said.
            with suppress(ConnectionClosed):
                for _ in range(10):
                    stream.say("ping")
            assert stream.closed() == connection.TOO_MANY_MESSAGES

    def test_another_site_may_where_it_is_named(self, tight: RunningExchange) -> None:
        import httpx

        with Socket(tight, origin="https://pages.example") as stream:
            stream.hear("heartbeat")
        headers = {"origin": "https://pages.example"}
        answer = httpx.get(f"{tight.url}/v1/time", headers=headers)
        assert answer.headers["access-control-allow-origin"] == "https://pages.example"
        assert "retry-after" in answer.headers["access-control-expose-headers"]
        other = httpx.get(f"{tight.url}/v1/time", headers={"origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers


class StuckSocket:
    """A WebSocket whose client reads nothing."""

    def __init__(self) -> None:
        self.closed: list[int] = []

    async def accept(self) -> None:
        """Let it in."""

    async def receive(self) -> dict[str, str]:
        await asyncio.sleep(60)
        return {"type": "websocket.disconnect"}

    async def send(self, _message: object) -> None:
        await asyncio.sleep(60)

    async def close(self, code: int, _reason: str) -> None:
        self.closed.append(code)


def test_a_slow_consumer_is_disconnected() -> None:
    async def overrun() -> list[int]:
        desk = SimpleNamespace(settings=ApiSettings(stream_buffer=8), feed=None, sessions=None)
        stuck = StuckSocket()
        open_connection = connection.Connection(desk, stuck)
        running = asyncio.create_task(open_connection.run())
        await asyncio.sleep(0)
        channel = Channel("book.1", 0, 4, lambda: None)
        channel.subscribe(open_connection, None)
        started = time.monotonic()
        for seq in range(1, 20):
            channel.publish(seq, None)
        assert time.monotonic() - started < 1, "nobody waits for it"
        await asyncio.wait_for(running, 5)
        return stuck.closed

    assert asyncio.run(overrun()) == [connection.SLOW_CONSUMER]
