"""`gavelbook serve` on a chain of its own: from an order over HTTP to its settlement, and again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from eth_account import Account

from gavelbook.chain.connection import connect
from gavelbook.client import Client
from gavelbook.commands import serve
from tests.chain.anvil_chain import running_anvil
from tests.service.exchange.trading_floor import Floor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.anvil, pytest.mark.slow]
PASSPHRASE = "of a test"
_END_SECONDS = 30


@pytest.fixture(scope="module")
def chain() -> Iterator[str]:
    with running_anvil() as url:
        yield url


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, bytes], None]:
    accounts = tmp_path / "ape" / "accounts"
    accounts.mkdir(parents=True)
    monkeypatch.setenv("APE_DATA_FOLDER", str(tmp_path / "ape"))

    def keep(alias: str, key: bytes) -> None:
        encrypted = Account.encrypt(key, PASSPHRASE, kdf="pbkdf2", iterations=1_000)
        (accounts / f"{alias}.json").write_text(json.dumps(encrypted))
        monkeypatch.setenv(f"APE_ACCOUNTS_{alias}_PASSPHRASE", PASSPHRASE)

    return keep


@contextmanager
def serving(floor: Floor, chain: str, state: Path) -> Iterator[str]:
    """Run the command and yield the API's address; asked to end, it ends with exit code 0."""
    command = [
        *(str(Path(sys.executable).with_name("gavelbook")), "serve", floor.exchange.address),
        *("--matcher", "matcher", "--relayer", "relayer", "--rpc", chain, "--port", "0"),
        *("--from-block", str(floor.from_block), "--state", str(state), "--confirmations", "0"),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        assert line.startswith(f"serving {floor.exchange.address} on 127.0.0.1:"), line
        yield f"http://127.0.0.1:{line.rpartition(':')[2].strip()}"
        process.send_signal(signal.SIGTERM)
        assert process.wait(_END_SECONDS) == 0
    finally:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
        process.wait(_END_SECONDS)


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.1)


def test_an_order_travels_to_the_chain(
    chain: str, keys: Callable[[str, bytes], None], tmp_path: Path
) -> None:
    floor = Floor(connect(chain), 2)
    keys("matcher", floor.matcher_secret)
    keys("relayer", bytes(floor.relayer.key))
    maker, taker = (trader.account for trader in floor.traders)
    before = floor.held(floor.traders[0], floor.cash)
    state = tmp_path / "state"
    with (
        serving(floor, chain, state) as url,
        Client(url, account=maker) as selling,
        Client(url, account=taker) as buying,
    ):
        until(lambda: len(selling.markets()) == 3)
        selling.sign_in()
        until(lambda: len(selling.balances().balances) == 3)
        updates = selling.stream("account")
        next(updates)
        resting = selling.limit(1, "sell", lots=5, ticks=100)
        bought = buying.limit(1, "buy", lots=2, ticks=100)
        assert bought.state == "FILLED"
        assert selling.fills().fills[0].state == "MATCHED"
        states: list[tuple[str, bytes | None]] = []
        while "SETTLED" not in dict(states):
            told = next(updates).data.settlements
            states.extend((each.state, each.transaction_hash) for each in told)
        until(lambda: selling.fills().fills[0].transaction_hash is not None)
        (fill,) = selling.fills().fills
        assert fill.state == "SETTLED"
        assert states[-1][1] in {None, fill.transaction_hash}
        receipt = floor.web3.eth.get_transaction_receipt(bytes(fill.transaction_hash))
        assert receipt["status"] == 1
        assert floor.held(floor.traders[0], floor.cash) == before + fill.quote - fill.fee
        token = selling.calls.token
    with serving(floor, chain, state) as url, Client(url, account=maker) as again:
        again.calls.token = token
        (order,) = again.orders(state="open").orders
        assert (order.order_hash, order.remaining_lots) == (resting.order_hash, 3)
        assert (order.filled_lots, order.settled_lots) == (2, 2)
        assert again.book(1).asks == [(100, 3)]
        assert [int(trade.lots) for trade in again.trades(1).trades] == [2]
        assert again.candles(1, "1d").candles[0].trades == 1
        assert again.cancel_all().order_hashes == [resting.order_hash]


@pytest.mark.parametrize(
    ("host", "asked"),
    [
        ("127.0.0.1", "http://127.0.0.1:8100"),
        ("0.0.0.0", "http://127.0.0.1:8100"),
        ("10.0.0.5", "http://10.0.0.5:8100"),
        ("::", "http://[::1]:8100"),
        ("fd00::5", "http://[fd00::5]:8100"),
    ],
)
def test_pages_of_the_same_process_ask_where_it_listens(
    host: str, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gavelbook.commands.pages.pages_app", lambda *_: None)
    # So that both are taken back in the end.
    monkeypatch.setenv("GAVELBOOK_EXCHANGE_API", "")
    monkeypatch.setenv("GAVELBOOK_RPC_URL", "")
    del os.environ["GAVELBOOK_EXCHANGE_API"]

    serve._with_pages("https://gavel.example", "http://127.0.0.1:8545", host, 8100, None)

    assert os.environ["GAVELBOOK_EXCHANGE_API"] == asked
