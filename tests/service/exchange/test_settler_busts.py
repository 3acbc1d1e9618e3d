"""After an outage: what can never settle is undone, what can is settled."""

import pytest

from gavelbook.chain.errors import ChainUnreachable
from tests.service.exchange.settling_steps import (
    batches_on_chain,
    raw,
    refuse_to_send,
    trade_a_little,
    vain_transactions,
)
from tests.service.exchange.trading_floor import DAY, HOUR, RICH

pytestmark = pytest.mark.anvil


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
            service.settler.sender.send = refuse_to_send
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
