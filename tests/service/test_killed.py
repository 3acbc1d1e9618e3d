"""A killed allocator is continued by the next one, and nothing is ever posted twice."""

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from eth_account import Account

from gavelbook.auction import Rule
from gavelbook.chain.bid_reader import BidReader
from gavelbook.chain.event_store import EventStore
from gavelbook.chain.outbox import SqliteOutbox
from gavelbook.chain.sale import Sale
from gavelbook.chain.sender import Sender
from gavelbook.service.keeper import Keeper
from tests.chain.hooked_node import hooked_web3
from tests.service.play import BRIEF, allocator, audited, decisions, transactions_of

pytestmark = pytest.mark.anvil

ROOT = Path(__file__).parents[2]
MARGIN_BIDS = 12


class Killed(BaseException):
    """The end of a process, as far as everything in it is concerned."""


@pytest.fixture
def sale(stage):
    sale = stage.open_sale(rule=Rule.GROUP_ROUND_ROBIN, supply_lots=15)
    stage.place(sale, [(n % 6, 3, 2) for n in range(MARGIN_BIDS)])
    stage.close(sale)
    return sale


class DyingOutbox(SqliteOutbox):
    """An outbox that dies before or after it writes, when ``strike`` says so."""

    def save(self, transaction):
        self.strike()
        super().save(transaction)
        self.strike()

    def remove(self, nonce):
        self.strike()
        super().remove(nonce)
        self.strike()


def run_until_killed(stage, sale, folder, strike):
    """Run allocator and keeper as one process does; everything it holds is closed at its end."""
    web3 = hooked_web3(stage.web3)
    chain_id = stage.web3.eth.chain_id
    outbox = DyingOutbox(folder / "outbox.sqlite", chain_id, stage.allocator.address)
    store = EventStore(folder / "events.sqlite")
    outbox.strike = strike

    def hook(_method, _params, proceed):
        strike()
        answer = proceed()
        strike()
        return answer

    web3.provider.hook = hook
    try:
        sender = Sender(web3, stage.allocator, outbox=outbox)
        reader = BidReader(web3, sale.address, stage.first_block, store)
        own = Sale(web3, sale.address)
        service = allocator(
            stage, own, folder, sender=sender, reader=reader, keys_per_transaction=4
        )
        outcome = service.run()
        Keeper(own, sender, reader, batch=4, patience=BRIEF).run(outcome.plan)
    except Killed:
        return False
    finally:
        outbox.close()
        store.close()
    return True


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_random_moments(stage, sale, tmp_path, seed):
    numbers = random.Random(seed)
    first = stage.web3.eth.block_number
    lives = 1
    while True:
        left = [numbers.randint(1, 80) + 4 * lives]

        def strike(left=left):
            left[0] -= 1
            if left[0] == 0:
                raise Killed

        if run_until_killed(stage, sale, tmp_path, strike):
            break
        lives += 1
        assert lives < 100
    assert lives > 4
    check_posted_once(stage, sale, first)


def check_posted_once(stage, sale, first_block):
    """Margin in three transactions, claims in two, two collections at most: none twice."""
    assert len(decisions(stage, sale)) == 1
    receipts = transactions_of(stage.web3, stage.allocator, first_block)
    assert {receipt["status"] for receipt in receipts} == {1}
    inputs = [stage.web3.eth.get_transaction(r["transactionHash"])["input"] for r in receipts]
    assert len(set(inputs)) == len(inputs)
    assert len(receipts) == 3 + 2 + 1
    assert audited(stage, sale).difference is None
    assert stage.paid.balance_of(sale.address) == stage.sold.balance_of(sale.address) == 0


@pytest.mark.slow
def test_killed_for_good_by_the_system(stage, sale, tmp_path):
    accounts = tmp_path / "ape" / "accounts"
    accounts.mkdir(parents=True)
    keystore = Account.encrypt(stage.allocator.key, "open sesame", iterations=2)
    (accounts / "gavel.json").write_text(json.dumps(keystore))
    environment = {
        **os.environ,
        "APE_DATA_FOLDER": str(tmp_path / "ape"),
        "APE_ACCOUNTS_gavel_PASSPHRASE": "open sesame",
    }
    arguments = [
        "allocator", sale.address, "--account", "gavel", "--rpc", stage.web3.provider.endpoint_uri,
        "--from-block", str(stage.first_block), "--state", str(tmp_path / "state"),
        "--confirmations", "0", "--keys-per-transaction", "6",
    ]  # fmt: skip
    first = stage.web3.eth.block_number
    deaths = 0
    while True:
        moment = ["before", "after"][deaths % 2]
        command = [sys.executable, "-m", "tests.service.dying_allocator", moment, *arguments]
        ended = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip
        assert "open sesame" not in ended.stdout + ended.stderr
        assert stage.allocator.key.hex() not in ended.stdout + ended.stderr
        if ended.returncode == 0:
            break
        assert ended.returncode == -signal.SIGKILL, ended.stderr
        deaths += 1
        assert deaths < 30
    assert deaths == 4
    assert "cleared: 15 lots sold" in ended.stdout
    assert len(decisions(stage, sale)) == 1
    receipts = transactions_of(stage.web3, stage.allocator, first)
    assert [receipt["status"] for receipt in receipts] == [1, 1]
    assert audited(stage, sale).difference is None
