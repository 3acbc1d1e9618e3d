import random

import pytest
from eth_utils.crypto import keccak

from gavelbook.auction import Pricing, Rule
from gavelbook.chain.bid_reader import BidReader
from gavelbook.chain.clearing_plan import plan_clearing
from gavelbook.chain.connection import connect
from gavelbook.chain.dues import dues
from gavelbook.chain.errors import ChainError, ChainUnreachable, InsufficientFunds
from gavelbook.chain.sale import Phase, Sale
from gavelbook.chain.sender import Sender
from gavelbook.chain.signing import sign_admission
from gavelbook.service.allocator import AllocatorStatus
from gavelbook.service.patience import Patience
from tests.chain.anvil_chain import running_anvil
from tests.chain.embedded_chain import embedded_web3
from tests.chain.hooked_node import hooked_web3, rpc_error, unreachable
from tests.chain.stage import DAY, Stage, people
from tests.service.play import allocator, audited, decisions, keeper, random_book, transactions_of

GAMES = [
    (Rule.PRICE_TIME, Pricing.PAY_AS_BID),
    (Rule.PRICE_TIME, Pricing.UNIFORM),
    (Rule.GROUP_ROUND_ROBIN, Pricing.PAY_AS_BID),
    (Rule.GROUP_ROUND_ROBIN, Pricing.UNIFORM),
    (Rule.TOP_THEN_ROUND_ROBIN, Pricing.PAY_AS_BID),
]
SMALL_BOOK = [(0, 3, 4), (1, 5, 3), (2, 3, 2), (3, 5, 2), (4, 1, 4), (5, 4, 4)]
BOOK = [(0, 3, 4), (1, 5, 3), (2, 3, 2), (1, 5, 2), (3, 1, 4), (0, 3, 6), (4, 3, 1), (5, 4, 4)]


def play_to_the_end(stage, sale, folder, **settings):
    """Clear ``sale``, check every bidder, pay it out, audit it at each point."""
    stage.close(sale)
    assert audited(stage, sale).difference is None
    outcome = allocator(stage, sale, folder, **settings).run()
    plan = outcome.plan
    failed = sale.phase() is Phase.FAILED
    for bidder, due in dues(plan.book, plan.allocation, failed=failed).items():
        owed = sale.owed(bidder)
        assert owed.tokens_now + owed.tokens_later == due.won_lots * 10**15
        assert owed.refund == due.refund
    written = (folder / "allocation.csv").read_bytes()
    assert keccak(written) == plan.digest
    assert audited(stage, sale, written).difference is None
    keeper(stage, sale).run(plan)
    assert audited(stage, sale, written).difference is None
    return outcome


