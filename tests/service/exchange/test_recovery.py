"""An exchange comes back as it was: from snapshots, without them, with views lost or behind."""

import shutil
import sqlite3

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gavelbook.exchange.commands import CancelAll, CancelOrder, Deposit, RequestWithdrawal, encode
from gavelbook.exchange.engine import Engine
from gavelbook.exchange.orders import Side, TimeInForce
from gavelbook.service.exchange.entries import Entry, Seal, entry_digest, next_head
from gavelbook.service.exchange.errors import LogError
from gavelbook.service.exchange.recovery import recover, replay
from gavelbook.service.exchange.snapshots import Snapshot, SnapshotFolder
from gavelbook.service.exchange.sqlite_log import SqliteLog, origin_of
from gavelbook.service.exchange.view_writer import ViewWriter
from tests.service.exchange.market_day import (
    BASE,
    DOMAIN,
    QUOTE,
    TERMS,
    exchange_in,
    place,
    state_hash,
    trader,
)

VIEWS = ("views.sqlite", "views.sqlite-wal", "views.sqlite-shm")


def trade(running, traders, orders=30):
    """Trade a while, and return what is open and owned afterwards."""
    for number in range(orders):
        own = traders[number % len(traders)]
        side = Side(number % 2)
        lane = number % 5
        place(running, own.order(side, lots=1 + number % 4, ticks=100 + number % 3, lane=lane))
    running.sequencer.submit(CancelAll(traders[0].address)).result(10)
    return running.sequencer.tail, state_hash(running)


def full_replay(folder):
    log = SqliteLog(folder / "log.sqlite", origin_of(DOMAIN, TERMS))
    engine = Engine(TERMS)
    for _ in replay(log, engine):
        pass
    log.close()
    return engine.position, engine.state_hash()


def dump(folder):
    """Return everything that is in the views."""
    with sqlite3.connect(folder / "views.sqlite") as database:
        return list(database.iterdump())


def lose_views(folder):
    for name in VIEWS:
        (folder / name).unlink(missing_ok=True)


def snapshot_files(folder):
    return sorted((folder / "snapshots").glob("*.snapshot"))


@pytest.fixture
def traders():
    return [trader(1), trader(2), trader(3)]


@pytest.fixture
def stopped(tmp_path, traders):
    """The folder of an exchange that traded and stopped; its tail and state."""
    with exchange_in(tmp_path, *traders, snapshot_every=10) as running:
        tail, state = trade(running, traders)
    return tmp_path, tail, state


def check_as_it_was(stopped, **options):
    folder, tail, state = stopped
    with exchange_in(folder, **options) as running:
        assert running.sequencer.tail == tail
        assert state_hash(running) == state
        assert running.views.position == tail.position
    assert full_replay(folder) == (tail.position, state)


def test_with_everything_in_place(stopped):
    check_as_it_was(stopped)


def test_without_snapshots(stopped):
    shutil.rmtree(stopped[0] / "snapshots")
    check_as_it_was(stopped)


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda content: content[:20],
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1],
        lambda content: content + b"x",
        lambda content: content[:-9] + b"y" + content[-8:],
        lambda content: b"z" + content[1:],
    ],
)
def test_with_snapshots_that_are_not_whole(stopped, damage):
    for path in snapshot_files(stopped[0])[-2:]:
        path.write_bytes(damage(path.read_bytes()))
    check_as_it_was(stopped)


def test_with_a_snapshot_whose_writing_was_cut_short(stopped):
    newest = snapshot_files(stopped[0])[-1]
    newest.with_suffix(".draft").write_bytes(newest.read_bytes()[:100])
    newest.unlink()
    check_as_it_was(stopped)


def test_with_a_snapshot_of_another_log(stopped):
    folder, tail, _ = stopped
    shutil.rmtree(folder / "snapshots")
    strange = Engine(TERMS)
    strange.apply(1, 1, Deposit(b"\x01" * 20, BASE, 5))
    SnapshotFolder(folder / "snapshots").save(
        Snapshot(tail.position, b"\x01" * 32, strange.snapshot())
    )
    check_as_it_was(stopped)


def test_with_a_snapshot_that_this_engine_cannot_read(stopped):
    folder, tail, _ = stopped
    shutil.rmtree(folder / "snapshots")
    SnapshotFolder(folder / "snapshots").save(Snapshot(tail.position, tail.head, b"another"))
    check_as_it_was(stopped)


def test_few_snapshots_are_kept(stopped):
    folder, tail, _ = stopped
    names = [int(path.stem) for path in snapshot_files(folder)]
    assert len(names) == 3
    assert names[-1] == tail.position


def test_views_that_are_lost_are_made_again(stopped):
    folder = stopped[0]
    before = dump(folder)
    lose_views(folder)
    check_as_it_was(stopped)
    assert dump(folder) == before


@pytest.mark.parametrize("damage", ["no database", "other format"])
def test_views_that_cannot_be_read_are_made_again(stopped, damage):
    folder = stopped[0]
    before = dump(folder)
    if damage == "no database":
        lose_views(folder)
        (folder / "views.sqlite").write_bytes(b"what is this? " * 1_000)
    else:
        with sqlite3.connect(folder / "views.sqlite") as database:
            database.execute("DROP TABLE fills")
            database.execute("PRAGMA user_version = 77")
        database.close()
    check_as_it_was(stopped)
    assert dump(folder) == before


def test_views_of_another_log_are_made_again(stopped):
    folder = stopped[0]
    before = dump(folder)
    with sqlite3.connect(folder / "views.sqlite") as database:
        database.execute("UPDATE progress SET head = zeroblob(32)")
        database.execute("DELETE FROM orders")
    database.close()
    check_as_it_was(stopped)
    assert dump(folder) == before


