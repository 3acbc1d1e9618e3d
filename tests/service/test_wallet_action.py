import json

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data

from gavelbook.chain.connection import connect
from gavelbook.chain.errors import ChainUnreachable, TransactionRefused
from gavelbook.errors import GavelbookError
from gavelbook.service.acting import (
    AccountKind,
    Actor,
    Line,
    SendTransaction,
    SignMessage,
    SignTypedData,
)
from gavelbook.service.wallet_action import UNSEEN_SECONDS, Stage, WalletAction
from gavelbook.service.wallet_requests import WalletAnswer
from tests.chain.anvil_chain import running_anvil
from tests.chain.stage import Stage as Chain
from tests.chain.stage import people

pytestmark = pytest.mark.anvil

SOMEBODY = "0x00000000000000000000000000000000000000Bb"
TYPED = {
    "types": {
        "EIP712Domain": [
            {"name": "name", "type": "string"},
            {"name": "chainId", "type": "uint256"},
        ],
        "Note": [{"name": "amount", "type": "uint256"}, {"name": "mark", "type": "bytes32"}],
    },
    "primaryType": "Note",
    "domain": {"name": "Notes", "chainId": 31337},
    "message": {"amount": 2**200, "mark": b"\x07" * 32},
}
SIGN_IN = "page.example wants you to sign in with your Ethereum account:\n0x00\n"
# Says `isValidSignature` to whatever it is asked.
AGREEING_CODE = "0x631626ba7e60e01b60005260206000f3"
DISAGREEING_CODE = "0x60006000f3"


@pytest.fixture(scope="module")
def chain():
    with running_anvil() as url:
        yield Chain(connect(url), people(6))


class Owner:
    """Whoever holds the key, and answers requests with it."""

    def __init__(self, chain):
        self.chain = chain
        self.account = Account.create()
        self.actor = Actor("Fox", self.account.address, AccountKind.WALLET, "secret")
        chain.request("anvil_setBalance", [self.account.address, hex(10**20)])
        chain.do(chain.issuer, chain.paid.transfer(self.account.address, 10**6))

    def begin(self, action, clock=lambda: 0.0):
        return WalletAction(action, self.actor, self.chain.web3, clock)

    def agree(self, running, account=None):
        request, account = running.request, account or self.account
        answer = WalletAnswer(request.id, self._value(request, account))
        running.answered(answer)
        return answer.value

    def refuse(self, running, code="refused"):
        running.answered(WalletAnswer(running.request.id, code=code, message="User said no."))

    def _value(self, request, account):
        if request.method == "eth_sendTransaction":
            [fields] = request.params
            nonce = self.chain.web3.eth.get_transaction_count(account.address)
            fees = {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9, "chainId": 31337}
            named = {name: fields[name] for name in ("to", "data", "value", "gas")}
            signed = account.sign_transaction({**named, **fees, "nonce": nonce})
            return self.chain.web3.eth.send_raw_transaction(signed.raw_transaction).to_0x_hex()
        if request.method == "personal_sign":
            text = bytes.fromhex(request.params[0][2:]).decode()
            return f"0x{account.sign_message(encode_defunct(text=text)).signature.hex()}"
        data = json.loads(request.params[1])
        return f"0x{account.sign_message(encode_typed_data(full_message=data)).signature.hex()}"


@pytest.fixture
def owner(chain):
    yield Owner(chain)
    chain.request("evm_setAutomine", [True])


def sign(step):
    return (yield step)


def typed():
    return sign(SignTypedData("Sign a note", TYPED, (Line("Amount", "much"),)))


def pay(chain, amount=5):
    return sign(SendTransaction("Pay", chain.paid.transfer(SOMEBODY, amount)))


def wait(running):
    for _ in range(200):
        running.look()
        if running.stage is not Stage.PENDING:
            return
    pytest.fail("the transaction stays pending")


