import pytest
from eth_account import Account

from gavelbook.chain.connection import NodeProvider, connect
from gavelbook.chain.errors import ChainError, ChainUnreachable, TransactionRefused
from gavelbook.chain.event_forms import RawLog
from gavelbook.chain.exchange import Exchange
from gavelbook.chain.exchange_events import ExchangeEventKind, read_exchange_log, settled_batch
from gavelbook.chain.exchange_factory import listed_market
from gavelbook.chain.exchange_facts import collect_exchange_facts
from gavelbook.chain.exchange_types import Escrow, Lane, Proposal
from gavelbook.exchange.markets import Market
from tests.service.exchange.trading_floor import DAY, DELAYS, HOUR, RICH, Floor

pytestmark = pytest.mark.anvil
NEVER = 2**256 - 1


@pytest.fixture(scope="module")
def shared_floor(anvil_url):
    return Floor(connect(anvil_url))


@pytest.fixture
def floor(shared_floor):
    here = shared_floor.snapshot()
    offset = shared_floor.offset
    yield shared_floor
    shared_floor.revert(here)
    shared_floor.offset = offset
    shared_floor.senders.clear()


@pytest.fixture
def trader(floor):
    return floor.traders[0]


def raw(address):
    return bytes.fromhex(address[2:])


def kinds(receipt):
    events = [read_exchange_log(RawLog.of(log)) for log in receipt["logs"]]
    return [event.kind for event in events if event is not None]


def test_reads_what_was_deployed(floor):
    exchange = floor.exchange
    assert exchange.delays() == DELAYS
    assert exchange.owner() == floor.owner.address
    assert raw(exchange.matcher()) == floor.key.address
    assert exchange.fee_recipient() == floor.fees
    assert (exchange.paused(), exchange.last_batch(), exchange.market_count()) == (False, 0, 3)
    assert exchange.proposed_matcher() is None
    assert exchange.proposed_fee_recipient() is None
    pair = (raw(floor.gold.address), raw(floor.cash.address))
    assert exchange.market(1) == Market(1, *pair, 10**6, 10**3, 30, 20)
    assert exchange.market_of(floor.gold.address, floor.cash.address) == 1
    assert exchange.market_of(floor.cash.address, floor.gold.address) == 0


def test_accounts_are_named_by_text_or_bytes(floor, trader):
    token = floor.gold.address
    by_text = floor.exchange.balance_of(trader.account.address, token)
    assert by_text == floor.exchange.balance_of(trader.address, raw(token)) == Escrow(RICH, 0)


def test_many_answers_come_in_few_messages(floor, monkeypatch):
    sizes = []
    ask = NodeProvider.make_batch_request
    monkeypatch.setattr(
        NodeProvider,
        "make_batch_request",
        lambda self, requests: sizes.append(len(requests)) or ask(self, requests),
    )
    block = floor.web3.eth.block_number
    holdings = [(t.address, floor.gold.address) for t in floor.traders] * 100
    assert floor.exchange.balances(holdings, block) == [Escrow(RICH)] * 300
    assert floor.exchange.lanes([(t.address, 3) for t in floor.traders], block) == [Lane()] * 3
    assert sizes == [200, 100, 3]
    assert floor.exchange.balances([], block) == []


def test_many_answers_fail_as_one(floor, trader):
    with pytest.raises(ChainError) as caught:
        floor.exchange.balances([(trader.address, floor.gold.address)], 10**9)
    assert caught.value.code == "call_failed"
    nowhere = Exchange(connect(floor.web3.provider.endpoint_uri), trader.account.address)
    with pytest.raises(ChainError) as caught:
        nowhere.lanes([(trader.address, 0)], floor.web3.eth.block_number)
    assert caught.value.code == "not_an_exchange"
    nowhere.web3.provider.endpoint_uri = "http://127.0.0.1:9"
    with pytest.raises(ChainUnreachable):
        nowhere.lanes([(trader.address, 0)], 1)


class TestDeposits:
    def test_by_allowance_for_oneself(self, floor):
        floor.do(floor.owner, floor.exchange.deposit(floor.gold.address, 5))
        assert floor.exchange.balance_of(floor.owner.address, floor.gold.address).amount == 5

    def test_by_permit_that_anybody_sends(self, floor):
        owner = Account.create()
        floor.do(floor.owner, floor.gold.transfer(owner.address, 7))
        deadline = int(floor.clock()) + DAY
        permit = floor.gold.sign_permit(owner, floor.exchange.address, 7, deadline)
        call = floor.exchange.deposit_with_permit(owner.address, floor.gold.address, permit)
        assert ExchangeEventKind.DEPOSITED in kinds(floor.do(floor.relayer, call))
        assert floor.exchange.balance_of(owner.address, floor.gold.address).amount == 7

    def test_at_a_deposit_address(self, floor, trader):
        address = floor.exchange.forwarder_of(trader.address)
        floor.do(floor.owner, floor.gold.transfer(address, 9))
        floor.request("anvil_setBalance", address, hex(123))
        floor.do(floor.relayer, floor.exchange.sweep(trader.address, floor.gold.address))
        assert floor.held(trader, floor.gold) == RICH + 9
        before = floor.web3.eth.get_balance(trader.account.address)
        receipt = floor.do(floor.relayer, floor.exchange.sweep_ether(trader.address))
        assert kinds(receipt) == [ExchangeEventKind.ETHER_SWEPT]
        assert floor.web3.eth.get_balance(trader.account.address) - before == 123


