import time
from contextlib import suppress

import pytest
from hexbytes import HexBytes

from gavelbook.chain.errors import ChainUnreachable, TransactionRefused
from gavelbook.chain.fees import GWEI, FeePolicy, Fees
from gavelbook.exchange.batch_codec import Batch, BatchFill, BatchOrder, pack_batch, unpack_batch
from gavelbook.service.exchange import settler as settler_module
from tests.chain.hooked_node import hooked_web3, unreachable
from tests.service.exchange.trading_floor import CONFIRMATIONS, DAY, HOUR, RICH

pytestmark = pytest.mark.anvil


def raw(token):
    return bytes.fromhex(token.address[2:])


def trade_a_little(service, count=1, market=1):
    """Let the first two traders trade ``count`` times; return the fills."""
    maker, taker, *_ = service.floor.traders
    fills = []
    for _ in range(count):
        sell = maker.sell(1, 5, market=market, lane=market)
        fills += service.trade(sell, taker.buy(1, 5, market=market, lane=market))
    return fills


def wait_until(is_so, seconds=30):
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def step_until(service, is_so, steps=100):
    """Step until it is so: on a busy machine a block may take longer than a step waits."""
    for _ in range(steps):
        service.step()
        if is_so():
            return
    raise AssertionError(service.settler.status)


def batches_on_chain(floor):
    """Return the contents of all batches of the exchange, by number."""
    found = {}
    for number in range(floor.from_block, floor.web3.eth.block_number + 1):
        for transaction in floor.web3.eth.get_block(number, full_transactions=True)["transactions"]:
            if transaction["to"] == floor.exchange.address:
                function, fields = floor.exchange.contract.decode_function_input(
                    transaction["input"]
                )
                receipt = floor.web3.eth.get_transaction_receipt(transaction["hash"])
                if function.fn_name == "settle" and receipt["status"]:
                    batch = unpack_batch(fields["batch"])
                    found[batch.number] = batch
    return found


def vain_transactions(floor):
    """Return how many transactions of the relayer were mined and reverted."""
    return sum(
        floor.web3.eth.get_transaction_receipt(transaction["hash"])["status"] == 0
        for number in range(floor.from_block, floor.web3.eth.block_number + 1)
        for transaction in floor.web3.eth.get_block(number, full_transactions=True)["transactions"]
        if transaction["from"] == floor.relayer.address
    )


def relay(floor, batch, account=None):
    """Send a batch as a stranger."""
    call = floor.exchange.settle(batch.content, batch.signature)
    return floor.do(account or floor.owner, call)


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
                patch.setattr(service.settler.sender, "send", _refuse_to_send)
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


def sign_but_not_send(service):
    """Let the settler sign the next batch and fail to send it; return it."""
    service.settler.sender.send = _refuse_to_send
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
            before = floor.request("evm_snapshot")
            service.step()
            service.step()
            trade_a_little(service, 2)
            service.step()
            service.step()
            assert floor.exchange.last_batch() == 2
            contents = [service.settler.batches.current(n).content for n in (1, 2)]
            floor.request("evm_revert", before)
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
            before = floor.request("evm_snapshot")
            step_until(service, lambda: floor.exchange.last_batch() == 1)
            trade_a_little(service, 2)
            step_until(service, lambda: service.settler.batches.last_number() == 2)
            wait_until(lambda: floor.exchange.last_batch() == 2)
            assert service.settler.status.in_flight
            # This chain forgets the transactions; the second waits for the nonce of the first.
            floor.request("evm_revert", before)
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
            before = floor.request("evm_snapshot")
            trade_a_little(service, 2)
            service.settle()
            floor.mine()
            service.step()
            height = floor.web3.eth.block_number
            floor.request("evm_revert", before)
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


