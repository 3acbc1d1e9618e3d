"""What a managed account does from its first day to its last, on a chain."""

import json
import threading
import time

import pytest
from eth_account import Account

from gavelbook.chain.errors import ChainUnreachable
from gavelbook.chain.sale_types import Permit
from gavelbook.exchange.orders import Order, Side
from gavelbook.exchange.signing import Withdrawal, order_hash, recover
from gavelbook.exchange.typed_data import order_typed_data, withdrawal_typed_data
from tests.accounts.conftest import code_of
from tests.accounts.signer_world import PASSWORD, SIGN_IN, WHOLE, running_signer, stranger

pytestmark = pytest.mark.anvil


def send(user, call, **options):
    fields = call.build_transaction({"from": user.address, "gas": 1, "gasPrice": 1, "nonce": 0})
    return user.client.send_transaction(user.token, call.address, fields["data"], **options)


def permit(chain, user, token, spender, amount):
    deadline = chain.stage.now() + 3_600
    typed = token.permit_typed_data(user.address, spender, amount, deadline)
    signature = user.client.sign_typed_data(user.token, typed, title="Allow it")
    return Permit(amount, deadline, signature[64], signature[:32], signature[32:64])


def a_bytes(address):
    return bytes.fromhex(address[2:])


def test_bids_with_a_permit_and_cancels_without_any_ether(chain, user):
    stage = chain.stage
    assert stage.web3.eth.get_balance(user.address) == 0
    escrow = 2 * chain.sale.price(3)
    allowance = permit(chain, user, stage.paid, chain.sale.address, escrow)
    transaction = send(user, chain.sale.bid_with_permit(3, 2, allowance), title="Bid")
    receipt = stage.web3.eth.get_transaction_receipt(transaction)
    assert receipt["status"] == 1
    assert receipt["from"] == user.address
    (bid,) = chain.sale.bids_of(user.address)
    assert (bid.tick, bid.lots) == (3, 2)
    send(user, chain.sale.cancel(bid.index))
    assert chain.sale.bids_of(user.address) == []
    assert user.trail() == [
        "sale.cancel done",
        "sale.cancel signed",
        *(["gas done", "gas signed"] if "gas signed" in user.trail()[2:4] else []),
        "sale.bidWithPermit done",
        "sale.bidWithPermit signed",
        "gas done",
        "gas signed",
        "permit signed",
        "registered",
    ]


def test_an_entry_of_the_trail_says_what_was_signed(chain, user):
    permit(chain, user, chain.stage.paid, chain.exchange.address, 5 * WHOLE)
    entry = user.client.audit_trail(user.token).entries[0]
    assert entry.title == "Allow it"
    assert [(line.label, line.text) for line in entry.summary] == [
        ("Allow", "the exchange"),
        ("To take", "5 PAY"),
    ]
    assert len(entry.digest) == 2 + 64


def test_pays_in_by_permit_orders_and_takes_out(chain, user):
    stage, exchange = chain.stage, chain.exchange
    allowance = permit(chain, user, stage.paid, exchange.address, 100 * WHOLE)
    send(user, exchange.deposit_with_permit(user.address, stage.paid.address, allowance))
    assert exchange.balance_of(user.address, stage.paid.address).amount == 100 * WHOLE

    order = Order(1, a_bytes(user.address), Side.BUY, 3, 200, 0, 7, stage.now() + 9_999, 30)
    typed = order_typed_data(chain.domain, chain.market, order)
    signature = user.client.sign_typed_data(user.token, typed)
    digest = order_hash(chain.domain, chain.market, order)
    assert exchange.order_hash(order) == digest
    assert recover(digest, signature) == a_bytes(user.address)

    own = a_bytes(user.address)
    token = a_bytes(stage.paid.address)
    withdrawal = Withdrawal(own, token, 40 * WHOLE, own, 1, stage.now() + 9_999)
    consent = chain.matcher.sign_withdrawal(withdrawal)
    mine = user.client.sign_typed_data(user.token, withdrawal_typed_data(chain.domain, withdrawal))
    send(user, exchange.withdraw(withdrawal, bytes(consent), mine))
    assert exchange.balance_of(user.address, stage.paid.address).amount == 60 * WHOLE
    assert stage.paid.balance_of(user.address) == 940 * WHOLE


