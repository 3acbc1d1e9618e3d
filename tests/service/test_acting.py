"""What the desks do as steps: which are asked for, what they say, and who may read what."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data
from eth_utils.crypto import keccak

from gavelbook.api.settings import Rates
from gavelbook.chain.sale_types import Permit
from gavelbook.chain.token import Token
from gavelbook.client import NetworkError
from gavelbook.errors import GavelbookError
from gavelbook.rates import Rate
from gavelbook.service.acting import (
    AccountKind,
    Actor,
    SendTransaction,
    SignMessage,
    SignTypedData,
    carry_out,
)
from gavelbook.service.allowance import allow
from gavelbook.service.demo_signer import DemoSigner
from gavelbook.service.market_api import MarketApi
from gavelbook.service.market_desk import MarketDesk
from gavelbook.service.signers import Signers
from gavelbook.service.ticket import Ticket
from tests.evm.compiled import contract
from tests.service.trading_world import opened_world
from tests.ui.market_world import WHOLE

FAR = 2_000_000_000


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with opened_world(tmp_path_factory.mktemp("acting")) as world:
        yield world


@pytest.fixture(scope="module")
def signers(world):
    return Signers(DemoSigner(world.web3, enabled=True))


@pytest.fixture(scope="module")
def shared_desk(world, signers):
    return MarketDesk(MarketApi(world.url, signers), world.web3)


@pytest.fixture
def desk(world, shared_desk, owner):
    """The desk of all sessions; nobody has an order, no wallet has signed in."""
    world.clear()
    shared_desk.sign_out(owner)
    return shared_desk


@pytest.fixture
def ada(world):
    return DemoSigner(world.web3, enabled=True).actors[0]


@pytest.fixture
def terms(desk):
    [terms] = desk.markets()
    return terms


class Wallet:
    """Takes the steps of an account as its owner's wallet does, and keeps them."""

    def __init__(self, world, account):
        self._sender = DemoSigner(world.web3, enabled=True)
        self._account = account
        self.steps = []

    def take(self, actor, step):
        self.steps.append(step)
        if isinstance(step, SignMessage):
            return bytes(self._account.sign_message(encode_defunct(text=step.text)).signature)
        if isinstance(step, SignTypedData):
            signed = self._account.sign_typed_data(full_message=step.typed_data)
            return bytes(signed.signature)
        known = next(each for each in self._sender.actors if each.address == actor.address)
        return self._sender.take(known, step)

    @property
    def kinds(self):
        return [type(step) for step in self.steps]


@pytest.fixture
def wallet(world):
    return Wallet(world, world.visitors[2])


@pytest.fixture
def owner(world):
    """The owner of a wallet, connected in one session of a browser."""
    return Actor("MetaMask", world.visitors[2].address, AccountKind.WALLET, "session one")


def test_an_order_is_one_signature_that_says_what_it_does(desk, terms, ada, world):
    draft = desk.draft(terms, ada, Ticket("buy", 3, 8_000))
    action = desk.place(draft)
    step = next(action)
    assert isinstance(step, SignTypedData)
    assert step.typed_data == draft.typed_data
    said = {line.label: line.text for line in step.lines}
    assert said["You buy"] == "3 GVL"
    assert said["Limit"] == "80.00 DUSD per GVL"
    assert said["You pay at most"] == "240.72 DUSD"
    assert said["Fee in it, at most"] == "0.72 DUSD (0.3 %)"
    assert said["May settle until"].endswith("UTC")
    signed = world.visitors[0].sign_typed_data(full_message=step.typed_data)
    with pytest.raises(StopIteration) as end:
        action.send(bytes(signed.signature))
    assert end.value.value.order_hash == draft.order_hash
    assert [order.order_hash for order in desk.account(terms, ada).open_orders] == [
        draft.order_hash
    ]


def test_the_same_draft_is_one_order_however_often_it_is_placed(desk, terms, ada, signers):
    draft = desk.draft(terms, ada, Ticket("buy", 4, 8_010))
    with ThreadPoolExecutor(4) as pool:
        placed = list(pool.map(lambda _: carry_out(desk.place(draft), ada, signers), range(4)))
    assert {each.order_hash for each in placed} == {draft.order_hash}
    assert len(desk.account(terms, ada).open_orders) == 1


def test_a_deposit_is_a_signed_allowance_and_one_transaction(desk, terms, owner, wallet, world):
    before = world.exchange.balance_of(owner.address, world.dusd.address).amount
    carry_out(desk.deposit(terms, owner, terms.quote, 7 * WHOLE), owner, wallet)
    assert wallet.kinds == [SignTypedData, SendTransaction]
    assert wallet.steps[0].typed_data["message"]["spender"] == world.exchange.address
    after = world.exchange.balance_of(owner.address, world.dusd.address).amount
    assert after == before + 7 * WHOLE


