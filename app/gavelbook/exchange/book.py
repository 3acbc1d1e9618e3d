"""One market's orders in price-time priority.

Each price is a level: a queue of orders by time, with their number and total of lots kept exact.
Levels are found by price, and the prices of a side stand sorted with the best at the end, so the
best price and the depth are right at every moment. An order that leaves is only marked; its level
takes it out of the queue later, many at a time.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import NamedTuple

import msgspec

from gavelbook.exchange.accounts import Account, Balance
from gavelbook.exchange.commands import PlaceOrder
from gavelbook.exchange.markets import Market
from gavelbook.exchange.orders import Side

_SPARE_ROOM = 16


class LiveOrder(msgspec.Struct, eq=False, gc=False):
    """An order while it is matched and as long as it rests.

    ``lots`` are those still unfilled; ``reserved`` is what they hold of the owner's balance, in
    base units of the token it gives; ``level`` is None outside of a book. ``base`` and ``quote``
    are the owner's balances of the market's tokens.
    """

    # Out of sight of the collector of garbage, which else walks a million of them again and again;
    # an order that leaves its book lets go of its level, so no cycle stays behind.

    order_hash: bytes
    owner: Account
    side: Side
    ticks: int
    lots: int
    position: int
    leaves_at_ms: int
    market: Market
    command: PlaceOrder
    base: Balance
    quote: Balance
    reserved: int = 0
    level: Level | None = None

    def __repr__(self) -> str:
        """Show the order without its owner and level."""
        return f"LiveOrder({self.order_hash.hex()}, {self.lots} lots at {self.ticks})"


class Level:
    """The orders at one price by time; ``lots`` and ``count`` are those of its open orders.

    ``queue`` holds them from ``head`` on, and in between orders that have left: their ``level`` is
    None. Before it grows beyond ``room`` these are taken out.
    """

    __slots__ = ("count", "head", "lots", "queue", "room", "ticks")

    def __init__(self, order: LiveOrder) -> None:
        self.ticks = order.ticks
        self.lots = order.lots
        self.count = 1
        self.queue = [order]
        self.head = 0
        self.room = _SPARE_ROOM

    def open(self) -> list[LiveOrder]:
        """Return the open orders by time."""
        return [order for order in self.queue[self.head :] if order.level is not None]

    def tidy(self) -> None:
        """Take the orders out that have left."""
        self.queue = self.open()
        self.head = 0
        self.room = 2 * len(self.queue) + _SPARE_ROOM


class PriceLevel(NamedTuple):
    """What stands in a book at one price."""

    ticks: int
    lots: int
    orders: int


class Book:
    """The open orders of one market.

    Levels are found by ticks. The sorted prices have the best at their end: those of bids as their
    ticks, those of asks negated. ``orders`` holds the open orders by hash; the books of one engine
    share it.
    """

    __slots__ = ("_ask_levels", "_asks", "_bid_levels", "_bids", "orders")

    def __init__(self, orders: dict[bytes, LiveOrder] | None = None) -> None:
        """Start empty; ``orders`` may hold those of other books."""
        self.orders: dict[bytes, LiveOrder] = {} if orders is None else orders
        self._bid_levels: dict[int, Level] = {}
        self._ask_levels: dict[int, Level] = {}
        self._bids: list[int] = []
        self._asks: list[int] = []

    def place(self, order: LiveOrder, matches: list[tuple[LiveOrder, int]]) -> LiveOrder | None:
        """`match` an order and let rest what is left of it, behind all others at its price.

        Where an order of the same owner is returned, nothing rests yet.
        """
        side, ticks = order.side, order.ticks
        if side:
            levels, opposite, limit = self._ask_levels, self._bids, ticks
        else:
            levels, opposite, limit = self._bid_levels, self._asks, -ticks
        if opposite and opposite[-1] >= limit:
            own = self.match(order, matches)
            if own is not None or not order.lots:
                return own
        self.orders[order.order_hash] = order
        level = levels.get(ticks)
        if level is None:
            levels[ticks] = order.level = Level(order)
            if side:
                insort(self._asks, -ticks)
            else:
                insort(self._bids, ticks)
            return None
        order.level = level
        level.lots += order.lots
        level.count += 1
        queue = level.queue
        queue.append(order)
        if len(queue) > level.room:
            level.tidy()
        return None

    def match(self, taker: LiveOrder, matches: list[tuple[LiveOrder, int]]) -> LiveOrder | None:
        """Fill ``taker`` by priority as far as its limit goes, and append (maker, lots) pairs.

        Makers filled in full leave the book. Where the next in line is of the same owner, matching
        stops and it is returned; it is for the caller to end one of the two.
        """
        if taker.side:
            prices, levels, limit, sign = self._bids, self._bid_levels, taker.ticks, 1
        else:
            prices, levels, limit, sign = self._asks, self._ask_levels, -taker.ticks, -1
        orders, lots, owner = self.orders, taker.lots, taker.owner
        own: LiveOrder | None = None
        while lots and prices and (key := prices[-1]) >= limit:
            level = levels[sign * key]
            queue, head, count, wanted = level.queue, level.head, level.count, lots
            while lots and count:
                maker = queue[head]
                if maker.level is None:
                    head += 1
                    continue
                if maker.owner is owner:
                    own = maker
                    break
                resting = maker.lots
                if resting > lots:
                    matches.append((maker, lots))
                    maker.lots = resting - lots
                    lots = 0
                    break
                matches.append((maker, resting))
                maker.lots, maker.level = 0, None
                del orders[maker.order_hash]
                lots -= resting
                head += 1
                count -= 1
            if not count:
                del levels[sign * key]
                prices.pop()
                continue
            level.head, level.count = head, count
            level.lots -= wanted - lots
            if own is not None:
                break
        taker.lots = lots
        return own

    def remove(self, order_hash: bytes) -> LiveOrder:
        """Take the order with this hash out of the book, and return it.

        Raises:
            KeyError: none with this hash is open.

        """
        order = self.orders.pop(order_hash)
        level = order.level
        if level is None:
            raise KeyError(order_hash)
        order.level = None
        if level.count > 1:
            level.count -= 1
            level.lots -= order.lots
            return order
        ticks = order.ticks
        if order.side:
            del self._ask_levels[ticks], self._asks[bisect_left(self._asks, -ticks)]
        else:
            del self._bid_levels[ticks], self._bids[bisect_left(self._bids, ticks)]
        return order

    def crosses(self, side: Side, ticks: int, leaving: LiveOrder | None) -> bool:
        """Return whether an order would meet another at once, once ``leaving`` is gone."""
        prices, levels = self._side(not side)
        limit = ticks if side else -ticks
        gone = leaving.level if leaving is not None else None
        for index in range(len(prices) - 1, -1, -1):
            if prices[index] < limit:
                return False
            level = levels[abs(prices[index])]
            if level is not gone or level.count > 1:
                return True
        return False

    def can_fill(self, taker: LiveOrder, *, past_own: bool) -> bool:
        """Return whether others' orders within the limit fill ``taker`` in full.

        Orders of the same owner do not count; unless ``past_own`` nothing behind the first counts.
        """
        prices, levels = self._side(not taker.side)
        limit = taker.ticks if taker.side else -taker.ticks
        within = prices[bisect_left(prices, limit) :]
        if sum(levels[abs(key)].lots for key in within) < taker.lots:
            return False
        missing = taker.lots
        for key in reversed(within):
            for maker in levels[abs(key)].open():
                if maker.owner is not taker.owner:
                    missing -= maker.lots
                    if missing <= 0:
                        return True
                elif not past_own:
                    return False
        return False

    def best(self, side: Side) -> int | None:
        """Return the best price of a side in ticks, None where it is empty."""
        prices, _ = self._side(side)
        return abs(prices[-1]) if prices else None

    def depth(self, side: Side, limit: int) -> list[PriceLevel]:
        """Return the best ``limit`` prices of a side, best first."""
        prices, levels = self._side(side)
        best = prices[-limit:] if limit > 0 else []
        return [_price_level(levels[abs(key)]) for key in reversed(best)]

    def level(self, side: Side, ticks: int) -> PriceLevel:
        """Return what stands at one price; 0 lots if nothing."""
        _, levels = self._side(side)
        level = levels.get(ticks)
        return PriceLevel(ticks, 0, 0) if level is None else _price_level(level)

    def _side(self, side: int) -> tuple[list[int], dict[int, Level]]:
        """Return prices and levels of a side: asks for SELL, or what is true."""
        return (self._asks, self._ask_levels) if side else (self._bids, self._bid_levels)

    def resting(self) -> list[LiveOrder]:
        """Return the orders of this book by price, best first, and time; bids before asks."""
        found: list[LiveOrder] = []
        for prices, levels in map(self._side, Side):
            for key in reversed(prices):
                found += levels[abs(key)].open()
        return found


def _price_level(level: Level) -> PriceLevel:
    return PriceLevel(level.ticks, level.lots, level.count)
