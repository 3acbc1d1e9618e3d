"""The log keeps what it took, tells what was tampered with, and has one writer."""

import sqlite3
from hashlib import sha256

import pytest

from gavelbook.exchange.commands import CancelAll, encode
from gavelbook.exchange.engine import EngineTerms
from gavelbook.exchange.signing import Domain
from gavelbook.service.exchange.entries import Entry, Seal, Tail, entry_digest, next_head
from gavelbook.service.exchange.errors import LogError
from gavelbook.service.exchange.sqlite_log import SqliteLog, origin_of
from tests.service.exchange.market_day import DOMAIN, TERMS

ORIGIN = origin_of(DOMAIN, TERMS)


def entries_after(tail, count, size=0):
    """Return ``count`` entries that follow ``tail``, of ``size`` further bytes each."""
    entries = []
    position, time_ms, head = tail
    for _ in range(count):
        position, time_ms = position + 1, time_ms + 10
        content = encode(CancelAll(position.to_bytes(20, "big"))) + b" " * size
        head = next_head(head, entry_digest(position, time_ms, content))
        entries.append(Entry(position, time_ms, content, head))
    return entries


def append(log, count, size=0):
    entries = entries_after(log.tail, count, size)
    log.append(entries, Seal(entries[-1].position, entries[-1].head, b"\x05" * 65))
    return entries


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log.sqlite"


@pytest.fixture
def log(path):
    log = SqliteLog(path, ORIGIN)
    yield log
    log.close()


def test_begins_with_what_it_is_of(log):
    assert log.tail == Tail(0, 0, sha256(ORIGIN).digest())
    assert log.head_at(0) == log.tail.head
    assert list(log.read(0)) == []
    assert log.seal_over(1) is None


def test_digest_covers_position_time_and_content():
    digest = sha256(bytes(7) + b"\x05" + bytes(7) + b"\x09" + b"content").digest()
    assert entry_digest(5, 9, b"content") == digest
    assert next_head(b"\x01" * 32, digest) == sha256(b"\x01" * 32 + digest).digest()


def test_what_it_took_is_there_for_the_next(log, path):
    first, second = append(log, 3), append(log, 2)
    assert list(log.read(0)) == first + second
    log.close()
    again = SqliteLog(path, ORIGIN)
    last = second[-1]
    assert again.tail == Tail(5, last.time_ms, last.head)
    assert list(again.read(0)) == first + second
    assert list(again.read(2)) == first[2:] + second
    assert list(again.read(1, 3)) == first[1:] + second[:1]
    assert list(again.read(5)) == []
    again.close()


def test_pages_of_the_log_join_up(log):
    entries = append(log, 4_500)
    assert list(log.read(0)) == entries
    assert list(log.read(1_999, 2_001)) == entries[1_999:4_000]


def test_seals_stand_for_everything_up_to_them(log):
    append(log, 3)
    append(log, 2)
    assert [log.seal_over(position).position for position in (1, 3, 4, 5)] == [3, 3, 5, 5]
    assert log.seal_over(4).head == log.head_at(5)
    assert log.seal_over(6) is None


@pytest.mark.parametrize("position", [-1, 4])
def test_knows_no_heads_beyond_its_ends(log, position):
    append(log, 3)
    with pytest.raises(LogError) as refused:
        log.head_at(position)
    assert refused.value.code == "log_position_unknown"


@pytest.mark.parametrize(
    ("tampering", "position"),
    [
        ("UPDATE log SET content = CAST(content || ' ' AS BLOB) WHERE position = 4", 4),
        ("UPDATE log SET time_ms = time_ms + 1 WHERE position = 4", 4),
        ("UPDATE log SET head = zeroblob(32) WHERE position = 4", 4),
        ("DELETE FROM log WHERE position = 4", 4),
        ("DELETE FROM log WHERE position <= 3", 1),
        ("UPDATE log SET position = -position WHERE position IN (4, 5)", 4),
    ],
)
def test_tells_where_it_was_tampered_with(log, path, tampering, position):
    append(log, 6)
    log.close()
    with sqlite3.connect(path) as database:
        database.execute(tampering)
    database.close()
    again = SqliteLog(path, ORIGIN)
    with pytest.raises(LogError) as refused:
        list(again.read(0))
    again.close()
    assert refused.value.code == "log_damaged"
    assert refused.value.details["position"] == position
    assert str(position) in refused.value.message


def test_has_one_writer(log, path):
    with pytest.raises(LogError) as refused:
        SqliteLog(path, ORIGIN)
    assert refused.value.code == "log_in_use"
    log.close()
    SqliteLog(path, ORIGIN).close()


@pytest.mark.parametrize(
    "origin",
    [
        origin_of(Domain(1, DOMAIN.contract), TERMS),
        origin_of(Domain(DOMAIN.chain_id, b"\x01" * 20), TERMS),
        origin_of(DOMAIN, EngineTerms(TERMS.fee_recipient, settlement_window=60)),
    ],
)
def test_is_of_one_exchange(log, path, origin):
    log.close()
    with pytest.raises(LogError) as refused:
        SqliteLog(path, origin)
    assert refused.value.code == "log_of_another_exchange"
    SqliteLog(path, ORIGIN).close()


def test_refuses_a_file_of_another_kind(path):
    path.write_text("no database, but long enough to look like one? " * 100)
    with pytest.raises(LogError) as refused:
        SqliteLog(path, ORIGIN)
    assert refused.value.code == "log_unusable"


def test_a_full_disk_keeps_all_of_a_group_or_nothing(log, path):
    kept = append(log, 50, size=1_000)
    (pages,) = log._database.execute("PRAGMA page_count").fetchone()
    log._database.execute(f"PRAGMA max_page_count = {pages + 4}")
    with pytest.raises(LogError) as refused:
        append(log, 50, size=1_000)
    assert refused.value.code == "log_write_failed"
    assert refused.value.details["position"] == 50
    log.close()
    again = SqliteLog(path, ORIGIN)
    assert list(again.read(0)) == kept
    assert again.tail.position == 50
    again.close()