def test_an_allowance_in_place_needs_no_other(desk, terms, owner, wallet, world):
    approve = SendTransaction("Allow", world.gvl.approve(world.exchange.address, 5 * WHOLE))
    wallet.take(owner, approve)
    wallet.steps.clear()
    carry_out(desk.deposit(terms, owner, terms.base, 5 * WHOLE), owner, wallet)
    assert wallet.kinds == [SendTransaction]


def test_a_token_without_signed_allowances_is_approved_first(world, owner, wallet):
    code = contract("MockSilentToken").creation + (10**24).to_bytes(32)
    receipt = world.web3.eth.wait_for_transaction_receipt(
        world.web3.eth.send_transaction({"from": world.web3.eth.accounts[0], "data": code})
    )
    token = Token(world.web3, receipt["contractAddress"])
    assert not token.takes_permits(owner.address)
    spender = world.exchange.address
    first = carry_out(allow(token, owner.address, spender, 10, FAR), owner, wallet)
    assert first is None
    assert wallet.kinds == [SendTransaction]
    assert token.allowance(owner.address, spender) == 10
    # More than is allowed: some tokens change an allowance only by way of zero.
    wallet.steps.clear()
    carry_out(allow(token, owner.address, spender, 25, FAR), owner, wallet)
    assert wallet.kinds == [SendTransaction, SendTransaction]
    assert token.allowance(owner.address, spender) == 25


def test_a_permit_that_names_another_contract_is_not_asked_for(world, owner, monkeypatch):
    token = Token(world.web3, world.dusd.address)
    assert token.takes_permits(owner.address)
    ask = token._asker.ask

    def lying(function, *arguments, **options):
        answer = ask(function, *arguments, **options)
        if function != "eip712Domain":
            return answer
        return (*answer[:4], world.gvl.address, *answer[5:])

    monkeypatch.setattr(token._asker, "ask", lying)
    assert not token.takes_permits(owner.address)


def test_a_permit_is_made_of_a_signature_of_any_wallet(world, owner):
    data = world.dusd.permit_typed_data(owner.address, world.exchange.address, 9, FAR)
    signature = bytes(world.visitors[2].sign_typed_data(full_message=data).signature)
    counted_from_0 = signature[:64] + bytes([signature[64] - 27])
    permit = Permit.signed(9, FAR, signature)
    assert permit == Permit.signed(9, FAR, counted_from_0)
    assert (
        Account.recover_message(
            encode_typed_data(full_message=data), vrs=(permit.v, permit.r, permit.s)
        )
        == owner.address
    )
    with pytest.raises(GavelbookError) as refused:
        Permit.signed(9, FAR, signature + bytes(32))
    assert refused.value.code == "signature_malformed"


def test_a_withdrawal_is_asked_for_and_then_paid(desk, terms, owner, wallet, world):
    before = world.dusd.balance_of(owner.address)
    carry_out(desk.withdraw(terms, owner, terms.quote, 3 * WHOLE), owner, wallet)
    assert wallet.kinds == [SignTypedData, SendTransaction]
    assert wallet.steps[0].typed_data["primaryType"] == "Withdrawal"
    assert wallet.steps[0].typed_data["message"]["to"] == owner.address
    assert world.dusd.balance_of(owner.address) == before + 3 * WHOLE


def test_a_wallet_reads_nothing_before_it_has_signed_in(desk, terms, owner, wallet):
    assert not desk.may_read(owner)
    with pytest.raises(GavelbookError) as refused:
        desk.account(terms, owner)
    assert refused.value.code == "sign_in_required"
    carry_out(desk.sign_in(owner), owner, wallet)
    [step] = wallet.steps
    assert "moves no money" in step.text
    assert desk.may_read(owner)


def test_naming_an_address_opens_nothing_in_another_session(desk, terms, owner, wallet):
    carry_out(desk.sign_in(owner), owner, wallet)
    desk.refresh(terms, owner)
    assert desk.account(terms, owner).address == owner.address
    # What was read for one is kept for a moment; it is not given to whoever names the address.
    for secret in ("", "session two"):
        liar = Actor(owner.name, owner.address, AccountKind.WALLET, secret)
        with pytest.raises(GavelbookError) as refused:
            desk.account(terms, liar)
        assert refused.value.code == "sign_in_required"


def test_two_sessions_read_each_their_own(desk, terms, ada, owner, wallet, world, signers):
    carry_out(desk.sign_in(owner), owner, wallet)
    carry_out(desk.place(desk.draft(terms, ada, Ticket("buy", 1, 8_020))), ada, signers)
    carry_out(desk.place(desk.draft(terms, owner, Ticket("buy", 2, 8_030))), owner, wallet)
    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda who: (who, desk.account(terms, who)), [ada, owner] * 8))
    for who, account in seen:
        assert account.address == who.address
        assert [order.lots for order in account.open_orders] == [1 if who == ada else 2]


