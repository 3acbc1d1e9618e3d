"""Fills go to the chain in batches: when, how many, and who else may send them."""

from contextlib import suppress

import pytest

from gavelbook.chain.errors import ChainUnreachable
from gavelbook.exchange.batch_codec import Batch, BatchFill, BatchOrder, pack_batch
from gavelbook.service.exchange import settler as settler_module
from tests.service.exchange.settling_steps import (
    batches_on_chain,
    refuse_to_send,
    relay,
    trade_a_little,
    vain_transactions,
)
from tests.service.exchange.trading_floor import DAY, HOUR, RICH

pytestmark = pytest.mark.anvil


class TestSettling:
    def test_a_fill_is_settled_and_its_credits_become_withdrawable(self, floor, tmp_path):
        maker, taker, _ = floor.traders
        with floor.service(tmp_path) as service:
            service.open_up()
            service.reconcile()
            (fill,) = service.trade(maker.sell(5, 100), taker.buy(5, 120))
            gold = service.balance(taker, floor.gold)
            assert gold.available - gold.withdrawable == 5 * 10**6
            status = service.settle()
            assert (status.last_batch, status.reverted, status.alarm) == (1, 0, None)
            service.reconcile()
            assert floor.held(taker, floor.gold) == RICH + 5 * 10**6
            assert floor.held(maker, floor.cash) == RICH + fill.quote - fill.maker_fee
            assert floor.held(floor.fees, floor.cash) == fill.maker_fee + fill.taker_fee > 0
            assert service.balance(taker, floor.gold).withdrawable == RICH + 5 * 10**6
            gas_used, fills = service.worker.status[3:]
            assert 50_000 < gas_used < 200_000
            assert fills == 1

    def test_fills_of_several_markets_go_in_as_few_batches_as_markets(self, floor, tmp_path):
        with floor.service(tmp_path) as service:
            service.open_up()
            for _ in range(4):
                for market in (1, 2, 3):
                    trade_a_little(service, market=market)
            status = service.settle()
            assert status.last_batch == 3
            assert {b.market: len(b.fills) for b in batches_on_chain(floor).values()} == {
                1: 4,
                2: 4,
                3: 4,
            }
            service.reconcile()

    def test_an_order_filled_twice_is_in_the_batch_once(self, floor, tmp_path):
        maker, taker, other = floor.traders
        with floor.service(tmp_path) as service:
            service.open_up()
            service.submit(maker.sell(10, 5))
            service.submit(taker.buy(3, 5))
            service.trade(other.buy(4, 5), maker.buy(1, 1, lane=5))
            service.settle()
            (batch,) = batches_on_chain(floor).values()
            assert [len(batch.orders), len(batch.fills)] == [3, 2]
            assert floor.exchange.lane_of(maker.address, 0).filled_lots == 7

    def test_the_batch_commits_to_the_log(self, floor, tmp_path):
        with floor.service(tmp_path) as service:
            service.open_up()
            trade_a_little(service)
            tail = service.running.sequencer.tail
            service.settle()
            assert batches_on_chain(floor)[1].log_head == tail.head
            assert service.settler.batches.current(1).log_position == tail.position

    def test_waits_for_more_fills_or_the_time(self, floor, tmp_path):
        with floor.service(tmp_path, batch_seconds=60, batch_fills=3) as service:
            service.open_up()
            trade_a_little(service, 2)
            service.step()
            assert service.settler.status.resting == "waiting_for_more"
            trade_a_little(service)
            service.step()
            assert service.settler.status.in_flight
            service.settle()
            trade_a_little(service)
            service.step()
            assert not service.settler.status.in_flight
            floor.pass_time(61)
            service.step()
            assert service.settler.status.in_flight
            service.settle()
            service.reconcile()

    def test_does_not_wait_where_an_account_leaves(self, floor, tmp_path):
        maker, *_ = floor.traders
        with floor.service(tmp_path, batch_seconds=HOUR) as service:
            service.open_up()
            trade_a_little(service)
            service.step()
            floor.do(maker.account, floor.exchange.request_exit([floor.cash.address]))
            service.step()
            assert not service.settler.status.in_flight
            floor.mine()
            service.step()
            assert service.settler.status.in_flight
            service.settle()
            floor.pass_time(DAY + 60)
            floor.do(maker.account, floor.exchange.exit(floor.cash.address, maker.account.address))
            service.open_up()
            assert service.balance(maker, floor.cash).available == 0
            service.reconcile()

    def test_rests_while_the_exchange_is_paused(self, floor, tmp_path):
        with floor.service(tmp_path) as service:
            service.open_up()
            trade_a_little(service)
            floor.do(floor.owner, floor.exchange.pause())
            service.step()
            assert service.settler.status.resting == "exchange_paused"
            assert service.settler.status.alarm is None
            floor.do(floor.owner, floor.exchange.unpause())
            assert service.settle().last_batch == 1

    def test_stops_where_it_is_not_the_matcher(self, floor, tmp_path):
        with floor.service(tmp_path) as service:
            service.open_up()
            trade_a_little(service)
            floor.do(floor.owner, floor.exchange.revoke_matcher())
            service.step()
            assert service.settler.status.alarm.code == "not_the_matcher"
            assert not vain_transactions(floor)

    def test_halves_a_batch_that_takes_too_much_gas(self, floor, tmp_path, monkeypatch):
        with floor.service(tmp_path) as service:
            service.open_up()
            monkeypatch.setattr(settler_module, "MAX_TRANSACTION_GAS", 300_000)
            trade_a_little(service, 12)
            status = service.settle()
            assert (status.alarm, status.reverted) == (None, 0)
            assert 1 < status.last_batch < 12
            sizes = [len(batch.fills) for batch in batches_on_chain(floor).values()]
            assert sum(sizes) == 12
            assert len(service.settler.batches.contents(1)) > 1
            service.reconcile()

    def test_says_so_where_the_relayer_has_no_ether(self, floor, tmp_path):
        with floor.service(tmp_path) as service:
            service.open_up()
            trade_a_little(service)
            floor.request("anvil_setBalance", floor.relayer.address, "0x0")
            service.step()
            assert service.settler.status.alarm.code == "insufficient_funds"
            floor.request("anvil_setBalance", floor.relayer.address, hex(10**20))
            assert service.settle().alarm is None


