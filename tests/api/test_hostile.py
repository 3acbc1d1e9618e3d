"""Whatever is sent, the answer is a problem with a code, and the exchange goes on."""

from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING

import pytest

from gavelbook.api.settings import ApiSettings
from gavelbook.client import Client
from tests.api.conftest import body_of
from tests.api.running import NO_LIMITS, RunningExchange, trader

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

NUMBERS = ["market", "lots", "ticks", "lane", "sequence", "expiry", "maxFeeBps"]
BAD_NUMBERS = [
    5,
    -5,
    0.5,
    True,
    None,
    [],
    {},
    "",
    "-1",
    "+1",
    "1.0",
    "1e3",
    "0x10",
    "01",
    " 1",
    "1 ",
    "1\n",
    "1_000",
    "\u0661",
    "\u00b2",
    "\uff11",
    "NaN",
    "Infinity",
    str(2**64),
    str(2**256),
    str(2**256 - 1),
    "9" * 5_000,
]


@pytest.fixture(scope="module")
def signed(exchange: RunningExchange) -> dict[str, object]:
    with Client(exchange.url, account=trader("whose order is spoilt")) as client:
        return body_of(client.sign_order(1, "buy", lots=10, ticks=99))


@pytest.fixture
def order(signed: dict[str, object]) -> dict[str, object]:
    """Return an order that is refused for want of money, and for nothing else."""
    return dict(signed)


@pytest.fixture(params=["/v1/orders", "/v1/orders/validate", "/v1/orders/batch"])
def path(request: pytest.FixtureRequest) -> str:
    return request.param


def wrapped(path: str, body: object) -> object:
    return {"orders": [body]} if path.endswith("batch") else body


