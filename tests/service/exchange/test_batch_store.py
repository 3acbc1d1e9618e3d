"""Batches as they were signed: what the settler asks at every step."""

import pytest

from gavelbook.service.exchange.batch_store import BatchStore, SignedBatch


def batch(number, market=1, attempt=1):
    content = bytes([number, market, attempt])
    return SignedBatch(
        number, attempt, market, 10 * number, 10 * number + 9, 10, content, content, b"s" * 65, 7
    )


@pytest.fixture
def store():
    return BatchStore()


def test_tells_what_is_not_known_to_be_settled(store):
    for each in (batch(1), batch(2, attempt=1), batch(2, attempt=2), batch(3)):
        store.add(each)
    store.note_settled(batch(2, attempt=1).content_hash)

    assert store.unconfirmed(3) == [1, 3]
    assert store.unconfirmed(2) == [1]


def test_tells_the_last_fill_of_each_market_on_the_chain(store):
    for each in (batch(1, market=1), batch(2, market=2), batch(3, market=1)):
        store.add(each)
        store.note_settled(each.content_hash)
    store.add(batch(4, market=2))

    assert store.watermarks(3, []) == {1: 39, 2: 29}
    assert store.watermarks(2, []) == {1: 19, 2: 29}
    assert store.watermarks(3, [batch(4, market=2)]) == {1: 39, 2: 49}


@pytest.mark.parametrize("question", ["unconfirmed", "watermarks", "gas_used"])
def test_reads_no_contents_to_tell_it(store, question):
    """Contents are kept for ever and are large: reading them at every step takes ever longer."""
    asked = []
    store._file.connection.set_trace_callback(asked.append)
    {
        "unconfirmed": lambda: store.unconfirmed(9),
        "watermarks": lambda: store.watermarks(9, []),
        "gas_used": store.gas_used,
    }[question]()
    store._file.connection.set_trace_callback(None)

    (query,) = asked
    plan = store._file.connection.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()
    looked_at = [step[3] for step in plan if "batches" in step[3]]
    assert looked_at
    assert all("COVERING INDEX" in step for step in looked_at), plan
