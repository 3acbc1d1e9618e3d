"""What the settler has signed or sent, and has to send again or otherwise."""

import pytest
from hexbytes import HexBytes

from gavelbook.chain.errors import ChainUnreachable, TransactionRefused
from gavelbook.chain.fees import GWEI, FeePolicy, Fees
from tests.chain.hooked_node import hooked_web3, unreachable
from tests.service.exchange.settling_steps import (
    batches_on_chain,
    refuse_to_send,
    relay,
    step_until,
    trade_a_little,
    vain_transactions,
    wait_until,
)
from tests.service.exchange.trading_floor import CONFIRMATIONS, DAY, HOUR

pytestmark = pytest.mark.anvil


def sign_but_not_send(service):
    """Let the settler sign the next batch and fail to send it; return it."""
    service.settler.sender.send = refuse_to_send
    with pytest.raises(ChainUnreachable):
        service.step()
    return service.settler.batches.current(1)


class TestAnotherKey:
    def test_signs_anew_what_the_former_had_signed(self, floor, tmp_path):
        maker, taker, _ = floor.traders
        later = {"expiry": int(floor.clock()) + 99 * HOUR}
        with floor.service(tmp_path) as service:
            service.open_up()
            service.trade(maker.sell(2, 5, **later), taker.buy(2, 5, **later))
            old = sign_but_not_send(service)
        floor.rotate_matcher()
        with pytest.raises(TransactionRefused) as refused:
            relay(floor, old)
        assert refused.value.code == "bad_matcher_signature"
        with floor.service(tmp_path) as service:
            status = service.settle()
            assert (status.last_batch, status.busted, status.alarm) == (1, 0, None)
            (signed,) = service.settler.batches.contents(1)
            assert signed.content == old.content
            assert signed.signature != old.signature
            service.reconcile()

    def test_frees_a_market_from_a_batch_that_could_still_have_landed(self, floor, tmp_path):
        maker, taker, other = floor.traders
        later = {"expiry": int(floor.clock()) + 199 * HOUR}
        with floor.service(tmp_path) as service:
            service.open_up()
            service.trade(maker.sell(2, 5, **later), taker.buy(2, 5, **later))
            old = sign_but_not_send(service)
            floor.do(floor.owner, floor.exchange.pause())
            floor.do(maker.account, floor.exchange.request_exit([floor.gold.address]))
            floor.pass_time(DAY + 60)
            floor.do(maker.account, floor.exchange.exit(floor.gold.address, maker.account.address))
            floor.do(floor.owner, floor.exchange.unpause())
            floor.mine()
            service.step()
            assert service.settler.status.alarm.code == "bust_unsafe"
            service.trade(
                taker.sell(1, 5, market=2, lane=2, **later),
                other.buy(1, 5, market=2, lane=2, **later),
            )
        floor.rotate_matcher()
        with floor.service(tmp_path) as service:
            service.open_up()
            status = service.settle()
            assert (status.busted, status.alarm, status.reverted) == (1, None, 0)
            assert [batch.market for batch in batches_on_chain(floor).values()] == [2]
            with pytest.raises(TransactionRefused):
                relay(floor, old)
            service.reconcile()


class TestReorganisations:
    def test_send_the_same_bytes_again(self, floor, tmp_path):
        with floor.service(tmp_path) as service:
            service.open_up()
            trade_a_little(service, 2)
            before = floor.snapshot()
            service.step()
            service.step()
            trade_a_little(service, 2)
            service.step()
            service.step()
            assert floor.exchange.last_batch() == 2
            contents = [service.settler.batches.current(n).content for n in (1, 2)]
            floor.revert(before)
            floor.pass_time(1)
            floor.mine(2)
            status = service.settle()
            assert (status.last_batch, status.reverted) == (2, 0)
            assert [service.settler.batches.current(n).content for n in (1, 2)] == contents
            assert len(batches_on_chain(floor)) == 2
            assert [len(service.settler.batches.contents(n)) for n in (1, 2)] == [1, 1]
            service.reconcile()

    def test_that_take_back_what_a_transaction_under_way_builds_on(self, floor, tmp_path):
        with floor.service(tmp_path, wait_seconds=0.3) as service:
            service.open_up()
            trade_a_little(service, 2)
            before = floor.snapshot()
            step_until(service, lambda: floor.exchange.last_batch() == 1)
            trade_a_little(service, 2)
            step_until(service, lambda: service.settler.batches.last_number() == 2)
            wait_until(lambda: floor.exchange.last_batch() == 2)
            assert service.settler.status.in_flight
            # This chain forgets the transactions; the second waits for the nonce of the first.
            floor.revert(before)
            floor.pass_time(1)
            floor.mine(2)
            status = service.settle()
            assert (status.last_batch, status.reverted) == (2, 0)
            assert vain_transactions(floor) == 0
            assert service.settler.sender._outbox.pending() == []
            service.reconcile()

    def test_of_batches_that_were_final(self, floor, tmp_path):
        with floor.service(tmp_path) as service:
            service.open_up()
            before = floor.snapshot()
            trade_a_little(service, 2)
            service.settle()
            floor.mine()
            service.step()
            height = floor.web3.eth.block_number
            floor.revert(before)
            floor.pass_time(1)
            floor.mine(height - floor.web3.eth.block_number + CONFIRMATIONS + 1)
            for _ in range(3):
                service.step()
            floor.mine()
            service.step()
            assert floor.exchange.last_batch() == 1
            assert service.watcher.status.problems == ()
            assert service.settler.batches.last_number() == 1
            service.reconcile()


