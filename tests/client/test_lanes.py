"""Lanes and sequences of one program."""

from __future__ import annotations

from gavelbook.client import Lanes


def test_each_order_gets_a_lane_and_the_longest_free_is_used_again() -> None:
    lanes = Lanes(clock=lambda: 50.0)
    assert [lanes.take().lane for _ in range(3)] == [0, 1, 2]
    lanes.free(2)
    lanes.free(0)
    assert lanes.take() == (2, 51)
    assert lanes.take() == (0, 51)
    assert lanes.take() == (3, 50)


def test_what_is_open_already_is_left_alone() -> None:
    lanes = Lanes(clock=lambda: 50.0)
    lanes.occupy(1, 70)
    assert lanes.take().lane == 2
    assert lanes.replace(1) == (1, 71)


def test_programs_with_different_first_lanes_do_not_meet() -> None:
    one, two = Lanes(), Lanes(first=1_000)
    assert one.take().lane == 0
    assert two.take().lane == 1_000


def test_freeing_what_was_never_used_does_nothing() -> None:
    lanes = Lanes()
    lanes.free(5)
    assert lanes.take().lane == 0
