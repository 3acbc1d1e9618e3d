import pytest

from gavelbook.chain.errors import StoreError
from gavelbook.exchange import commands
from gavelbook.exchange.commands import CancelOrder, RequestWithdrawal, decode
from gavelbook.exchange.errors import ExchangeError
from gavelbook.service.exchange.watch_store import WatchStore
from tests.service.exchange.trading_floor import CONFIRMATIONS, DAY, HOUR, RICH

pytestmark = pytest.mark.anvil


def told(service, *kinds):
    """Return the commands of these kinds in the log."""
    entries = service.running.log.read(0)
    return [command for command in (decode(e.content) for e in entries) if type(command) in kinds]


def raw(token):
    return bytes.fromhex(token.address[2:])


HUGE = 2**216 - 2


def deposit_beyond_reason(floor):
    """Deposit more than there can be of a token that takes it back out of the contract."""
    wild, functions = floor.wild_token()
    floor.do(floor.owner, functions.mint(floor.owner.address, 2 * HUGE))
    floor.do(floor.owner, wild.approve(floor.exchange.address, 2 * HUGE))
    for holder in floor.traders[:2]:
        floor.deposit(holder, wild, HUGE)
        floor.do(floor.owner, functions.seize(floor.exchange.address, HUGE))
    return wild


@pytest.fixture
def trader(floor):
    return floor.traders[0]


@pytest.fixture
def fork(floor):
    """Call it to go back to here, and on with other blocks, more of them."""

    def begin():
        here = floor.snapshot()
        height = floor.web3.eth.block_number

        def other_chain():
            gone = floor.web3.eth.block_number - height
            floor.revert(here)
            floor.pass_time(1)
            floor.mine(gone + CONFIRMATIONS + 1)

        return other_chain

    return begin


class TestTelling:
    def test_all_deposits_and_markets_once(self, floor, tmp_path):
        with floor.service(tmp_path) as service:
            service.open_up()
            service.reconcile()
            assert len(told(service, commands.Deposit)) == 9
            assert [c.market.id for c in told(service, commands.ListMarket)] == [1, 2, 3]
            assert told(service, commands.SetFeeRecipient)
            position = service.running.sequencer.tail.position
            service.open_up()
            assert service.running.sequencer.tail.position == position
        with floor.service(tmp_path) as service:
            service.open_up()
            assert service.running.sequencer.tail.position == position
            assert not service.watcher.status.waiting
            assert service.watcher.status.problems == ()

    def test_what_a_token_without_a_market_does_is_no_problem(self, floor, trader, tmp_path):
        wild = deposit_beyond_reason(floor)
        floor.deposit(trader, floor.gold, 7)
        with floor.service(tmp_path) as service:
            service.open_up()
            assert service.watcher.status.problems == ()
            assert service.balance(floor.traders[0], wild).available == HUGE
            assert service.balance(trader, floor.gold).available == RICH + 7

    def test_what_a_token_with_a_market_does_is_told(self, floor, tmp_path):
        wild = deposit_beyond_reason(floor)
        floor.do(floor.owner, floor.listing(wild, floor.cash))
        with floor.service(tmp_path) as service:
            service.open_up()
            (problem,) = service.watcher.status.problems
            assert problem.startswith("balance_too_large")

    def test_only_what_has_enough_blocks_above(self, floor, trader, tmp_path):
        with floor.service(tmp_path) as service:
            service.open_up()
            floor.deposit(trader, floor.gold, 7)
            for _ in range(CONFIRMATIONS):
                service.watcher.step()
                assert service.balance(trader, floor.gold).available == RICH
                floor.mine(1)
            service.watcher.step()
            assert service.balance(trader, floor.gold).available == RICH + 7

    def test_an_exit_from_request_to_payment(self, floor, trader, tmp_path):
        with floor.service(tmp_path) as service:
            service.open_up()
            order = trader.sell(1, 5)
            service.submit(order)
            floor.do(trader.account, floor.exchange.request_exit([floor.gold.address]))
            service.open_up()
            with service.running.sequencer.reading() as engine:
                assert engine.open_orders(trader.address) == []
            with pytest.raises(ExchangeError, match="exit"):
                service.submit(trader.sell(1, 5))
            assert service.watcher.store.exiting() == {trader.address}
            floor.pass_time(DAY + 60)
            call = floor.exchange.exit(floor.gold.address, trader.account.address)
            floor.do(trader.account, call)
            service.open_up()
            assert service.balance(trader, floor.gold).available == 0
            assert service.watcher.store.exiting() == set()
            service.submit(trader.buy(1, 5))

    def test_a_cancel_on_chain(self, floor, trader, tmp_path):
        with floor.service(tmp_path) as service:
            service.open_up()
            service.submit(trader.sell(1, 5), trader.sell(1, 5, lane=1))
            floor.do(trader.account, floor.exchange.cancel(0, 1))
            service.open_up()
            with service.running.sequencer.reading() as engine:
                assert [order.lane for order in engine.open_orders(trader.address)] == [1]

    def test_an_approval_that_its_maker_revokes(self, floor, trader, tmp_path):
        with floor.service(tmp_path) as service:
            service.open_up()
            placed = trader.sell(1, 5)
            floor.do(trader.account, floor.exchange.approve_order(placed.order))
            service.submit(placed)
            floor.do(trader.account, floor.exchange.revoke_approval(placed.order_hash))
            service.open_up()
            (cancel,) = told(service, CancelOrder)
            assert cancel == CancelOrder(trader.address, placed.order_hash)
            assert service.watcher.status.problems == ()