def test_pays_in_by_allowance_and_by_the_deposit_address(chain, user):
    stage, exchange = chain.stage, chain.exchange
    send(user, stage.sold.approve(exchange.address, 7 * WHOLE))
    send(user, exchange.deposit(stage.sold.address, 7 * WHOLE))
    deposit_address = user.client.whoami(user.token).deposit_address.text()
    assert deposit_address == exchange.forwarder_of(user.address)
    chain.give(stage.sold, deposit_address, 5 * WHOLE)
    send(user, exchange.sweep(user.address, stage.sold.address))
    assert exchange.balance_of(user.address, stage.sold.address).amount == 12 * WHOLE


def test_leaves_by_force(chain, user):
    stage, exchange = chain.stage, chain.exchange
    send(user, stage.paid.approve(exchange.address, WHOLE))
    send(user, exchange.deposit(stage.paid.address, WHOLE))
    send(user, exchange.request_exit([stage.paid.address]))
    send(user, exchange.cancel_exit([stage.paid.address]))
    send(user, exchange.request_exit([stage.paid.address]))
    assert code_of(send, user, exchange.exit(stage.paid.address, user.address)) == "exit_not_due"
    stage.move_to(stage.now() + 3_601)
    send(user, exchange.exit(stage.paid.address, user.address))
    assert exchange.balance_of(user.address, stage.paid.address).amount == 0
    send(user, exchange.cancel(3, 9))


def test_claims_what_a_sale_owes_to_itself_or_into_escrow(chain, world):
    stage = chain.stage
    winner, other = world.user(), world.user()
    sale = stage.open_sale(end=stage.now() + 500)
    chain.record_sale(sale, "Short sale")
    for each in (winner, other):
        send(each, stage.paid.approve(sale.address, 10**24))
        send(each, sale.bid(5, 2))
    stage.close(sale)
    stage.move_to(sale.terms().abort_time)
    stage.do(stage.keeper, sale.abort())
    send(winner, sale.claim(winner.address))
    assert stage.paid.balance_of(winner.address) == 1_000 * WHOLE
    forwarder = chain.exchange.forwarder_of(other.address)
    assert code_of(send, other, sale.claim_to(None, stranger())) == "recipient_not_own"
    send(other, sale.claim_to(None, forwarder))
    send(other, chain.exchange.sweep(other.address, stage.paid.address))
    paid = 2 * sale.price(5)
    assert chain.exchange.balance_of(other.address, stage.paid.address).amount == paid


def test_signs_in_to_the_exchange(user, chain):
    from gavelbook.api.sessions import Sessions
    from gavelbook.api.settings import ApiSettings

    sessions = Sessions(ApiSettings(public_url=SIGN_IN), chain.chain_id)
    _, text, _ = sessions.message_for(a_bytes(user.address))
    signature = user.client.sign_message(user.token, text)
    _, session = sessions.open(text, signature)
    assert session.account == a_bytes(user.address)


def test_what_a_contract_refuses_keeps_its_code_and_sends_nothing(chain, user):
    assert code_of(send, user, chain.sale.cancel(7)) == "no_such_bid"
    assert chain.web3.eth.get_transaction_count(user.address) == 0


def test_sends_tokens_away_after_the_password(chain, user):
    stage, to = chain.stage, stranger()
    asked = user.client.ask_transfer(user.token, stage.paid.address, to, 30 * WHOLE)
    assert (asked.state, asked.to.text(), asked.left) == ("asked", to, 100 * WHOLE)
    assert stage.paid.balance_of(to) == 0
    done = user.client.confirm_transfer(user.token, asked.id, PASSWORD)
    assert (done.state, done.left) == ("done", 70 * WHOLE)
    assert stage.paid.balance_of(to) == 30 * WHOLE
    again = user.client.confirm_transfer(user.token, asked.id, PASSWORD)
    assert again.transaction == done.transaction
    assert stage.paid.balance_of(to) == 30 * WHOLE


