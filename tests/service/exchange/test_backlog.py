"""What one thread leaves for the next one.

├── is taken all at once, in order, with the end
├── keeps its giver waiting by weight, not by number
└── lets it go on as soon as it is taken
"""

from __future__ import annotations

from threading import Thread

import pytest

from gavelbook.service.exchange.backlog import Backlog

SECONDS = 10


@pytest.fixture
def backlog() -> Backlog[str]:
    return Backlog(10)


def test_is_taken_all_at_once_in_order(backlog: Backlog[str]) -> None:
    for item in "abc":
        backlog.put(item, 1)
    assert backlog.take_all() == (["a", "b", "c"], False)


def test_ends(backlog: Backlog[str]) -> None:
    backlog.put("a", 1)
    backlog.put(None)
    assert backlog.take_all() == (["a"], True)
    backlog.put(None)
    assert backlog.take_all() == ([], True)


def test_many_light_items_keep_nobody_waiting(backlog: Backlog[str]) -> None:
    for _ in range(10_000):
        backlog.put("a")
    backlog.put("b", 9)
    backlog.put("c", 1_000)
    assert len(backlog.take_all()[0]) == 10_002


def test_heavy_items_wait_until_the_rest_is_taken(backlog: Backlog[str]) -> None:
    backlog.put("a", 10)
    giver = Thread(target=backlog.put, args=("b", 1), daemon=True)
    giver.start()
    giver.join(0.05)
    assert giver.is_alive()
    assert backlog.take_all() == (["a"], False)
    giver.join(SECONDS)
    assert not giver.is_alive()
    assert backlog.take_all() == (["b"], False)


def test_taker_waits_for_something(backlog: Backlog[str]) -> None:
    taken: list[tuple[list[str], bool]] = []
    taker = Thread(target=lambda: taken.append(backlog.take_all()), daemon=True)
    taker.start()
    taker.join(0.05)
    assert not taken
    backlog.put("a", 1)
    taker.join(SECONDS)
    assert taken == [(["a"], False)]
