"""What the desks do for managed accounts, with a real signer that holds the keys."""

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from gavelbook.chain.connection import connect
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
from gavelbook.service.desk_settings import DeskSettings
from gavelbook.service.managed_signer import ManagedSigner
from gavelbook.service.sale_desk import SaleDesk
from gavelbook.service.signers import Signers
from tests.accounts.conftest import anvil_url, chain, records, shared_stage, stage, user, world
from tests.accounts.signer_world import WHOLE

__all__ = ["anvil_url", "chain", "records", "shared_stage", "stage", "user", "world"]

FAR = 60 * 60


@pytest.fixture
def signers(world):
    demo = DemoSigner(world.chain.web3, enabled=False)
    return Signers(demo, ManagedSigner(world.client))


@pytest.fixture
def actor(user):
    return Actor(user.name, user.address, AccountKind.MANAGED, str(user.token))


@pytest.fixture
def desk(chain, records):
    url = chain.stage.web3.provider.endpoint_uri
    return SaleDesk(DeskSettings(rpc_url=url))


@pytest.fixture
def permit(chain, actor):
    """An allowance of the actor for a spender."""
    token = Token(connect(chain.stage.web3.provider.endpoint_uri), chain.stage.paid.address)

    def made(spender):
        until = chain.stage.now() + FAR
        return SignTypedData("Allow", token.permit_typed_data(actor.address, spender, WHOLE, until))

    return made


def refusal(signers, actor, step):
    with pytest.raises(GavelbookError) as refused:
        signers.take(actor, step)
    return refused.value.code


def test_a_bid_is_placed_and_cancelled(desk, chain, actor, signers, user):
    view = desk.view(chain.sale.address)
    found = carry_out(desk.bid(view, actor, 3, 2), actor, signers)
    assert chain.web3.eth.get_transaction_receipt(found)["status"] == 1
    [bid] = chain.sale.bids_of(actor.address)
    assert (bid.tick, bid.lots) == (3, 2)
    carry_out(desk.cancel(desk.view(chain.sale.address), actor, bid.index), actor, signers)
    assert chain.sale.bids_of(actor.address) == []
    assert len(user.trail()) > 2


def test_a_signature_is_of_the_account(chain, actor, signers, permit):
    step = permit(chain.exchange.address)
    signature = signers.take(actor, step)
    signable = encode_typed_data(full_message=step.typed_data)
    assert Account.recover_message(signable, signature=signature) == actor.address


def test_nothing_is_signed_for_a_stranger(actor, signers, permit):
    assert refusal(signers, actor, permit(Account.create().address)) == "spender_unknown"
    assert refusal(signers, actor, SignMessage("Sign in", "I agree")) == "message_malformed"


def test_money_is_sent_to_nobody_by_the_way(chain, actor, signers):
    call = chain.stage.paid.transfer(chain.stage.issuer.address, 1)
    step = SendTransaction("Send", call)
    assert refusal(signers, actor, step) == "transfer_needs_confirmation"


def test_who_has_no_session_signs_nothing(actor, signers, permit, chain):
    liar = Actor(actor.name, actor.address, AccountKind.MANAGED, "made-up")
    assert refusal(signers, liar, permit(chain.exchange.address)) == "unknown_session"


def test_a_session_signs_for_its_own_account_only(actor, signers, permit, chain, world):
    other = str(world.user(tokens=0).token)
    liar = Actor(actor.name, actor.address, AccountKind.MANAGED, other)
    assert refusal(signers, liar, permit(chain.exchange.address)) == "account_not_own"


def test_where_there_is_no_signer_nothing_is_signed(chain, actor, permit):
    only_demo = Signers(DemoSigner(chain.web3, enabled=False))
    assert not only_demo.reach(actor)
    assert refusal(only_demo, actor, permit(chain.exchange.address)) == "signer_missing"
