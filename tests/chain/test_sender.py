import threading

import pytest
from eth_account import Account

from gavelbook.chain.connection import connect
from gavelbook.chain.errors import (
    ChainError,
    ChainUnreachable,
    InsufficientFunds,
    StoreError,
    TransactionLost,
    TransactionRefused,
)
from gavelbook.chain.fees import FeePolicy, Fees
from gavelbook.chain.outbox import MemoryOutbox, PendingTransaction, SqliteOutbox
from gavelbook.chain.sender import Sender
from tests.chain.anvil_chain import running_anvil
from tests.chain.hooked_node import hooked_web3, rpc_error, unreachable
from tests.chain.stage import Stage, people

pytestmark = pytest.mark.anvil
SOMEBODY = "0x00000000000000000000000000000000000000Bb"
QUICK = FeePolicy(stuck_seconds=0.2, wait_seconds=20)


@pytest.fixture
def payer(stage):
    """An account that only these tests use, with some tokens."""
    account = Account.create()
    stage.request("anvil_setBalance", [account.address, hex(10**20)])
    stage.do(stage.issuer, stage.paid.transfer(account.address, 10**6))
    return account


def pay(stage, amount=1):
    return stage.paid.transfer(SOMEBODY, amount)


def paid_by(stage, account):
    return 10**6 - stage.paid.balance_of(account.address)


def count_of(stage, account):
    return stage.web3.eth.get_transaction_count(account.address)


class TestSending:
    def test_nonces_follow_each_other_without_waiting(self, stage, payer):
        sender = Sender(stage.web3, payer)
        stage.request("evm_setAutomine", [False])
        hashes = [sender.send(pay(stage)) for _ in range(5)]
        stage.request("anvil_mine", [1])
        receipts = [sender.wait(transaction) for transaction in hashes]
        nonces = [stage.web3.eth.get_transaction(h)["nonce"] for h in hashes]
        assert nonces == [0, 1, 2, 3, 4]
        assert {receipt["status"] for receipt in receipts} == {1}

    def test_threads_share_a_sender(self, stage, payer):
        sender = Sender(stage.web3, payer)
        errors = []

        def work():
            try:
                for _ in range(4):
                    sender.send_and_wait(pay(stage))
            except Exception as error:  # noqa: BLE001 -- shown below
                errors.append(error)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert errors == []
        assert count_of(stage, payer) == paid_by(stage, payer) == 16

    def test_what_would_revert_is_not_sent(self, stage, payer):
        sender = Sender(stage.web3, payer)
        with pytest.raises(TransactionRefused) as caught:
            sender.send(pay(stage, 10**7))
        assert caught.value.code == "erc20_insufficient_balance"
        assert count_of(stage, payer) == 0
        sender.send_and_wait(pay(stage))
        assert count_of(stage, payer) == 1

    def test_ether_that_is_not_there(self, stage):
        poor = Sender(stage.web3, Account.create())
        with pytest.raises(InsufficientFunds) as caught:
            poor.send(stage.paid.approve(SOMEBODY, 1))
        assert caught.value.details["account"] == poor.address
        with pytest.raises(InsufficientFunds):
            poor.send(stage.paid.approve(SOMEBODY, 1), gas=100_000)

    def test_a_nonce_that_somebody_else_takes_is_left_to_them(self, stage, payer):
        first, second = Sender(stage.web3, payer), Sender(stage.web3, payer)
        first.send_and_wait(pay(stage))
        second.send_and_wait(pay(stage))
        first.send_and_wait(pay(stage))
        assert count_of(stage, payer) == paid_by(stage, payer) == 3


