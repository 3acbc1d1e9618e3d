"""Rate limits: buckets, their headers, and that nobody empties another's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from gavelbook.api.errors import RequestError
from gavelbook.api.limits import Buckets
from gavelbook.api.settings import ApiSettings, Rates
from gavelbook.client import ApiError, Client, Patience
from gavelbook.errors import GavelbookError
from gavelbook.rates import Rate
from tests.api.conftest import body_of
from tests.api.running import PLENTY, RunningExchange, trader

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_a_refusal_says_over_http_when_to_come_again() -> None:
    buckets: Buckets[str] = Buckets("reads", Rate(2, 5), lambda: 1_000.0)
    buckets.take("a", 3)
    with pytest.raises(RequestError) as caught:
        buckets.take("a", 4)
    assert dict(caught.value.headers) == {
        b"retry-after": b"1",
        b"ratelimit-limit": b"5",
        b"ratelimit-remaining": b"2",
        b"ratelimit-reset": b"2",
    }


def test_an_operator_changes_a_limit() -> None:
    rates = Rates().having(["orders_per_account=500/2000", "reads_per_ip=7/8"])
    assert (rates.orders_per_account, rates.reads_per_ip) == (Rate(500, 2_000), Rate(7, 8))
    assert rates.orders_per_ip == Rates().orders_per_ip


@pytest.mark.parametrize(
    "change",
    ["", "orders_per_ip", "orders_per_ip=5", "cookies=1/2", "orders_per_ip=0/5", "x=1/2/3"],
)
def test_what_is_no_limit(change: str) -> None:
    with pytest.raises(GavelbookError) as caught:
        Rates().having([change])
    assert caught.value.code == "bad_rate"


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExchange]:
    slow = 0.001
    rates = Rates(
        reads_per_ip=PLENTY,
        orders_per_ip=Rate(slow, 200),
        orders_per_account=Rate(slow, 3),
        cancels_per_ip=PLENTY,
        cancels_per_account=Rate(slow, 6),
        sign_ins_per_ip=Rate(slow, 4),
    )
    folder = tmp_path_factory.mktemp("strict")
    with RunningExchange(folder, ApiSettings(rates=rates)) as running:
        yield running


def _client(strict: RunningExchange, name: str) -> Client:
    account = trader(name)
    strict.fund(account)
    return Client(strict.url, account=account, patience=Patience(attempts=1))


def test_an_account_has_so_many_orders_and_cancels_of_its_own(strict: RunningExchange) -> None:
    with _client(strict, "busy maker") as maker:
        placed = [maker.limit(1, "buy", lots=1, ticks=5) for _ in range(3)]
        with pytest.raises(ApiError) as caught:
            maker.limit(1, "buy", lots=1, ticks=5)
        assert (caught.value.code, caught.value.status) == ("rate_limited", 429)
        assert int(caught.value.details["retryAfter"]) > 0
        for order in placed:
            assert maker.cancel(order.order_hash).order_hashes, "cancels are never out with orders"


def test_orders_that_an_attacker_forges_do_not_count_for_the_victim(
    strict: RunningExchange,
) -> None:
    with (
        _client(strict, "victim") as victim,
        httpx.Client(base_url=strict.url) as attacker,
    ):
        forged = body_of(victim.sign_order(1, "buy", lots=1, ticks=5)) | {"lots": "2"}
        for _ in range(10):
            code = attacker.post("/v1/orders", json=forged).json()["code"]
            assert code == "bad_order_signature"
        for answer in attacker.post("/v1/orders/batch", json={"orders": [forged] * 3}).json()[
            "answers"
        ]:
            assert answer["problem"]["code"] == "bad_order_signature"
        cancel = {
            "account": str(victim.address),
            "scope": "all",
            "timestamp": str(int(victim.time().time)),
            "signature": "0x" + "11" * 65,
        }
        for _ in range(10):
            code = attacker.post("/v1/orders/cancel", json=cancel).json()["code"]
            assert code == "bad_signature"
        for _ in range(3):
            assert victim.limit(1, "buy", lots=1, ticks=5).state == "OPEN"
        assert len(victim.cancel_all().order_hashes) == 3


def test_each_order_of_a_batch_counts(strict: RunningExchange) -> None:
    with _client(strict, "batching maker") as maker, httpx.Client(base_url=strict.url) as http:
        orders = [body_of(maker.sign_order(1, "buy", lots=1, ticks=5)) for _ in range(4)]
        answer = http.post("/v1/orders/batch", json={"orders": orders})
        assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
        before = http.post("/v1/orders/batch", json={"orders": orders[:1]})
        after = http.post("/v1/orders/batch", json={"orders": orders[1:3]})
        left = [int(each.headers["ratelimit-remaining"]) for each in (before, after)]
        assert left[0] - left[1] == 2


def test_orders_that_a_busy_exchange_did_not_take_do_not_count(
    strict: RunningExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _client(strict, "patient maker") as maker, httpx.Client(base_url=strict.url) as http:
        orders = [body_of(maker.sign_order(1, "buy", lots=1, ticks=5)) for _ in range(3)]
        with monkeypatch.context() as busy:
            busy.setattr(strict.exchange.intake, "_max_waiting", 0)
            for _ in range(4):
                assert http.post("/v1/orders", json=orders[0]).json()["code"] == "overloaded"
                answer = http.post("/v1/orders/batch", json={"orders": orders})
                assert answer.json()["code"] == "overloaded"
        answer = http.post("/v1/orders/batch", json={"orders": orders})
        assert [each["placement"]["state"] for each in answer.json()["answers"]] == ["OPEN"] * 3


def test_signing_in_has_its_own_bucket(strict: RunningExchange) -> None:
    with httpx.Client(base_url=strict.url) as http:
        body = {"account": "0x" + "11" * 20}
        codes = [http.post("/v1/session/nonce", json=body).status_code for _ in range(6)]
        assert codes[:4] == [200] * 4
        assert codes[4:] == [429] * 2
        refused = http.post("/v1/session/nonce", json=body)
        assert int(refused.headers["retry-after"]) > 0
        assert refused.headers["ratelimit-remaining"] == "0"
        assert http.get("/v1/time").status_code == 200


def test_the_headers_say_what_is_left(strict: RunningExchange) -> None:
    with httpx.Client(base_url=strict.url) as http:
        headers = http.get("/v1/time").headers
        assert int(headers["ratelimit-remaining"]) < int(headers["ratelimit-limit"])
        assert "retry-after" not in headers
