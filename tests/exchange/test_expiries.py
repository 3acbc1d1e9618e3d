"""Resting orders by their time, beside a plain list of them.

├── the next time and its orders are those of the orders that rest
├── orders of one time leave by their place in the log, in whatever order they came
└── times at which nothing leaves are forgotten, and no order with them
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gavelbook.exchange.accounts import Account, Balance
from gavelbook.exchange.book import LiveOrder
from gavelbook.exchange.commands import PlaceOrder
from gavelbook.exchange.expiries import NEVER, Expiries
from gavelbook.exchange.orders import Order
from tests.exchange.trading import BUY, MARKET

MAKER = Account(b"m" * 20)


def order(position: int, leaves_at_ms: int) -> LiveOrder:
    order_hash = position.to_bytes(32, "big")
    command = PlaceOrder(Order(1, MAKER.address, BUY, 1, 1, 0, 1, 1, 0), order_hash)
    places = (order_hash, MAKER, BUY, 1, 1, position, leaves_at_ms, MARKET, command)
    return LiveOrder(*places, Balance(), Balance())


class Resting:
    """Expiries, and the same orders in a plain dict."""

    def __init__(self) -> None:
        self.orders: dict[bytes, LiveOrder] = {}
        self.expiries = Expiries(self.orders)

    def rest(self, position: int, leaves_at_ms: int) -> None:
        new = order(position, leaves_at_ms)
        self.orders[new.order_hash] = new
        self.expiries.add(new)

    def end(self, position: int) -> None:
        self.expiries.remove(self.orders.pop(position.to_bytes(32, "big")))

    def check(self) -> None:
        due = min((each.leaves_at_ms for each in self.orders.values()), default=None)
        assert self.expiries.earliest <= (NEVER if due is None else due)
        assert self.expiries.next() == due
        assert self.expiries.earliest == (NEVER if due is None else due)
        leaving = [each for each in self.orders.values() if each.leaves_at_ms == due]
        leaving.sort(key=lambda each: each.position)
        assert list(self.expiries.leaving_at(due or 0)) == leaving


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9)), max_size=60))
def test_agree_with_the_orders_that_rest(moves: list[tuple[bool, int]]) -> None:
    resting = Resting()
    for position, (comes, number) in enumerate(moves):
        if comes or not resting.orders:
            resting.rest(position, number)
        else:
            chosen = list(resting.orders.values())[number % len(resting.orders)]
            resting.end(chosen.position)
        resting.check()


def test_orders_of_one_time_leave_by_their_place_in_the_log() -> None:
    resting = Resting()
    for position in (3, 1, 2):
        resting.rest(position, 7)
    assert [each.position for each in resting.expiries.leaving_at(7)] == [1, 2, 3]


def test_times_of_orders_that_are_over_are_forgotten() -> None:
    """Somebody who replaces one order for ever, each time with another time, costs no memory."""
    resting = Resting()
    resting.rest(0, 10**9)
    for position in range(1, 10_000):
        resting.rest(position, position)
        resting.end(position)
        assert len(resting.expiries) < 1_100
    resting.check()