def refusal(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code < 500
    assert problem["detail"].isprintable()
    return problem["code"]


@pytest.mark.parametrize("field", NUMBERS)
def test_a_number_is_a_decimal_string_in_range(
    http: httpx.Client, order: dict[str, object], field: str
) -> None:
    for value in BAD_NUMBERS:
        answer = http.post("/v1/orders", json=order | {field: value})
        assert refusal(answer) == "malformed_body", value
        assert answer.json()["path"] == field


OTHERS = [
    ("side", "BUY"),
    ("side", 0),
    ("maker", "0x12"),
    ("maker", "12" * 20),
    ("maker", "0X" + "12" * 20),
    ("maker", "0x" + "zz" * 20),
    ("maker", "0x" + " 1" * 20),
    ("signature", "0x" + "11" * 66),
    ("signature", "0x" + "11" * 20_000),
    ("timeInForce", "gtc"),
    ("timeInForce", None),
    ("postOnly", "true"),
    ("postOnly", 1),
    ("selfTradePrevention", "none"),
    ("clientId", ""),
    ("clientId", "x" * 37),
    ("clientId", "two words"),
    ("clientId", "nul\0"),
    ("clientId", "\u00e9"),
    ("clientId", "line\n"),
    ("goodTill", 5),
]


def test_other_fields_are_as_strict(
    http: httpx.Client, order: dict[str, object], path: str
) -> None:
    for field, value in OTHERS:
        answer = http.post(path, json=wrapped(path, order | {field: value}))
        assert refusal(answer) == "malformed_body", value
        assert answer.json()["path"].endswith(field)


def test_unknown_and_missing_fields(
    http: httpx.Client, order: dict[str, object], path: str
) -> None:
    extra = http.post(path, json=wrapped(path, order | {"price": "1"}))
    assert refusal(extra) == "malformed_body"
    assert "price" in extra.json()["detail"]
    del order["lane"]
    missing = http.post(path, json=wrapped(path, order))
    assert refusal(missing) == "malformed_body"
    assert "lane" in missing.json()["detail"]


NO_ORDERS = [
    b"",
    b"{",
    b"null x",
    b"NaN",
    b'{"lots": NaN}',
    b'{"lots": 1e999}',
    b'{"lots": Infinity}',
    b"\xff\xfe",
    b'{"clientId": "\xff"}',
    b'{"clientId": "\xed\xa0\x80"}',
    b"\xef\xbb\xbf{}",
    b"[" * 100_000,
    b'{"a":' * 40_000,
    b'{"market":' + b"[" * 50_000,
    b'{"market": ' + b"9" * 100_000 + b"}",
    b"null",
    b"true",
    b"[]",
    b'"text"',
    b"{}",
]


def test_what_is_no_order_at_all(http: httpx.Client, path: str) -> None:
    for content in NO_ORDERS:
        answer = http.post(path, content=content, headers={"content-type": "application/json"})
        assert refusal(answer) in {"malformed_json", "malformed_body"}, content[:50]


def test_a_lone_surrogate_cannot_break_the_answer(
    http: httpx.Client, order: dict[str, object], path: str
) -> None:
    content = json.dumps(wrapped(path, order | {"clientId": "MARK"})).replace("MARK", "\\ud800")
    answer = http.post(path, content=content.encode(), headers={"content-type": "application/json"})
    assert refusal(answer) in {"malformed_json", "malformed_body"}


@pytest.mark.parametrize("kind", ["text/plain", "application/jsonp", "", "application/xml"])
def test_only_json(http: httpx.Client, order: dict[str, object], path: str, kind: str) -> None:
    """A form of another site could send text/plain; a browser asks before it sends JSON."""
    content = json.dumps(wrapped(path, order))
    answer = http.post(path, content=content, headers={"content-type": kind})
    assert (answer.status_code, refusal(answer)) == (415, "unsupported_media_type")


def test_the_charset_may_be_named(http: httpx.Client, order: dict[str, object]) -> None:
    answer = http.post(
        "/v1/orders",
        content=json.dumps(order),
        headers={"content-type": "Application/JSON; charset=utf-8"},
    )
    assert refusal(answer) == "insufficient_balance"


def test_a_body_too_large_is_refused_unread(exchange: RunningExchange, path: str) -> None:
    most = exchange.settings.max_body
    head = _head(path, f"Content-Length: {most + 1}\r\n")
    assert b" 413 " in _talk(exchange, head).split(b"\r\n")[0]
    head = _head(path, "Content-Length: " + "9" * 5_000 + "\r\n")
    assert b" 4" in _talk(exchange, head).split(b"\r\n")[0]


def test_a_body_without_length_is_bounded_too(exchange: RunningExchange, path: str) -> None:
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    answer = _talk(exchange, _head(path, "Transfer-Encoding: chunked\r\n"), *[chunk] * 8)
    assert b" 413 " in answer.split(b"\r\n")[0]


def test_a_chunked_body_is_as_good(exchange: RunningExchange, order: dict[str, object]) -> None:
    content = json.dumps(order).encode()
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in content) + b"0\r\n\r\n"
    answer = _talk(exchange, _head("/v1/orders", "Transfer-Encoding: chunked\r\n"), chunks)
    assert b'"code":"insufficient_balance"' in answer


def test_a_body_in_pieces_is_as_good(exchange: RunningExchange, order: dict[str, object]) -> None:
    content = json.dumps(order).encode()
    head = _head("/v1/orders", f"Content-Length: {len(content)}\r\n")
    whole = head + content
    answer = _talk(exchange, *(whole[at : at + 40] for at in range(0, len(whole), 40)))
    assert b'"code":"insufficient_balance"' in answer


def test_requests_sent_ahead_are_answered_in_order(
    exchange: RunningExchange, maker: Client
) -> None:
    orders = [body_of(maker.sign_order(1, "buy", lots=1, ticks=n)) for n in (5, 6, 7)]
    sent = b""
    for each in orders:
        content = json.dumps(each).encode()
        head = _head("/v1/orders", f"Content-Length: {len(content)}\r\n", close=False)
        sent += head + content
    sent += _head("/v1/time", "", method="GET")
    answer = _talk(exchange, sent)
    bodies = [line for line in answer.split(b"\r\n") if line.startswith(b"{")]
    positions = [json.loads(body[: body.index(b"}") + 1])["position"] for body in bodies[:3]]
    assert len(bodies) == 4
    assert positions == sorted(positions, key=int)


