import pytest
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data
from web3 import Web3

from gavelbook.chain.connection import connect
from gavelbook.chain.errors import ChainError
from gavelbook.chain.token import Token
from gavelbook.errors import GavelbookError
from gavelbook.service.acting import (
    AccountKind,
    Actor,
    SendTransaction,
    SignMessage,
    SignTypedData,
    carry_out,
)
from gavelbook.service.demo_signer import DemoSigner
from gavelbook.service.signers import Signers
from tests.service.trading_world import opened_world


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with opened_world(tmp_path_factory.mktemp("signer")) as world:
        yield world


@pytest.fixture
def signer(world):
    return DemoSigner(world.web3, enabled=True)


def test_the_visitors_are_offered_by_name(signer, world):
    assert [each.name for each in signer.actors] == ["Ada", "Ben", "Cleo", "Dan", "Eva"]
    assert [each.address for each in signer.actors] == [each.address for each in world.visitors]
    assert {each.kind for each in signer.actors} == {AccountKind.DEMO}


def test_nobody_is_offered_where_they_are_not_wanted(world):
    signer = DemoSigner(world.web3, enabled=False)
    assert signer.actors == ()
    with pytest.raises(ChainError) as refused:
        signer.take(DemoSigner(world.web3, enabled=True).actors[0], SignMessage("Sign", "hello"))
    assert refused.value.code == "actor_unknown"


def test_public_keys_are_refused_on_any_other_chain(world):
    world.chain.call("anvil_setChainId", 5)
    try:
        with pytest.raises(ChainError) as refused:
            DemoSigner(connect(world.chain.url), enabled=True)
    finally:
        world.chain.call("anvil_setChainId", 31337)
    assert refused.value.code == "demo_accounts_refused"


def test_a_message_is_signed(signer):
    ada = signer.actors[0]
    signature = signer.take(ada, SignMessage("Sign in", "hello"))
    assert Account.recover_message(encode_defunct(text="hello"), signature=signature) == ada.address


def test_typed_data_is_signed(signer, world):
    ada = signer.actors[0]
    data = Token(world.web3, world.dusd.address).permit_typed_data(
        ada.address, world.exchange.address, 2**200, 2_000_000_000
    )
    assert data["message"]["value"] == str(2**200)
    signature = signer.take(ada, SignTypedData("Allow", data))
    signable = encode_typed_data(full_message=data)
    assert Account.recover_message(signable, signature=signature) == ada.address


def test_a_transaction_is_in_a_block_when_it_is_answered(signer, world):
    ada, ben = signer.actors[:2]
    before = world.gvl.balance_of(ben.address)
    found = signer.take(ada, SendTransaction("Send", world.gvl.transfer(ben.address, 5)))
    assert world.web3.eth.get_transaction_receipt(found)["status"] == 1
    assert world.gvl.balance_of(ben.address) == before + 5


def test_what_would_be_refused_is_not_sent(signer, world):
    ada, ben = signer.actors[:2]
    nonce = world.web3.eth.get_transaction_count(ada.address)
    with pytest.raises(ChainError):
        signer.take(ada, SendTransaction("Send", world.gvl.transfer(ben.address, 10**60)))
    assert world.web3.eth.get_transaction_count(ada.address) == nonce


def test_a_wallet_that_names_an_account_of_the_demo_gets_no_signature(signer):
    claimed = Actor("MetaMask", signer.actors[0].address, AccountKind.WALLET, "secret")
    for taker in (signer, Signers(signer)):
        with pytest.raises(GavelbookError) as refused:
            taker.take(claimed, SignMessage("Sign in", "hello"))
        assert refused.value.code in {"actor_unknown", "signer_missing"}


def test_an_action_hears_of_a_refusal_and_may_go_on(signer):
    ada = signer.actors[0]

    def stubborn():
        stranger = Web3.to_checksum_address("0x" + 40 * "7")
        try:
            yield SignTypedData("Allow", {"types": {}, "broken": stranger})
        except (KeyError, ValueError) as error:
            heard = type(error).__name__
        signature = yield SignMessage("Sign", "second")
        return heard, len(signature)

    assert carry_out(stubborn(), ada, signer)[1] == 65


def test_the_secret_of_an_actor_is_not_shown():
    actor = Actor("Ada", "0x" + 40 * "7", AccountKind.MANAGED, "secret-token")
    assert "secret-token" not in repr(actor)
    assert actor != Actor("Ada", "0x" + 40 * "7", AccountKind.MANAGED, "another")
