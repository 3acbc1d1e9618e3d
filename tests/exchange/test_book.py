"""The book by itself: what lies behind the orders that the engine's tests place.

├── depth, best price and single levels, at any time
├── levels forget the orders that left them
└── an order that is not there cannot leave
"""

from __future__ import annotations

import random

import pytest

from gavelbook.exchange.accounts import Account, Balance
from gavelbook.exchange.book import Book, LiveOrder
from gavelbook.exchange.commands import PlaceOrder
from gavelbook.exchange.orders import Order, Side
from tests.exchange.trading import BUY, MARKET, SELL

MAKER, TAKER = Account(b"m" * 20), Account(b"t" * 20)
numbers = iter(range(1, 10**9))


def order(side: Side, lots: int, ticks: int, owner: Account = MAKER) -> LiveOrder:
    number = next(numbers)
    order_hash = number.to_bytes(32, "big")
    signed = Order(1, owner.address, side, lots, ticks, number, 1, 1, 0)
    command = PlaceOrder(signed, order_hash)
    balances = Balance(), Balance()
    return LiveOrder(order_hash, owner, side, ticks, lots, number, 0, MARKET, command, *balances)


def placed(book: Book, *args: int, **rest: Account) -> LiveOrder:
    new = order(*args, **rest)
    assert book.place(new, []) is None
    return new


def test_depth_is_best_first_and_as_deep_as_asked() -> None:
    book = Book()
    for ticks in (5, 7, 6, 7):
        placed(book, BUY, 10, ticks)
        placed(book, SELL, 20, ticks + 10)

    assert [tuple(each) for each in book.depth(BUY, 2)] == [(7, 20, 2), (6, 10, 1)]
    assert [each.ticks for each in book.depth(SELL, 9)] == [15, 16, 17]
    assert book.depth(BUY, 0) == book.depth(BUY, -1) == []
    assert (book.best(BUY), book.best(SELL)) == (7, 15)
    assert tuple(book.level(SELL, 17)) == (17, 40, 2)
    assert tuple(book.level(SELL, 18)) == (18, 0, 0)


def test_empty_side_has_no_best() -> None:
    book = Book()
    only = placed(book, BUY, 10, 7)
    book.remove(only.order_hash)

    assert book.best(BUY) is book.best(SELL) is None
    assert book.depth(BUY, 5) == []


def test_orders_are_listed_by_priority() -> None:
    book = Book()
    orders = [placed(book, side, 1, ticks) for side, ticks in ((1, 9), (0, 3), (0, 5), (0, 5))]
    late, early = orders[1], orders[2:]

    assert book.resting() == [*early, late, orders[0]]


def test_level_forgets_orders_that_left() -> None:
    """One order stays at the front while thousands come and go behind it."""
    book = Book()
    first = placed(book, BUY, 1, 7)
    last = placed(book, BUY, 1, 7)
    for _ in range(5_000):
        book.remove(last.order_hash)
        last = placed(book, BUY, 1, 7)

    assert len(first.level.queue) < 100
    assert book.resting() == [first, last]
    assert tuple(book.level(BUY, 7)) == (7, 2, 2)


def test_level_forgets_orders_that_traded() -> None:
    book = Book()
    placed(book, BUY, 5, 7)
    for _ in range(5_000):
        last = placed(book, BUY, 1, 7)
        book.match(order(SELL, 1, 7, TAKER), [])

    assert len(last.level.queue) < 100
    assert tuple(book.level(BUY, 7)) == (7, 5, 5)


def test_match_does_not_look_again_at_what_it_took() -> None:
    book = Book()
    orders = [placed(book, BUY, 1, 7) for _ in range(3)]
    book.match(order(SELL, 2, 7, TAKER), [])

    assert orders[2].level.head == 2


def test_order_that_is_not_there_cannot_leave() -> None:
    book = Book()
    only = placed(book, BUY, 1, 7)
    book.remove(only.order_hash)

    with pytest.raises(KeyError):
        book.remove(only.order_hash)


def test_own_order_stops_the_match_and_nothing_rests() -> None:
    book = Book()
    other, own = placed(book, SELL, 1, 7), placed(book, SELL, 1, 7, owner=TAKER)
    taker, matches = order(BUY, 5, 7, TAKER), []

    assert book.place(taker, matches) is own
    assert matches == [(other, 1)]
    assert taker.lots == 4
    assert book.resting() == [own]


def test_many_prices_stay_sorted() -> None:
    book, draw = Book(), random.Random(5)
    orders = [placed(book, BUY, 1, draw.randrange(1, 10**6)) for _ in range(20_000)]
    draw.shuffle(orders)
    for each in orders[:10_000]:
        book.remove(each.order_hash)

    left = sorted({each.ticks for each in orders[10_000:]}, reverse=True)
    assert [each.ticks for each in book.depth(BUY, 10**6)] == left
