"""Prices and terms as the scripts read and print them."""

from __future__ import annotations

import pytest

from gavelbook.errors import GavelbookError
from gavelbook.files import read_terms
from gavelbook.samples import TERMS
from scripts._sale_facts import price_tick, term_values


@pytest.fixture(scope="module")
def terms():
    """The sample: floor 1.00, a tick 0.05, eight ticks, six decimals."""
    return read_terms(TERMS)


@pytest.mark.parametrize(("price", "tick"), [("1", 0), ("1.0", 0), ("1.05", 1), ("1.35", 7)])
def test_a_price_on_a_tick(terms, price, tick):
    assert price_tick(terms, price, 6) == tick


@pytest.mark.parametrize(
    ("price", "code", "named"),
    [
        ("1.06", "price_off_tick", "1.05 (tick 1) or 1.1 (tick 2)"),
        ("0.99", "price_off_tick", "1 (tick 0) or 1.05 (tick 1)"),
        ("1.40", "price_off_tick", "1.35 (tick 7)"),
        ("1e6", "amount_malformed", "1e6"),
        ("-1", "amount_malformed", "-1"),
        ("1.0000001", "amount_too_fine", "6 digits"),
    ],
)
def test_another_price_is_refused_with_the_next_ones(terms, price, code, named):
    with pytest.raises(GavelbookError) as caught:
        price_tick(terms, price, 6)
    assert caught.value.code == code
    assert named in caught.value.message


def test_every_term_is_printed_as_people_read_it(terms):
    values = term_values(terms)
    assert values["rule"] == "GROUP_ROUND_ROBIN"
    assert values["minimum_raise"] == "10,000,000"
    assert values["start"] == "2030-01-07T12:00:00Z (1894017600)"
    assert values["gate"] == "none"
    assert len(values) == 24