class TestStuckTransactions:
    def test_it_is_replaced_at_a_higher_fee_and_mined_once(self, stage, payer):
        outbox = MemoryOutbox()
        sender = Sender(stage.web3, payer, policy=QUICK, outbox=outbox)
        stage.request("evm_setAutomine", [False])
        first = sender.send(pay(stage))
        with pytest.raises(TransactionLost) as caught:
            sender.wait(first, seconds=0.8)
        assert caught.value.code == "not_mined"
        (entry,) = outbox.pending()
        assert len(entry.hashes) >= 3
        before = stage.web3.eth.get_transaction_count(payer.address, "pending")
        assert before == 1
        stage.request("anvil_mine", [1])
        receipt = sender.wait(first)
        assert receipt["transactionHash"].to_0x_hex() in entry.hashes[1:]
        assert receipt["transactionHash"] != first
        assert paid_by(stage, payer) == count_of(stage, payer) == 1
        assert outbox.pending() == []

    def test_each_fee_is_an_eighth_higher(self):
        policy = FeePolicy()
        fees = policy.raised(Fees(80, 8), Fees(10, 1))
        assert fees == Fees(90, 9)
        assert policy.raised(Fees(1, 1), Fees(0, 0)) == Fees(2, 2)
        assert policy.raised(Fees(80, 8), Fees(1_000, 1)) == Fees(1_000, 9)

    def test_no_fee_is_above_the_limit(self, stage, payer):
        base = stage.web3.eth.get_block("latest")["baseFeePerGas"]
        limit = 2 * base + 2 * 10**9
        policy = FeePolicy(stuck_seconds=0.05, max_fee_per_gas=limit)
        sender = Sender(stage.web3, payer, policy=policy)
        stage.request("evm_setAutomine", [False])
        first = sender.send(pay(stage))
        with pytest.raises(TransactionLost):
            sender.wait(first, seconds=0.7)
        stage.request("anvil_mine", [1])
        receipt = sender.wait(first)
        mined = stage.web3.eth.get_transaction(receipt["transactionHash"])
        assert mined["maxFeePerGas"] <= limit

    def test_it_comes_back_after_a_fee_spike_threw_it_out(self, stage, payer):
        sender = Sender(stage.web3, payer, policy=QUICK)
        stage.request("evm_setAutomine", [False])
        first = sender.send(pay(stage))
        spike = 100 * stage.web3.eth.get_block("latest")["baseFeePerGas"] + 10**12
        stage.request("anvil_setNextBlockBaseFeePerGas", [hex(spike)])
        stage.request("anvil_mine", [1])
        stage.request("evm_setAutomine", [True])
        sender.wait(first)
        assert paid_by(stage, payer) == count_of(stage, payer) == 1
        stage.request("anvil_setNextBlockBaseFeePerGas", [hex(10**9)])
        stage.request("anvil_mine", [1])

    def test_it_comes_back_after_the_node_forgot_it(self, stage, payer):
        sender = Sender(stage.web3, payer)
        stage.request("evm_setAutomine", [False])
        first = sender.send(pay(stage))
        stage.request("anvil_dropAllTransactions")
        stage.request("evm_setAutomine", [True])
        assert sender.wait(first)["transactionHash"] == first
        assert paid_by(stage, payer) == 1

    def test_a_nonce_taken_by_another_is_said(self, stage, payer, monkeypatch):
        monkeypatch.setattr("gavelbook.chain.sender._OVERTAKEN_SECONDS", 0.1)
        sender = Sender(stage.web3, payer)
        stage.request("evm_setAutomine", [False])
        lost = sender.send(pay(stage))
        stage.request("anvil_dropAllTransactions")
        stage.request("evm_setAutomine", [True])
        Sender(stage.web3, payer).send_and_wait(pay(stage, 5))
        with pytest.raises(TransactionLost) as caught:
            sender.wait(lost)
        assert caught.value.code == "nonce_taken"
        assert paid_by(stage, payer) == 5


class TestSilence:
    """The node does not answer, at the worst moment."""

    def test_a_transaction_whose_answer_was_lost_counts_as_sent(self, stage, payer):
        web3 = hooked_web3(stage.web3)
        lost = []

        def losing_the_answer(method, _params, proceed):
            answer = proceed()
            if method == "eth_sendRawTransaction" and not lost:
                lost.append(answer)
                raise unreachable()
            return answer

        web3.provider.hook = losing_the_answer
        Sender(web3, payer).send_and_wait(pay(stage))
        assert lost
        assert paid_by(stage, payer) == count_of(stage, payer) == 1

    def test_a_transaction_that_never_arrived_is_sent_again(self, stage, payer):
        web3 = hooked_web3(stage.web3)
        dropped = []

        def dropping(method, params, proceed):
            if method == "eth_sendRawTransaction" and not dropped:
                dropped.append(params)
                raise unreachable()
            return proceed()

        web3.provider.hook = dropping
        Sender(web3, payer).send_and_wait(pay(stage))
        assert dropped
        assert paid_by(stage, payer) == count_of(stage, payer) == 1

    def test_a_dead_node_before_signing_means_nothing_was_sent(self, payer):
        with running_anvil() as url:
            own = Stage(connect(url), people(5))
        with pytest.raises(ChainUnreachable):
            Sender(own.web3, payer).send(own.paid.transfer(SOMEBODY, 1))


