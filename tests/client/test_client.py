"""The clients on a real exchange: what examples do not show."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest

from gavelbook.client import (
    ApiError,
    AsyncClient,
    Client,
    ClientError,
    Lanes,
    NetworkError,
    Patience,
)
from tests.api.running import trader

if TYPE_CHECKING:
    from tests.api.running import RunningExchange

QUICK = Patience(attempts=3, first_pause=0.01)


class Lossy(httpx.HTTPTransport):
    """Sends every request, and loses the first answers."""

    def __init__(self, losses: int) -> None:
        super().__init__()
        self.losses = losses
        self.bodies: list[bytes] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = super().handle_request(request)
        if request.method == "POST":
            self.bodies.append(request.content)
            if len(self.bodies) <= self.losses:
                answer.read()
                raise httpx.ReadTimeout("lost", request=request)
        return answer


def test_a_lost_answer_does_not_double_an_order(exchange: RunningExchange) -> None:
    account = trader("who loses answers")
    exchange.fund(account)
    lossy = Lossy(2)
    with Client(exchange.url, account=account, transport=lossy, patience=QUICK) as client:
        placed = client.limit(1, "buy", lots=7, ticks=33)
        assert placed.duplicate, "the third time it was there already"
        assert len(set(lossy.bodies)) == 1, "the same bytes each time"
        assert (33, 7) in client.book(1).bids
        client.cancel_all()


def test_a_lost_answer_does_not_lose_a_cancellation(exchange: RunningExchange) -> None:
    account = trader("who loses cancellations")
    exchange.fund(account)
    with Client(exchange.url, account=account) as client:
        placed = client.limit(1, "buy", lots=7, ticks=34)
    with Client(exchange.url, account=account, transport=Lossy(1), patience=QUICK) as client:
        assert client.cancel_all().order_hashes == [placed.order_hash]


def test_nobody_there() -> None:
    with (
        Client("http://127.0.0.1:9", patience=QUICK, timeout=1) as client,
        pytest.raises(NetworkError) as caught,
    ):
        client.status()
    assert "3 attempts" in caught.value.message


def test_another_program_in_the_same_lanes(exchange: RunningExchange) -> None:
    account = trader("with two programs")
    exchange.fund(account)
    with (
        Client(exchange.url, account=account, lanes=Lanes(clock=lambda: 2_000.0)) as ahead,
        Client(exchange.url, account=account, lanes=Lanes(clock=lambda: 1_000.0)) as behind,
    ):
        ahead.limit(1, "buy", lots=1, ticks=20)
        late = behind.limit(1, "buy", lots=2, ticks=21)
        assert late.state == "OPEN"
        assert behind.lanes.replace(0).sequence == 2_002
        behind.cancel_all()


def test_a_refused_order_leaves_its_lane_free(exchange: RunningExchange) -> None:
    with Client(exchange.url, account=trader("penniless")) as client:
        for _ in range(3):
            with pytest.raises(ApiError):
                client.limit(1, "buy", lots=1, ticks=1)
        assert client.lanes.take().lane == 0


def test_what_cannot_be_asked(exchange: RunningExchange) -> None:
    with Client(exchange.url) as reader:
        for call in (reader.sign_in, reader.cancel_all, reader.balances):
            with pytest.raises(ClientError) as caught:
                call()
            assert caught.value.code == "account_required"
    with Client(exchange.url, account=trader("nobody")) as client:
        with pytest.raises(ClientError) as unknown:
            client.limit(9, "buy", lots=1, ticks=1)
        assert unknown.value.code == "unknown_market"
        with pytest.raises(ClientError) as empty:
            client.market_order(1, "sell", lots=1)
        assert empty.value.code == "empty_book"


def test_coroutines_share_a_client(exchange: RunningExchange) -> None:
    account = trader("with coroutines")
    exchange.fund(account)

    async def trade() -> list[int]:
        async with AsyncClient(exchange.url, account=account) as client:
            await client.sign_in()
            await client.markets()
            placed = await asyncio.gather(
                *(client.limit(1, "buy", lots=1, ticks=40 + number) for number in range(20))
            )
            assert len({each.order_hash for each in placed}) == 20
            updates = client.stream("account", cancel_on_disconnect=10)
            snapshot = await anext(updates)
            assert len(snapshot.data.orders) == 20
            await client.cancel_market(1)
            change = await anext(updates)
            await updates.aclose()
            return [int(order.remaining_lots) for order in change.data.orders]

    assert asyncio.run(trade()) == [0] * 20
