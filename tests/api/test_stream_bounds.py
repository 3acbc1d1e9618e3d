"""The WebSocket: who speaks it badly, comes from elsewhere, asks too much or reads too slowly."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gavelbook.api.settings import ApiSettings, Rates
from gavelbook.api.stream import connection
from gavelbook.api.stream.channel import Channel
from gavelbook.client import Client
from gavelbook.rates import Rate
from tests.api.running import PLENTY, RunningExchange, trader
from tests.api.stream_socket import Socket

if TYPE_CHECKING:
    from collections.abc import Iterator


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