def test_exports_a_key_that_other_wallets_open(user):
    passphrase = "a passphrase of my own"
    export = user.client.export_key
    assert code_of(export, user.token, PASSWORD, passphrase, understood=False) == (
        "export_not_understood"
    )
    assert code_of(export, user.token, "wrong password", passphrase, understood=True) == (
        "password_wrong"
    )
    assert code_of(export, user.token, PASSWORD, "short", understood=True) == "passphrase_weak"
    keystore = json.loads(export(user.token, PASSWORD, passphrase, understood=True))
    key = Account.decrypt(keystore, passphrase)
    assert Account.from_key(key).address == user.address
    assert user.trail()[0] == "key exported"


def test_closes_once_nothing_is_left(chain, world):
    user, to = world.user(tokens=60), stranger()
    stage, close = chain.stage, world.client.close_account
    send(user, stage.paid.approve(chain.exchange.address, 5 * WHOLE))
    send(user, chain.exchange.deposit(stage.paid.address, 5 * WHOLE))
    assert code_of(close, user.token, PASSWORD) == "money_left"
    assert code_of(close, user.token, PASSWORD, sweep_to=to) == "money_left"
    own = a_bytes(user.address)
    withdrawal = Withdrawal(
        own, a_bytes(stage.paid.address), 5 * WHOLE, own, 1, stage.now() + 9_999
    )
    consent = chain.matcher.sign_withdrawal(withdrawal)
    send(user, chain.exchange.withdraw(withdrawal, bytes(consent)))
    assert code_of(close, user.token, PASSWORD) == "money_left"
    assert len(close(user.token, PASSWORD, sweep_to=to)) == 2
    assert stage.paid.balance_of(to) == stage.sold.balance_of(to) == 60 * WHOLE
    assert code_of(world.client.whoami, user.token) == "unknown_session"
    assert code_of(world.client.sign_in, user.name, PASSWORD) == "sign_in_failed"
    assert code_of(world.client.register, user.name, PASSWORD) == "name_taken"


def test_does_not_close_over_a_bid(chain, world):
    user = world.user(tokens=10)
    allowance = permit(chain, user, chain.stage.paid, chain.sale.address, chain.sale.price(0))
    send(user, chain.sale.bid_with_permit(0, 1, allowance))
    refused = code_of(world.client.close_account, user.token, PASSWORD, sweep_to=stranger())
    assert refused == "money_left"


def test_signs_in_while_the_chain_is_away(world, user, monkeypatch):
    def away(_address):
        raise ChainUnreachable("rpc_unreachable", "Expected an answer of the node, was none")

    monkeypatch.setattr(world.service.reader, "owner", away)
    signed_in = world.client.sign_in(user.name, PASSWORD)
    assert signed_in.account.deposit_address is None
    assert code_of(world.client.sign_message, signed_in.token, "hello") == "rpc_unreachable"


def test_ends_in_time_with_a_transaction_that_waits(chain, tmp_path):
    approve = chain.stage.paid.approve(chain.exchange.address, 3)
    codes = []
    try:
        with running_signer(chain, tmp_path / "state", wait_seconds=600) as world:
            user = world.user(0)
            chain.give_ether(user.address, WHOLE)
            chain.stage.request("evm_setAutomine", [False])
            thread = threading.Thread(target=lambda: codes.append(code_of(send, user, approve)))
            thread.start()
            while "token.approve signed" not in user.trail():
                time.sleep(0.05)
            begun = time.monotonic()
        assert time.monotonic() - begun < 9
    finally:
        chain.stage.request("evm_setAutomine", [True])
        chain.stage.request("evm_mine")
    thread.join(60)
    assert codes == ["stopping"]
