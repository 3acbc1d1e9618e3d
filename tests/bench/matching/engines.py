"""Each engine behind the same three steps: take the seed, run the events, say what traded.

What the engines need before an event reaches them (our 32-byte hashes, a clock's times) is made
beforehand for all. Trades are (maker, taker, ticks, lots) with the ids of the workload.
"""

from __future__ import annotations

import gc
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from gavelbook.exchange.accounts import Account, Balance
from gavelbook.exchange.book import Book, LiveOrder
from gavelbook.exchange.commands import PlaceOrder
from gavelbook.exchange.markets import Market
from gavelbook.exchange.orders import Order, Side
from tests.bench.matching.workload import BUY, CANCEL, TAKE, Event, Workload

if TYPE_CHECKING:
    from collections.abc import Sequence

Trade = tuple[int, int, int, int]


class Engine:
    """An engine that can be timed."""

    name: ClassVar[str]
    reports_trades: ClassVar[bool] = True

    def run(self, events: Sequence[Event]) -> None:
        """Put all events to the engine and keep what it says it traded."""
        raise NotImplementedError

    def trades(self) -> list[Trade]:
        """Return what traded so far, in order."""
        raise NotImplementedError

    def resting(self) -> dict[str, int]:
        """Return what is left in the book, as far as the engine tells."""
        return {}


