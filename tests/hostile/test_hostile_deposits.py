"""Deposits, allowances and deposit addresses: what is paid in belongs to its account alone."""

from __future__ import annotations

from functools import partial

import pytest

from tests.evm.compiled import contract
from tests.evm.exchange import (
    EXIT_DELAY,
    MATCHER,
    encode,
)
from tests.evm.exchange_signing import (
    Withdrawal,
    sign_permit,
    sign_withdrawal,
)
from tests.evm.machine import words
from tests.evm.sale import STRANGER, ZERO_ADDRESS, Token
from tests.hostile.scene import refused
from tests.hostile.trading_scene import (
    MAKER,
    TAKER,
    THIEF,
    TradingStage,
    floor,
)


def execute(target: str, data: bytes) -> bytes:
    """Return the call that has a `MockSmartWallet` call ``target``."""
    function = contract("MockSmartWallet").functions["execute"].selector
    return function + words(target, 64, len(data)) + data + bytes(-len(data) % 32)


def test_nobody_else_moves_tokens_by_an_allowance(stage: TradingStage) -> None:
    """An allowance left standing is no permit, whatever the token says to a false one."""
    deadline = floor().machine.now
    floor().give(MAKER.address, floor().third, 500)
    plain = Token(floor().machine)
    silent = floor().machine.deploy(
        contract("MockSilentToken").creation + words(500), MAKER.address
    )
    approve = contract("MockSilentToken").functions["approve"].selector
    floor().machine.call(MAKER.address, silent, approve + words(stage.exchange.address, 500))
    plain.mint(MAKER.address, 500)
    plain.approve(MAKER.address, stage.exchange.address)
    forged = sign_permit(THIEF, floor().third.address, stage.exchange.address, 500, 0, deadline)
    for token in (floor().third.address, plain.address, silent):
        for signature in (bytes(65), forged):
            call = partial(
                stage.exchange.deposit_with_permit,
                *(THIEF.address, MAKER.address, token, 500, deadline, signature),
            )
            assert refused(call) in {"PermitRefused", ""}
            assert stage.exchange.held(MAKER.address, token) == 0
    own = partial(stage.exchange.deposit_with_permit, MAKER.address, MAKER.address)
    own(plain.address, 500, deadline, bytes(65))
    assert stage.exchange.held(MAKER.address, plain.address) == 500


def test_permit_counts_once_for_its_owner_and_amount(stage: TradingStage) -> None:
    third = floor().third
    third.mint(MAKER.address, 1_000)
    deadline, signature = floor().permit(MAKER, third, 300, 0)
    send = partial(stage.exchange.deposit_with_permit, THIEF.address, MAKER.address, third.address)

    stage.refuses_call(lambda: send(301, deadline, signature), "PermitRefused")
    stage.refuses_call(lambda: send(300, deadline + 1, signature), "PermitRefused")
    send(300, deadline, signature)
    stage.refuses_call(lambda: send(300, deadline, signature), "PermitRefused")

    assert stage.exchange.held(MAKER.address, third.address) == 300
    assert stage.exchange.held(THIEF.address, third.address) == 0


def test_permit_taken_from_the_pool_stops_only_the_relay(stage: TradingStage) -> None:
    third = floor().third
    third.mint(MAKER.address, 300)
    deadline, signature = floor().permit(MAKER, third, 300, 0)
    permit = contract("WildPermitToken").functions["permit"].selector
    r, s = (int.from_bytes(signature[i : i + 32], "big") for i in (0, 32))
    data = words(MAKER.address, stage.exchange.address, 300, deadline, signature[64], r, s)
    floor().machine.call(THIEF.address, third.address, permit + data)

    call = partial(stage.exchange.deposit_with_permit, STRANGER, MAKER.address, third.address)
    stage.refuses_call(lambda: call(300, deadline, signature), "PermitRefused")
    stage.exchange.deposit_with_permit(
        MAKER.address, MAKER.address, third.address, 300, deadline, signature
    )
    assert stage.exchange.held(MAKER.address, third.address) == 300


def test_token_that_takes_a_fee(stage: TradingStage) -> None:
    third = floor().third
    floor().give(THIEF.address, third, 1_000)
    third.set_fee(10)
    deposit = partial(stage.exchange.deposit, THIEF.address, third.address, 1_000)
    stage.refuses_call(deposit, "DepositMismatch", third.address, 1_000, 990)

    third.mint(stage.exchange.forwarder_of(THIEF.address), 1_000)
    stage.exchange.sweep(THIEF.address, third.address)
    assert stage.exchange.held(THIEF.address, third.address) == 990
    assert third.balance(stage.exchange.address) == 990


