"""An exchange from its deployment to leaving it, each step a process of its own."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
from contextlib import contextmanager

import pytest
from eth_account import Account

from ape_gavelbook.paths import project_root
from tests.scripts.conftest import PASSPHRASE

OWNER, ALICE, BOB = "TEST::0", "TEST::3", "TEST::4"
OWNER_ADDRESS = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
FEES_ADDRESS = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
ALICE_ADDRESS = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"
BOB_ADDRESS = "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65"
ONE = 10**18
DAY = 24 * 3600
_START_SECONDS = 60

pytestmark = [pytest.mark.anvil, pytest.mark.slow]


def held(chain, token, holder):
    return chain.call(token, "balanceOf(address)", holder)


@pytest.fixture
def keystore(tmp_path, local):
    """The accounts of matcher and relayer, unlocked by the environment; the relayer has ether."""
    chain, scripts = local
    folder = tmp_path / "ape" / "accounts"
    folder.mkdir(parents=True)
    addresses = {}
    for alias in ("matcher", "relayer"):
        account = Account.create()
        # A cheap key derivation: the keystore lives as long as the test.
        keyfile = Account.encrypt(account.key, PASSPHRASE, kdf="pbkdf2", iterations=2)
        (folder / f"{alias}.json").write_text(json.dumps(keyfile))
        scripts.variables[f"APE_ACCOUNTS_{alias}_PASSPHRASE"] = PASSPHRASE
        addresses[alias] = account.address
    scripts.variables["APE_DATA_FOLDER"] = str(tmp_path / "ape")
    chain.request("anvil_setBalance", addresses["relayer"], hex(10**20))
    return addresses


@contextmanager
def serving(chain, scripts, folder):
    """Run ``gavelbook serve`` and yield where it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "serve.log"
    command = [
        str(project_root() / ".venv" / "bin" / "gavelbook"), "serve", "--rpc", chain.url,
        "--matcher", "matcher", "--relayer", "relayer", "--port", str(port),
        "--state", str(folder / "state"), "--confirmations", "0", "--batch-seconds", "0.1",
    ]  # fmt: skip
    with log.open("w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, env=scripts.variables)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while "serving " not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(_START_SECONDS)


def until(met):
    deadline = time.monotonic() + _START_SECONDS
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_from_deployment_to_exit(local, keystore, tmp_path):
    chain, scripts = local
    as_owner = ("--account", OWNER, "--yes")
    scripts.run(
        "deploy", *as_owner, "--token", "Gold", "GLD", "1000", "--token", "Cash", "CSH", "10,000"
    )
    printed = scripts.run(
        "exchange", "deploy", *as_owner, "--matcher", keystore["matcher"],
        "--fee-recipient", FEES_ADDRESS, "--exit-delay", "1d",
    )  # fmt: skip
    assert "exit delay     86,400 s" in printed
    records = scripts.records(31337)["contracts"]
    gold, cash = (records[name]["address"] for name in ("GLD", "CSH"))
    printed = scripts.run(
        "exchange", "list-market", "GLD", "CSH", *as_owner, "--lot-size", "0.5",
        "--tick-value", "0.01", "--taker-fee", "20", "--maker-fee", "10",
    )  # fmt: skip
    assert "Market: 1" in printed

    chain.send(OWNER_ADDRESS, cash, "transfer(address,uint256)", BOB_ADDRESS, f"{100 * ONE:x}")
    scripts.run("exchange", "deposit", "GLD", "100", "--for", ALICE, *as_owner)
    scripts.run("exchange", "deposit", "CSH", "60.5", "--permit", "--account", BOB, "--yes")
    printed = scripts.run("exchange", "status", BOB)
    assert "market 1 GLD/CSH: a lot is 0.5 GLD, a tick 0.01 CSH a lot, fees 20 and 10" in printed
    assert "60.5 CSH in escrow" in printed
    address = re.search(r"deposit address of \S+: (0x\S+)", printed)[1]
    chain.send(OWNER_ADDRESS, cash, "transfer(address,uint256)", address, f"{ONE:x}")
    scripts.run("exchange", "sweep", "CSH", "--for", BOB, *as_owner)

    with serving(chain, scripts, tmp_path) as url:
        scripts.variables["GAVELBOOK_API"] = url
        order = ("exchange", "order", "GLD/CSH", "--yes")
        printed = scripts.run(*order, "sell", "--lots", "10", "--ticks", "150", "--account", ALICE)
        assert "limit    150 ticks: 15 CSH before fees" in printed
        assert "state        OPEN" in printed
        assert re.search(r"ask +150 +10", scripts.run("exchange", "book", "1"))
        printed = scripts.run(*order, "buy", "--lots", "4", "--account", BOB)
        assert "state        FILLED" in printed
        until(lambda: chain.call(records_of(scripts), "lastBatch()") == 1)
        printed = scripts.run("exchange", "cancel", "--all", "--account", ALICE, "--yes")
        assert "Cancelled: 1" in printed
        scripts.run("exchange", "withdraw", "GLD", "1.5", "--account", BOB, "--yes")
        assert held(chain, gold, BOB_ADDRESS) == 15 * ONE // 10
    scripts.run("exchange", "cancel", "--lane", "7", "--sequence", "9", "--account", ALICE, "--yes")
    leaving = ("exchange", "exit", "CSH", "--account", BOB, "--yes")
    scripts.run(*leaving)
    assert "error: exit_not_due" in scripts.run(*leaving, "--finish", code=2)
    chain.go_to(chain.now() + DAY + 60)
    scripts.run(*leaving, "--finish")
    # 61.5 less 4 lots at 1.5, and the taker's fee on them.
    rest = 615 * ONE // 10 - 6 * ONE - 6 * ONE * 20 // 10_000
    assert held(chain, cash, BOB_ADDRESS) == (100 * 10 - 605) * ONE // 10 + rest
    named = scripts.console("print('here:', exchange.lastBatch(), markets['GLD/CSH'].lot_size)")
    assert f"here: 1 {ONE // 2}" in named


def records_of(scripts):
    return scripts.records(31337)["contracts"]["Exchange"]["address"]
