import time

import pytest

from gavelbook.chain.errors import StoreError
from gavelbook.service.exchange.chain_worker import ChainWorker, approved_on_chain
from tests.chain.hooked_node import hooked_web3, unreachable
from tests.service.exchange.settling_steps import trade_a_little
from tests.service.exchange.trading_floor import CONFIRMATIONS

pytestmark = pytest.mark.anvil
WAIT_SECONDS = 20


def until(met):
    deadline = time.monotonic() + WAIT_SECONDS
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def quick(worker, **options):
    """Return a worker over the same watcher and settler that does not wait long."""
    return ChainWorker(worker.watcher, worker.settler, poll_seconds=0.02, **options)


def test_settles_by_itself_and_stops_when_told(floor, tmp_path):
    with floor.service(tmp_path) as service:
        service.open_up()
        worker = quick(service.worker)
        worker.start()
        trade_a_little(service, 2)
        until(lambda: floor.exchange.last_batch() == 1)
        floor.mine()
        until(lambda: service.settler.status.resting == "idle")
        until(lambda: not list(service.running.views.open_fills()))
        worker.stop()
        assert worker.status.settled_fills == 2
        assert worker.status.watch.confirmed_block <= floor.web3.eth.block_number - CONFIRMATIONS
        service.reconcile()
        worker.stop()


def test_waits_for_a_node_that_went_away(floor, tmp_path):
    web3 = hooked_web3(floor.web3)
    away = False

    def hook(_method, _params, proceed):
        if away:
            raise unreachable()
        return proceed()

    with floor.service(tmp_path, web3=web3) as service:
        service.open_up()
        web3.provider.hook = hook
        away = True
        worker = quick(service.worker)
        worker.start()
        until(lambda: worker.status.unreachable.startswith("rpc_unreachable"))
        trade_a_little(service)
        away = False
        until(lambda: floor.exchange.last_batch() == 1)
        until(lambda: worker.status.unreachable == "")
        worker.stop()


def test_a_failure_that_nobody_expected_is_told(floor, tmp_path):
    failures = []
    with floor.service(tmp_path) as service:
        service.worker.watcher.step = lambda: 1 / 0
        worker = quick(service.worker, on_failure=failures.append)
        worker.start()
        until(lambda: failures)
        assert isinstance(failures[0], ZeroDivisionError)
        worker.stop()


def test_two_processes_do_not_share_a_folder(floor, tmp_path):
    from gavelbook.service.exchange.batch_store import BatchStore

    with floor.service(tmp_path), pytest.raises(StoreError) as caught:
        BatchStore(tmp_path / "batches.sqlite")
    assert caught.value.code == "store_in_use"


def test_an_approval_counts_when_it_is_final_and_without_end(floor):
    maker = floor.traders[0]
    placed = maker.sell(1, 5)
    approves = approved_on_chain(floor.exchange, CONFIRMATIONS)
    floor.do(maker.account, floor.exchange.approve_order(placed.order))
    assert not approves(maker.address, placed.order_hash)
    floor.mine()
    assert approves(maker.address, placed.order_hash)
    floor.do(maker.account, floor.exchange.revoke_approval(placed.order_hash))
    floor.mine()
    assert not approves(maker.address, placed.order_hash)