class TestOthersWhoRelay:
    def test_the_batch_that_is_about_to_be_sent(self, floor, tmp_path, monkeypatch):
        with floor.service(tmp_path) as service:
            service.open_up()
            trade_a_little(service, 2)
            with monkeypatch.context() as patch:
                patch.setattr(service.settler, "_send", lambda _batch: None)
                service.step()
            relay(floor, service.settler.batches.current(1))
            status = service.settle()
            assert (status.last_batch, vain_transactions(floor)) == (1, 0)
            assert service.settler.batches.current(1).gas_used
            service.reconcile()

    def test_a_larger_content_of_a_number_than_the_one_sent(self, floor, tmp_path, monkeypatch):
        with floor.service(tmp_path) as service:
            service.open_up()
            trade_a_little(service, 6)
            with monkeypatch.context() as patch:
                patch.setattr(settler_module, "MAX_TRANSACTION_GAS", 250_000)
                patch.setattr(service.settler.sender, "send", refuse_to_send)
                for _ in range(3):
                    with suppress(ChainUnreachable):
                        service.step()
            large, *_, small = service.settler.batches.contents(1)
            assert (large.fill_count, small.fill_count) == (6, 3)
            relay(floor, large)
            status = service.settle()
            assert (status.last_batch, status.alarm) == (1, None)
            assert service.settler.status.open_fills == 0
            service.reconcile()

    def test_a_batch_that_this_matcher_did_not_make(self, floor, tmp_path):
        maker, taker, _ = floor.traders
        with floor.service(tmp_path) as service:
            service.open_up()
            orders = [maker.sell(1, 5, lane=9), taker.buy(1, 5, lane=9)]
            signed = tuple(BatchOrder(each.order, each.signature) for each in orders)
            content = pack_batch(Batch(1, 0, 0, 1, bytes(32), signed, (BatchFill(1, 0, 1),)))
            stolen = floor.key.sign_batch(1, 1, content)
            floor.do(floor.owner, floor.exchange.settle(content, stolen))
            trade_a_little(service)
            service.step()
            assert service.settler.status.alarm.code == "batch_unknown"
            floor.mine()
            service.step()
            assert service.watcher.status.problems
            assert service.settler.batches.last_number() == 0
