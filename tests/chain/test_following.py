import pytest
from eth_account import Account

from gavelbook.chain.errors import TransactionLost, TransactionRefused
from gavelbook.chain.following import FollowedTransaction, Outgoing, Standing

pytestmark = pytest.mark.anvil
SOMEBODY = "0x00000000000000000000000000000000000000Bb"
GWEI = 10**9


class Wallet:
    """Signs and sends by itself, as a wallet of a browser does."""

    def __init__(self, stage):
        self.stage = stage
        self.account = Account.create()
        self.address = self.account.address
        stage.request("anvil_setBalance", [self.address, hex(10**20)])
        stage.do(stage.issuer, stage.paid.transfer(self.address, 10**6))

    def send(self, call, *, nonce=0, fee=10, gas=200_000):
        outgoing = Outgoing.of(call, self.address)
        fields = {"to": outgoing.to, "data": outgoing.data, "value": 0, "gas": gas, "nonce": nonce}
        fees = {"maxFeePerGas": fee * GWEI, "maxPriorityFeePerGas": GWEI, "chainId": 31337}
        signed = self.account.sign_transaction({**fields, **fees})
        self.stage.web3.eth.send_raw_transaction(signed.raw_transaction)
        return signed.hash.to_0x_hex()

    def follow(self, call):
        return FollowedTransaction(self.stage.web3, Outgoing.of(call, self.address))


@pytest.fixture
def wallet(stage):
    made = Wallet(stage)
    stage.request("evm_setAutomine", [False])
    return made


@pytest.fixture
def call(stage):
    return stage.paid.transfer(SOMEBODY, 7)


def mine(stage):
    stage.request("anvil_mine", [1])


def test_a_transaction_is_pending_then_mined(stage, wallet, call):
    followed = wallet.follow(call)
    followed.hash = wallet.send(call)
    assert followed.look() is Standing.PENDING
    mine(stage)
    assert followed.look() is Standing.MINED
    assert followed.earlier == []


def test_what_was_sped_up_is_followed_before_and_after_it_is_mined(stage, wallet, call):
    followed = wallet.follow(call)
    first = followed.hash = wallet.send(call)
    followed.look()
    second = wallet.send(call, fee=20)
    assert followed.look() is Standing.PENDING
    assert (followed.hash, followed.earlier) == (second, [first])
    third = wallet.send(call, fee=40)
    mine(stage)
    assert followed.look() is Standing.MINED
    assert (followed.hash, followed.earlier) == (third, [first, second])


def test_another_transaction_in_its_place_is_named(stage, wallet, call):
    followed = wallet.follow(call)
    followed.hash = wallet.send(call)
    followed.look()
    other = wallet.send(stage.paid.transfer(SOMEBODY, 8), fee=20)
    mine(stage)
    with pytest.raises(TransactionLost) as caught:
        followed.look()
    assert (caught.value.code, caught.value.details["hash"]) == ("replaced", other)


def test_a_transaction_that_was_never_seen_is_found_by_what_it_does(stage, wallet, call):
    followed = wallet.follow(call)
    followed.hash = "0x" + 64 * "1"
    assert followed.look() is Standing.UNSEEN
    sent = wallet.send(call)
    mine(stage)
    assert followed.look() is Standing.MINED
    assert followed.hash == sent


def test_a_dropped_transaction_is_unseen(stage, wallet, call):
    followed = wallet.follow(call)
    followed.hash = wallet.send(call)
    followed.look()
    stage.request("anvil_removePoolTransactions", [wallet.address])
    assert followed.look() is Standing.UNSEEN
    mine(stage)
    assert followed.look() is Standing.UNSEEN


def test_a_transaction_before_it_that_was_used_long_ago_is_told_as_lost(stage, wallet, call):
    followed = wallet.follow(call)
    followed.hash = wallet.send(call)
    followed.look()
    wallet.send(stage.paid.transfer(SOMEBODY, 8), fee=20)
    mine(stage)
    # As if the blocks in between could not be read.
    followed._next_block = int(stage.web3.eth.block_number) + 1
    looks = [followed.look() for _ in range(3)]
    assert set(looks) == {Standing.UNSEEN}
    with pytest.raises(TransactionLost) as caught:
        followed.look()
    assert caught.value.code == "nonce_taken"


def test_a_revert_is_decoded(stage, wallet):
    call = stage.paid.transfer(SOMEBODY, 10**7)
    followed = wallet.follow(call)
    followed.hash = wallet.send(call)
    mine(stage)
    with pytest.raises(TransactionRefused) as caught:
        followed.look()
    assert caught.value.code == "erc20_insufficient_balance"
    assert caught.value.details["transaction"] == followed.hash