class TestTransactions:
    def test_one_that_is_stuck_is_replaced_at_a_higher_fee(self, floor, tmp_path):
        fees = LowFees(stuck_seconds=0.05)
        with floor.service(tmp_path, fees=fees, wait_seconds=0.1) as service:
            service.open_up()
            trade_a_little(service)
            floor.request("evm_setAutomine", False)  # noqa: FBT003
            for _ in range(4):
                service.step()
            assert service.settler.status.resting == "in_flight"
            (entry,) = service.settler.sender._outbox.pending()
            assert len(entry.hashes) > 1
            floor.mine(1)
            floor.request("evm_setAutomine", True)  # noqa: FBT003
            assert service.settle().last_batch == 1
            assert floor.web3.eth.get_transaction_count(floor.relayer.address) == 1
            mined = HexBytes(service.settler.batches.current(1).tx_hash)
            assert floor.web3.eth.get_transaction(mined)["maxFeePerGas"] > 50 * GWEI

    def test_one_in_the_mempool_is_waited_for_after_a_restart(self, floor, tmp_path):
        with floor.service(tmp_path) as service:
            service.open_up()
            trade_a_little(service)
            floor.request("evm_setAutomine", False)  # noqa: FBT003
            service.step()
        with floor.service(tmp_path, wait_seconds=0.1) as service:
            service.step()
            assert service.settler.status.in_flight
            floor.request("evm_setAutomine", True)  # noqa: FBT003
            floor.mine(1)
            assert service.settle().last_batch == 1
            assert floor.web3.eth.get_transaction_count(floor.relayer.address) == 1

    def test_one_that_is_mined_in_vain_is_not_sent_for_ever(self, floor, tmp_path, monkeypatch):
        with floor.service(tmp_path) as service:
            service.open_up()
            trade_a_little(service)
            # Enough to be mined, too little to get through.
            send = service.settler.sender.send
            monkeypatch.setattr(
                service.settler.sender,
                "send",
                lambda call, *, gas: send(call, gas=min(gas, 60_000)),
            )
            for _ in range(8):
                service.step()
            status = service.settler.status
            assert (status.reverted, status.alarm.code) == (3, "reverted_again")
            assert vain_transactions(floor) == 3

    def test_one_that_needs_more_gas_than_estimated_gets_more(self, floor, tmp_path, monkeypatch):
        """A trader may empty a balance between estimate and block: to fill it again is dearer."""
        with floor.service(tmp_path) as service:
            service.open_up()
            trade_a_little(service)
            gas = service.settler.sender.estimate_gas
            monkeypatch.setattr(
                service.settler.sender, "estimate_gas", lambda call: gas(call) * 6 // 10
            )
            status = service.settle()
            assert (status.last_batch, status.reverted, status.alarm) == (1, 1, None)
            service.reconcile()

    @pytest.mark.parametrize("moment", range(1, 40, 6))
    def test_a_node_that_goes_away_at_any_moment(self, floor, tmp_path, moment):
        web3 = hooked_web3(floor.web3)
        requests = []

        def hook(_method, _params, proceed):
            requests.append(_method)
            if len(requests) == moment:
                raise unreachable()
            if len(requests) == moment + 1:
                proceed()
                raise unreachable()
            return proceed()

        with floor.service(tmp_path, web3=web3) as service:
            service.open_up()
            trade_a_little(service, 2)
            web3.provider.hook = hook
            for _ in range(12):
                try:
                    service.step()
                except ChainUnreachable:
                    continue
                floor.mine(1)
            assert len(requests) > moment
            assert (floor.exchange.last_batch(), vain_transactions(floor)) == (1, 0)
            assert service.settler.batches.last_number() == 1
            service.settle()
            service.reconcile()


class LowFees(FeePolicy):
    """A policy that asks nobody, and offers little."""

    def suggested(self, web3):
        del web3
        return Fees(50 * GWEI, GWEI)
