"""Paying in: for oneself, for others, by permit."""

from __future__ import annotations

from functools import partial

import pytest

from tests.contracts.exchange.support import events, refuses
from tests.evm.compiled import contract
from tests.evm.exchange import MAX_BALANCE
from tests.evm.machine import Reverted, account, words
from tests.evm.sale import STRANGER, ZERO_ADDRESS
from tests.evm.signatures import Key

OWNER = Key("depositor")
FRIEND = account("friend")


def test_a_deposit_is_booked_and_announced(floor):
    exchange, token = floor.exchange, floor.base
    floor.give(OWNER.address, token, 12)
    exchange.deposit(OWNER.address, token.address, 10)
    assert events(exchange) == [("Deposited", OWNER.address, token.address, OWNER.address, 10)]
    assert exchange.balance(OWNER.address, token.address) == (10, 0)
    assert (token.balance(exchange.address), token.balance(OWNER.address)) == (10, 2)
    exchange.deposit(OWNER.address, token.address, 2)
    assert exchange.held(OWNER.address, token.address) == 12


def test_a_deposit_for_another_account_is_the_others(floor):
    exchange, token = floor.exchange, floor.base
    floor.give(OWNER.address, token, 10)
    exchange.deposit_for(OWNER.address, FRIEND, token.address, 10)
    assert events(exchange) == [("Deposited", FRIEND, token.address, OWNER.address, 10)]
    assert exchange.held(FRIEND, token.address) == 10
    assert exchange.held(OWNER.address, token.address) == 0


def test_nobody_and_the_exchange_have_no_balance(floor):
    exchange, token = floor.exchange, floor.base
    floor.give(OWNER.address, token, 10)
    for invalid in (ZERO_ADDRESS, exchange.address):
        refuses(
            lambda invalid=invalid: exchange.deposit_for(OWNER.address, invalid, token.address, 10),
            "AccountInvalid",
            invalid,
        )


def test_nothing_is_no_deposit(floor):
    exchange, token = floor.exchange, floor.base.address
    deadline, permit = floor.permit(OWNER, floor.base, 0, 0)
    for call in (
        lambda: exchange.deposit(OWNER.address, token, 0),
        lambda: exchange.deposit_for(OWNER.address, FRIEND, token, 0),
        lambda: exchange.deposit_with_permit(STRANGER, OWNER.address, token, 0, deadline, permit),
    ):
        refuses(call, "AmountZero")


def test_more_than_allowed_or_held_is_the_tokens_to_refuse(floor):
    exchange, token = floor.exchange, floor.base
    floor.give(OWNER.address, token, 10)
    token.approve(OWNER.address, exchange.address, 9)
    for amount in (10, 11):
        refuses(
            lambda amount=amount: exchange.deposit(OWNER.address, token.address, amount),
            *("ERC20InsufficientAllowance", exchange.address, 9, amount),
        )


def test_what_arrives_is_what_was_said(floor):
    exchange, token = floor.exchange, floor.base
    floor.give(OWNER.address, token, 10)
    token.set_fee(1)
    refuses(
        lambda: exchange.deposit(OWNER.address, token.address, 10),
        *("DepositMismatch", token.address, 10, 9),
    )


@pytest.mark.parametrize("name", ["MockFalseToken", "MockSilentToken"])
def test_tokens_that_answer_false_or_nothing(floor, name):
    """What they say is not what counts: a deposit is booked if it has arrived."""
    exchange, code = floor.exchange, contract(name)
    token = floor.machine.deploy(code.creation + words(100), OWNER.address)
    deposit = partial(exchange.deposit, OWNER.address, token, 100)
    with pytest.raises(Reverted):
        deposit()
    approve = code.functions["approve"].selector + words(exchange.address, 100)
    floor.machine.call(OWNER.address, token, approve)
    deposit()
    assert exchange.held(OWNER.address, token) == 100


def test_a_permit_that_a_token_swallows_moves_nothing(floor):
    """Wrapped ether takes any call: an allowance left to the exchange is nobody else's to use."""
    exchange, code = floor.exchange, contract("MockSilentToken")
    token = floor.machine.deploy(code.creation + words(100), OWNER.address)
    approve = code.functions["approve"].selector + words(exchange.address, 100)
    floor.machine.call(OWNER.address, token, approve)
    with pytest.raises(Reverted):
        exchange.deposit_with_permit(STRANGER, OWNER.address, token, 100, 2**40, bytes(65))
    assert exchange.held(OWNER.address, token) == 0


def test_a_permit_that_a_token_does_not_count_was_none(floor):
    """Whatever it says to a false one: what its owner left allowed is nobody else's to use."""
    exchange, token = floor.exchange, floor.base
    floor.give(OWNER.address, token, 10)
    token.swallow_permits()
    values = OWNER.address, token.address, 10, 2**40, bytes(65)
    refuses(
        partial(exchange.deposit_with_permit, STRANGER, *values),
        *("PermitRefused", token.address, OWNER.address),
    )
    exchange.deposit_with_permit(OWNER.address, *values)
    assert exchange.held(OWNER.address, token.address) == 10


def test_the_largest_balance_is_the_last(floor):
    exchange, token = floor.exchange, floor.base
    floor.fund(OWNER.address, token, MAX_BALANCE)
    assert exchange.held(OWNER.address, token.address) == MAX_BALANCE
    floor.give(FRIEND, token, 1)
    refuses(
        lambda: exchange.deposit(FRIEND, token.address, 1),
        *("BalanceTooLarge", FRIEND, token.address, MAX_BALANCE + 1),
    )


def test_a_permit_is_submitted_by_anybody(floor):
    exchange, token = floor.exchange, floor.base
    token.mint(OWNER.address, 10)
    deadline, permit = floor.permit(OWNER, token, 10, 0)
    exchange.deposit_with_permit(STRANGER, OWNER.address, token.address, 10, deadline, permit)
    assert events(exchange) == [("Deposited", OWNER.address, token.address, OWNER.address, 10)]
    assert exchange.held(OWNER.address, token.address) == 10
    refuses(
        lambda: exchange.deposit_with_permit(
            STRANGER, OWNER.address, token.address, 10, deadline, permit
        ),
        *("PermitRefused", token.address, OWNER.address),
    )


def test_a_permit_already_submitted_stops_only_others(floor):
    exchange, token = floor.exchange, floor.base
    floor.give(OWNER.address, token, 10)
    deadline, permit = floor.permit(Key("somebody else"), token, 10, 0)
    refuses(
        lambda: exchange.deposit_with_permit(
            STRANGER, OWNER.address, token.address, 10, deadline, permit
        ),
        *("PermitRefused", token.address, OWNER.address),
    )
    exchange.deposit_with_permit(OWNER.address, OWNER.address, token.address, 10, deadline, permit)
    assert exchange.held(OWNER.address, token.address) == 10