class Ours(Engine):
    """The book of the exchange: order types, self-trade check and fee data on board."""

    name = "gavelbook"

    def __init__(self, workload: Workload) -> None:
        events = (*workload.seed, *workload.events)
        makers, takers = ([Account(bytes(20)) for _ in range(1_000)] for _ in range(2))
        self.owners = makers * (len(events) // len(makers) + 1)
        for kind, *_, number in events:
            if kind == TAKE:
                self.owners[number] = takers[number % len(takers)]
        self.market = Market(1, b"b" * 20, b"q" * 20, 1, 1, 20, 10)
        signed = Order(1, b"m" * 20, Side.BUY, 1, 1, 0, 1, 1, 20)
        self.command = PlaceOrder(signed, b"h" * 32)
        self.book = Book()
        self.found: list[Trade] = []

    def run(self, events: Sequence[Event]) -> None:
        book, found, owners = self.book, self.found, self.owners
        market, command, base, quote = self.market, self.command, Balance(), Balance()
        matches: list[tuple[LiveOrder, int]] = []
        place, remove = book.place, book.remove
        buy, sell = Side.BUY, Side.SELL
        for kind, side, ticks, lots, number in events:
            if kind == CANCEL:
                remove(number)
                continue
            order = LiveOrder(
                number,
                owners[number],
                buy if side == BUY else sell,
                ticks,
                lots,
                number,
                0,
                market,
                command,
                base,
                quote,
            )
            place(order, matches)
            if matches:
                for maker, traded in matches:
                    found.append((maker.position, number, maker.ticks, traded))
                matches.clear()

    def trades(self) -> list[Trade]:
        return self.found

    def resting(self) -> dict[str, int]:
        depth = [self.book.depth(side, 10**9) for side in Side]
        return {
            "orders": len(self.book.orders),
            "bid": self.book.best(Side.BUY) or 0,
            "ask": self.book.best(Side.SELL) or 0,
            "bid lots": sum(level.lots for level in depth[0]),
            "ask lots": sum(level.lots for level in depth[1]),
        }


class LimitOrderBook(Engine):
    """limit-order-book: C++ behind ctypes. It does not say what traded."""

    name = "limit-order-book"
    reports_trades = False

    def __init__(self, _workload: Workload) -> None:
        from limit_order_book import LimitOrderBook as Book_

        self.book = Book_()

    def run(self, events: Sequence[Event]) -> None:
        buy, sell, cancel = self.book.limit_buy, self.book.limit_sell, self.book.cancel
        for kind, side, ticks, lots, number in events:
            if kind == CANCEL:
                cancel(number)
            elif side == BUY:
                buy(number, lots, ticks)
            else:
                sell(number, lots, ticks)

    def resting(self) -> dict[str, int]:
        return {
            "orders": self.book.count(),
            "bid": self.book.best_buy(),
            "ask": self.book.best_sell(),
            "bid lots": self.book.volume_buy(),
            "ask lots": self.book.volume_sell(),
        }


class Liquibook(Engine):
    """liquibook: C++ behind SWIG, with its depth of five levels kept."""

    name = "liquibook"

    def __init__(self, _workload: Workload) -> None:
        import liquibook

        found = self.found = []

        class Listener(liquibook.OrderListener):
            def on_accept(self, order):
                pass

            def on_cancel(self, order):
                pass

            def on_fill(self, taker, maker, lots, _cost):
                found.append((maker.order_id_, taker.order_id_, maker.price(), lots))

        self.order = liquibook.SimpleOrder
        self.listener = Listener()
        self.book = liquibook.DepthOrderBook()
        self.book.set_order_listener(self.listener)
        self.orders = {}
        self.ids = {}

    def run(self, events: Sequence[Event]) -> None:
        make, add, cancel = self.order, self.book.add, self.book.cancel
        orders, ids = self.orders, self.ids
        for kind, side, ticks, lots, number in events:
            if kind == CANCEL:
                cancel(orders[number])
                continue
            order = orders[number] = make(side == BUY, ticks, lots)
            ids[order.order_id_] = number
            add(order)

    def trades(self) -> list[Trade]:
        ids = self.ids
        return [(ids[maker], ids[taker], ticks, lots) for maker, taker, ticks, lots in self.found]


class CythonOrderbook(Engine):
    """cython-orderbook: Python compiled by Cython."""

    name = "cython-orderbook"

    def __init__(self, _workload: Workload) -> None:
        from cython_orderbook import Order as Order_
        from cython_orderbook import OrderBook, OrderSide

        self.order, self.sides = Order_, (OrderSide.BID, OrderSide.ASK)
        self.book = OrderBook()
        self.ids: dict[int, str] = {}

    def run(self, events: Sequence[Event]) -> None:
        make, add, cancel = self.order, self.book.add_limit_order, self.book.cancel_order
        sides, ids = self.sides, self.ids
        for kind, side, ticks, lots, number in events:
            if kind == CANCEL:
                cancel(ids[number])
                continue
            order = make(sides[side], lots, ticks)
            ids[number] = order.order_id
            add(order)

    def trades(self) -> list[Trade]:
        numbers = {theirs: number for number, theirs in self.ids.items()}
        return [
            (numbers[each.filler_id], numbers[each.aggressor_id], each.price, each.quantity_filled)
            for each in self.book.trade_log
        ]


class OrderMatching(Engine):
    """order-matching: plain Python, each event in time linear in the size of the book."""

    name = "order-matching"

    def __init__(self, _workload: Workload) -> None:
        from loguru import logger
        from order_matching.enums import Side as Side_
        from order_matching.matching_engine import MatchingEngine
        from order_matching.order import LimitOrder
        from order_matching.orders import Orders

        logger.remove()
        self.engine = MatchingEngine(seed=1)
        self.order, self.orders, self.sides = LimitOrder, Orders, (Side_.BUY, Side_.SELL)
        self.now = datetime(2030, 1, 1, tzinfo=UTC).replace(tzinfo=None)
        self.found = []

    def run(self, events: Sequence[Event]) -> None:
        engine, step = self.engine, timedelta(microseconds=1)
        for kind, side, ticks, lots, number in events:
            self.now += step
            if kind == CANCEL:
                engine.cancel_order(str(number))
                continue
            order = self.order(
                side=self.sides[side],
                price=ticks,
                size=lots,
                timestamp=self.now,
                order_id=str(number),
                trader_id=str(number),
            )
            engine.place(self.orders([order]))
            self.found += engine.match(self.now).trades

    def trades(self) -> list[Trade]:
        return [
            (int(each.book_order_id), int(each.incoming_order_id), int(each.price), int(each.size))
            for each in self.found
        ]


def timed(kind: type[Engine], workload: Workload) -> tuple[float, Engine]:
    """Return a new engine's events per second of processor time, and the engine.

    No engine here waits for anything, so on an idle machine that is the time on the clock. What is
    there before the timed part, the workload above all, is not for the collector of garbage to
    walk in it.
    """
    engine = kind(workload)
    engine.run(workload.seed)
    gc.collect()
    gc.freeze()
    start = time.process_time()
    engine.run(workload.events)
    seconds = time.process_time() - start
    gc.unfreeze()
    return len(workload.events) / seconds, engine
