import pandas as pd
import pytest

from gavelbook.service.market_view import Board, Book, levels
from tests.ui.test_market_view import candle, terms
from ui.panels.market_charts import candle_data, candle_drawing, depth_data, depth_drawing

MINUTE = 60_000
NOW = 1_000 * MINUTE


def test_candles_are_drawn_with_exact_texts():
    frame = candle_data(terms(), (candle(NOW - MINUTE, 250), candle(NOW, 251)), MINUTE, NOW)
    shown = frame.dropna()
    assert list(shown["close_text"]) == ["2.50", "2.51"]
    assert list(shown["volume_text"]) == ["1 GVL", "1 GVL"]
    assert shown["start"].iloc[1] == pd.Timestamp(NOW, unit="ms", tz="UTC")


@pytest.mark.parametrize(("age", "minutes"), [(0, 12), (30, 31), (500, 60)])
def test_the_window_grows_with_the_market_up_to_a_limit(age, minutes):
    frame = candle_data(terms(), (candle(NOW - age * MINUTE, 1), candle(NOW, 1)), MINUTE, NOW)
    # A free place on either side.
    span = frame["start"].max() - frame["start"].min()
    assert span == pd.Timedelta(minutes=minutes + 1)


def test_depth_adds_up_from_the_best_price():
    book = Book(1, levels([(99, 5), (97, 10)]), levels([(101, 2)]))
    frame = depth_data(Board(terms(), book, (), None))
    assert list(zip(frame["side"], frame["price_text"], frame["total_text"], strict=True)) == [
        ("bid", "0.99 USD", "5 GVL"),
        ("bid", "0.97 USD", "15 GVL"),
        ("ask", "1.01 USD", "2 GVL"),
    ]


def test_what_is_drawn_does_not_change_with_the_data():
    assert candle_drawing("Price", "dark") is candle_drawing("Price", "dark")
    for drawing in (candle_drawing("Price", "light"), depth_drawing("Price", "GVL", "light")):
        assert "data" not in drawing
        assert "datasets" not in drawing
