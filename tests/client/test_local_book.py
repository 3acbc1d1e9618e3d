"""A local book equals the exchange's, or knows that it does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavelbook.client import GapError, LocalBook, Update
from gavelbook.wire.stream import BookLevels

LEVELS = st.dictionaries(st.integers(1, 20), st.integers(0, 5), max_size=5)
CHANGES = st.lists(st.tuples(LEVELS, LEVELS), max_size=8)


def levels(bids: dict[int, int], asks: dict[int, int]) -> BookLevels:
    return BookLevels(list(bids.items()), list(asks.items()))


def updates(changes: list[tuple[dict[int, int], dict[int, int]]]) -> list[Update]:
    return [
        Update("book.1", 10 * number + 10, 10 * number, levels(*change))
        for number, change in enumerate(changes, start=1)
    ]


@given(CHANGES)
def test_every_delta_in_order_gives_the_book(
    changes: list[tuple[dict[int, int], dict[int, int]]],
) -> None:
    book, expected = LocalBook(1), ({}, {})
    book.update(Update("book.1", 10, None, levels({}, {})))
    for update, change in zip(updates(changes), changes, strict=True):
        book.update(update)
        book.update(update)
        for side, changed in zip(expected, change, strict=True):
            side.update(changed)
    assert book.bids == {ticks: lots for ticks, lots in expected[0].items() if lots}
    assert book.asks == {ticks: lots for ticks, lots in expected[1].items() if lots}
    assert book.best_bid == max(book.bids.items(), default=None)


@given(CHANGES.filter(lambda changes: len(changes) > 1), st.data())
def test_a_missing_delta_is_noticed_at_the_next(
    changes: list[tuple[dict[int, int], dict[int, int]]], data: st.DataObject
) -> None:
    book = LocalBook(1)
    book.load(10, levels({}, {}))
    stream = updates(changes)
    lost = data.draw(st.integers(0, len(stream) - 2))
    for update in stream[:lost]:
        book.update(update)
    before = (dict(book.bids), dict(book.asks), book.seq)
    with pytest.raises(GapError):
        book.update(stream[lost + 1])
    assert (book.bids, book.asks, book.seq) == before


def test_a_delta_before_any_snapshot_is_a_gap() -> None:
    with pytest.raises(GapError):
        LocalBook(1).update(Update("book.1", 20, 10, levels({1: 1}, {})))


def test_a_snapshot_between_two_deltas_fits() -> None:
    """The book over HTTP stands at the log's position, which may lie between two deltas."""
    book = LocalBook(1)
    book.load(15, levels({5: 1}, {}))
    book.update(Update("book.1", 12, 10, levels({5: 9}, {})))
    assert book.bids == {5: 1}, "older than the snapshot"
    book.update(Update("book.1", 20, 12, levels({6: 2}, {})))
    assert book.bids == {5: 1, 6: 2}


def test_other_channels_are_passed_over() -> None:
    book = LocalBook(1)
    book.update(Update("book.2", 10, None, levels({5: 1}, {})))
    assert book.seq is None
