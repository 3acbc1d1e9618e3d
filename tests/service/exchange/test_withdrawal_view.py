import pytest

from gavelbook.exchange.commands import RequestWithdrawal, WithdrawalDone
from tests.service.exchange.market_day import QUOTE, RICH, exchange_in, trader


@pytest.mark.parametrize("amount", [1, 2**64 - 1, 2**64, RICH])
def test_a_withdrawal_of_any_size_can_be_looked_up(tmp_path, amount):
    leaver = trader(1)
    request = RequestWithdrawal(
        leaver.address, QUOTE, amount, leaver.address, 2**255, 4_000_000_000
    )
    with exchange_in(tmp_path, leaver) as exchange:
        position = exchange.sequencer.submit(request).result().position
        assert exchange.views.wait_for(position, 5)
        (seen,) = exchange.views.withdrawals(leaver.address)
        assert (seen.amount, seen.nonce, seen.paid) == (amount, 2**255, None)
        done = exchange.sequencer.submit(WithdrawalDone(leaver.address, 2**255)).result()
        assert exchange.views.wait_for(done.position, 5)
        assert exchange.views.withdrawals(leaver.address)[0].paid is True
