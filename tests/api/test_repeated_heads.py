"""A client whose requests begin alike gets the answers that it would get otherwise."""

from __future__ import annotations

import gc
import json
import socket
import time
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

import pytest

from gavelbook.api.direct import DirectProtocol, _Cycle
from gavelbook.api.settings import ApiSettings
from tests.api.conftest import body_of
from tests.api.running import NO_LIMITS, RunningExchange, trader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gavelbook.client import Client

    MakesHeads = Callable[..., bytes]

LENGTH = 600
KEEP_ALIVE = 2


class Line:
    """A connection that sends bytes as they are."""

    def __init__(self, exchange: RunningExchange) -> None:
        self._socket = socket.create_connection(("127.0.0.1", exchange.port), timeout=10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._read = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._read.close()
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def answer(self) -> dict[str, Any]:
        """Return the body of the next answer."""
        length = 0
        while (line := self._read.readline().strip()) or not length:
            if not line:
                raise ConnectionError
            if line.startswith(b"content-length: "):
                length = int(line.split()[1])
        return json.loads(self._read.read(length))

    def ask(self, data: bytes) -> dict[str, Any]:
        self.send(data)
        return self.answer()


class Counted:
    """How many requests went past the parser."""

    times = 0


@pytest.fixture
def past_parser(monkeypatch: pytest.MonkeyPatch) -> Counted:
    counted, take = Counted(), DirectProtocol._take

    def counting(self: DirectProtocol, *arguments: Any) -> None:
        counted.times += 1
        take(self, *arguments)

    monkeypatch.setattr(DirectProtocol, "_take", counting)
    return counted


@pytest.fixture
def head() -> MakesHeads:
    """Return what makes heads, which no other test has sent."""
    host = f"{uuid4().hex}.example"

    def head(length: int = LENGTH, more: str = "") -> bytes:
        return (
            f"POST /v1/orders HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {length}\r\n{more}\r\n"
        ).encode()

    return head


def body(maker: Client, ticks: int) -> bytes:
    """Return an order as JSON, as long as every other one."""
    order = maker.sign_order(1, "buy", lots=1, ticks=ticks)
    return json.dumps(body_of(order)).encode().ljust(LENGTH)


def test_each_request_is_answered_for_its_own_body(
    exchange: RunningExchange, maker: Client, head: MakesHeads, past_parser: Counted
) -> None:
    bodies = [body(maker, ticks) for ticks in (5, 6, 7)]
    with Line(exchange) as line:
        placed = [line.ask(head() + each) for each in bodies]
        again = line.ask(head() + bodies[1])
    assert past_parser.times == 3
    assert len({each["orderHash"] for each in placed}) == 3
    assert (again["orderHash"], again["duplicate"]) == (placed[1]["orderHash"], True)


def test_bad_bodies_are_refused_alike(
    exchange: RunningExchange, maker: Client, head: MakesHeads, past_parser: Counted
) -> None:
    good = body(maker, 5)
    bad = [b"{".ljust(LENGTH), good.replace(b'"lots": "1"', b'"lots": "x"'), b"\xff" * LENGTH]
    with Line(exchange) as line:
        first = [
            line.ask(head(more=f"X-Number: {number}\r\n") + each) for number, each in enumerate(bad)
        ]
    with Line(exchange) as line:
        line.ask(head() + good)
        later = [line.ask(head() + each) for each in bad]
    assert past_parser.times == len(bad)
    assert [each["code"] for each in later] == [
        "malformed_json", "malformed_body", "malformed_json",
    ]  # fmt: skip
    assert first == later


@pytest.mark.parametrize("size", [1, 100, 599, 650])
def test_a_known_head_in_pieces_and_one_with_more_behind_it(
    exchange: RunningExchange, maker: Client, head: MakesHeads, size: int
) -> None:
    with Line(exchange) as line:
        line.ask(head() + body(maker, 5))
        whole = head() + body(maker, 6)
        for at in range(0, len(whole), size):
            line.send(whole[at : at + size])
        pieces = line.answer()
        line.send(head() + body(maker, 7) + head() + body(maker, 8))
        ahead = [line.answer(), line.answer()]
        last = line.ask(head() + body(maker, 9))
    positions = [int(each["position"]) for each in (pieces, *ahead, last)]
    assert positions == sorted(positions)


def test_a_known_head_may_be_the_last_one(
    exchange: RunningExchange, maker: Client, head: MakesHeads
) -> None:
    ending = head(more="Connection: close\r\n")
    for ticks in (5, 6, 7):
        with Line(exchange) as line:
            assert line.ask(ending + body(maker, ticks))["state"] == "OPEN"
            with pytest.raises(ConnectionError):
                line.answer()


def test_other_requests_come_between(
    exchange: RunningExchange, maker: Client, head: MakesHeads, past_parser: Counted
) -> None:
    with Line(exchange) as line:
        line.ask(head() + body(maker, 5))
        assert "time" in line.ask(b"GET /v1/time HTTP/1.1\r\nHost: here\r\n\r\n")
        line.ask(head() + body(maker, 5))
        short = body(maker, 5).strip()
        assert line.ask(head(len(short)) + short)["state"] == "OPEN"
        line.ask(head() + body(maker, 5))
    assert past_parser.times == 2


def test_heads_are_forgotten_before_there_are_too_many(
    exchange: RunningExchange,
    maker: Client,
    head: MakesHeads,
    monkeypatch: pytest.MonkeyPatch,
    past_parser: Counted,
) -> None:
    monkeypatch.setattr("gavelbook.api.direct._MOST_KNOWN", 10)
    monkeypatch.setattr("gavelbook.api.direct._LONGEST_KNOWN", 200)
    order = body(maker, 5)
    with Line(exchange) as line:
        for number in range(40):
            assert line.ask(head(more=f"X-Number: {number}\r\n") + order)["position"]
        for _ in range(2):
            assert line.ask(head(more=f"X-Long: {'x' * 200}\r\n") + order)["position"]
    assert past_parser.times == 0


def test_requests_leave_nothing_for_the_collector_of_garbage(
    exchange: RunningExchange, maker: Client, head: MakesHeads
) -> None:
    """What is in a cycle stays until the collector stops everybody to look for it."""
    bodies = [body(maker, ticks) for ticks in range(5, 25)]
    with Line(exchange) as line:
        gc.disable()
        try:
            before = cycles()
            for each in bodies:
                line.ask(head() + each)
            left = cycles() - before
        finally:
            gc.enable()
    # The connection keeps its last one, and the thread that answers may not be done with it.
    assert left <= 2


def cycles() -> int:
    return sum(type(each) is _Cycle for each in gc.get_objects())


class TestKeepAlive:
    @pytest.fixture(scope="class")
    def leaving(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExchange]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("gavelbook.api.process._KEEP_ALIVE_SECONDS", KEEP_ALIVE)
            settings = ApiSettings(rates=NO_LIMITS)
            with RunningExchange(tmp_path_factory.mktemp("leaving"), settings) as running:
                running.fund(trader("maker"))
                yield running

    def test_a_connection_stays_as_long_as_it_is_used_and_no_longer(
        self, leaving: RunningExchange, head: MakesHeads
    ) -> None:
        unfit = head() + b"{".ljust(LENGTH)
        with Line(leaving) as line:
            for _ in range(5):
                assert line.ask(unfit)["code"] == "malformed_json"
                time.sleep(KEEP_ALIVE / 3)
            assert line.ask(unfit)["code"] == "malformed_json"
            began = time.monotonic()
            with pytest.raises(ConnectionError):
                line.answer()
            assert KEEP_ALIVE - 0.1 < time.monotonic() - began < KEEP_ALIVE + 5