class TestOutages:
    """The operator was away for longer than the windows last."""

    def test_a_fill_whose_order_expired_is_undone_and_the_others_settle(self, floor, tmp_path):
        maker, taker, _ = floor.traders
        with floor.service(tmp_path) as service:
            service.open_up()
            trade_a_little(service)
            soon = int(floor.clock()) + 2 * HOUR
            service.trade(maker.sell(1, 5, expiry=soon), taker.buy(1, 5, expiry=soon + 9 * HOUR))
            later = {"expiry": soon + 9 * HOUR}
            service.trade(maker.sell(2, 5, lane=2, **later), taker.buy(2, 5, lane=2, **later))
            floor.pass_time(2 * HOUR + 60)
            service.step()
            assert service.settler.status.resting == "order_expired"
            assert service.settler.status.busted == 0
            floor.mine()
            status = service.settle()
            assert (status.busted, status.reverted, status.alarm) == (2, 0, None)
            assert [len(b.fills) for b in batches_on_chain(floor).values()] == [1]
            service.reconcile()

    def test_a_batch_that_was_signed_is_made_anew_without_what_expired(self, floor, tmp_path):
        maker, taker, _ = floor.traders
        later = {"expiry": int(floor.clock()) + 9 * HOUR}
        with floor.service(tmp_path) as service:
            service.open_up()
            trade_a_little(service)
            service.trade(maker.sell(2, 5, lane=2, **later), taker.buy(2, 5, lane=2, **later))
            service.settler.sender.send = _refuse_to_send
            with pytest.raises(ChainUnreachable):
                service.step()
            assert service.settler.batches.current(1).fill_count == 2
        floor.pass_time(2 * HOUR)
        floor.mine()
        with floor.service(tmp_path) as service:
            status = service.settle()
            assert (status.last_batch, status.busted, status.alarm) == (1, 1, None)
            assert [b.fill_count for b in service.settler.batches.contents(1)] == [2, 1]
            service.reconcile()

    def test_fills_of_who_left_are_undone_with_what_depends_on_them(self, floor, tmp_path):
        maker, taker, other = floor.traders
        later = {"expiry": int(floor.clock()) + 99 * HOUR}
        everything = RICH // (10**6)
        with floor.service(tmp_path) as service:
            service.open_up()
            floor.do(maker.account, floor.exchange.request_exit([floor.gold.address]))
            # The watcher has not seen it yet.
            service.trade(maker.sell(everything, 1, **later), taker.buy(everything, 1, **later))
            # Sells more gold than it has without that.
            service.trade(
                taker.sell(everything + 1, 2, lane=1, **later),
                other.buy(everything + 1, 2, lane=1, **later),
            )
            service.trade(
                taker.sell(1, 2, market=2, lane=2, **later),
                other.buy(1, 2, market=2, lane=2, **later),
            )
            floor.pass_time(DAY + 60)
            floor.do(maker.account, floor.exchange.exit(floor.gold.address, maker.account.address))
            floor.mine()
            status = service.settle()
            assert (status.busted, status.alarm, status.reverted) == (2, None, 0)
            assert [b.market for b in batches_on_chain(floor).values()] == [2]
            service.reconcile()

    def test_money_that_is_missing_for_no_known_reason_raises_the_alarm(self, floor, tmp_path):
        maker, taker, other = floor.traders
        with floor.service(tmp_path) as service:
            service.open_up()
            signed = maker.withdrawal(raw(floor.gold), RICH, 1)
            # The matcher's key in other hands: the log knows nothing of it.
            floor.do(
                maker.account, floor.exchange.withdraw(signed, floor.key.sign_withdrawal(signed))
            )
            trade_a_little(service)
            service.trade(taker.sell(1, 5, market=2, lane=3), other.buy(1, 5, market=2, lane=3))
            service.step()
            assert service.settler.status.resting == "insufficient_balance"
            assert service.settler.status.alarm is None
            floor.mine()
            service.step()
            assert service.settler.status.alarm.code == "insufficient_balance"
            assert service.settler.status.last_batch == 0
            assert vain_transactions(floor) == 0
            assert service.watcher.status.problems
            floor.deposit(maker, floor.gold, RICH)
            status = service.settle()
            assert (status.last_batch, status.alarm) == (2, None)


class LowFees(FeePolicy):
    """A policy that asks nobody, and offers little."""

    def suggested(self, web3):
        del web3
        return Fees(50 * GWEI, GWEI)


def _refuse_to_send(*_args, **_options):
    raise unreachable()
