"""The state as bytes.

├── the same on any machine: whatever the seed of Python's hashes
├── restored, it goes on as before
└── what is no snapshot is refused
"""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec
import pytest

from gavelbook.exchange import commands
from gavelbook.exchange.engine import Engine
from gavelbook.exchange.errors import ExchangeError
from gavelbook.exchange.orders import TimeInForce
from tests.exchange.trading import BUY, GAVEL, MAKER, START_MS, TAKER, TRADERS, USD, Trading

_PROGRAM = """
from tests.exchange.test_snapshots import busy
print(busy().engine.state_hash().hex(), [repr(each) for each in busy().reports])
"""


def busy() -> Trading:
    """Return a market in which everything is under way that a state can hold."""
    trading = Trading()
    for ticks in range(40, 60):
        for number, trader in enumerate(TRADERS):
            trading.sell(trader, 3, ticks + number, client_id=f"s{ticks}")
            trading.buy(trader, 2, ticks - 5 - number, client_id=f"b{ticks}", market=1 + number % 2)
    trading.buy(TAKER, 1, 1, time_in_force=TimeInForce.GTT, good_till=START_MS + 100)
    trading.apply(commands.BatchSettled(1, 1, 1, 2, 2))
    trading.apply(commands.BustFill(3))
    trading.apply(commands.RequestWithdrawal(MAKER, USD, 5, MAKER, 3, 5_000))
    trading.apply(commands.RequestWithdrawal(MAKER, USD, 5, MAKER, 9, 5_000))
    trading.apply(commands.ExitRequested(TAKER, USD))
    trading.apply(commands.ExitRequested(TAKER, GAVEL))
    trading.apply(commands.HaltMarket(2))
    return trading


def test_hash_does_not_depend_on_the_process() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", _PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "77")
    }

    assert len(outputs) == 1
    assert busy().engine.state_hash().hex() in outputs.pop()


def test_restored_engine_shows_and_does_the_same() -> None:
    trading = busy()
    restored = Engine.restore(trading.engine.snapshot())

    assert restored.state_hash() == trading.engine.state_hash()
    assert restored.next_expiry == trading.engine.next_expiry == (10_000 - 100) * 1_000
    for trader in TRADERS:
        assert restored.open_orders(trader) == trading.engine.open_orders(trader)
        assert restored.balances(trader) == trading.engine.balances(trader)
    position = trading.engine.position
    for number, command in enumerate(
        [
            commands.Clock(),
            commands.CancelClient(MAKER, trading.engine.open_orders(MAKER)[0].client_id),
            trading.order(MAKER, BUY, 50, 99, client_id="new"),
            commands.WithdrawalDone(MAKER, 9),
            commands.ExitCancelled(TAKER, USD),
            commands.ResumeMarket(2),
            commands.CancelAll(MAKER),
        ]
    ):
        entry = (position + 1 + number, START_MS + 5_000, command)
        assert restored.apply(*entry) == trading.engine.apply(*entry)
    assert restored.snapshot() == trading.engine.snapshot()


def test_hash_tells_states_apart() -> None:
    hashes = {Trading().engine.state_hash(), busy().engine.state_hash()}
    for command in (
        commands.Clock(),
        commands.Deposit(MAKER, USD, 1),
        commands.ChainCancel(MAKER, 0, 1),
        commands.HaltMarket(1),
        commands.SetFeeRecipient(MAKER),
        commands.ExitRequested(MAKER, USD),
    ):
        trading = Trading()
        trading.apply(command)
        hashes.add(trading.engine.state_hash())

    assert len(hashes) == 8


@pytest.mark.parametrize(
    "snapshot",
    [
        b"",
        b"[]",
        b"{}",
        b"[1]",
        b"\xff",
        Trading().engine.snapshot()[:-2],
        pytest.param(b"[" * 100_000, id="nested"),
    ],
)
def test_no_snapshot(snapshot: bytes) -> None:
    with pytest.raises(ExchangeError) as error:
        Engine.restore(snapshot)

    assert error.value.code == "snapshot_malformed"


def test_snapshot_of_another_format_or_with_strange_orders() -> None:
    values = msgspec.json.decode(busy().engine.snapshot())
    other_format = [values[0] + 1, *values[1:]]
    no_accounts = [*values[:8], [], *values[9:]]

    for changed in (other_format, no_accounts):
        with pytest.raises(ExchangeError) as error:
            Engine.restore(msgspec.json.encode(changed))
        assert error.value.code == "snapshot_malformed"


def test_positions_and_times_only_rise() -> None:
    trading = Trading()
    engine, position = trading.engine, trading.engine.position

    for entry, code in (
        ((position, START_MS), "position_passed"),
        ((position + 1, START_MS - 1), "time_went_back"),
    ):
        with pytest.raises(ExchangeError) as error:
            engine.apply(*entry, commands.Clock())
        assert error.value.code == code
    engine.apply(position + 5, START_MS, commands.Clock())
    assert (engine.position, engine.time_ms) == (position + 5, START_MS)