class TestSigning:
    def test_typed_data_goes_out_exact_and_comes_back_checked(self, owner):
        running = owner.begin(typed())
        assert running.request.method == "eth_signTypedData_v4"
        account, text = running.request.params
        data = json.loads(text)
        assert account == owner.account.address
        assert data["message"] == {"amount": str(2**200), "mark": "0x" + 32 * "07"}
        assert data["domain"] == {"name": "Notes", "chainId": 31337}
        answer = owner.agree(running)
        assert running.succeeded
        assert running.result == bytes.fromhex(answer[2:])

    def test_a_recovery_number_of_0_or_1_is_made_27_or_28(self, owner):
        running = owner.begin(typed())
        value = owner._value(running.request, owner.account)
        low = bytes.fromhex(value[2:])
        low = low[:-1] + bytes([low[-1] - 27])
        running.answered(WalletAnswer(running.request.id, f"0x{low.hex()}"))
        assert running.result == bytes.fromhex(value[2:])

    def test_a_sign_in_is_bound_to_the_host_it_names(self, owner):
        running = owner.begin(sign(SignMessage("Sign in", SIGN_IN)))
        assert (running.request.method, running.request.domain) == ("personal_sign", "page.example")
        owner.agree(running)
        assert running.succeeded
        assert owner.begin(sign(SignMessage("Say", "hello"))).request.domain == ""

    @pytest.mark.parametrize("answer", ["0x", "0x12", "0x" + 65 * "00", "0x" + 65 * "ff", "0xzz"])
    def test_what_is_no_signature_stops(self, owner, answer):
        running = owner.begin(typed())
        running.answered(WalletAnswer(running.request.id, answer))
        assert (running.stage, running.trouble.code) == (Stage.STOPPED, "signature_of_another")

    def test_a_signature_of_another_account_stops_and_can_be_asked_again(self, owner):
        running = owner.begin(typed())
        first = running.request.id
        owner.agree(running, Account.create())
        assert (running.stage, running.trouble.code) == (Stage.STOPPED, "signature_of_another")
        running.again()
        assert running.request.id != first
        owner.agree(running)
        assert running.succeeded

    def test_a_contract_speaks_for_itself(self, owner, chain):
        chain.request("anvil_setCode", [owner.account.address, AGREEING_CODE])
        running = owner.begin(typed())
        running.answered(WalletAnswer(running.request.id, "0x1234"))
        assert running.result == b"\x12\x34"
        chain.request("anvil_setCode", [owner.account.address, DISAGREEING_CODE])
        running = owner.begin(typed())
        running.answered(WalletAnswer(running.request.id, "0x1234"))
        assert running.trouble.code == "signature_of_another"


class TestRefusals:
    @pytest.mark.parametrize(
        "code", ["refused", "wrong_chain", "account_switched", "wallet_failed"]
    )
    def test_it_stops_and_goes_on_when_asked_again(self, owner, code):
        running = owner.begin(typed())
        owner.refuse(running, code)
        assert (running.stage, running.trouble) == (Stage.STOPPED, (code, "User said no."))
        running.again()
        assert running.stage is Stage.ASKING
        assert running.trouble is None
        owner.agree(running)
        assert running.succeeded

    def test_each_request_is_answered_once(self, owner):
        running = owner.begin(typed())
        old = WalletAnswer(running.request.id, owner._value(running.request, owner.account))
        owner.refuse(running)
        running.answered(old)
        assert running.stage is Stage.STOPPED
        running.again()
        running.answered(old)
        assert running.stage is Stage.ASKING

    def test_what_is_forgotten_ends(self, owner):
        running = owner.begin(typed())
        running.forget()
        assert (running.stage, running.error.code) == (Stage.ENDED, "forgotten")


