"""Leaving without anybody's help."""

from __future__ import annotations

import pytest

from tests.contracts.exchange.support import events, refuses
from tests.evm.exchange import EXIT_DELAY, encode
from tests.evm.machine import account
from tests.evm.sale import STRANGER, ZERO_ADDRESS

LEAVER, VAULT = account("leaver"), account("vault")
HELD = 100


@pytest.fixture
def asked(floor):
    """An exit of base tokens asked for; when it is due."""
    floor.fund(LEAVER, floor.base, HELD)
    floor.exchange.request_exit(LEAVER, [floor.base.address])
    return floor.machine.now + EXIT_DELAY


def test_asking_is_announced_for_each_token(floor):
    exchange, tokens = floor.exchange, [token.address for token in floor.tokens]
    floor.fund(LEAVER, floor.base, HELD)
    due = floor.machine.now + EXIT_DELAY
    exchange.request_exit(LEAVER, tokens)
    assert events(exchange) == [("ExitRequested", LEAVER, token, due) for token in tokens]
    assert exchange.balance(LEAVER, tokens[0]) == (HELD, due)
    assert exchange.balance(LEAVER, tokens[1]) == (0, due)


def test_asking_again_changes_nothing(floor, asked):
    exchange, tokens = floor.exchange, [floor.base.address, floor.quote.address]
    floor.machine.now += 1
    exchange.request_exit(LEAVER, [*tokens, *tokens])
    assert events(exchange) == [("ExitRequested", LEAVER, tokens[1], asked + 1)]
    assert exchange.balance(LEAVER, tokens[0]) == (HELD, asked)


def test_leaving_when_it_is_due(floor, asked):
    exchange, token = floor.exchange, floor.base
    floor.machine.now = asked - 1
    error = ("ExitNotDue", LEAVER, token.address, asked)
    refuses(lambda: exchange.exit(LEAVER, token.address, VAULT), *error)
    refuses(lambda: exchange.exit_for(LEAVER, token.address), *error)
    floor.machine.now = asked
    exchange.exit(LEAVER, token.address, VAULT)
    assert events(exchange) == [("Exited", LEAVER, token.address, VAULT, HELD)]
    assert exchange.balance(LEAVER, token.address) == (0, 0)
    assert (token.balance(VAULT), token.balance(exchange.address)) == (HELD, 0)
    refuses(
        lambda: exchange.exit(LEAVER, token.address, VAULT),
        *("NoExit", LEAVER, token.address),
    )


def test_anybody_pays_out_to_the_account_itself(floor, asked):
    exchange, token = floor.exchange, floor.base
    floor.machine.now = asked
    exchange.exit_for(LEAVER, token.address, sender=STRANGER)
    assert events(exchange) == [("Exited", LEAVER, token.address, LEAVER, HELD)]
    assert token.balance(LEAVER) == HELD
    refuses(
        lambda: exchange.exit_for(STRANGER, token.address), *("NoExit", STRANGER, token.address)
    )


def test_later_deposits_leave_as_well(floor, asked):
    floor.fund(LEAVER, floor.base, 5)
    floor.machine.now = asked
    floor.fund(LEAVER, floor.base, 6)
    floor.exchange.exit(LEAVER, floor.base.address)
    assert floor.base.balance(LEAVER) == HELD + 11


def test_nothing_leaves_without_a_transfer(floor):
    """A token may refuse to move nothing, and must not keep the notice alive by it."""
    exchange, token = floor.exchange, floor.base
    exchange.request_exit(LEAVER, [token.address])
    token.freeze(exchange.address)
    floor.machine.now += EXIT_DELAY
    exchange.exit(LEAVER, token.address)
    assert events(exchange) == [("Exited", LEAVER, token.address, LEAVER, 0)]
    assert exchange.balance(LEAVER, token.address) == (0, 0)


@pytest.mark.parametrize("late", [0, EXIT_DELAY])
def test_a_notice_is_taken_back_due_or_not(floor, asked, late):
    exchange, token = floor.exchange, floor.base.address
    floor.machine.now += late
    exchange.cancel_exit(LEAVER, [token])
    assert events(exchange) == [("ExitCancelled", LEAVER, token)]
    assert exchange.balance(LEAVER, token) == (HELD, 0)
    floor.machine.now = asked + late
    refuses(lambda: exchange.exit(LEAVER, token), "NoExit", LEAVER, token)


def test_no_notice_no_taking_back(floor, asked):
    exchange, tokens = floor.exchange, [floor.base.address, floor.quote.address]
    refuses(lambda: exchange.cancel_exit(LEAVER, tokens), "NoExit", LEAVER, tokens[1])
    assert exchange.balance(LEAVER, tokens[0]) == (HELD, asked)


def test_money_goes_neither_nowhere_nor_back(floor, asked):
    floor.machine.now = asked
    for invalid in (ZERO_ADDRESS, floor.exchange.address):
        refuses(
            lambda to=invalid: floor.exchange.exit(LEAVER, floor.base.address, to),
            *("RecipientInvalid", invalid),
        )


def test_a_token_that_calls_back_takes_nothing_twice(floor, asked):
    exchange, token = floor.exchange, floor.base
    floor.fund(STRANGER, token, HELD)
    floor.machine.now = asked
    token.set_hook(exchange.address, encode("exitFor", LEAVER, token.address))
    exchange.exit(LEAVER, token.address)
    assert token.hook_outcome() == 1
    assert (token.balance(LEAVER), token.balance(exchange.address)) == (HELD, HELD)
