"""How far fills are: looked up in the settler's batches, and told over the stream."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from gavelbook.api.settlements import Settlements
from gavelbook.api.stream.feed import Feed
from gavelbook.exchange.commands import BatchSettled, ListMarket
from gavelbook.exchange.engine import Engine, EngineTerms
from gavelbook.exchange.reports import FillsSettled
from gavelbook.service.exchange.batch_store import BatchStore, SignedBatch
from gavelbook.service.exchange.entries import Applied
from tests.api.running import FEES, MARKET

if TYPE_CHECKING:
    from collections.abc import Iterator

SENT = bytes(range(32))


class Listener:
    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def post(self, message: bytes) -> None:
        self.heard.append(message)


@pytest.fixture
def batches() -> Iterator[BatchStore]:
    store = BatchStore()
    yield store
    store.close()


def signed(number: int, first: int, last: int, attempt: int = 1) -> SignedBatch:
    content = f"{number} {attempt}".encode()
    return SignedBatch(number, attempt, 1, first, last, last - first + 1, content, content, b"s", 5)


def test_a_fill_is_on_its_way_once_its_batch_was_sent(batches: BatchStore) -> None:
    now = [0.0]
    settlements = Settlements(batches, lambda: now[0])
    assert settlements.batch_of(1, 7) is None
    batches.add(signed(1, 5, 9))
    now[0] += 2
    carrier = settlements.batch_of(1, 7)
    assert carrier is not None
    assert (carrier.number, carrier.transaction_hash) == (1, None)
    batches.note_sent(signed(1, 5, 9), SENT)
    now[0] += 2
    assert settlements.batch_of(1, 7).transaction_hash == SENT
    assert settlements.batch_of(1, 10) is None
    assert settlements.batch_of(2, 7) is None


def test_without_a_settler_nothing_is_on_its_way() -> None:
    assert Settlements(None).batch_of(1, 7) is None
    assert Settlements(None).batch(1) is None


def test_the_stream_tells_of_each_step_once_and_in_order(batches: BatchStore) -> None:
    engine = Engine(EngineTerms(FEES))
    engine.apply(1, 1, ListMarket(MARKET))

    @contextmanager
    def reading() -> Iterator[Engine]:
        yield engine

    feed = Feed(reading, Settlements(batches, iter(range(10_000)).__next__), 10)
    listener = Listener()
    feed.channel("trades.1", None).subscribe(listener, 1)
    listener.heard.clear()
    batches.add(signed(1, 1, 4))
    feed.look_for_batches()
    assert not listener.heard, "signed is not sent"
    batches.note_sent(signed(1, 1, 4), SENT)
    feed.look_for_batches()
    feed.look_for_batches()
    (submitted,) = listener.heard
    assert b'"state":"SUBMITTED"' in submitted
    assert SENT.hex().encode() in submitted
    report = FillsSettled(1, 1, 1, 4, 4, 0)
    feed.follow([Applied(2, 2, BatchSettled(1, 1, 1, 4, 4), [report])])
    assert b'"state":"SETTLED"' in listener.heard[-1]
    assert SENT.hex().encode() in listener.heard[-1]
    batches.add(signed(2, 5, 6))
    batches.note_sent(signed(2, 5, 6), SENT)
    feed.follow([Applied(3, 3, BatchSettled(2, 1, 5, 6, 2), [FillsSettled(2, 1, 5, 6, 2, 0)])])
    feed.look_for_batches()
    assert len(listener.heard) == 3, "what has settled is not submitted afterwards"
