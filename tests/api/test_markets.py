"""What everybody may read: clocks, markets, books, trades, candles, the log and receipts."""

from __future__ import annotations

import time
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from gavelbook.exchange.signing import Domain, log_head_hash, recover
from gavelbook.service.exchange.entries import entry_digest, next_head
from gavelbook.service.exchange.public_log import open_public_log
from tests.api.running import BASE, CHAIN_ID, CONTRACT, MARKET, QUOTE

if TYPE_CHECKING:
    import httpx

    from gavelbook.client import Client
    from tests.api.running import RunningExchange


def test_the_clocks(http: httpx.Client) -> None:
    answer = http.get("/v1/time").json()
    assert abs(int(answer["time"]) - time.time() * 1000) < 10_000
    assert int(answer["logTime"]) <= int(answer["time"])


def test_the_status_says_what_a_signer_needs(exchange: RunningExchange, http: httpx.Client) -> None:
    answer = http.get("/v1/status").json()
    assert (answer["status"], answer["chainId"]) == ("open", str(CHAIN_ID))
    assert answer["exchange"].lower() == f"0x{CONTRACT.hex()}"
    assert answer["matcher"].lower() == f"0x{exchange.exchange.key.address.hex()}"
    assert answer["settlementWindowSeconds"] == exchange.exchange.terms.settlement_window


def test_a_market_tells_its_units(http: httpx.Client) -> None:
    (listed,) = http.get("/v1/markets").json()["markets"]
    assert listed == http.get("/v1/markets/1").json()
    assert (listed["baseToken"].lower(), listed["quoteToken"].lower()) == (
        f"0x{BASE.hex()}",
        f"0x{QUOTE.hex()}",
    )
    assert (listed["lotSize"], listed["tickValue"]) == (
        str(MARKET.lot_size),
        str(MARKET.tick_value),
    )


@pytest.mark.parametrize("path", ["", "/book", "/trades", "/candles"])
def test_an_unknown_market(http: httpx.Client, path: str) -> None:
    answer = http.get(f"/v1/markets/9{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_market")


def test_a_book_is_best_first_and_as_deep_as_asked(maker: Client) -> None:
    for ticks in (95, 97, 96):
        maker.limit(1, "buy", lots=ticks, ticks=ticks)
        maker.limit(1, "sell", lots=ticks, ticks=200 - ticks)
    book = maker.book(1, depth=2)
    assert book.bids == [(97, 97), (96, 96)]
    assert book.asks == [(103, 97), (104, 96)]


def test_trades_are_newest_first_in_pages(maker: Client, taker: Client) -> None:
    maker.limit(1, "sell", lots=9, ticks=100)
    for lots in (1, 2, 3):
        taker.market_order(1, "buy", lots=lots)
    page = taker.trades(1, limit=2)
    assert [int(trade.lots) for trade in page.trades] == [3, 2]
    assert page.next == page.trades[-1].fill_id
    rest = taker.trades(1, before=page.next, limit=2)
    assert rest.trades[0].lots == 1
    assert {trade.state for trade in page.trades} == {"MATCHED"}
    assert page.trades[0].taker_side == "buy"


def test_candles_hold_every_trade(maker: Client, taker: Client) -> None:
    before = {each: taker.candles(1, each).candles for each in ("1m", "1d")}
    for ticks in (110, 90, 100):
        maker.limit(1, "sell", lots=1, ticks=ticks)
        taker.market_order(1, "buy", lots=1)
    for interval, earlier in before.items():
        newest = taker.candles(1, interval).candles[0]
        trades = sum(int(each.trades) for each in taker.candles(1, interval).candles)
        assert newest.close == 100
        assert newest.high >= 100
        assert trades == 3 + sum(int(each.trades) for each in earlier)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/v1/markets/1/book?depth=0", "'0'"),
        ("/v1/markets/1/book?depth=1001", "'1001'"),
        ("/v1/markets/1/book?depth=x", "'x'"),
        ("/v1/markets/1/trades?limit=501", "'501'"),
        ("/v1/markets/1/trades?before=-1", "'-1'"),
        ("/v1/markets/1/candles?interval=2m", "'2m'"),
        ("/v1/markets/1/book?depht=5", None),
        ("/v1/markets/1/book?depth=5&depth=6", None),
        ("/v1/status?a=1", None),
        ("/v1/log?limit=0", "'0'"),
    ],
)
def test_a_query_is_refused_with_its_value(
    http: httpx.Client, path: str, value: str | None
) -> None:
    answer = http.get(path)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_query")
    assert answer.json().get("value") == value


@pytest.mark.parametrize("market", ["0x1", "65536", "-1", "01", "\u0661"])
def test_a_market_id_is_a_small_number(http: httpx.Client, market: str) -> None:
    answer = http.get(f"/v1/markets/{market}")
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_path")


def test_the_log_can_be_followed_from_its_origin(maker: Client) -> None:
    maker.limit(1, "buy", lots=1, ticks=5)
    start, head, entries = 1, b"", 0
    while start:
        page = maker.log(start=start, limit=3)
        head = head or sha256(page.origin).digest()
        for entry in page.entries:
            head = next_head(head, entry_digest(entry.position, entry.time, entry.entry))
            assert head == entry.head
            entries += 1
        start = page.next
    assert entries == maker.status().position
    assert head == maker.status().log_head


def test_a_log_is_the_same_from_the_api_and_from_its_file(
    exchange: RunningExchange, maker: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker.limit(1, "buy", lots=1, ticks=5)
    monkeypatch.setattr("gavelbook.service.exchange.public_log._PAGE", 2)
    told = open_public_log(f"{exchange.url}/")
    kept = open_public_log(str(exchange.folder / "log.sqlite"))
    assert told.origin == kept.origin
    assert list(told.entries) == list(kept.entries)


def test_a_receipt_proves_an_orders_place(exchange: RunningExchange, maker: Client) -> None:
    placed = maker.limit(1, "buy", lots=1, ticks=5)
    receipt = maker.receipt(placed.order_hash)
    assert (receipt.order_hash, receipt.position) == (placed.order_hash, placed.position)
    digest = entry_digest(receipt.position, receipt.time, receipt.content)
    assert digest == receipt.digests[0]
    head = bytes(receipt.previous_head)
    for each in receipt.digests:
        head = next_head(head, each)
    assert head == receipt.head
    signed = log_head_hash(Domain(CHAIN_ID, CONTRACT), receipt.head_position, head)
    assert recover(signed, receipt.signature) == exchange.exchange.key.address


def test_no_receipt_for_what_was_never_accepted(http: httpx.Client) -> None:
    answer = http.get("/v1/receipts/0x" + "77" * 32)
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_order")


def test_every_answer_has_its_headers(http: httpx.Client) -> None:
    for path in ("/v1/time", "/v1/nothing", "/v1/markets/9"):
        headers = http.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "set-cookie" not in headers
    assert http.get("/v1/nothing").json()["code"] == "not_found"
    wrong = http.post("/v1/time")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert wrong.headers["allow"] == "GET, HEAD"
    assert http.head("/v1/time").status_code == 200