class TestTransactions:
    def test_it_ends_with_the_hash_once_it_is_in_a_block(self, owner, chain):
        chain.request("evm_setAutomine", [False])
        running = owner.begin(pay(chain))
        [fields] = running.request.params
        assert int(fields["gas"], 16) > 21_000
        sent = owner.agree(running)
        running.look()
        assert (running.stage, running.transaction.hash) == (Stage.PENDING, sent)
        chain.request("anvil_mine", [1])
        running.look()
        assert running.result == sent

    def test_a_refusal_of_the_contract_comes_before_the_wallet_is_asked(self, owner, chain):
        running = owner.begin(pay(chain, 10**9))
        assert running.request is None
        assert (running.stage, running.error.code) == (Stage.ENDED, "erc20_insufficient_balance")

    def test_the_action_may_catch_a_refusal(self, owner, chain):
        def action():
            try:
                yield from pay(chain, 10**9)
            except TransactionRefused:
                return (yield from pay(chain, 1))

        running = owner.begin(action())
        assert running.stage is Stage.ASKING
        sent = owner.agree(running)
        wait(running)
        assert running.result == sent

    def test_a_revert_in_the_block_is_decoded(self, owner, chain):
        running = owner.begin(pay(chain, 10**6))
        # It spends, one block earlier, what was there when the other was tried.
        other = owner.begin(pay(chain, 1))
        owner.agree(other)
        wait(other)
        nonce = chain.web3.eth.get_transaction_count(owner.account.address)
        [fields] = running.request.params
        fees = {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9, "chainId": 31337}
        named = {name: fields[name] for name in ("to", "data", "value", "gas")}
        signed = owner.account.sign_transaction({**named, **fees, "nonce": nonce})
        sent = chain.web3.eth.send_raw_transaction(signed.raw_transaction).to_0x_hex()
        running.answered(WalletAnswer(running.request.id, sent))
        wait(running)
        assert running.error.code == "erc20_insufficient_balance"
        assert running.error.details["transaction"] == sent

    def test_what_is_dropped_is_told_after_a_while(self, owner, chain):
        time = [0.0]
        chain.request("evm_setAutomine", [False])
        running = owner.begin(pay(chain), clock=lambda: time[0])
        owner.agree(running)
        chain.request("anvil_removePoolTransactions", [owner.account.address])
        running.look()
        assert not running.dropped
        time[0] = UNSEEN_SECONDS + 1
        running.look()
        assert (running.stage, running.dropped) == (Stage.PENDING, True)
        running.forget()
        assert running.stage is Stage.ENDED

    def test_what_is_forgotten_and_sent_after_all_is_followed(self, owner, chain):
        running = owner.begin(pay(chain))
        running.forget()
        assert running.withdrawn
        sent = owner.agree(running)
        wait(running)
        assert running.result == sent

    def test_what_is_forgotten_and_refused_ends(self, owner, chain):
        running = owner.begin(pay(chain))
        running.forget()
        owner.refuse(running)
        assert (running.stage, running.error.code) == (Stage.ENDED, "forgotten")

    def test_no_hash_no_transaction(self, owner, chain):
        running = owner.begin(pay(chain))
        running.answered(WalletAnswer(running.request.id, "0x12"))
        assert (running.stage, running.trouble.code) == (Stage.STOPPED, "wallet_failed")

    def test_a_silent_node_stops_nothing_for_good(self, owner, chain, monkeypatch):
        def silent(*_):
            raise ChainUnreachable("rpc_timeout", "Expected an answer in time, was Timeout")

        with monkeypatch.context() as patch:
            patch.setattr("gavelbook.service.wallet_action.estimate_gas", silent)
            running = owner.begin(pay(chain))
        assert (running.stage, running.trouble.code) == (Stage.STOPPED, "rpc_timeout")
        running.again()
        owner.agree(running)
        with monkeypatch.context() as patch:
            patch.setattr(type(running.transaction), "look", silent)
            running.look()
        assert (running.stage, running.trouble.code) == (Stage.PENDING, "rpc_timeout")
        wait(running)
        assert running.succeeded


class TestActions:
    def test_steps_follow_each_other(self, owner, chain):
        def action():
            signature = yield SignMessage("Agree", "I agree")
            sent = yield from pay(chain)
            return signature, sent

        running = owner.begin(action())
        owner.agree(running)
        assert (running.number, running.step.title) == (2, "Pay")
        sent = owner.agree(running)
        wait(running)
        assert running.result[1] == sent

    def test_what_the_action_raises_ends_it(self, owner):
        def action():
            yield SignMessage("Agree", "I agree")
            raise GavelbookError("too_late", "Expected it earlier")

        running = owner.begin(action())
        owner.agree(running)
        assert (running.stage, running.error.code) == (Stage.ENDED, "too_late")

    def test_a_fault_never_counts_as_a_result(self, owner):
        def action():
            yield SignMessage("Agree", "I agree")
            raise ZeroDivisionError

        running = owner.begin(action())
        with pytest.raises(ZeroDivisionError):
            owner.agree(running)
        assert (running.stage, running.error.code) == (Stage.ENDED, "action_failed")
        assert not running.succeeded

    def test_two_actions_are_kept_apart(self, owner, chain):
        first, second = owner.begin(typed()), owner.begin(pay(chain))
        sent = owner.agree(second)
        assert first.stage is Stage.ASKING
        owner.agree(first)
        wait(second)
        assert first.succeeded
        assert second.result == sent