def test_views_that_are_behind_catch_up(tmp_path, traders):
    with exchange_in(tmp_path, *traders, snapshot_every=10) as running:
        trade(running, traders)
    shutil.copytree(tmp_path, tmp_path / "earlier")
    with exchange_in(tmp_path, snapshot_every=10) as running:
        tail, state = trade(running, traders)
    complete = dump(tmp_path)
    lose_views(tmp_path)
    shutil.copy(tmp_path / "earlier" / "views.sqlite", tmp_path)
    check_as_it_was((tmp_path, tail, state))
    assert dump(tmp_path) == complete


@pytest.mark.parametrize("keep", ["views", "snapshots"])
def test_a_log_that_lost_its_end_is_not_gone_on_with(stopped, keep):
    folder, tail, _ = stopped
    if keep == "views":
        shutil.rmtree(folder / "snapshots")
    else:
        lose_views(folder)
    with sqlite3.connect(folder / "log.sqlite") as database:
        database.execute("DELETE FROM log WHERE position > ?", (tail.position - 3,))
        database.execute("DELETE FROM seals WHERE position > ?", (tail.position - 3,))
    database.close()
    with pytest.raises(LogError) as refused, exchange_in(folder):
        pass
    assert refused.value.code == "log_truncated"
    assert refused.value.details["position"] == tail.position - 3


def test_a_damaged_log_is_not_gone_on_with(stopped):
    folder = stopped[0]
    shutil.rmtree(folder / "snapshots")
    with sqlite3.connect(folder / "log.sqlite") as database:
        database.execute("UPDATE log SET time_ms = time_ms + 1 WHERE position = 9")
    database.close()
    with pytest.raises(LogError) as refused, exchange_in(folder):
        pass
    assert refused.value.code == "log_damaged"
    assert refused.value.details["position"] == 9


@pytest.mark.parametrize("content", [b"[]", encode(CancelOrder(b"\x01" * 20, b"\x02" * 32))])
def test_an_entry_that_the_engine_refuses_is_not_passed_over(stopped, content):
    folder, tail, _ = stopped
    log = SqliteLog(folder / "log.sqlite", origin_of(DOMAIN, TERMS))
    position = tail.position + 1
    head = next_head(tail.head, entry_digest(position, tail.time_ms, content))
    log.append([Entry(position, tail.time_ms, content, head)], Seal(position, head, b"\x01" * 65))
    log.close()
    with pytest.raises(LogError) as refused, exchange_in(folder):
        pass
    assert refused.value.code == "log_refused"
    assert refused.value.details["position"] == position


def test_a_snapshot_ahead_of_the_views_is_left_alone(stopped):
    folder, tail, state = stopped
    lose_views(folder)
    log = SqliteLog(folder / "log.sqlite", origin_of(DOMAIN, TERMS))
    writer = ViewWriter(folder / "views.sqlite")
    engine = recover(log, TERMS, SnapshotFolder(folder / "snapshots"), writer)
    assert engine.state_hash() == state
    assert writer.position == tail.position
    writer.close()
    log.close()


def test_a_repeated_order_gets_its_first_answer_after_a_restart_without_views(stopped, traders):
    folder = stopped[0]
    order = traders[1].order(lane=40, lots=3)
    with exchange_in(folder) as running:
        (first,) = place(running, order)
    lose_views(folder)
    with exchange_in(folder) as running:
        (again,) = place(running, order)
    assert again == first._replace(duplicate=True)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "snapshots").write_text("in the way")
    with pytest.raises(LogError) as refused, exchange_in(tmp_path):
        pass
    assert refused.value.code == "snapshots_unusable"


actions = st.lists(
    st.tuples(
        st.sampled_from(["order", "order", "order", "cancel", "deposit", "withdraw", "restart"]),
        st.integers(0, 2),
        st.sampled_from(Side),
        st.integers(1, 6),
        st.integers(95, 105),
        st.integers(0, 3),
        st.sampled_from([TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK]),
    ),
    max_size=40,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(actions)
def test_whatever_happened_replays_to_the_same_state_and_views(tmp_path_factory, actions):
    folder = tmp_path_factory.mktemp("exchange")
    traders = [trader(number) for number in (1, 2, 3)]
    lives = [[]]
    for action in actions:
        if action[0] == "restart":
            lives.append([])
        else:
            lives[-1].append(action)
    nonce = 0
    for life in lives:
        with exchange_in(folder, *traders, snapshot_every=7) as running:
            for kind, number, side, lots, ticks, lane, time_in_force in life:
                own = traders[number]
                if kind == "order":
                    order = own.order(side, lots, ticks, lane, time_in_force=time_in_force)
                    place(running, order)
                elif kind == "cancel":
                    running.sequencer.submit(CancelAll(own.address)).exception(10)
                elif kind == "deposit":
                    running.sequencer.submit(Deposit(own.address, QUOTE, lots)).result(10)
                else:
                    nonce += 1
                    fields = (own.address, QUOTE, lots, own.address, nonce, 4_000_000_000)
                    running.sequencer.submit(RequestWithdrawal(*fields)).exception(10)
            state = state_hash(running)
            position = running.sequencer.tail.position
    assert full_replay(folder) == (position, state)
    views = dump(folder)
    lose_views(folder)
    with exchange_in(folder) as running:
        assert state_hash(running) == state
    assert dump(folder) == views
    shutil.rmtree(folder)


def test_the_log_has_no_secrets(stopped):
    folder = stopped[0]
    secret = bytes.fromhex("77" * 32)
    for path in folder.rglob("*"):
        if path.is_file():
            assert secret not in path.read_bytes()