class TestWithdrawals:
    def ask(self, service, trader, amount, nonce=1):
        floor = service.floor
        signed = trader.withdrawal(raw(floor.gold), amount, nonce)
        fields = {name: getattr(signed, name) for name in signed.__struct_fields__}
        service.submit(RequestWithdrawal(**fields))
        service.catch_up()
        return signed

    def pay(self, floor, trader, signed):
        call = floor.exchange.withdraw(signed, floor.key.sign_withdrawal(signed))
        return floor.do(trader.account, call)

    def test_one_that_is_paid(self, floor, trader, tmp_path):
        with floor.service(tmp_path) as service:
            service.open_up()
            self.pay(floor, trader, self.ask(service, trader, 5))
            service.open_up()
            has = service.balance(trader, floor.gold)
            assert (has.available, has.withdrawing) == (RICH - 5, 0)
            service.reconcile()

    def test_one_whose_deadline_passes(self, floor, trader, tmp_path):
        with floor.service(tmp_path) as service:
            service.open_up()
            self.ask(service, trader, 5)
            floor.pass_time(HOUR + 60)
            service.watcher.step()
            assert service.balance(trader, floor.gold).withdrawing == 5
            service.open_up()
            has = service.balance(trader, floor.gold)
            assert (has.available, has.withdrawing) == (RICH, 0)

    def test_one_that_vanishes_and_is_paid_again(self, floor, trader, fork, tmp_path):
        with floor.service(tmp_path) as service:
            service.open_up()
            signed = self.ask(service, trader, 5)
            other_chain = fork()
            self.pay(floor, trader, signed)
            service.open_up()
            other_chain()
            service.watcher.step()
            assert service.balance(trader, floor.gold).available == RICH - 5
            self.pay(floor, trader, signed)
            service.open_up()
            assert len(told(service, commands.WithdrawalDone)) == 1
            service.reconcile()
            assert service.watcher.status.problems == ()

    def test_one_that_vanishes_for_good(self, floor, trader, fork, tmp_path):
        with floor.service(tmp_path) as service:
            service.open_up()
            signed = self.ask(service, trader, 5)
            other_chain = fork()
            self.pay(floor, trader, signed)
            service.open_up()
            other_chain()
            service.watcher.step()
            floor.pass_time(2 * HOUR)
            service.open_up()
            service.reconcile()
            assert service.balance(trader, floor.gold).available == RICH


