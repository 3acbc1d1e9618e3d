"""Placing, validating, batching and cancelling orders over HTTP."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from gavelbook.client import ApiError, Client, Patience, Place
from gavelbook.service.exchange.batch_store import BatchStore
from tests.api.conftest import body_of
from tests.api.running import (
    BASE,
    CHAIN_ID,
    CONTRACT,
    MARKET,
    QUOTE,
    RunningExchange,
    trader,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import httpx


def _code(http: httpx.Client, path: str, body: object) -> tuple[int, str]:
    answer = http.post(path, json=body)
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["type"] == f"urn:gavelbook:problem:{problem['code']}"
    return answer.status_code, problem["code"]


class TestPlacing:
    def test_an_order_rests_and_is_in_the_log(
        self, exchange: RunningExchange, maker: Client
    ) -> None:
        placed = maker.limit(1, "buy", lots=10, ticks=99)
        assert (placed.state, placed.filled_lots, placed.remaining_lots) == ("OPEN", 0, 10)
        assert placed.position <= exchange.exchange.sequencer.tail.position
        (entry,) = maker.log(start=placed.position, limit=1).entries
        assert b"place_order" in entry.entry

    def test_a_taker_gets_the_makers_price_and_pays_the_fee(
        self, maker: Client, taker: Client
    ) -> None:
        maker.limit(1, "sell", lots=10, ticks=200)
        placed = taker.limit(1, "buy", lots=4, ticks=250)
        (fill,) = placed.fills
        quote = MARKET.quote_amount(4, 200)
        assert (placed.state, placed.reason) == ("FILLED", "filled")
        assert (fill.lots, fill.ticks, fill.quote) == (4, 200, quote)
        assert fill.fee == quote * MARKET.taker_fee_bps // 10_000

    def test_the_same_bytes_again_get_the_first_answer(self, maker: Client) -> None:
        order = maker.sign_order(1, "buy", lots=3, ticks=50)
        first, second = maker.place(order), maker.place(order)
        assert (first.duplicate, second.duplicate) == (False, True)
        assert (first.order_hash, first.position) == (second.order_hash, second.position)
        maker.cancel(first.order_hash)
        assert maker.place(order).duplicate, "even when it is over"
        assert not maker.book(1).bids

    def test_the_same_bytes_are_known_after_the_views_have_them(
        self, exchange: RunningExchange, maker: Client
    ) -> None:
        order = maker.sign_order(1, "buy", lots=3, ticks=50)
        first = maker.place(order)
        exchange.wait_for_views()
        for _ in range(3):
            maker.limit(1, "buy", lots=1, ticks=10)
        exchange.wait_for_views()
        again = maker.place(order)
        assert (again.duplicate, again.position) == (True, first.position)

    def test_a_compact_signature_is_as_good(self, http: httpx.Client, maker: Client) -> None:
        body = body_of(maker.sign_order(1, "buy", lots=3, ticks=50))
        signature = bytes.fromhex(body["signature"][2:])
        r, s, v = signature[:32], int.from_bytes(signature[32:64], "big"), signature[64]
        vs = (s | (v - 27) << 255).to_bytes(32, "big")
        body["signature"] = f"0x{(r + vs).hex()}"
        assert http.post("/v1/orders", json=body).json()["state"] == "OPEN"

    def test_amounts_are_decimal_strings(self, http: httpx.Client, maker: Client) -> None:
        body = body_of(maker.sign_order(1, "buy", lots=3, ticks=50))
        answer = http.post("/v1/orders", json=body).json()
        assert answer["remainingLots"] == "3"
        assert answer["position"].isdecimal()

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"market": "2"}, "unknown_market"),
            ({"lots": "0"}, "bad_order_signature"),
            ({"lots": "11"}, "bad_order_signature"),
            ({"ticks": "98"}, "bad_order_signature"),
            ({"side": "sell"}, "bad_order_signature"),
            ({"lane": "9"}, "bad_order_signature"),
            ({"sequence": "9"}, "bad_order_signature"),
            ({"expiry": "1900000000"}, "bad_order_signature"),
            ({"maxFeeBps": "1000"}, "bad_order_signature"),
            ({"maker": "0x" + "11" * 20}, "bad_order_signature"),
            ({"signature": "0x" + "00" * 65}, "bad_order_signature"),
            ({"signature": "0x"}, "bad_order_signature"),
        ],
        ids=lambda value: "-".join(value) if isinstance(value, dict) else value,
    )
    def test_nothing_signed_can_be_changed(
        self, http: httpx.Client, maker: Client, change: dict[str, str], code: str
    ) -> None:
        body = body_of(maker.sign_order(1, "buy", lots=10, ticks=99))
        assert _code(http, "/v1/orders", body | change)[1] == code
        assert not maker.book(1).bids

    def test_an_order_for_another_contract_or_chain_is_refused(
        self, exchange: RunningExchange, maker: Client
    ) -> None:
        account = maker.calls.account
        for pinned in (
            {"chain_id": CHAIN_ID + 1, "contract": f"0x{CONTRACT.hex()}"},
            {"chain_id": CHAIN_ID, "contract": "0x" + "22" * 20},
        ):
            with (
                Client(exchange.url, account=account, **pinned) as mistaken,
                pytest.raises(ApiError) as caught,
            ):
                mistaken.limit(1, "buy", lots=1, ticks=1)
            assert caught.value.code == "bad_order_signature"

    def test_too_little_money_is_told_in_all_its_parts(self, exchange: RunningExchange) -> None:
        account = trader("short of money")
        exchange.fund(account, amount=MARKET.quote_amount(10, 100) * 2)
        with Client(exchange.url, account=account) as poor:
            resting = poor.limit(1, "buy", lots=10, ticks=100)
            with pytest.raises(ApiError) as caught:
                poor.limit(1, "buy", lots=20, ticks=100)
            poor.cancel(resting.order_hash)
        problem = caught.value.details
        reserved = MARKET.quote_amount(10, 100) * (10_000 + MARKET.maker_fee_bps) // 10_000
        assert caught.value.code == "insufficient_balance"
        assert problem["token"].lower() == f"0x{QUOTE.hex()}"
        assert int(problem["reserved"]) == reserved
        assert int(problem["available"]) == MARKET.quote_amount(10, 100) * 2 - reserved
        needed = MARKET.quote_amount(20, 100)
        assert int(problem["needed"]) == needed + needed * MARKET.taker_fee_bps // 10_000
        assert (problem["unsettled"], problem["withdrawing"]) == ("0", "0")

    def test_a_stranger_has_nothing(self, exchange: RunningExchange) -> None:
        account = trader("never seen")
        with (
            Client(exchange.url, account=account) as stranger,
            pytest.raises(ApiError) as caught,
        ):
            stranger.limit(1, "sell", lots=1, ticks=1)
        assert caught.value.code == "insufficient_balance"
        assert caught.value.details["token"].lower() == f"0x{BASE.hex()}"

    def test_a_passed_sequence_says_the_last(self, maker: Client) -> None:
        maker.limit(1, "buy", lots=1, ticks=5, place=Place(7, 100))
        with pytest.raises(ApiError) as caught:
            maker.limit(1, "buy", lots=2, ticks=5, place=Place(7, 100))
        assert (caught.value.code, caught.value.status) == ("sequence_passed", 409)
        assert caught.value.details["last"] == "100"

    def test_a_higher_sequence_replaces(self, maker: Client) -> None:
        maker.limit(1, "buy", lots=1, ticks=5, place=Place(7, 100))
        maker.limit(1, "buy", lots=2, ticks=6, place=Place(7, 101))
        assert maker.book(1).bids == [(6, 2)]

    def test_a_client_id_names_one_open_order(self, maker: Client) -> None:
        first = maker.limit(1, "buy", lots=1, ticks=5, client_id="quote-1")
        with pytest.raises(ApiError) as caught:
            maker.limit(1, "buy", lots=1, ticks=6, client_id="quote-1")
        assert (caught.value.code, caught.value.status) == ("duplicate_client_id", 409)
        maker.cancel(first.order_hash)
        assert maker.limit(1, "buy", lots=1, ticks=6, client_id="quote-1").client_id == "quote-1"

    def test_an_expiry_within_the_settlement_window_is_refused(self, maker: Client) -> None:
        with pytest.raises(ApiError) as caught:
            maker.limit(1, "buy", lots=1, ticks=5, lifetime=60)
        assert caught.value.code == "order_expired"

    def test_good_till_leaves_the_book_in_time(
        self, exchange: RunningExchange, maker: Client
    ) -> None:
        placed = maker.limit(
            1,
            "buy",
            lots=1,
            ticks=5,
            time_in_force="GTT",
            good_till=int(time.time() * 1000) + 300,
        )
        deadline = time.monotonic() + 10
        while maker.book(1).bids and time.monotonic() < deadline:
            time.sleep(0.05)
        exchange.wait_for_views()
        assert maker.order(placed.order_hash).state == "EXPIRED"

    @pytest.mark.parametrize("time_in_force", ["IOC", "FOK"])
    def test_what_does_not_fill_at_once_is_cancelled(
        self, maker: Client, time_in_force: str
    ) -> None:
        placed = maker.limit(1, "buy", lots=1, ticks=5, time_in_force=time_in_force)
        assert (placed.state, placed.reason) == ("CANCELLED", time_in_force.lower())

    def test_post_only_never_takes(self, maker: Client, taker: Client) -> None:
        maker.limit(1, "sell", lots=1, ticks=300)
        with pytest.raises(ApiError) as caught:
            taker.limit(1, "buy", lots=1, ticks=300, post_only=True)
        assert caught.value.code == "post_only_would_cross"

    def test_a_fee_that_was_not_signed_is_not_taken(self, maker: Client) -> None:
        with pytest.raises(ApiError) as caught:
            maker.limit(1, "buy", lots=1, ticks=5, max_fee_bps=MARKET.taker_fee_bps - 1)
        assert caught.value.code == "fee_above_order"


def test_an_operator_stops_new_orders_and_nothing_else(
    exchange: RunningExchange, maker: Client
) -> None:
    resting = maker.limit(1, "buy", lots=1, ticks=5)
    switch = exchange.folder / "cancel-only"
    switch.touch()
    try:
        _wait(lambda: maker.status().status == "cancel_only")
        order = maker.sign_order(1, "buy", lots=1, ticks=6)
        impatient = Client(exchange.url, account=maker.calls.account, patience=Patience(1))
        for call in (
            impatient.place,
            impatient.validate,
            lambda each: impatient.place_batch([each]),
        ):
            with pytest.raises(ApiError) as caught:
                call(order)
            assert (caught.value.code, caught.value.status) == ("cancel_only", 503)
        assert maker.cancel(resting.order_hash).order_hashes
    finally:
        switch.unlink()
    _wait(lambda: maker.status().status == "open")
    assert maker.place(order).state == "OPEN"


def test_an_operator_stops_new_orders_though_batches_cannot_be_read(tmp_path: Path) -> None:
    batches = BatchStore()
    with RunningExchange(tmp_path, batches=batches) as running, Client(running.url) as client:
        batches.close()
        time.sleep(1)
        (tmp_path / "cancel-only").touch()
        _wait(lambda: client.status().status == "cancel_only")


def _wait(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.05)


class TestBatch:
    def test_each_order_is_answered_on_its_own(self, http: httpx.Client, maker: Client) -> None:
        good = maker.sign_order(1, "buy", lots=1, ticks=30)
        forged = body_of(maker.sign_order(1, "buy", lots=1, ticks=31)) | {"lots": "2"}
        answer = http.post("/v1/orders/batch", json={"orders": [forged, body_of(good), forged]})
        first, second, third = answer.json()["answers"]
        assert answer.status_code == 200
        assert first["placement"] is third["placement"] is None
        assert first["problem"]["code"] == "bad_order_signature"
        assert second["problem"] is None
        assert second["placement"]["state"] == "OPEN"

    def test_orders_of_a_batch_trade_in_their_order(self, maker: Client, taker: Client) -> None:
        batch = [maker.sign_order(1, "sell", lots=1, ticks=400) for _ in range(3)]
        placed = [item.placement.order_hash for item in maker.place_batch(batch)]
        for expected in placed:
            fill = taker.market_order(1, "buy", lots=1).fills[0]
            traded = maker.order(expected)
            assert traded.filled_lots == 1, fill

    def test_fifty_is_the_most(self, http: httpx.Client, maker: Client) -> None:
        order = body_of(maker.sign_order(1, "buy", lots=1, ticks=30))
        assert _code(http, "/v1/orders/batch", {"orders": [order] * 51}) == (400, "malformed_body")
        assert _code(http, "/v1/orders/batch", {"orders": []}) == (400, "malformed_body")


class TestValidating:
    def test_nothing_is_placed_and_the_hash_is_the_signers(self, maker: Client) -> None:
        order = maker.sign_order(1, "buy", lots=5, ticks=99)
        valid = maker.validate(order)
        quote = MARKET.quote_amount(5, 99)
        assert valid.reserve == quote + quote * MARKET.taker_fee_bps // 10_000
        assert bytes(valid.reserve_token) == QUOTE
        assert not maker.book(1).bids
        assert maker.place(order).order_hash == valid.order_hash

    def test_it_meets_the_problem_that_placing_would(
        self, http: httpx.Client, maker: Client
    ) -> None:
        bad = [
            maker.sign_order(1, "buy", lots=2**60, ticks=2**60),
            maker.sign_order(1, "buy", lots=1, ticks=5, lifetime=10),
            maker.sign_order(1, "buy", lots=1, ticks=5, max_fee_bps=0),
        ]
        for order in bad:
            told = _code(http, "/v1/orders/validate", body_of(order))
            assert told == _code(http, "/v1/orders", body_of(order))


class TestCancelling:
    def test_one_by_hash(self, exchange: RunningExchange, maker: Client) -> None:
        keep = maker.limit(1, "buy", lots=1, ticks=5)
        drop = maker.limit(1, "buy", lots=1, ticks=6)
        assert maker.cancel(drop.order_hash).order_hashes == [drop.order_hash]
        exchange.wait_for_views()
        assert maker.order(drop.order_hash).reason == "cancelled"
        assert maker.order(keep.order_hash).state == "OPEN"

    def test_with_a_session(self, http: httpx.Client, maker: Client) -> None:
        placed = maker.limit(1, "buy", lots=1, ticks=5)
        token = maker.sign_in().token
        body = {"account": str(maker.address), "scope": "order", "target": str(placed.order_hash)}
        headers = {"authorization": f"Bearer {token}"}
        answer = http.post("/v1/orders/cancel", json=body, headers=headers)
        assert answer.json()["orderHashes"] == [str(placed.order_hash)]

    def test_not_with_the_session_of_another(
        self, http: httpx.Client, maker: Client, attacker: Client
    ) -> None:
        maker.limit(1, "buy", lots=1, ticks=5)
        headers = {"authorization": f"Bearer {attacker.sign_in().token}"}
        body = {"account": str(maker.address), "scope": "all"}
        answer = http.post("/v1/orders/cancel", json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "foreign_account")
        assert maker.book(1).bids

    def test_not_signed_by_another(
        self, http: httpx.Client, maker: Client, attacker: Client
    ) -> None:
        placed = maker.limit(1, "buy", lots=1, ticks=5)
        with pytest.raises(ApiError) as caught:
            attacker.cancel(placed.order_hash)
        assert caught.value.code == "unknown_order"
        signed = _signed_cancel(attacker, "all") | {"account": str(maker.address)}
        assert _code(http, "/v1/orders/cancel", signed)[1] == "bad_signature"
        assert maker.book(1).bids

    def test_without_any_proof(self, http: httpx.Client, maker: Client) -> None:
        body = {"account": str(maker.address), "scope": "all"}
        assert _code(http, "/v1/orders/cancel", body) == (401, "session_required")

    def test_a_signed_one_works_once(self, http: httpx.Client, maker: Client) -> None:
        body = _signed_cancel(maker, "all")
        placed = maker.limit(1, "buy", lots=1, ticks=5)
        first = http.post("/v1/orders/cancel", json=body).json()
        maker.limit(1, "buy", lots=1, ticks=5)
        again = http.post("/v1/orders/cancel", json=body).json()
        assert first["orderHashes"] == [str(placed.order_hash)]
        assert again == first
        assert maker.book(1).bids == [(5, 1)], "the later order stays"

    @pytest.mark.parametrize("seconds", [-31, 31])
    def test_only_one_signed_just_now(
        self, http: httpx.Client, maker: Client, seconds: int
    ) -> None:
        body = _signed_cancel(maker, "all", seconds)
        assert _code(http, "/v1/orders/cancel", body)[1] == "cancel_outdated"

    @pytest.mark.parametrize(
        "change",
        [
            {"scope": "order"},
            {"scope": "order", "target": "0x12"},
            {"scope": "client", "target": "two words"},
            {"scope": "all", "target": "x"},
            {"scope": "market"},
            {"scope": "all", "market": "1"},
            {"timestamp": None},
        ],
        ids=str,
    )
    def test_a_wish_has_to_make_sense(
        self, http: httpx.Client, maker: Client, change: dict[str, str | None]
    ) -> None:
        body = _signed_cancel(maker, "all") | change
        assert _code(http, "/v1/orders/cancel", body) == (422, "malformed_cancel")

    def test_all_of_a_market_and_none_is_fine(self, maker: Client) -> None:
        for ticks in (5, 6):
            maker.limit(1, "buy", lots=1, ticks=ticks)
        assert len(maker.cancel_market(1).order_hashes) == 2
        assert maker.cancel_market(1).order_hashes == []


class TestLookingUp:
    def test_an_unknown_order(self, http: httpx.Client) -> None:
        answer = http.get("/v1/orders/0x" + "77" * 32)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_order")

    def test_a_malformed_hash(self, http: httpx.Client) -> None:
        answer = http.get("/v1/orders/0x77")
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed_path")
        assert answer.json()["value"] == "'0x77'"


def _signed_cancel(client: Client, scope: str, seconds: int = 0) -> dict[str, str]:
    from gavelbook.exchange.signing import CancelRequest

    timestamp = int((time.time() + seconds) * 1000)
    signer = client.run(client.calls.ready_signer())
    request = CancelRequest(bytes(client.address), 0, scope, "", timestamp)
    return {
        "account": str(client.address),
        "scope": scope,
        "timestamp": str(timestamp),
        "signature": str(signer.cancel(request)),
    }