def test_an_unfinished_head_or_junk_is_closed(exchange: RunningExchange) -> None:
    assert b" 400 " in _talk(exchange, b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n").split(b"\r\n")[0]
    assert b" 400 " in _talk(exchange, b"POST /v1/orders SPAM\r\n\r\n").split(b"\r\n")[0]


class TestSlowness:
    @pytest.fixture(scope="class")
    def impatient(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExchange]:
        settings = ApiSettings(rates=NO_LIMITS, body_timeout=0.3)
        with RunningExchange(tmp_path_factory.mktemp("impatient"), settings) as running:
            yield running

    @pytest.mark.parametrize(
        "headers", ["Content-Length: 100\r\n", "Transfer-Encoding: chunked\r\n"]
    )
    @pytest.mark.parametrize("path", ["/v1/orders", "/v1/orders/validate"])
    def test_a_body_that_does_not_come(
        self, impatient: RunningExchange, headers: str, path: str
    ) -> None:
        started = time.monotonic()
        answer = _talk(impatient, _head(path, headers, close=False))
        assert b" 408 " in answer.split(b"\r\n")[0]
        assert b'"code":"body_timeout"' in answer
        assert time.monotonic() - started < 5

    def test_a_slow_client_does_not_hold_up_others(self, impatient: RunningExchange) -> None:
        slow = [socket.create_connection(("127.0.0.1", impatient.port)) for _ in range(50)]
        for each in slow:
            each.sendall(_head("/v1/orders", "Content-Length: 100\r\n"))
        started = time.monotonic()
        assert b" 200 " in _talk(impatient, _head("/v1/time", "", method="GET"))
        assert time.monotonic() - started < 2
        for each in slow:
            each.close()


def test_a_client_that_goes_away_leaves_its_order(exchange: RunningExchange, maker: Client) -> None:
    order = maker.sign_order(1, "buy", lots=1, ticks=5)
    content = json.dumps(body_of(order)).encode()
    with socket.create_connection(("127.0.0.1", exchange.port)) as connection:
        connection.sendall(
            _head("/v1/orders", f"Content-Length: {len(content)}\r\n", close=False) + content
        )
    deadline = time.monotonic() + 5
    while not maker.book(1).bids and time.monotonic() < deadline:
        time.sleep(0.01)
    assert maker.place(order).duplicate


def test_dust_is_taken_or_refused_but_nothing_breaks(
    http: httpx.Client, maker: Client, taker: Client
) -> None:
    for round_ in range(4):
        dust = [body_of(maker.sign_order(1, "sell", lots=1, ticks=1 + round_)) for _ in range(50)]
        answers = http.post("/v1/orders/batch", json={"orders": dust}).json()["answers"]
        assert all(each["placement"] for each in answers)
    swept = taker.limit(1, "buy", lots=200, ticks=10)
    assert (swept.state, len(swept.fills)) == ("FILLED", 200)


def _head(path: str, headers: str, *, method: str = "POST", close: bool = True) -> bytes:
    ending = "Connection: close\r\n" if close else ""
    kind = "Content-Type: application/json\r\n" if method == "POST" else ""
    return f"{method} {path} HTTP/1.1\r\nHost: here\r\n{kind}{headers}{ending}\r\n".encode()


def _talk(exchange: RunningExchange, *pieces: bytes) -> bytes:
    """Send ``pieces`` one by one, and return all that comes back until the other side closes."""
    with socket.create_connection(("127.0.0.1", exchange.port), timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for piece in pieces:
                connection.sendall(piece)
        except OSError:
            pass
        answer = b""
        try:
            while chunk := connection.recv(65_536):
                answer += chunk
        except OSError:
            pass
    return answer