class TestOutbox:
    def test_another_process_takes_over_what_was_sent(self, stage, payer, tmp_path):
        chain_id = stage.web3.eth.chain_id
        path = tmp_path / "outbox.sqlite"
        outbox = SqliteOutbox(path, chain_id, payer.address)
        stage.request("evm_setAutomine", [False])
        killed = Sender(stage.web3, payer, outbox=outbox)
        hashes = [killed.send(pay(stage)) for _ in range(3)]
        stage.request("anvil_dropAllTransactions")
        outbox.close()
        stage.request("evm_setAutomine", [True])
        heir = Sender(stage.web3, payer, outbox=SqliteOutbox(path, chain_id, payer.address))
        receipts = heir.recover()
        assert [receipt["transactionHash"] for receipt in receipts] == hashes
        assert heir.recover() == []
        heir.send_and_wait(pay(stage))
        assert paid_by(stage, payer) == count_of(stage, payer) == 4

    def test_an_heir_raises_the_fee_of_a_stuck_deployment(self, stage, payer, tmp_path):
        from gavelbook.chain.factory import deploy_factory

        chain_id = stage.web3.eth.chain_id
        path = tmp_path / "outbox.sqlite"
        outbox = SqliteOutbox(path, chain_id, payer.address)
        stage.request("evm_setAutomine", [False])
        Sender(stage.web3, payer, outbox=outbox).send(deploy_factory(stage.web3))
        outbox.close()
        outbox = SqliteOutbox(path, chain_id, payer.address)
        heir = Sender(stage.web3, payer, policy=QUICK, outbox=outbox)
        timer = threading.Timer(0.6, lambda: stage.request("evm_setAutomine", [True]))
        timer.start()
        (receipt,) = heir.recover()
        timer.join()
        stage.request("evm_setAutomine", [True])
        assert receipt["contractAddress"]
        assert count_of(stage, payer) == 1

    def test_one_process_at_a_time(self, tmp_path):
        path = tmp_path / "new" / "outbox.sqlite"
        first = SqliteOutbox(path, 1, SOMEBODY)
        first.save(PendingTransaction(0, {"nonce": "0"}, "0x", ["0x"]))
        with pytest.raises(StoreError) as caught:
            SqliteOutbox(path, 1, SOMEBODY)
        assert caught.value.code == "store_in_use"
        first.close()
        assert len(SqliteOutbox(path, 1, SOMEBODY).pending()) == 1

    def test_outboxes_of_chains_and_accounts_are_apart(self, tmp_path):
        path = tmp_path / "outbox.sqlite"
        for chain_id, sender in ((1, "0xa"), (2, "0xa"), (1, "0xb")):
            outbox = SqliteOutbox(path, chain_id, sender)
            assert outbox.pending() == []
            outbox.save(PendingTransaction(7, {"value": str(2**255)}, "0x", ["0x"]))
            outbox.save(PendingTransaction(3, {}, "0x", []))
            outbox.remove(9)
            assert [entry.nonce for entry in outbox.pending()] == [3, 7]
            outbox.close()

    def test_a_file_that_is_no_database(self, tmp_path):
        path = tmp_path / "outbox.sqlite"
        path.write_bytes(b"not a database" * 100)
        with pytest.raises(StoreError) as caught:
            SqliteOutbox(path, 1, SOMEBODY)
        assert caught.value.code == "store_unusable"


def test_a_node_that_takes_nothing(stage, payer):
    web3 = hooked_web3(stage.web3)
    web3.provider.hook = lambda method, _params, proceed: (
        rpc_error("read only") if method == "eth_sendRawTransaction" else proceed()
    )
    outbox = MemoryOutbox()
    with pytest.raises(ChainError) as caught:
        Sender(web3, payer, outbox=outbox).send(pay(stage))
    assert caught.value.code == "transaction_not_accepted"
    assert outbox.pending() == []