@pytest.mark.anvil
class TestRules:
    @pytest.mark.parametrize(("rule", "pricing"), GAMES)
    def test_random_books_end_to_end(self, stage, tmp_path, rule, pricing):
        numbers = random.Random(f"{rule} {pricing}")
        supply = numbers.randint(10, 60)
        sale = stage.open_sale(rule=rule, pricing=pricing, supply_lots=supply, tick_count=8)
        stage.place(sale, random_book(numbers, 25, supply))
        outcome = play_to_the_end(stage, sale, tmp_path, keys_per_transaction=3)
        assert outcome.status is AllocatorStatus.CLEARED
        assert outcome.caller == stage.allocator.address
        assert stage.paid.balance_of(sale.address) == stage.sold.balance_of(sale.address) == 0

    @pytest.mark.parametrize(("rule", "pricing"), [GAMES[1], GAMES[4]])
    def test_demand_under_supply(self, stage, tmp_path, rule, pricing):
        sale = stage.open_sale(rule=rule, pricing=pricing, supply_lots=100)
        stage.place(sale, BOOK)
        outcome = play_to_the_end(stage, sale, tmp_path)
        assert outcome.status is AllocatorStatus.CLEARED
        assert outcome.plan.allocation.sold_lots == 26
        assert outcome.plan.margin == ()

    @pytest.mark.parametrize(
        ("rule", "supply_lots"),
        [
            (Rule.PRICE_TIME, 9),
            (Rule.GROUP_ROUND_ROBIN, 9),
            (Rule.TOP_THEN_ROUND_ROBIN, 5),
            (Rule.TOP_THEN_ROUND_ROBIN, 19),
        ],
    )
    def test_supply_that_ends_between_bids(self, stage, tmp_path, rule, supply_lots):
        sale = stage.open_sale(rule=rule, supply_lots=supply_lots)
        stage.place(sale, SMALL_BOOK)
        outcome = play_to_the_end(stage, sale, tmp_path)
        assert outcome.plan.allocation.sold_lots == supply_lots

    def test_nobody_bids(self, stage, tmp_path):
        sale = stage.open_sale()
        outcome = play_to_the_end(stage, sale, tmp_path)
        assert outcome.status is AllocatorStatus.CLEARED
        assert stage.sold.balance_of(sale.address) == 0

    def test_the_minimum_raise_is_missed(self, stage, tmp_path):
        sale = stage.open_sale(supply_lots=10, minimum_raise=17_000_000)
        stage.place(sale, SMALL_BOOK)
        outcome = play_to_the_end(stage, sale, tmp_path)
        assert outcome.status is AllocatorStatus.FAILED
        assert stage.paid.balance_of(sale.address) == stage.sold.balance_of(sale.address) == 0

    def test_tokens_vest(self, stage, tmp_path):
        end = stage.now() + 10_000
        vesting = {"vesting_start": end, "vesting_cliff": end + 100, "vesting_end": end + 1_000}
        sale = stage.open_sale(supply_lots=20, end=end, **vesting)
        stage.place(sale, BOOK)
        outcome = play_to_the_end(stage, sale, tmp_path)
        assert stage.sold.balance_of(sale.address) == 20 * 10**15
        for time in (end + 150, end + 777, end + 2_000):
            stage.move_to(time)
            assert audited(stage, sale).difference is None
            keeper(stage, sale).run(outcome.plan)
            assert audited(stage, sale).difference is None
        assert stage.sold.balance_of(sale.address) == 0

    def test_a_gate_lets_people_in(self, stage, tmp_path):
        sale = stage.open_sale(supply_lots=20, gate=stage.gate.address, cap_bps=6_000)
        chain_id, deadline = stage.web3.eth.chain_id, stage.now() + DAY
        for number, account in enumerate(stage.bidders):
            entity = bytes([number // 2 + 1]) * 32
            signature = sign_admission(
                stage.gate, chain_id, sale.address, account.address, entity, deadline
            )
            stage.do(account, sale.admit(account.address, entity, deadline, signature))
        stage.place(sale, [(0, 3, 7), (1, 3, 5), (2, 5, 6), (3, 2, 6), (4, 3, 1)])
        assert play_to_the_end(stage, sale, tmp_path).status is AllocatorStatus.CLEARED


def test_it_works_on_another_kind_of_node(tmp_path):
    accounts = people(7)
    stage = Stage(embedded_web3(accounts), accounts)
    sale = stage.open_sale(rule=Rule.GROUP_ROUND_ROBIN, supply_lots=12)
    stage.place(sale, [(0, 3, 4), (1, 3, 6), (2, 3, 5), (0, 5, 1)])
    outcome = play_to_the_end(stage, sale, tmp_path, keys_per_transaction=2)
    assert outcome.status is AllocatorStatus.CLEARED


@pytest.mark.anvil
class TestOthers:
    """The allocator is not alone with the sale."""

    def ready(self, stage):
        sale = stage.open_sale(supply_lots=20)
        stage.place(sale, BOOK)
        return sale

    def test_a_sale_that_is_open_is_left_alone(self, stage, tmp_path):
        sale = self.ready(stage)
        outcome = allocator(stage, sale, tmp_path).run(wait=False)
        assert outcome.status is AllocatorStatus.NOT_CLOSED
        assert not (tmp_path / "allocation.csv").exists()

    def test_it_waits_for_the_end_and_its_confirmations(self, stage, tmp_path):
        sale = self.ready(stage)
        steps = iter([lambda: stage.close(sale), lambda: stage.mine(1), lambda: stage.mine(1)])

        def sleep(_seconds):
            assert not sale.result().decided
            next(steps, lambda: None)()

        reader = stage.reader(sale, confirmations=2)
        service = allocator(stage, sale, tmp_path, reader=reader, sleep=sleep)
        service.settings.patience.call(service._step)
        with pytest.raises(AssertionError):
            service.run()
        assert next(steps, None) is None
        stage.mine(2)
        assert service.run().status is AllocatorStatus.CLEARED
        assert len(decisions(stage, sale)) == 1

    def test_somebody_else_clears_first(self, stage, tmp_path):
        sale = self.ready(stage)
        stage.move_to(sale.terms().allocator_until)
        reader = stage.reader(sale)
        reader.sync()
        plan = plan_clearing(sale.terms().auction, reader.book())
        stage.do(stage.keeper, sale.clear(plan.unsigned_hint, plan.margin_after(0)))
        outcome = allocator(stage, sale, tmp_path).run()
        assert outcome.status is AllocatorStatus.CLEARED
        assert outcome.caller == stage.keeper.address
        assert stage.web3.eth.get_transaction_count(stage.allocator.address) >= 0

    def test_somebody_else_clears_between_look_and_post(self, stage, tmp_path):
        sale = self.ready(stage)
        stage.move_to(sale.terms().allocator_until)
        service = allocator(stage, sale, tmp_path)
        estimate = service.sender.estimate_gas

        def overtaken(call, value=0):
            if not sale.result().decided:
                plan = service._plan
                stage.do(stage.keeper, sale.clear(plan.unsigned_hint, plan.margin_after(0)))
            return estimate(call, value)

        service.sender.estimate_gas = overtaken
        assert service.run().caller == stage.keeper.address

    def test_who_is_not_the_allocator_waits_for_the_open_time(self, stage, tmp_path):
        sale = self.ready(stage)
        stage.close(sale)
        service = allocator(stage, sale, tmp_path, stage.keeper)
        assert service.run(wait=False).status is AllocatorStatus.NOT_ALLOCATOR_YET
        stage.move_to(sale.terms().allocator_until)
        outcome = service.run(wait=False)
        assert outcome.status is AllocatorStatus.CLEARED
        (event,) = decisions(stage, sale)
        assert int(event.values["digest"], 16) == 0
        assert audited(stage, sale).right

    def test_nobody_cleared_in_time(self, stage, tmp_path):
        sale = self.ready(stage)
        stage.move_to(sale.terms().abort_time)
        assert allocator(stage, sale, tmp_path).run().status is AllocatorStatus.EXPIRED
        assert not sale.result().decided
        outcome = allocator(stage, sale, tmp_path, abort_expired=True).run()
        assert outcome.status is AllocatorStatus.ABORTED
        keeper(stage, sale).run(outcome.plan)
        assert audited(stage, sale).right
        assert stage.paid.balance_of(sale.address) == stage.sold.balance_of(sale.address) == 0

    def test_a_result_that_is_not_the_right_one_is_reported(self, stage, tmp_path):
        sale = self.ready(stage)
        stage.close(sale)
        allocator(stage, sale, tmp_path).run()

        class FalseSale(Sale):
            def result(self, block="latest"):
                return super().result(block)._replace(sold_lots=19)

        false = FalseSale(stage.web3, sale.address)
        with pytest.raises(ChainError) as caught:
            allocator(stage, false, tmp_path).run()
        assert caught.value.code == "result_differs"


@pytest.mark.anvil
class TestBadDays:
    @pytest.fixture
    def sale(self, stage):
        sale = stage.open_sale(rule=Rule.GROUP_ROUND_ROBIN, supply_lots=15)
        stage.place(sale, [(n % 6, 3, 2) for n in range(12)])
        stage.close(sale)
        return sale

    def test_the_node_is_away_for_a_while_again_and_again(self, stage, sale, tmp_path):
        web3 = hooked_web3(stage.web3)
        numbers = random.Random(4)

        def failing(_method, _params, proceed):
            if numbers.random() < 0.02:
                raise unreachable()
            answer = proceed()
            if numbers.random() < 0.02:
                raise unreachable()
            return answer

        first = stage.web3.eth.block_number
        reader = BidReader(web3, sale.address, stage.first_block)
        web3.provider.hook = failing
        sender = Sender(web3, stage.allocator)
        service = allocator(
            stage, Sale(web3, sale.address), tmp_path,
            sender=sender, reader=reader, keys_per_transaction=4,
        )  # fmt: skip
        assert service.run().status is AllocatorStatus.CLEARED
        receipts = transactions_of(stage.web3, stage.allocator, first)
        assert [receipt["status"] for receipt in receipts] == [1, 1, 1]

    def test_the_node_is_away_for_too_long(self, stage, sale, tmp_path):
        web3 = hooked_web3(stage.web3)
        reader = BidReader(web3, sale.address, stage.first_block)
        service = allocator(
            stage, Sale(web3, sale.address), tmp_path,
            sender=Sender(web3, stage.allocator), reader=reader,
            patience=Patience(outage_seconds=0.2, first_pause=0.01, longest_pause=0.02),
        )  # fmt: skip

        def dead(_method, _params, _proceed):
            raise unreachable()

        web3.provider.hook = dead
        with pytest.raises(ChainUnreachable):
            service.run()

    def test_a_node_that_leaves_out_events_is_caught(self, stage, sale, tmp_path):
        web3 = hooked_web3(stage.web3)

        def forgetful(method, _params, proceed):
            answer = proceed()
            if method == "eth_getLogs":
                del answer["result"][-1:]
            return answer

        web3.provider.hook = forgetful
        reader = BidReader(web3, sale.address, stage.first_block)
        with pytest.raises(ChainError) as caught:
            allocator(stage, sale, tmp_path, reader=reader).run()
        assert caught.value.code == "bids_incomplete"
        assert not (tmp_path / "allocation.csv").exists()

    def test_an_account_without_ether(self, stage, sale, tmp_path):
        balance = stage.web3.eth.get_balance(stage.allocator.address)
        stage.request("anvil_setBalance", [stage.allocator.address, "0x0"])
        try:
            with pytest.raises(InsufficientFunds):
                allocator(stage, sale, tmp_path).run()
        finally:
            stage.request("anvil_setBalance", [stage.allocator.address, hex(balance)])
        assert allocator(stage, sale, tmp_path).run().status is AllocatorStatus.CLEARED

    def test_a_chunk_that_takes_too_much_gas_is_halved(self, stage, sale, tmp_path):
        first = stage.web3.eth.block_number
        service = allocator(stage, sale, tmp_path, gas_per_transaction=135_000)
        assert service.run().status is AllocatorStatus.CLEARED
        assert 2 <= len(transactions_of(stage.web3, stage.allocator, first)) <= 12

    def test_a_node_that_does_not_estimate_much_gas(self, stage, sale, tmp_path):
        web3 = hooked_web3(stage.web3)

        def stingy(method, params, proceed):
            if method == "eth_estimateGas" and len(params[0]["data"]) > 1_000:
                return rpc_error("gas required exceeds allowance (50000000)")
            return proceed()

        web3.provider.hook = stingy
        sender = Sender(web3, stage.allocator)
        outcome = allocator(stage, sale, tmp_path, sender=sender).run()
        assert outcome.status is AllocatorStatus.CLEARED

    def test_a_refusal_that_stays_is_reported(self, stage, sale, tmp_path):
        service = allocator(stage, sale, tmp_path)
        clear = sale.clear
        service.sale.clear = lambda hint, margin, _signature: clear(hint, margin, b"\x01" * 65)
        with pytest.raises(ChainError) as caught:
            service.run()
        assert caught.value.code == "signature_invalid"


@pytest.mark.anvil
class TestReorganisations:
    @pytest.fixture
    def own_stage(self):
        with running_anvil() as url:
            yield Stage(connect(url), people(10))

    def test_what_a_reorganisation_takes_back_is_posted_again(self, own_stage, tmp_path):
        stage = own_stage
        sale = stage.open_sale(rule=Rule.GROUP_ROUND_ROBIN, supply_lots=15)
        stage.place(sale, [(n % 6, 3, 2) for n in range(12)])
        stage.close(sale)
        numbers = random.Random(7)
        end_block = stage.web3.eth.block_number
        service = allocator(
            stage, sale, tmp_path, reader=stage.reader(sale, confirmations=4),
            keys_per_transaction=2, sleep=lambda _seconds: stage.mine(1),
        )  # fmt: skip
        wait, struck = service.sender.wait, []

        def waiting(transaction, seconds=None):
            receipt = wait(transaction, seconds)
            depth = min(numbers.randint(0, 3), stage.web3.eth.block_number - end_block - 5)
            if depth > 0 and len(struck) < 6:
                stage.request("anvil_reorg", [depth, []])
                struck.append(depth)
            return receipt

        service.sender.wait = waiting
        assert service.run().status is AllocatorStatus.CLEARED
        assert len(struck) >= 3
        assert len(decisions(stage, sale)) == 1
        assert audited(stage, sale).right
        receipts = transactions_of(stage.web3, stage.allocator, end_block)
        assert {receipt["status"] for receipt in receipts} == {1}

    def test_a_result_taken_back_before_its_confirmations(self, own_stage, tmp_path):
        stage = own_stage
        sale = stage.open_sale(supply_lots=15)
        stage.place(sale, BOOK)
        stage.close(sale)
        stage.mine(3)
        struck = []

        def sleep(_seconds):
            if sale.result().decided and not struck:
                struck.append(stage.request("anvil_reorg", [2, []]))
                assert not sale.result().decided
            stage.mine(1)

        reader = stage.reader(sale, confirmations=3)
        service = allocator(stage, sale, tmp_path, reader=reader, sleep=sleep)
        assert service.run().status is AllocatorStatus.CLEARED
        assert struck
        assert len(decisions(stage, sale)) == 1
        assert audited(stage, sale).right
