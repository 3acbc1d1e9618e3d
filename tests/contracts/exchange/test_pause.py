"""What stops while the exchange is paused, and what does not."""

from __future__ import annotations

import pytest

from tests.contracts.exchange.support import events, refuses
from tests.evm.exchange import EXIT_DELAY, OWNER
from tests.evm.exchange_signing import Withdrawal
from tests.evm.sale import STRANGER
from tests.hostile.trading_scene import MAKER, WEALTH


@pytest.fixture
def paused(trading):
    """The exchange, paused."""
    trading.exchange.administer("pause")
    return trading


def test_pausing_and_going_on(floor):
    exchange = floor.exchange
    exchange.administer("pause")
    assert events(exchange) == [("Paused", OWNER)]
    assert exchange.number("paused") == 1
    refuses(lambda: exchange.administer("pause"), "ExchangePaused")
    exchange.administer("unpause")
    assert events(exchange) == [("Unpaused", OWNER)]
    assert exchange.number("paused") == 0
    refuses(lambda: exchange.administer("unpause"), "ExchangeNotPaused")


@pytest.mark.parametrize("name", ["pause", "unpause"])
def test_only_the_owner_pauses(floor, name):
    refuses(
        lambda: floor.exchange.administer(name, sender=STRANGER),
        "OwnableUnauthorizedAccount",
        STRANGER,
    )


def test_deposits_and_settlement_stop(paused):
    exchange, floor, base = paused.exchange, paused.floor, paused.floor.base
    floor.give(MAKER.address, base, 1)
    deadline, permit = floor.permit(MAKER, base, 1, 0)
    owner, token = MAKER.address, base.address
    for call in (
        lambda: exchange.deposit(owner, token, 1),
        lambda: exchange.deposit_for(owner, STRANGER, token, 1),
        lambda: exchange.deposit_with_permit(STRANGER, owner, token, 1, deadline, permit),
    ):
        refuses(call, "ExchangePaused")
    paused.refuses(paused.batch(), "ExchangePaused")
    exchange.administer("unpause")
    paused.settle(paused.batch())


def test_leaving_goes_on(paused):
    exchange, floor, base = paused.exchange, paused.floor, paused.floor.base
    owner, token = MAKER.address, base.address
    base.mint(exchange.forwarder_of(owner), 5)
    assert exchange.sweep(owner, token) == 5
    floor.withdraw(MAKER, Withdrawal(owner, token, 7, owner, 1, floor.machine.now))
    exchange.request_exit(owner, [token])
    exchange.cancel_exit(owner, [token])
    exchange.request_exit(owner, [token])
    exchange.cancel(owner, 0, 1)
    exchange.revoke_approval(owner, exchange.approve_order(owner, paused.maker.order))
    floor.machine.now += EXIT_DELAY
    exchange.exit(owner, token)
    assert base.balance(owner) == WEALTH + 5
