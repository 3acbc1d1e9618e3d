"""Calls that anybody may make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gavelbook.client.calls.core import Core, hex_of
from gavelbook.wire.accounts import LogPage, ReceiptView
from gavelbook.wire.markets import (
    BookSnapshot,
    CandlePage,
    Interval,
    MarketList,
    MarketView,
    Status,
    Time,
    TradePage,
)
from gavelbook.wire.orders import OrderView

if TYPE_CHECKING:
    from gavelbook.client.steps import Flow


class PublicCalls(Core):
    """Clocks, markets, books, trades, and what is in the public log."""

    def time(self) -> Flow[Time]:
        """Read the clocks of the exchange.

        Example:
            >>> client.time().log_time > 0
            True
        """
        return (yield from self.get("/v1/time", Time))

    def status(self) -> Flow[Status]:
        """Read what works just now, and what a signer has to know.

        Example:
            >>> client.status().status
            'open'
        """
        return (yield from self.get("/v1/status", Status))

    def markets(self) -> Flow[list[MarketView]]:
        """List the markets.

        Example:
            >>> [int(market.market) for market in client.markets()]
            [1]
        """
        answer = yield from self.get("/v1/markets", MarketList)
        self.known_markets = {int(each.market): each for each in answer.markets}
        return answer.markets

    def book(self, market: int, depth: int = 50) -> Flow[BookSnapshot]:
        """Read the best ``depth`` levels of both sides, as pairs of ticks and lots.

        Example:
            >>> book = client.book(1)
            >>> [(int(ticks), int(lots)) for ticks, lots in book.bids]
            [(99, 10)]
        """
        path = f"/v1/markets/{market}/book"
        return (yield from self.get(path, BookSnapshot, depth=depth))

    def trades(
        self, market: int, *, before: int | None = None, limit: int = 100
    ) -> Flow[TradePage]:
        """List trades, newest first; ``before`` is the `next` of the page before.

        Example:
            >>> client.trades(1, limit=1).trades[0].state
            'MATCHED'
        """
        path = f"/v1/markets/{market}/trades"
        return (yield from self.get(path, TradePage, before=before, limit=limit))

    def candles(
        self,
        market: int,
        interval: Interval = "1m",
        *,
        before: int | None = None,
        limit: int = 100,
    ) -> Flow[CandlePage]:
        """List candles, newest first.

        Example:
            >>> [int(candle.close) for candle in client.candles(1, "1d").candles]
            [101]
        """
        path = f"/v1/markets/{market}/candles"
        query = {"interval": interval, "before": before, "limit": limit}
        return (yield from self.get(path, CandlePage, **query))

    def order(self, order_hash: bytes) -> Flow[OrderView]:
        """Look up an order.

        Example:
            >>> client.order(resting.order_hash).state
            'OPEN'
        """
        return (yield from self.get(f"/v1/orders/{hex_of(order_hash)}", OrderView))

    def receipt(self, order_hash: bytes) -> Flow[ReceiptView]:
        """Get the matcher's proof of an order's place in the log.

        Example:
            >>> client.receipt(resting.order_hash).position == resting.position
            True
        """
        return (yield from self.get(f"/v1/receipts/{hex_of(order_hash)}", ReceiptView))

    def log(self, start: int = 1, limit: int = 500) -> Flow[LogPage]:
        """Read the public log from position ``start`` on.

        Example:
            >>> int(client.log(limit=1).entries[0].position)
            1
        """
        return (yield from self.get("/v1/log", LogPage, **{"from": start}, limit=limit))
