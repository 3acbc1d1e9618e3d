"""Deposit addresses: what arrives there is the account's, whoever asks for it."""

from __future__ import annotations

import pytest
from eth_utils.crypto import keccak

from tests.contracts.exchange.support import events, refuses
from tests.evm.compiled import contract
from tests.evm.exchange import FEES, MAX_BALANCE, encode
from tests.evm.machine import Reverted, account, words
from tests.evm.sale import STRANGER, ZERO_ADDRESS, Token

SAVER = account("saver")


def test_a_deposit_address_follows_from_the_account(floor):
    exchange = floor.exchange
    address = exchange.forwarder_of(SAVER)
    assert address != exchange.forwarder_of(STRANGER)
    floor.base.mint(address, 1)
    exchange.sweep(SAVER, floor.base.address)
    assert exchange.forwarder_of(SAVER) == address


def test_what_arrives_is_booked_before_and_after_there_is_code(floor):
    exchange, token = floor.exchange, floor.base
    address = exchange.forwarder_of(SAVER)
    for amount in (7, 5):
        token.mint(address, amount)
        assert exchange.sweep(SAVER, token.address) == amount
        assert events(exchange) == [("Deposited", SAVER, token.address, address, amount)]
    assert exchange.balance(SAVER, token.address) == (12, 0)
    assert (token.balance(address), token.balance(exchange.address)) == (0, 12)


def test_any_token_of_any_account(floor):
    exchange, token = floor.exchange, Token(floor.machine)
    token.mint(exchange.forwarder_of(SAVER), 3)
    token.mint(exchange.forwarder_of(FEES), 4)
    exchange.sweep(SAVER, token.address)
    exchange.sweep(FEES, token.address)
    assert (exchange.held(SAVER, token.address), exchange.held(FEES, token.address)) == (3, 4)


def test_what_arrives_less_a_fee_is_booked(floor):
    exchange, token = floor.exchange, floor.base
    token.mint(exchange.forwarder_of(SAVER), 10)
    token.set_fee(1)
    assert exchange.sweep(SAVER, token.address) == 9
    assert exchange.held(SAVER, token.address) == 9


def test_nothing_to_sweep(floor):
    exchange, token = floor.exchange, floor.base
    refuses(lambda: exchange.sweep(SAVER, token.address), "NothingToSweep", SAVER)
    refuses(lambda: exchange.sweep_ether(SAVER), "NothingToSweep", SAVER)
    token.mint(exchange.forwarder_of(SAVER), 1)
    exchange.sweep(SAVER, token.address)
    refuses(lambda: exchange.sweep(SAVER, token.address), "NothingToSweep", SAVER)


def test_nobody_and_the_exchange_have_no_deposit_address(floor):
    exchange, token = floor.exchange, floor.base.address
    for invalid in (ZERO_ADDRESS, exchange.address):
        refuses(lambda who=invalid: exchange.sweep(who, token), "AccountInvalid", invalid)
        refuses(lambda who=invalid: exchange.sweep_ether(who), "AccountInvalid", invalid)


def test_more_than_fits_stays_where_it_is(floor):
    exchange, token = floor.exchange, floor.base
    token.mint(exchange.forwarder_of(SAVER), MAX_BALANCE + 1)
    refuses(
        lambda: exchange.sweep(SAVER, token.address),
        *("BalanceTooLarge", SAVER, token.address, MAX_BALANCE + 1),
    )
    assert token.balance(exchange.forwarder_of(SAVER)) == MAX_BALANCE + 1


@pytest.mark.parametrize("deployed", [False, True])
def test_stray_ether_goes_on_to_the_account(floor, deployed):
    exchange, machine = floor.exchange, floor.machine
    address = exchange.forwarder_of(SAVER)
    if deployed:
        floor.base.mint(address, 1)
        exchange.sweep(SAVER, floor.base.address)
    machine.give_ether(address, 5)
    assert exchange.sweep_ether(SAVER) == 5
    assert events(exchange) == [("EtherSwept", SAVER, 5)]
    assert (machine.ether(address), machine.ether(SAVER)) == (0, 5)


def test_ether_that_an_account_refuses_stays(floor):
    exchange, machine = floor.exchange, floor.machine
    wallet = machine.deploy(contract("MockSmartWallet").creation + words(SAVER), SAVER)
    machine.give_ether(exchange.forwarder_of(wallet), 5)
    refuses(lambda: exchange.sweep_ether(wallet), "EtherRefused", wallet, 5)


def test_a_deposit_address_with_code_takes_no_ether(floor):
    exchange, machine = floor.exchange, floor.machine
    address = exchange.forwarder_of(SAVER)
    floor.base.mint(address, 1)
    exchange.sweep(SAVER, floor.base.address)
    machine.give_ether(STRANGER, 1)
    with pytest.raises(Reverted):
        machine.call(STRANGER, address, b"", value=1)


@pytest.mark.parametrize("name", ["forward(address)", "forwardEther(address)"])
def test_only_the_exchange_moves_what_is_there(floor, name):
    exchange, token = floor.exchange, floor.base
    address = exchange.forwarder_of(SAVER)
    token.mint(address, 1)
    exchange.sweep(SAVER, token.address)
    token.mint(address, 1)
    call = keccak(text=name)[:4] + words(token.address)
    for caller in (SAVER, STRANGER):
        refuses(
            lambda caller=caller: floor.machine.call(caller, address, call), "NotExchange", caller
        )


def test_a_token_that_calls_back_is_booked_once(floor):
    exchange, token = floor.exchange, floor.base
    token.mint(exchange.forwarder_of(SAVER), 10)
    token.set_hook(exchange.address, encode("sweep", SAVER, token.address))
    assert exchange.sweep(SAVER, token.address) == 10
    assert token.hook_outcome() == 1
    assert exchange.held(SAVER, token.address) == 10
