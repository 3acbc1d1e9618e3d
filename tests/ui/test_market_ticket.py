import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavelbook.exchange.markets import Market
from gavelbook.exchange.orders import Side as EngineSide
from gavelbook.exchange.state import needed
from gavelbook.service.market_view import Book, levels
from gavelbook.service.ticket import Ticket, average_price, most_lots, outlook, worst_price
from tests.ui.test_market_view import terms

BOOK = Book(1, levels([(99, 5), (97, 10)]), levels([(101, 5), (104, 10)]))
EMPTY = Book(1, (), ())


def test_a_buy_trades_up_to_its_limit_and_waits_with_the_rest():
    market = terms()
    view = outlook(market, BOOK, Ticket("buy", lots=12, ticks=103))
    assert (view.trades_now, view.rests, view.lapses) == (5, 7, 0)
    assert view.quote_now == 5 * 101 * 10**4
    assert view.worst_now == 101
    limit = 12 * 103 * 10**4
    assert view.needs == view.bound == limit + limit * 30 // 10_000
    assert view.gives == market.quote


def test_a_sell_gives_tokens_and_brings_at_least_the_limit_less_the_fee():
    market = terms()
    view = outlook(market, BOOK, Ticket("sell", lots=8, ticks=97))
    assert (view.trades_now, view.rests, view.worst_now) == (8, 0, 97)
    assert view.quote_now == (5 * 99 + 3 * 97) * 10**4
    limit = 8 * 97 * 10**4
    assert view.bound == limit - limit * 30 // 10_000
    assert (view.needs, view.gives) == (8 * 10**18, market.base)


def test_what_does_not_trade_at_once_lapses():
    view = outlook(terms(), BOOK, Ticket("buy", 20, 104, "IOC"))
    assert (view.trades_now, view.rests, view.lapses) == (15, 0, 5)


def test_all_or_nothing_says_so_when_it_is_nothing():
    assert outlook(terms(), BOOK, Ticket("buy", 15, 104, "FOK")).objection == ""
    assert "all or nothing" in outlook(terms(), BOOK, Ticket("buy", 16, 104, "FOK")).objection


def test_post_only_objects_to_trading():
    assert outlook(terms(), BOOK, Ticket("buy", 1, 100, post_only=True)).objection == ""
    assert "post-only" in outlook(terms(), BOOK, Ticket("buy", 1, 101, post_only=True)).objection


def test_post_only_allows_the_makers_fee_alone():
    assert Ticket("buy", 1, 1, post_only=True).fee_bps(terms()) == 10
    assert Ticket("buy", 1, 1).fee_bps(terms()) == 30
    assert Ticket("buy", 1, 1, "IOC").fee_bps(terms()) == 30


@pytest.mark.parametrize(
    ("side", "lots", "room_bps", "limit"),
    [
        ("buy", 5, 100, 103),  # 101 and 1.01, rounded up
        ("buy", 6, 0, 104),
        ("buy", 99, 100, 106),  # more than there is: the last price, and room
        ("sell", 5, 100, 98),
        ("sell", 6, 1_000, 87),
        ("sell", 1, 10_000, 1),  # never below the lowest price
    ],
)
def test_a_market_order_is_limited_a_little_beyond_what_it_reaches(side, lots, room_bps, limit):
    assert worst_price(BOOK, side, lots, room_bps) == limit


def test_nobody_to_trade_with_is_no_price():
    assert worst_price(EMPTY, "buy", 1, 100) is None


@given(
    side=st.sampled_from(["buy", "sell"]),
    lots=st.integers(1, 2**64 - 1),
    ticks=st.integers(1, 2**64 - 1),
    post_only=st.booleans(),
)
def test_it_needs_what_the_engine_asks_for(side, lots, ticks, post_only):
    market = terms()
    ticket = Ticket(side, lots, ticks, post_only=post_only)
    engine = Market(1, b"b" * 20, b"q" * 20, market.lot_size, market.tick_value, 30, 10)
    engine_side = EngineSide.BUY if side == "buy" else EngineSide.SELL
    fee_bps = engine.maker_fee_bps if post_only else engine.taker_fee_bps
    assert outlook(market, EMPTY, ticket).needs == needed(engine, engine_side, lots, ticks, fee_bps)


@given(
    side=st.sampled_from(["buy", "sell"]),
    asks=st.lists(
        st.tuples(st.integers(1, 50), st.integers(1, 9)), max_size=6, unique_by=lambda x: x[0]
    ),
    lots=st.integers(1, 60),
    ticks=st.integers(1, 120),
)
def test_nothing_is_lost_between_trading_waiting_and_lapsing(side, asks, lots, ticks):
    bids = sorted(((50 - price, size) for price, size in asks if price < 50), reverse=True)
    book = Book(1, levels(bids), levels(sorted((50 + price, size) for price, size in asks)))
    for force in ("GTC", "IOC"):
        view = outlook(terms(), book, Ticket(side, lots, ticks, force))
        assert view.trades_now + view.rests + view.lapses == lots
        limit_quote = view.trades_now * ticks * 10**4
        assert view.quote_now <= limit_quote if side == "buy" else view.quote_now >= limit_quote


@pytest.mark.parametrize(
    ("lot_size", "tick_value", "text"),
    [(10**18, 10**4, "1.0233"), (100 * 10**18, 500_000, "0.51167"), (3 * 10**18, 10**4, "1.0233")],
)
def test_the_average_price_is_of_what_prices_are_of(lot_size, tick_value, text):
    market = terms(lot_size=lot_size, tick_value=tick_value)
    view = outlook(market, BOOK, Ticket("buy", 9, 104))
    average = average_price(market, view.trades_now, view.quote_now)
    assert market.rounded_price(average) == text


@given(
    side=st.sampled_from(["buy", "sell"]),
    free=st.integers(0, 10**22),
    ticks=st.one_of(st.none(), st.integers(1, 10**6)),
)
def test_no_more_lots_than_what_is_free_pays_for(side, free, ticks):
    market = terms()

    def written(lots):
        limit = worst_price(BOOK, side, lots, 100) if ticks is None else ticks
        return Ticket(side, lots, limit)

    lots = most_lots(market, BOOK, written, free)
    assert not lots or outlook(market, BOOK, written(lots)).needs <= free
    assert outlook(market, BOOK, written(lots + 1)).needs > free


def test_without_a_price_no_lots_are_affordable():
    assert most_lots(terms(), EMPTY, lambda _lots: None, 10**30) == 0
