"""Killed again and again, an exchange loses no order, doubles none, and stays what it was."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import cycle
from pathlib import Path

import pytest

from gavelbook.exchange.commands import CancelOrder, PlaceOrder, decode, encode
from gavelbook.exchange.engine import Engine
from gavelbook.exchange.orders import Side
from gavelbook.service.exchange.receipts import receipt_of, verify_receipt
from gavelbook.service.exchange.recovery import replay
from gavelbook.service.exchange.sqlite_log import SqliteLog, origin_of
from tests.service.exchange.market_day import (
    DOMAIN,
    MATCHER,
    TERMS,
    exchange_in,
    state_hash,
)
from tests.service.exchange.mortal_exchange import MOMENTS, TRADERS
from tests.service.exchange.test_recovery import dump, full_replay, lose_views

ROOT = Path(__file__).parents[3]
KILLS = 210
WINDOW = 8
"""Orders that a client has on their way at once."""


class Nursery:
    """Starts one life of the exchange after the other in the same folder."""

    def __init__(self, folder):
        self.folder = folder
        self.lives = 0
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.service.exchange.mortal_exchange"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, moment, count):
        """Return process id and socket of a new life."""
        self.lives += 1
        address = str(self.folder.parent / f"s{self.lives}")
        line = json.dumps([str(self.folder), address, moment, count])
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        self.newest = int(self.process.stdout.readline())
        return self.newest, address

    def close(self):
        with suppress(ProcessLookupError):
            os.kill(self.newest, signal.SIGKILL)
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


class Client:
    """One trader, who sends orders and cancels and remembers what was acknowledged.

    What was not answered when the exchange died is sent again in its next life.
    """

    def __init__(self, own, seed):
        self.own = own
        self.numbers = random.Random(seed)
        self.pending = []
        self.placed = {}
        self.cancelled = []
        self.refusals = []
        self.states = []

    def next_command(self):
        numbers = self.numbers
        if self.placed and numbers.random() < 0.2:
            order_hash = numbers.choice(list(self.placed)[-20:])
            return CancelOrder(self.own.address, bytes.fromhex(order_hash))
        side = Side(numbers.randrange(2))
        ticks = 100 + numbers.randrange(-3, 12) * (1 if side else -1)
        return self.own.order(side, numbers.randrange(1, 9), ticks, lane=numbers.randrange(12))

    def trade(self, process, address):
        """Trade until the exchange is gone."""
        with socket.socket(socket.AF_UNIX) as connection, suppress(OSError):
            connection.settimeout(10)
            while not connects(connection, address):
                if not alive(process):
                    return
                time.sleep(0.002)
            lines = connection.makefile("rb")
            first = lines.readline()
            if not first.endswith(b"\n"):
                return
            self.states.append(json.loads(first))
            for command in self.pending:
                connection.sendall(encode(command) + b"\n")
            while True:
                while len(self.pending) < WINDOW:
                    self.pending.append(self.next_command())
                    connection.sendall(encode(self.pending[-1]) + b"\n")
                line = lines.readline()
                if not line.endswith(b"\n"):
                    return
                self.note(self.pending.pop(0), json.loads(line))

    def note(self, command, answer):
        if "refused" in answer:
            self.refusals.append((command, answer["refused"]))
        elif isinstance(command, PlaceOrder):
            assert answer["order_hash"] not in self.placed
            self.placed[answer["order_hash"]] = answer["position"]
        else:
            self.cancelled.append((command, answer["position"]))


def connects(connection, address):
    try:
        connection.connect(address)
    except (FileNotFoundError, ConnectionRefusedError):
        return False
    return True


def alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


class Auditor:
    """Replays the log from its beginning, as far as it is, between two lives."""

    def __init__(self, folder):
        self.folder = folder
        self.engine = Engine(TERMS)

    def check(self):
        """Return where the log is and the hash of the state that it leads to."""
        log = SqliteLog(self.folder / "log.sqlite", origin_of(DOMAIN, TERMS))
        for _ in replay(log, self.engine):
            pass
        log.close()
        return {"position": self.engine.position, "state": self.engine.state_hash().hex()}


def kill_at_random(nursery, clients, pool, numbers, moment):
    """Let the clients trade until the exchange dies."""
    # There are few snapshots in a short life.
    count = 1 if "snapshot" in moment else numbers.randrange(1, 25)
    process, address = nursery.start(moment, count)
    trading = [pool.submit(client.trade, process, address) for client in clients]
    patience = 2.0 if moment else numbers.choice([0.02, 0.15, 0.3]) * numbers.random()
    ends = time.monotonic() + patience
    while alive(process) and time.monotonic() < ends:
        time.sleep(0.001)
    own_death = not alive(process)
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
    while alive(process):
        time.sleep(0.001)
    for each in trading:
        each.result(20)
    return own_death


@pytest.mark.slow
def test_killed_hundreds_of_times(tmp_path):
    folder = tmp_path / "exchange"
    with exchange_in(folder, *TRADERS):
        pass
    numbers = random.Random(4)
    clients = [Client(own, seed) for seed, own in enumerate(TRADERS)]
    auditor = Auditor(folder)
    nursery = Nursery(folder)
    moments = cycle(["", "", *MOMENTS, "within a snapshot"])
    deaths = Counter()
    started = 0
    try:
        with ThreadPoolExecutor(len(clients)) as pool:
            for moment, _ in zip(moments, range(KILLS), strict=False):
                before = auditor.check()
                own_death = kill_at_random(nursery, clients, pool, numbers, moment)
                deaths[moment if own_death else ""] += 1
                states = [client.states.pop() for client in clients if client.states]
                started += bool(states)
                assert all(state == before for state in states)
    finally:
        nursery.close()
    check_nothing_lost(folder, clients)
    assert started > KILLS / 2
    assert set(deaths) == {"", *MOMENTS, "within a snapshot"}, deaths
    assert full_replay(folder) == (auditor.check()["position"], auditor.engine.state_hash())
    check_views(folder, auditor.engine)


def check_nothing_lost(folder, clients):
    """What was acknowledged is in the log where it was said to be, and nothing is there twice."""
    log = SqliteLog(folder / "log.sqlite", origin_of(DOMAIN, TERMS))
    commands = {entry.position: decode(entry.content) for entry in log.read(0)}
    orders = [command for command in commands.values() if isinstance(command, PlaceOrder)]
    assert len({order.order_hash for order in orders}) == len(orders)
    acknowledged = 0
    for client in clients:
        for order_hash, position in client.placed.items():
            assert commands[position].order_hash.hex() == order_hash
            acknowledged += 1
        for command, position in client.cancelled:
            assert commands[position] == command
        # Whoever may trade is never refused, not even an order sent for the second time.
        refused = {code for command, code in client.refusals if isinstance(command, PlaceOrder)}
        assert not refused
        assert {code for _, code in client.refusals} <= {"unknown_order"}
    assert acknowledged > 10 * KILLS
    assert len(orders) - acknowledged <= WINDOW * len(clients)
    for client in clients:
        for position in random.Random(1).sample(sorted(client.placed.values()), 60):
            verify_receipt(receipt_of(log, position), DOMAIN, MATCHER.address)
    log.close()


def check_views(folder, engine):
    """The views that lived through it are those that the log alone leads to."""
    with exchange_in(folder) as running:
        assert running.views.position == engine.position
        assert state_hash(running) == engine.state_hash()
    lived = dump(folder)
    lose_views(folder)
    with exchange_in(folder):
        pass
    assert dump(folder) == lived