class TestReorganisations:
    def test_take_back_a_deposit_that_comes_again(self, floor, trader, fork, tmp_path):
        with floor.service(tmp_path) as service:
            service.open_up()
            other_chain = fork()
            floor.deposit(trader, floor.gold, 7)
            service.open_up()
            assert service.balance(trader, floor.gold).available == RICH + 7
            other_chain()
            service.watcher.step()
            assert service.balance(trader, floor.gold).available == RICH
            floor.deposit(trader, floor.gold, 7)
            service.open_up()
            service.reconcile()
            assert service.watcher.store.lacking() == {(trader.address, raw(floor.gold))}

    def test_take_back_while_the_process_is_down(self, floor, trader, fork, tmp_path):
        with floor.service(tmp_path) as service:
            service.open_up()
            other_chain = fork()
            floor.deposit(trader, floor.gold, 7)
            service.open_up()
        other_chain()
        with floor.service(tmp_path) as service:
            service.open_up()
            service.reconcile()

    def test_take_back_an_exit(self, floor, trader, fork, tmp_path):
        exchange, gold = floor.exchange, floor.gold.address
        with floor.service(tmp_path) as service:
            service.open_up()
            before = fork()
            floor.do(trader.account, exchange.request_exit([gold]))
            floor.pass_time(DAY + 60)
            after = fork()
            floor.do(trader.account, exchange.exit(gold, trader.account.address))
            service.open_up()
            assert service.balance(trader, floor.gold).available == 0
            after()
            service.watcher.step()
            service.reconcile()
            assert service.watcher.store.exiting() == {trader.address}
            before()
            service.watcher.step()
            service.reconcile()
            assert service.watcher.store.exiting() == set()
            service.submit(trader.sell(1, 5))

    def test_halt_a_market_until_it_is_listed_again(self, floor, fork, tmp_path):
        with floor.service(tmp_path) as service:
            service.open_up()
            other_chain = fork()
            floor.do(floor.owner, floor.listing(floor.cash, floor.gold))
            service.open_up()
            other_chain()
            service.watcher.step()
            with service.running.sequencer.reading() as engine:
                assert engine.halted(4)
            floor.do(floor.owner, floor.listing(floor.cash, floor.gold))
            service.open_up()
            with service.running.sequencer.reading() as engine:
                assert not engine.halted(4)
            assert service.watcher.status.problems == ()

    def test_say_so_when_a_market_comes_back_as_another(self, floor, fork, tmp_path):
        with floor.service(tmp_path) as service:
            service.open_up()
            other_chain = fork()
            floor.do(floor.owner, floor.listing(floor.cash, floor.gold))
            service.open_up()
            other_chain()
            floor.do(floor.owner, floor.listing(floor.silver, floor.gold))
            service.open_up()
            (problem,) = service.watcher.status.problems
            assert "market 4 listed otherwise" in problem
            with service.running.sequencer.reading() as engine:
                assert engine.halted(4)


class TestKilled:
    @pytest.mark.parametrize("after", range(1, 9))
    def test_after_some_commands_were_logged_and_none_noted(
        self, floor, tmp_path, monkeypatch, after
    ):
        submitted = []
        with floor.service(tmp_path) as service:
            submit = service.running.sequencer.submit

            def dying(command):
                if len(submitted) == after:
                    raise KeyboardInterrupt
                submitted.append(command)
                return submit(command)

            monkeypatch.setattr(service.running.sequencer, "submit", dying)
            monkeypatch.setattr(WatchStore, "note_logged", lambda *_: None)
            floor.mine()
            with pytest.raises(KeyboardInterrupt):
                service.watcher.step()
        monkeypatch.undo()
        with floor.service(tmp_path) as service:
            assert service.watcher.store.waiting()[0].number == 1
            service.open_up()
            service.reconcile()
            assert len(told(service, commands.Deposit)) == 9
            assert len(told(service, commands.ListMarket)) == 3
            assert service.watcher.status.problems == ()

    def test_a_log_with_what_no_event_led_to_is_refused(self, floor, trader, tmp_path):
        with floor.service(tmp_path) as service:
            service.open_up()
            service.submit(commands.Deposit(trader.address, raw(floor.gold), 1))
        with floor.service(tmp_path) as service, pytest.raises(StoreError) as caught:
            service.watcher.step()
        assert caught.value.code == "log_out_of_step"

    def test_a_store_of_another_exchange_is_refused(self, floor, tmp_path):
        store = WatchStore(tmp_path / "watcher.sqlite")
        store.open_for(1, floor.exchange.address, 0)
        store.close()
        with pytest.raises(StoreError) as caught, floor.service(tmp_path):
            pass
        assert caught.value.code == "store_of_another_exchange"
