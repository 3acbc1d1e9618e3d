"""`gavelbook signer` as a process: it starts, ends in order, and survives being killed."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from gavelbook.accounts.client import AccountsClient
from gavelbook.chain.deployments import FOLDER_VARIABLE
from gavelbook.wallet import Keystore, Role, fresh_words
from tests.accounts.conftest import code_of
from tests.accounts.signer_world import PASSWORD, WHOLE, stranger

pytestmark = pytest.mark.anvil

ROOT = Path(__file__).parents[2]
PASSPHRASE = "a passphrase of the operator"


class Household:
    """A keystore and a state folder that several processes use one after the other."""

    def __init__(self, chain, folder):
        self.chain, self.folder = chain, folder
        self.outputs = []
        folder.mkdir(mode=0o700)
        keystore = Keystore(folder / "keystore.json")
        self.words = fresh_words()
        wallet = keystore.create(self.words, PASSPHRASE, work_factor=2)
        chain.give_ether(wallet.operator(Role.GAS).address, 10**18)
        self.gas_address = wallet.operator(Role.GAS).address
        self.environment = {
            **os.environ,
            FOLDER_VARIABLE: str(chain.folder),
            "GAVELBOOK_SIGNER_KEYSTORE": str(keystore.path),
            "GAVELBOOK_SIGNER_PASSPHRASE": PASSPHRASE,
            "GAVELBOOK_SIGNER_RPC_URL": chain.web3.provider.endpoint_uri,
            "GAVELBOOK_SIGNER_STATE": str(folder / "state"),
            "GAVELBOOK_SIGNER_PORT": "0",
            "GAVELBOOK_SIGNER_GAS_PER_ACCOUNT_GWEI": "1000000000",
        }

    @contextmanager
    def running(self, moment="before", number=0):
        """Yield a client of a running process, and the process."""
        command = [sys.executable, "-m", "tests.accounts.dying_signer", moment, str(number)]
        log = self.folder / f"log{len(self.outputs)}"
        self.outputs.append(log)
        with log.open("w") as errors:
            process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, stderr=errors,
                text=True,
            )  # fmt: skip
        try:
            line = process.stdout.readline()
            found = re.fullmatch(r"signing on 127\.0\.0\.1:(\d+)\n", line)
            assert found, log.read_text()
            url = f"http://127.0.0.1:{found[1]}"
            yield AccountsClient.with_key_file(url, self.folder / "state" / "access-key"), process
        finally:
            process.kill()
            process.wait(20)
            process.stdout.close()


@pytest.fixture
def household(chain, tmp_path):
    return Household(chain, tmp_path / "operator")


def test_ends_in_order_when_asked(household):
    with household.running() as (client, process):
        token = client.register("ada", PASSWORD).token
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    with household.running() as (client, process):
        assert client.whoami(token).name == "ada"
        assert client.status().trail_position == 1
        with pytest.raises(AssertionError, match="store_in_use"), household.running():
            pass
    for log in household.outputs:
        content = log.read_text()
        assert PASSPHRASE not in content
        assert PASSWORD not in content
        assert household.words not in content


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", [1, 2], ids=["gas", "transfer"])
def test_a_transfer_is_sent_once_whenever_the_process_is_killed(chain, household, moment, number):
    token, to = chain.stage.paid, stranger()
    with household.running(moment, number) as (client, process):
        session = client.register("ada", PASSWORD).token
        address = client.whoami(session).address.text()
        chain.give(token, address, 100 * WHOLE)
        asked = client.ask_transfer(session, token.address, to, 7 * WHOLE)
        assert code_of(client.confirm_transfer, session, asked.id, PASSWORD) == (
            "signer_unreachable"
        )
        assert process.wait(20) == -signal.SIGKILL
    with household.running() as (client, process):
        done = client.confirm_transfer(session, asked.id, PASSWORD)
        assert (done.state, token.balance_of(to)) == ("done", 7 * WHOLE)
        again = client.confirm_transfer(session, asked.id, PASSWORD)
        assert again.transaction == done.transaction
        assert chain.web3.eth.get_transaction_count(address) == 1
        assert chain.web3.eth.get_transaction_count(household.gas_address) == 1
        kinds = [entry.kind for entry in client.audit_trail(session).entries]
        assert kinds == [
            "transfer done",
            "transfer signed",
            "gas done",
            "gas signed",
            "transfer asked for",
            "registered",
        ]
        limits = {each.token.text(): each for each in client.limits(session)}
        assert limits[token.address].left == limits[token.address].amount - 7 * WHOLE


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before", "after"])
def test_what_nobody_asks_for_again_is_sent_all_the_same(chain, household, moment):
    exchange, token = chain.exchange, chain.stage.paid
    approve = token.approve(exchange.address, 5)
    data = approve.build_transaction({"gas": 1, "gasPrice": 1, "nonce": 0, "from": stranger()})
    with household.running(moment, 2) as (client, process):
        session = client.register("ada", PASSWORD).token
        address = client.whoami(session).address.text()
        sent = code_of(
            client.send_transaction, session, token.address, data["data"], request_id="c" * 32
        )
        assert sent == "signer_unreachable"
        process.wait(20)
    with household.running() as (client, _):
        entries = wait_for_entries(client, session, "token.approve done")
        assert token.allowance(address, exchange.address) == 5
        (done,) = [each for each in entries if each.kind == "token.approve done"]
        again = client.send_transaction(session, token.address, data["data"], request_id="c" * 32)
        assert again == done.transaction
        assert chain.web3.eth.get_transaction_count(address) == 1


def wait_for_entries(client, session, kind):
    for _ in range(200):
        entries = client.audit_trail(session).entries
        if any(entry.kind == kind for entry in entries):
            return entries
        time.sleep(0.05)
    raise AssertionError([entry.kind for entry in entries])


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("PASSPHRASE", "another passphrase", "passphrase_wrong"),
        ("KEYSTORE", "/nowhere/keystore.json", "keystore_missing"),
        ("PORT", "many", "settings_malformed"),
        ("SIGN_IN", '["ftp://somewhere"]', "bad_url"),
        ("RPC_URL", "http://127.0.0.1:9", "rpc_unreachable"),
    ],
)
def test_says_what_is_wrong_with_its_settings(household, name, value, code):
    environment = {**household.environment, f"GAVELBOOK_SIGNER_{name}": value}
    command = [sys.executable, "-c", "from gavelbook.cli import main; main()", "signer"]
    ended = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr.split(": ")[1]) == (2, code)
    assert PASSPHRASE not in ended.stderr
    assert value not in ended.stderr or name != "PASSPHRASE"
