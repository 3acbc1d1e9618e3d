"""`/live/chain`: one look at the chain for all who listen, and none for nobody."""

from __future__ import annotations

import json
import threading
import time

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from gavelbook.demo.local_chain import free_port
from gavelbook.errors import GavelbookError
from gavelbook.service.chain_pulse import Pulse
from tests.ui.routes.conftest import application, served
from ui.routes.live_chain import MOST_PER_ADDRESS, LiveChain
from ui.routes.site import Site

SALE = "0x25cF6845F3833f4E52419AF8CCd5305Ab47D0b5A"


class Chain:
    """A chain that moves when it is told, and knows who looks at it."""

    def __init__(self):
        self.pulse = Pulse(1, 1_800_000_000, {SALE: "1"})
        self.looks = 0
        self.at_once = 0
        self.most_at_once = 0
        self.failure = None
        self._lock = threading.Lock()

    def look(self):
        with self._lock:
            self.looks += 1
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(0.01)
        with self._lock:
            self.at_once -= 1
        if self.failure:
            raise self.failure
        return self.pulse

    def move(self):
        self.pulse = Pulse(self.pulse.block + 1, self.pulse.time + 12, {SALE: str(self.looks)})


@pytest.fixture
def chain():
    return Chain()


@pytest.fixture
def live(chain):
    return LiveChain(chain.look, seconds=0.02)


@pytest.fixture
def address(live):
    def make(port):
        return application(Site(f"http://127.0.0.1:{port}"), live=live)

    with served(make, free_port()) as address:
        yield address


def listen(address, **options):
    return connect(f"ws://{address}/live/chain", open_timeout=10, **options)


def heard(socket):
    return json.loads(socket.recv(timeout=10))


def until(done, seconds=5):
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        time.sleep(0.01)
    return done()


def test_a_listener_hears_what_is_and_then_what_changes(chain, address):
    with listen(address) as socket:
        assert heard(socket) == {"block": 1, "time": 1_800_000_000, "sales": {SALE: "1"}}
        chain.move()
        assert heard(socket)["block"] == 2
        with pytest.raises(TimeoutError):
            socket.recv(timeout=0.3)


def test_one_looks_for_all_and_nobody_for_nobody(chain, live, address):
    assert chain.looks == 0
    with listen(address) as first, listen(address) as second:
        assert heard(first) == heard(second)
        assert live.looking
        assert until(lambda: chain.looks > 5)
        assert chain.most_at_once == 1
    assert until(lambda: not live.looking)
    seen = chain.looks
    time.sleep(0.2)
    assert chain.looks <= seen + 1
    with listen(address) as socket:
        assert heard(socket)["block"] == 1


@pytest.mark.parametrize(
    "failure",
    [GavelbookError("rpc_unreachable", "Expected an answer, was none"), ValueError("odd")],
)
def test_a_chain_that_is_silent_is_looked_at_again(chain, live, address, monkeypatch, failure):
    monkeypatch.setattr("ui.routes.live_chain._PAUSE_SECONDS", 0.02)
    chain.failure = failure
    with listen(address) as socket:
        assert until(lambda: chain.looks > 2)
        chain.failure = None
        assert heard(socket)["block"] == 1


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_pages_of_other_sites_hear_nothing(chain, address, origin):
    with pytest.raises(InvalidStatus) as error:
        listen(address, origin=origin)
    assert error.value.response.status_code == 403
    assert chain.looks == 0


def test_own_pages_and_programs_hear(address):
    for origin in (f"http://{address}", None):
        with listen(address, origin=origin) as socket:
            assert heard(socket)["block"] == 1


def test_whoever_says_something_is_disconnected(address):
    with listen(address) as socket:
        heard(socket)
        socket.send("hello")
        with pytest.raises(ConnectionClosed) as error:
            socket.recv(timeout=10)
        assert error.value.rcvd.code == 1008


def test_nobody_opens_more_than_a_few(address):
    sockets = [listen(address) for _ in range(MOST_PER_ADDRESS)]
    try:
        with pytest.raises(InvalidStatus):
            listen(address)
    finally:
        for socket in sockets:
            socket.close()

    def free():
        try:
            listen(address).close()
        except InvalidStatus:
            return False
        return True

    assert until(free)