@pytest.mark.parametrize("outer", ["deposit", "sweep", "withdraw", "exit"])
@pytest.mark.parametrize(
    "inner", ["deposit", "depositFor", "sweep", "exit", "exitFor", "sweepEther", "withdraw"]
)
def test_token_that_calls_back_moves_nothing_twice(
    stage: TradingStage, outer: str, inner: str
) -> None:
    """In the middle of a transfer nothing else moves money, so nothing is counted twice."""
    exchange, third = stage.exchange, floor().third
    wallet = floor().machine.deploy(
        contract("MockSmartWallet").creation + words(THIEF.address), THIEF.address
    )
    approve = contract("WildToken").functions["approve"].selector
    notice = encode("requestExit", [third.address])
    allowance = approve + words(exchange.address, 2**256 - 1)
    for target, data in ((third.address, allowance), (exchange.address, notice)):
        floor().machine.call(THIEF.address, wallet, execute(target, data))
    floor().give(THIEF.address, third, 1_000)
    third.mint(wallet, 1_000)
    for owner in (wallet, THIEF.address):
        exchange.deposit_for(THIEF.address, owner, third.address, 400)
    exchange.request_exit(THIEF.address, [third.address])
    for owner in (wallet, THIEF.address):
        third.mint(exchange.forwarder_of(owner), 70)
    floor().machine.now += EXIT_DELAY
    wish = Withdrawal(wallet, third.address, 100, wallet, 1, floor().machine.now)
    signatures = [sign_withdrawal(key, exchange.domain, wish) for key in (THIEF, MATCHER)]
    calls = {
        "deposit": encode("deposit", third.address, 100),
        "depositFor": encode("depositFor", THIEF.address, third.address, 100),
        "sweep": encode("sweep", wallet, third.address),
        "sweepEther": encode("sweepEther", wallet),
        "exit": encode("exit", third.address, wallet),
        "exitFor": encode("exitFor", THIEF.address, third.address),
        "withdraw": encode("withdraw", *wish, *signatures),
    }
    third.set_hook(wallet, execute(exchange.address, calls[inner]))
    third.approve(THIEF.address, exchange.address)

    if outer == "withdraw":
        own = wish._replace(account=THIEF.address, to=THIEF.address)
        floor().withdraw(THIEF, own)
    else:
        action = {"deposit": (third.address, 100), "sweep": (THIEF.address, third.address)}
        values = action.get(outer, (third.address, THIEF.address))
        exchange.send(THIEF.address, encode(outer, *values))

    assert third.hook_outcome() == 1
    assert third.hook_answer()[:4] == contract_error("ReentrancyGuardReentrantCall")
    owed = sum(exchange.held(owner, third.address) for owner in (wallet, THIEF.address))
    assert third.balance(exchange.address) == owed


def contract_error(name: str) -> bytes:
    return next(key for key, (found, _) in contract("Exchange").errors.items() if found == name)


def test_deposit_address_serves_its_account_only(stage: TradingStage) -> None:
    exchange, third = stage.exchange, floor().third
    address = exchange.forwarder_of(MAKER.address)
    third.mint(address, 90)
    for owner in (ZERO_ADDRESS, exchange.address):
        call = partial(exchange.sweep, owner, third.address)
        stage.refuses_call(call, "AccountInvalid", owner)
        stage.refuses_call(partial(exchange.sweep_ether, owner), "AccountInvalid", owner)
        stage.refuses_call(
            partial(exchange.deposit_for, THIEF.address, owner, third.address, 1), "AccountInvalid"
        )
    assert exchange.sweep(MAKER.address, third.address, THIEF.address) == 90
    again = partial(exchange.sweep, MAKER.address, third.address)
    stage.refuses_call(again, "NothingToSweep", MAKER.address)
    third.mint(address, 5)
    functions = contract("DepositForwarder").functions
    for name, value in (("forward", third.address), ("forwardEther", THIEF.address)):
        for sender in (THIEF.address, MAKER.address, MATCHER.address):
            data = functions[name].selector + words(value)
            call = partial(floor().machine.call, sender, address, data)
            stage.refuses_call(call, "NotExchange", sender)
    assert exchange.held(MAKER.address, third.address) == 90
    assert exchange.forwarder_of(TAKER.address) != address


def test_ether_at_a_deposit_address_goes_to_its_account(stage: TradingStage) -> None:
    exchange, machine = stage.exchange, floor().machine
    machine.give_ether(exchange.forwarder_of(MAKER.address), 7)
    assert exchange.sweep_ether(MAKER.address, THIEF.address) == 7
    assert machine.ether(MAKER.address) == 7
    assert machine.ether(THIEF.address) == 0
    call = partial(exchange.sweep_ether, MAKER.address)
    stage.refuses_call(call, "NothingToSweep", MAKER.address)


def test_account_that_refuses_ether_keeps_its_tokens_coming(stage: TradingStage) -> None:
    exchange, machine = stage.exchange, floor().machine
    wallet = machine.deploy(
        contract("MockSmartWallet").creation + words(THIEF.address), THIEF.address
    )
    machine.give_ether(exchange.forwarder_of(wallet), 7)
    floor().third.mint(exchange.forwarder_of(wallet), 8)
    stage.refuses_call(partial(exchange.sweep_ether, wallet), "EtherRefused", wallet, 7)
    assert exchange.sweep(wallet, floor().third.address) == 8