class TestLeaving:
    def test_by_exit(self, floor, trader):
        exchange, gold = floor.exchange, floor.gold.address
        floor.do(trader.account, exchange.request_exit([gold, floor.cash.address]))
        due = exchange.balance_of(trader.address, gold).exit_at
        assert abs(due - floor.clock() - DAY) < HOUR
        floor.do(trader.account, exchange.cancel_exit([floor.cash.address]))
        floor.pass_time(DAY + HOUR)
        receipt = floor.do(floor.relayer, exchange.exit_for(trader.address, gold))
        assert ExchangeEventKind.EXITED in kinds(receipt)
        assert floor.gold.balance_of(trader.account.address) == RICH
        assert exchange.balance_of(trader.address, gold) == Escrow(0, 0)

    def test_by_withdrawal_with_both_signatures(self, floor, trader):
        from gavelbook.exchange.signing import sign, withdrawal_hash

        signed = trader.withdrawal(raw(floor.gold.address), 5, 3)
        own = sign(withdrawal_hash(floor.domain, signed), trader.key)
        call = floor.exchange.withdraw(signed, floor.key.sign_withdrawal(signed), own)
        floor.do(floor.relayer, call)
        assert floor.exchange.withdrawal_nonce(trader.address) == 3
        assert floor.held(trader, floor.gold) == RICH - 5


class TestOrders:
    def test_cancels_and_approvals(self, floor, trader):
        exchange, order = floor.exchange, trader.sell(1, 5)
        assert exchange.order_hash(order.order) == order.order_hash
        floor.do(trader.account, exchange.cancel(4, 9))
        lane = exchange.lane_of(trader.address, 4)
        assert (lane.sequence, lane.cancelled_sequence) == (0, 9)
        assert lane.cancel_at == floor.web3.eth.get_block("latest")["timestamp"] + HOUR
        assert exchange.approval_of(trader.address, order.order_hash) == 0
        floor.do(trader.account, exchange.approve_order(order.order))
        assert exchange.approval_of(trader.address, order.order_hash) == NEVER
        floor.do(trader.account, exchange.revoke_approval(order.order_hash))
        until = exchange.approval_of(trader.address, order.order_hash)
        assert until == floor.web3.eth.get_block("latest")["timestamp"] + HOUR

    def test_the_event_of_a_batch_that_is_not_there(self, floor):
        block = floor.web3.eth.block_number
        assert settled_batch(floor.web3, floor.exchange.address, 1, 0, block) is None


class TestAdministration:
    def test_keys_change_after_the_delay(self, floor):
        exchange, key = floor.exchange, Account.create().address
        floor.do(floor.owner, exchange.propose_matcher(key))
        floor.do(floor.owner, exchange.propose_fee_recipient(key))
        proposed = exchange.proposed_matcher()
        assert proposed == Proposal(key, proposed.ready_at)
        assert exchange.proposed_fee_recipient().account == key
        floor.pass_time(2 * DAY + HOUR)
        floor.do(floor.owner, exchange.accept_matcher())
        floor.do(floor.owner, exchange.accept_fee_recipient())
        assert exchange.matcher() == exchange.fee_recipient() == key
        facts = collect_exchange_facts(floor.web3, exchange.address, floor.from_block)
        assert facts.matchers() == {floor.key.address, raw(key)}
        floor.do(floor.owner, exchange.revoke_matcher())
        assert exchange.matcher() is None

    def test_pausing(self, floor):
        floor.do(floor.owner, floor.exchange.pause())
        assert floor.exchange.paused()
        floor.do(floor.owner, floor.exchange.unpause())
        assert not floor.exchange.paused()

    def test_a_receipt_without_a_market(self, floor):
        with pytest.raises(ChainError) as caught:
            listed_market(floor.do(floor.owner, floor.exchange.pause()))
        assert caught.value.code == "no_market_listed"

    def test_refusals_come_with_their_values(self, floor, trader):
        for account in (floor.owner, trader.account):
            floor.do(account, floor.gold.approve(floor.exchange.address, 0))
        sender = floor.senders[trader.account.address]
        refusals = {
            "ownable_unauthorized_account": floor.exchange.pause(),
            "no_exit": floor.exchange.exit(floor.gold.address, trader.address),
            "amount_zero": floor.exchange.deposit(floor.gold.address, 0),
            "nothing_to_sweep": floor.exchange.sweep(trader.address, floor.gold.address),
            "malformed_batch": floor.exchange.settle(b"batch", bytes(64)),
        }
        for code, call in refusals.items():
            with pytest.raises(TransactionRefused) as caught:
                sender.send(call)
            assert caught.value.code == code
        with pytest.raises(TransactionRefused, match="Expected a pair without a market"):
            floor.senders[floor.owner.address].send(floor.listing(floor.gold, floor.cash))
