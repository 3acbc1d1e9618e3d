"""Taking out at once, with the matcher's consent."""

from __future__ import annotations

import pytest

from tests.contracts.exchange.support import events, refuses
from tests.evm.compiled import contract
from tests.evm.exchange import HOUR, MATCHER, encode
from tests.evm.exchange_signing import Withdrawal, compact, sign_withdrawal
from tests.evm.machine import account, words
from tests.evm.sale import STRANGER, ZERO_ADDRESS
from tests.evm.signatures import Key, malleable

OWNER, VAULT = Key("saver"), account("vault")
AMOUNT, HELD = 10, 100


@pytest.fixture
def withdrawal(floor):
    """What the owner wants to take out, to another address."""
    floor.fund(OWNER.address, floor.base, HELD)
    deadline = floor.machine.now + HOUR
    return Withdrawal(OWNER.address, floor.base.address, AMOUNT, VAULT, 1, deadline)


def test_what_both_signed_goes_out(floor, withdrawal):
    exchange, token = floor.exchange, floor.base
    floor.withdraw(OWNER, withdrawal)
    assert events(exchange) == [("Withdrawn", OWNER.address, token.address, VAULT, AMOUNT, 1)]
    assert exchange.balance(OWNER.address, token.address) == (HELD - AMOUNT, 0)
    assert (token.balance(VAULT), token.balance(exchange.address)) == (AMOUNT, HELD - AMOUNT)
    assert exchange.number("withdrawalNonce", OWNER.address) == 1


def test_the_account_itself_need_not_sign(floor, withdrawal):
    consent = sign_withdrawal(MATCHER, floor.exchange.domain, withdrawal)
    refuses(
        lambda: floor.exchange.withdraw(withdrawal, b"", consent),
        *("SignatureInvalid", OWNER.address),
    )
    floor.exchange.withdraw(withdrawal, b"", consent, sender=OWNER.address)
    assert floor.base.balance(VAULT) == AMOUNT


@pytest.mark.parametrize("form", [bytes, compact], ids=["65 bytes", "64 bytes"])
def test_signatures_in_both_forms(floor, withdrawal, form):
    signed = [form(sign_withdrawal(k, floor.exchange.domain, withdrawal)) for k in (OWNER, MATCHER)]
    floor.exchange.withdraw(withdrawal, *signed)
    assert floor.base.balance(VAULT) == AMOUNT


@pytest.mark.parametrize(
    "spoil",
    [
        malleable,
        lambda signature: signature[:-1],
        lambda signature: signature + b"\0",
        lambda signature: signature[:64] + bytes([signature[64] - 27]),
        lambda signature: signature[:64] + bytes([55 - signature[64]]),
        lambda signature: compact(malleable(signature)),
        lambda _: bytes(65),
        lambda _: bytes(64),
        lambda _: b"",
    ],
    ids=["high s", "short", "long", "v of 0 or 1", "other v", "packed high s", "0", "00", "none"],
)
def test_spoiled_signatures(floor, withdrawal, spoil):
    mine, consent = (
        sign_withdrawal(k, floor.exchange.domain, withdrawal) for k in (OWNER, MATCHER)
    )
    withdraw = floor.exchange.withdraw
    refuses(lambda: withdraw(withdrawal, spoil(mine), consent), "SignatureInvalid", OWNER.address)
    refuses(lambda: withdraw(withdrawal, mine, spoil(consent)), "BadMatcherSignature")


def test_a_contract_vouches_for_itself(floor):
    exchange, machine, token = floor.exchange, floor.machine, floor.base
    creation = contract("MockSmartWallet").creation + words(OWNER.address)
    wallet = machine.deploy(creation, OWNER.address)
    floor.give(STRANGER, token, HELD)
    exchange.deposit_for(STRANGER, wallet, token.address, HELD)
    wanted = Withdrawal(wallet, token.address, AMOUNT, VAULT, 1, machine.now)
    floor.withdraw(OWNER, wanted)
    assert token.balance(VAULT) == AMOUNT
    again = wanted._replace(nonce=2)
    refuses(lambda: floor.withdraw(Key("thief"), again), "SignatureInvalid", wallet)


def test_the_deadline_is_the_last_second(floor, withdrawal):
    floor.machine.now = withdrawal.deadline + 1
    refuses(lambda: floor.withdraw(OWNER, withdrawal), "WithdrawalExpired", withdrawal.deadline)
    floor.machine.now = withdrawal.deadline
    floor.withdraw(OWNER, withdrawal)


def test_nonces_rise(floor, withdrawal):
    floor.withdraw(OWNER, withdrawal._replace(nonce=5))
    for nonce in (0, 4, 5):
        refuses(
            lambda nonce=nonce: floor.withdraw(OWNER, withdrawal._replace(nonce=nonce)),
            *("NonceUsed", OWNER.address, 5, nonce),
        )
    floor.withdraw(OWNER, withdrawal._replace(nonce=2**256 - 1))
    refuses(
        lambda: floor.withdraw(OWNER, withdrawal._replace(nonce=6)),
        *("NonceUsed", OWNER.address, 2**256 - 1, 6),
    )


def test_nothing_and_too_much(floor, withdrawal):
    refuses(lambda: floor.withdraw(OWNER, withdrawal._replace(amount=0)), "AmountZero")
    for amount in (HELD + 1, 2**216, 2**256 - 1):
        refuses(
            lambda amount=amount: floor.withdraw(OWNER, withdrawal._replace(amount=amount)),
            *("InsufficientBalance", OWNER.address, floor.base.address, HELD, amount),
        )
    floor.withdraw(OWNER, withdrawal._replace(amount=HELD))


def test_money_goes_neither_nowhere_nor_back(floor, withdrawal):
    for invalid in (ZERO_ADDRESS, floor.exchange.address):
        refuses(
            lambda to=invalid: floor.withdraw(OWNER, withdrawal._replace(to=to)),
            *("RecipientInvalid", invalid),
        )


def test_an_exit_under_way_stays(floor, withdrawal):
    exchange, token = floor.exchange, floor.base.address
    exchange.request_exit(OWNER.address, [token])
    due = exchange.balance(OWNER.address, token).exit_at
    floor.withdraw(OWNER, withdrawal)
    assert exchange.balance(OWNER.address, token) == (HELD - AMOUNT, due)
    floor.withdraw(OWNER, withdrawal._replace(nonce=2, amount=HELD - AMOUNT))
    assert exchange.balance(OWNER.address, token) == (0, due)


def test_a_token_that_calls_back_takes_nothing_twice(floor, withdrawal):
    signed = [
        sign_withdrawal(k, floor.exchange.domain, withdrawal._replace(nonce=2))
        for k in (OWNER, MATCHER)
    ]
    again = encode("withdraw", *withdrawal._replace(nonce=2), *signed)
    floor.base.set_hook(floor.exchange.address, again)
    floor.withdraw(OWNER, withdrawal)
    assert floor.base.hook_outcome() == 1
    assert floor.base.balance(VAULT) == AMOUNT
