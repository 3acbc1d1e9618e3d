import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavelbook.service.amounts import AmountError
from gavelbook.service.market_view import (
    DAY_MS,
    Book,
    Candle,
    Level,
    MarketTerms,
    day_of,
    fixed_text,
    levels,
    percent_text,
)
from gavelbook.service.sale_view import Token

GVL = Token("0x" + 40 * "1", "Gavel", "GVL", 18)
USD = Token("0x" + 40 * "2", "Dollar", "USD", 6)


def terms(lot_size=10**18, tick_value=10**4, base=GVL, quote=USD):
    return MarketTerms(1, base, quote, lot_size, tick_value, 30, 10)


def candle(start, price, lots=1):
    return Candle(start, price, price, price, price, lots, lots * price)


def test_prices_are_of_one_token_with_the_digits_of_the_grid():
    market = terms(lot_size=100 * 10**18, tick_value=500_000)
    assert market.priced_thing == "GVL"
    assert [market.price(ticks) for ticks in (1, 100, 16_701)] == ["0.005", "0.500", "83.505"]


def test_where_one_token_has_no_exact_price_it_is_of_the_lot():
    market = terms(lot_size=3 * 10**18, tick_value=10**4)
    assert market.priced_thing == "lot"
    assert market.price(250) == "2.50"


def test_sizes_have_the_digits_of_the_lot():
    assert terms(lot_size=25 * 10**15).size(40) == "1.000"
    assert terms().size(12_345) == "12,345"


@given(
    lot_size=st.integers(1, 10**24),
    tick_value=st.integers(1, 10**24),
    decimals=st.tuples(st.integers(0, 24), st.integers(0, 24)),
    ticks=st.integers(1, 2**64 - 1),
    side=st.sampled_from(["buy", "sell"]),
)
def test_a_price_shown_is_read_as_the_same_ticks(lot_size, tick_value, decimals, ticks, side):
    base, quote = (Token("0x", "T", "T", each) for each in decimals)
    market = terms(lot_size, tick_value, base, quote)
    assert market.read_price(market.price(ticks), side) == (ticks, True)


@given(units=st.integers(0, 10**12))
def test_between_two_ticks_nobody_gets_a_worse_price_than_asked(units):
    market = terms()
    text = fixed_text(units, 6, 6)
    bought, exact = market.read_price(text, "buy")
    sold, _ = market.read_price(text, "sell")
    assert bought * market.price_unit <= units <= sold * market.price_unit
    assert sold - bought == (0 if exact else 1)


def test_what_names_no_price_is_refused():
    with pytest.raises(AmountError) as refused:
        terms().read_price("eighty", "buy")
    assert refused.value.code == "amount_malformed"


def test_levels_know_their_totals():
    assert levels([(5, 2), (4, 3)]) == (Level(5, 2, 2), Level(4, 3, 5))
    assert levels([]) == ()


def test_the_spread_lies_between_the_best_prices():
    assert Book(1, levels([(99, 1), (98, 1)]), levels([(102, 1)])).spread == 3
    assert Book(1, (), levels([(102, 1)])).spread is None


def test_the_day_begins_where_the_last_older_candle_closed():
    now = 10 * DAY_MS
    candles = [
        candle(now - DAY_MS - 2, 90),
        candle(now - DAY_MS - 1, 100),
        candle(now - DAY_MS, 130, lots=2),
        candle(now - 5, 110, lots=3),
    ]
    day = day_of(candles, now)
    assert (day.first, day.last, day.high, day.low, day.lots) == (100, 110, 130, 110, 5)
    assert day.quote == 2 * 130 + 3 * 110
    assert (day.change, day.change_percent) == (10, "+10.00 %")


def test_a_market_that_began_today_is_compared_with_its_first_price():
    day = day_of([candle(10, 50), candle(20, 49)], 30)
    assert (day.first, day.change_percent) == (50, "-2.00 %")


def test_without_trades_there_is_no_day():
    assert day_of([], 10**13) is None
    assert day_of([candle(0, 5)], 10 * DAY_MS) is None


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (1, 3, "+33.33 %"),
        (2, 3, "+66.67 %"),
        (-1, 3, "-33.33 %"),
        (0, 7, "+0.00 %"),
        (10**30, 1, f"+{10**32}.00 %"),
    ],
)
def test_shares_are_rounded_to_the_nearest_hundredth(part, whole, text):
    assert percent_text(part, whole) == text