def test_whoever_signed_out_reads_nothing_any_more(desk, terms, owner, wallet):
    carry_out(desk.sign_in(owner), owner, wallet)
    desk.sign_out(owner)
    desk.refresh(terms, owner)
    with pytest.raises(GavelbookError) as refused:
        desk.account(terms, owner)
    assert refused.value.code == "sign_in_required"


def test_a_session_cancels_without_a_signature_and_a_wallet_with_one(
    desk, terms, owner, wallet, world
):
    carry_out(desk.sign_in(owner), owner, wallet)
    placed = carry_out(desk.place(desk.draft(terms, owner, Ticket("buy", 1, 8_040))), owner, wallet)
    wallet.steps.clear()
    carry_out(desk.cancel(terms, owner, placed.order_hash), owner, wallet)
    assert wallet.steps == []
    carry_out(desk.place(desk.draft(terms, owner, Ticket("buy", 1, 8_050))), owner, wallet)
    desk.sign_out(owner)
    wallet.steps.clear()
    assert carry_out(desk.cancel_all(terms, owner), owner, wallet) == 1
    assert wallet.kinds == [SignTypedData]


def test_nobody_cancels_for_another(desk, terms, ada, owner, wallet, signers):
    carry_out(desk.sign_in(owner), owner, wallet)
    placed = carry_out(desk.place(desk.draft(terms, ada, Ticket("buy", 1, 8_060))), ada, signers)
    with pytest.raises(GavelbookError) as refused:
        carry_out(desk.cancel(terms, owner, placed.order_hash), owner, wallet)
    assert refused.value.code == "unknown_order"
    stranger = Account.from_key(keccak(text="stranger"))
    claimed = Actor("MetaMask", ada.address, AccountKind.WALLET, "session three")
    forger = Wallet.__new__(Wallet)
    forger._account, forger.steps = stranger, []
    with pytest.raises(GavelbookError) as refused:
        carry_out(desk.cancel_all(terms, claimed), claimed, forger)
    assert refused.value.code == "bad_signature"
    with pytest.raises(GavelbookError) as refused:
        carry_out(desk.sign_in(claimed), claimed, forger)
    assert refused.value.code == "bad_sign_in"
    assert not desk.may_read(claimed)


def test_an_order_takes_no_lane_of_another_however_many_are_open(desk, terms, world):
    """An order in the lane of one that is open would put that out of the book."""
    eva = DemoSigner(world.web3, enabled=True).actors[4]
    with world.visitor(4) as client:
        first = client.limit(1, "buy", 1, 10)
        for _ in range(10):
            many = [client.sign_order(1, "buy", lots=1, ticks=9) for _ in range(50)]
            assert all(item.placement for item in client.place_batch(many))
        world.settle_down()
        desk.refresh(terms, eva)

        lane = desk.draft(terms, eva, Ticket("buy", 1, 8)).order.lane

        assert len(desk.account(terms, eva).open_orders) == 501
        assert lane not in {int(client.order(first.order_hash).lane), *range(501)}


def test_an_order_that_was_accepted_is_so_though_the_lists_cannot_be_read(
    desk, terms, ada, world, signers, monkeypatch
):
    draft = desk.draft(terms, ada, Ticket("buy", 3, 8_000))

    def no_answer(*_):
        raise NetworkError("no_answer", "Expected an answer, was none")

    monkeypatch.setattr(desk._reader, "account", no_answer)
    placed = carry_out(desk.place(draft), ada, signers)

    assert (placed.order_hash, placed.remaining) == (draft.order_hash, 3)


def test_whoever_merely_names_addresses_drives_nobody_out(world, signers, owner, wallet):
    api = MarketApi(world.url, signers, most_actors=3)
    carry_out(api.sign_in(owner), owner, wallet)
    for number in range(9):
        address = Account.create().address
        liar = Actor("MetaMask", address, AccountKind.WALLET, f"session {number}")
        assert not api.may_read(liar)
        next(api.sign_in(liar))
    assert api.may_read(owner)
    assert api.ask_as(owner, lambda client: client.balances())


def test_one_visitor_does_not_use_up_the_sign_ins_of_all(tmp_path):
    """The pages are one client of the API; behind them each visitor counts."""
    few = Rates(sign_ins_per_ip=Rate(0.01, 5))
    with opened_world(tmp_path, rates=few, trusted_proxies="127.0.0.1") as world:
        at = ["198.51.100.1"]
        signers = Signers(DemoSigner(world.web3, enabled=True))
        api = MarketApi(world.url, signers, visitor=lambda: at[0])
        codes = set()
        for number in range(6):
            address = Account.create().address
            liar = Actor("MetaMask", address, AccountKind.WALLET, f"session {number}")
            try:
                next(api.sign_in(liar))
            except GavelbookError as error:
                codes.add(error.code)
        assert codes == {"rate_limited"}
        at[0] = "198.51.100.2"
        ben = DemoSigner(world.web3, enabled=True).actors[1]
        assert api.ask_as(ben, lambda client: client.balances())
