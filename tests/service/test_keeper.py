import pytest

from gavelbook.chain.dues import dues
from gavelbook.chain.errors import ChainError, ChainUnreachable, ContractRefused
from gavelbook.chain.sale_events import EventKind
from gavelbook.chain.sender import Sender
from gavelbook.service.keeper import Keeper, KeeperReport
from gavelbook.service.patience import Patience
from tests.service.play import allocator, audited, keeper

pytestmark = pytest.mark.anvil
BIDS = [(0, 3, 4), (1, 5, 3), (2, 3, 2), (3, 3, 4), (4, 0, 1)]


@pytest.fixture
def sale(stage):
    sale = stage.open_sale(supply_lots=8)
    stage.place(sale, BIDS)
    return sale


@pytest.fixture
def plan(stage, sale, tmp_path):
    stage.close(sale)
    return allocator(stage, sale, tmp_path).run().plan


def claims(stage, sale):
    reader = stage.reader(sale)
    reader.sync()
    return reader.events(EventKind.TOKENS_CLAIMED) + reader.events(EventKind.REFUND_CLAIMED)


def test_everybody_is_paid_once(stage, sale, plan):
    assert keeper(stage, sale, batch=2).run(plan) == KeeperReport(paid=5, skipped=0)
    count = len(claims(stage, sale))
    assert keeper(stage, sale).run(plan) == KeeperReport(paid=0, skipped=0)
    assert len(claims(stage, sale)) == count
    assert stage.paid.balance_of(sale.address) == stage.sold.balance_of(sale.address) == 0
    assert audited(stage, sale).right


def test_who_came_alone_is_left_out(stage, sale, plan):
    stage.do(stage.bidders[0], sale.claim(stage.bidders[0].address))
    stage.do(stage.keeper, sale.collect_proceeds())
    assert keeper(stage, sale).run(plan) == KeeperReport(paid=4, skipped=0)
    due = dues(plan.book, plan.allocation, failed=False)
    assert len(claims(stage, sale)) == sum(bool(d.won_lots) + bool(d.refund) for d in due.values())


def test_a_batch_that_takes_too_much_gas_is_halved(stage, sale, plan):
    assert keeper(stage, sale, gas_per_transaction=160_000).run(plan).paid == 5
    assert audited(stage, sale).right


def test_a_bidder_whom_no_transaction_can_pay_stops_nobody_else(stage, sale, plan):
    own = keeper(stage, sale)
    own.sender = Sender(stage.web3, stage.keeper)
    victim = stage.bidders[2].address
    estimate = own.sender.estimate_gas

    def estimated(call, value=0):
        if call.args and victim in call.args[0]:
            # As of a token that burns all gas where this bidder is paid.
            raise ChainError("gas_not_estimated", "Expected an estimate of gas")
        return estimate(call, value)

    own.sender.estimate_gas = estimated
    assert own.run(plan) == KeeperReport(paid=4, skipped=1)
    assert sale.owed(victim).refund


def test_a_sale_without_result_has_nothing_to_pay(stage, sale, plan, tmp_path):
    open_sale = stage.open_sale()
    with pytest.raises(ContractRefused) as caught:
        keeper(stage, open_sale).run(plan)
    assert caught.value.code == "not_decided"


class TestPatience:
    def test_an_outage_that_ends(self):
        times = iter(range(100))
        pauses = []
        patience = Patience(
            outage_seconds=50, first_pause=1, longest_pause=4,
            clock=lambda: next(times), sleep=pauses.append,
        )  # fmt: skip
        failures = iter(range(5))

        def step():
            if next(failures, None) is not None:
                raise ChainUnreachable("rpc_timeout", "Expected an answer")
            return "done"

        assert patience.call(step) == "done"
        assert pauses == [1, 2, 4, 4, 4]

    def test_an_outage_that_does_not(self):
        time = [0.0]
        patience = Patience(
            outage_seconds=10, clock=lambda: time[0],
            sleep=lambda seconds: time.__setitem__(0, time[0] + seconds),
        )  # fmt: skip

        def step():
            raise ChainUnreachable("rpc_timeout", "Expected an answer")

        with pytest.raises(ChainUnreachable):
            patience.call(step)
        assert time[0] <= 10

    def test_other_errors_are_not_waited_for(self):
        with pytest.raises(ContractRefused):
            Patience().call(lambda: (_ for _ in ()).throw(ContractRefused("over_cap", "no")))


def test_a_keeper_has_sensible_defaults(stage, sale):
    own = Keeper(sale, stage.sender(stage.keeper), stage.reader(sale))
    assert own.batch == 50
