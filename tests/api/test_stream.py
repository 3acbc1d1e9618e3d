"""The WebSocket: snapshots, numbered deltas, resuming, accounts, cancel-on-disconnect."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Any

from gavelbook.api.stream import connection
from gavelbook.client import Client, LocalBook
from gavelbook.exchange.commands import BatchSettled, BustFill, ListMarket
from gavelbook.exchange.markets import Market
from tests.api.running import BASE, RunningExchange
from tests.api.stream_socket import Socket

if TYPE_CHECKING:
    import pytest


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
