"""Columns of bids.

from_columns
├── takes lists and arrays of any integer kind, exactly
├── refuses what is no integer, no tick, no size, or not in pairs
└── keeps a copy that nobody can change
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gavelbook.auction import Bids
from gavelbook.errors import BidsError

Column = Sequence[int] | NDArray[Any]


@pytest.mark.parametrize(
    "lots",
    [
        [1, 2, 3],
        (1, 2, 3),
        np.array([1, 2, 3], dtype=np.uint8),
        np.array([1, 2, 3], dtype=np.uint64),
        np.array([1, 2, 3], dtype=object),
        [np.int64(1), 2, np.uint32(3)],
    ],
    ids=["list", "tuple", "uint8", "uint64", "object", "numpy scalars"],
)
def test_any_integers_are_taken(lots: Column) -> None:
    bids = Bids.from_columns([0, 1, 0], lots)

    assert bids.lots.dtype == np.int64
    assert bids.lots.tolist() == [1, 2, 3]
    assert bids.total_lots == 6
    assert len(bids) == 3


@pytest.mark.parametrize(
    "lots",
    [
        [2**63 - 1, 1],
        [2**63, 1],
        [2**300, 1],
        np.array([2**64 - 1, 1], dtype=np.uint64),
        np.array([2**62, 2**62], dtype=np.int64),
    ],
    ids=["product overflows", "64 bits", "300 bits", "uint64", "sum overflows"],
)
def test_what_could_overflow_is_kept_as_python_integers(lots: Column) -> None:
    bids = Bids.from_columns([0, 0], lots)

    assert bids.lots.dtype == object
    assert bids.lots.tolist() == [int(value) for value in lots]
    assert bids.total_lots == sum(int(value) for value in lots)
    assert all(type(value) is int for value in bids.lots)


@pytest.mark.parametrize(
    ("ticks", "lots", "code", "index"),
    [
        ([0, 1.0], [1, 1], "not_an_integer", 1),
        ([0, 1], [1, True], "not_an_integer", 1),
        ([0, 1], ["1", 1], "not_an_integer", 0),
        ([0, 1], [1, None], "not_an_integer", 1),
        ([0, 1], np.array([1.0, 2.0]), "not_an_integer", 0),
        ([0, 1], np.array([True, True]), "not_an_integer", 0),
        ([0, -1], [1, 1], "tick_out_of_range", 1),
        ([0, 2**63], [1, 1], "tick_out_of_range", 1),
        ([0, -(2**64)], [1, 1], "tick_out_of_range", 1),
        ([0, 1], [0, 1], "bid_too_small", 0),
        ([0, 1], [1, -1], "bid_too_small", 1),
        ([0, 1], [1, -(10**5000)], "bid_too_small", 1),
    ],
)
def test_bad_values_are_named(ticks: Column, lots: Column, code: str, index: int) -> None:
    with pytest.raises(BidsError, match="Expected") as refusal:
        Bids.from_columns(ticks, lots)

    assert refusal.value.code == code
    assert refusal.value.details["index"] == index


def test_columns_come_in_pairs() -> None:
    with pytest.raises(BidsError) as refusal:
        Bids.from_columns([1, 2], [1])

    assert refusal.value.code == "columns_differ"


def test_later_changes_of_the_source_do_not_reach_the_bids() -> None:
    ticks, lots = np.array([1, 2]), np.array([3, 4])
    bids = Bids.from_columns(ticks, lots)

    ticks[0] = lots[0] = 9

    assert (bids.ticks.tolist(), bids.lots.tolist()) == ([1, 2], [3, 4])
    with pytest.raises(ValueError, match="read-only"):
        bids.lots[0] = 9
