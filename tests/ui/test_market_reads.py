import threading
import time

import pytest

from gavelbook.errors import GavelbookError
from gavelbook.service.recent_reads import RecentReads
from tests.hand_clock import HandClock


class Source:
    def __init__(self):
        self.asked = 0
        self.failing = False

    def __call__(self):
        self.asked += 1
        if self.failing:
            raise GavelbookError("no_answer", "Expected an answer, was none")
        return self.asked


def test_an_answer_is_kept_for_its_time():
    clock, source = HandClock(0.0), Source()
    reads = RecentReads(2.0, 8, clock)
    assert [reads.get("book", source) for _ in range(3)] == [1, 1, 1]
    clock.now = 2.0
    assert reads.get("book", source) == 2


def test_what_changed_is_read_again_at_once():
    source = Source()
    reads = RecentReads(60.0, 8, HandClock(0.0))
    reads.get("book", source)
    reads.forget("book")
    reads.forget("never asked")
    assert reads.get("book", source) == 2


def test_a_failure_is_kept_too_and_then_tried_again():
    clock, source = HandClock(0.0), Source()
    reads = RecentReads(2.0, 8, clock)
    source.failing = True
    for _ in range(3):
        with pytest.raises(GavelbookError):
            reads.get("book", source)
    assert source.asked == 1
    clock.now, source.failing = 2.0, False
    assert reads.get("book", source) == 2


def test_only_so_many_answers_are_kept():
    reads = RecentReads(60.0, 3, HandClock(0.0))
    for key in range(10):
        reads.get(key, lambda: 1)
    assert len(reads._entries) == 3
    source = Source()
    reads.get(9, source)
    assert source.asked == 0


def test_twenty_who_ask_at_once_ask_once():
    reads = RecentReads(60.0, 8)
    source = Source()
    began = threading.Barrier(20)

    def slow():
        time.sleep(0.05)
        return source()

    def ask():
        began.wait()
        reads.get("book", slow)

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert source.asked == 1
