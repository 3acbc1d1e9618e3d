"""With every key of the operator stolen, what is in escrow stays its owners'.

Withdrawals need the account; the owner's powers wait for a delay in which everybody leaves.
"""

from __future__ import annotations

from functools import partial
from random import Random
from typing import Any

import msgspec
import pytest

from gavelbook.exchange.orders import Side
from tests.evm.compiled import contract
from tests.evm.exchange import (
    EXIT_DELAY,
    FEES,
    HOUR,
    KEY_DELAY,
    MATCHER,
    OWNER,
    encode,
    selector,
)
from tests.evm.exchange_signing import (
    Domain,
    Withdrawal,
    compact,
    sign_batch,
    sign_order,
    sign_withdrawal,
)
from tests.evm.machine import CHAIN_ID, Reverted, account, words
from tests.evm.sale import STRANGER, ZERO_ADDRESS
from tests.evm.signatures import Key, malleable
from tests.hostile.scene import refused
from tests.hostile.trading_scene import (
    LOTS,
    MAKER,
    PEOPLE,
    TAKER,
    THIEF,
    WEALTH,
    TradingStage,
    floor,
)

CALLS = 1_500
LOOT = account("loot")
EDGES = (0, 1, 2, 3, 100, 10_000, 2**16, 2**32, 2**40 - 1, 2**64, 2**216 - 1, 2**255, 2**256 - 1)


def withdrawal(key: Key = MAKER, **fields: Any) -> Withdrawal:
    """Return a withdrawal of 1,000 quote units to the account itself."""
    now = floor().machine.now
    whole = Withdrawal(key.address, floor().quote.address, 1_000, key.address, 1, now + HOUR)
    return whole._replace(**fields)


# --- Withdrawals -----------------------------------------------------------------------------


def test_withdrawal_that_the_account_did_not_sign(stage: TradingStage) -> None:
    """The thief co-signs whatever he likes as the matcher, and sends it himself."""
    wish = withdrawal(to=LOOT)
    domain = stage.exchange.domain
    consent = sign_withdrawal(MATCHER, domain, wish)
    right = sign_withdrawal(MAKER, domain, wish)
    for signature in (
        b"",
        bytes(65),
        consent,
        sign_withdrawal(THIEF, domain, wish),
        sign_withdrawal(MAKER, Domain(account("another exchange")), wish),
        sign_withdrawal(MAKER, Domain(stage.exchange.address, 1), wish),
        sign_withdrawal(MAKER, Domain(stage.exchange.address, CHAIN_ID + 1), wish),
        malleable(right),
        right[:63],
        right + b"\0",
        compact(right[:64] + bytes([right[64] ^ 7])),
    ):
        for sender in (THIEF.address, MATCHER.address, OWNER):
            call = partial(stage.exchange.withdraw, wish, signature, consent, sender)
            stage.refuses_call(call, "SignatureInvalid", MAKER.address)


@pytest.mark.parametrize(
    "fields",
    [
        {"amount": 1_001},
        {"to": LOOT},
        {"nonce": 2},
        {"deadline": 2**40},
        {"account": TAKER.address},
        {"token": None},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_withdrawal_other_than_signed(stage: TradingStage, fields: dict[str, Any]) -> None:
    if "token" in fields:
        fields = {"token": floor().base.address}
    signed = sign_withdrawal(MAKER, stage.exchange.domain, withdrawal())
    wish = withdrawal(**fields)
    consent = sign_withdrawal(MATCHER, stage.exchange.domain, wish)

    call = partial(stage.exchange.withdraw, wish, signed, consent, THIEF.address)
    stage.refuses_call(call, "SignatureInvalid", wish.account)


def test_withdrawal_that_the_matcher_did_not_sign(stage: TradingStage) -> None:
    """It might be needed for what is matched already; whoever cannot wait has the exit."""
    wish = withdrawal()
    domain = stage.exchange.domain
    own = sign_withdrawal(MAKER, domain, wish)
    consent = sign_withdrawal(MATCHER, domain, wish)
    for signature in (
        b"",
        bytes(65),
        own,
        sign_withdrawal(MATCHER, domain, withdrawal(amount=999)),
        sign_withdrawal(MATCHER, Domain(account("another exchange")), wish),
        sign_withdrawal(MATCHER, Domain(stage.exchange.address, 1), wish),
        malleable(consent),
    ):
        for sender in (STRANGER, MAKER.address):
            call = partial(stage.exchange.withdraw, wish, own, signature, sender)
            stage.refuses_call(call, "BadMatcherSignature")
    stage.exchange.administer("revokeMatcher")
    stage.refuses_call(lambda: floor().withdraw(MAKER, wish), "BadMatcherSignature")


def test_withdrawal_twice_or_out_of_turn(stage: TradingStage) -> None:
    floor().withdraw(MAKER, withdrawal(nonce=5), sender=THIEF.address)
    assert floor().quote.balance(MAKER.address) == 1_000

    for nonce in (5, 4, 1, 0):
        wish = withdrawal(nonce=nonce)
        call = partial(floor().withdraw, MAKER, wish, sender=THIEF.address)
        stage.refuses_call(call, "NonceUsed", MAKER.address, 5, nonce)
    floor().withdraw(MAKER, withdrawal(nonce=6))
    floor().withdraw(TAKER, withdrawal(TAKER))
    assert floor().quote.balance(MAKER.address) == 2_000


def test_withdrawal_with_the_last_nonce_there_is(stage: TradingStage) -> None:
    floor().withdraw(MAKER, withdrawal(nonce=2**256 - 1))
    call = partial(floor().withdraw, MAKER, withdrawal(nonce=2**256 - 1))
    stage.refuses_call(call, "NonceUsed", MAKER.address, 2**256 - 1, 2**256 - 1)


def test_withdrawal_after_its_deadline(stage: TradingStage) -> None:
    wish = withdrawal()
    floor().machine.now = wish.deadline + 1
    stage.refuses_call(lambda: floor().withdraw(MAKER, wish), "WithdrawalExpired", wish.deadline)
    floor().machine.now = wish.deadline
    floor().withdraw(MAKER, wish)


def test_withdrawal_of_more_than_there_is(stage: TradingStage) -> None:
    quote = floor().quote.address
    for amount in (WEALTH + 1, 2**216, 2**256 - 1):
        wish = withdrawal(amount=amount)
        call = partial(floor().withdraw, MAKER, wish)
        stage.refuses_call(call, "InsufficientBalance", MAKER.address, quote, WEALTH, amount)
    stage.refuses_call(lambda: floor().withdraw(MAKER, withdrawal(amount=0)), "AmountZero")
    for to in (ZERO_ADDRESS, stage.exchange.address):
        stage.refuses_call(
            lambda to=to: floor().withdraw(MAKER, withdrawal(to=to)), "RecipientInvalid", to
        )
    floor().withdraw(MAKER, withdrawal(amount=WEALTH))


def test_withdrawal_of_nobody(stage: TradingStage) -> None:
    wish = withdrawal(account=ZERO_ADDRESS, to=LOOT)
    consent = sign_withdrawal(MATCHER, stage.exchange.domain, wish)
    for signature in (b"", bytes(64), bytes(65), consent):
        call = partial(stage.exchange.withdraw, wish, signature, consent, THIEF.address)
        stage.refuses_call(call, "SignatureInvalid", ZERO_ADDRESS)


def test_contract_that_vouches_for_everything_loses_only_its_own(stage: TradingStage) -> None:
    """ERC-1271 is asked of the account alone: a willing contract is nobody else's."""
    willing = floor().machine.deploy(contract("WillingSigner").creation, THIEF.address)
    floor().give(THIEF.address, floor().quote, 500)
    stage.exchange.deposit_for(THIEF.address, willing, floor().quote.address, 500)
    wish = withdrawal(account=willing, amount=500, to=LOOT)
    consent = sign_withdrawal(MATCHER, stage.exchange.domain, wish)

    stage.exchange.withdraw(wish, b"", consent, THIEF.address)

    assert floor().quote.balance(LOOT) == 500
    order = floor().order(willing, Side.SELL, 1, 100)
    forged = sign_order(THIEF, stage.exchange.domain, stage.market, order)
    stage.refuses(stage.batch([forged, stage.taker], [(1, 0, 1)]), "BadOrderSignature", 0)


# --- Keys ------------------------------------------------------------------------------------


def test_new_matcher_waits_until_everybody_could_leave(stage: TradingStage) -> None:
    exchange, batch = stage.exchange, stage.batch()
    exchange.administer("proposeMatcher", THIEF.address)
    exchange.request_exit(MAKER.address, [floor().base.address, floor().quote.address])
    ready = floor().machine.now + KEY_DELAY
    by_thief = sign_batch(THIEF, exchange.domain, batch)

    floor().machine.now = ready - 1
    accept = partial(exchange.administer, "acceptMatcher")
    stage.refuses_call(accept, "ProposalNotReady", ready)
    for token in (floor().base, floor().quote):
        exchange.exit(MAKER.address, token.address)
        assert token.balance(MAKER.address) == WEALTH
    floor().machine.now = ready
    for sender in (THIEF.address, MATCHER.address, STRANGER):
        call = partial(exchange.administer, "acceptMatcher", sender=sender)
        stage.refuses_call(call, "OwnableUnauthorizedAccount", sender)
    settle = partial(exchange.settle, batch.pack(), by_thief)
    stage.refuses_call(settle, "BadMatcherSignature")
    accept()
    stage.refuses_call(lambda: floor().settle(batch), "BadMatcherSignature")


def test_proposal_made_anew_waits_anew(stage: TradingStage) -> None:
    exchange = stage.exchange
    for what, value in (("Matcher", STRANGER), ("FeeRecipient", STRANGER)):
        first = floor().machine.now
        exchange.administer(f"propose{what}", value)
        floor().machine.now = first + KEY_DELAY - 1
        exchange.administer(f"propose{what}", THIEF.address)
        floor().machine.now += 1
        accept = partial(exchange.administer, f"accept{what}")
        stage.refuses_call(accept, "ProposalNotReady", first + 2 * KEY_DELAY - 1)
        floor().machine.now = first + 2 * KEY_DELAY - 1
        accept()
        stage.refuses_call(accept, "NothingProposed")
    assert exchange.number("matcher") == int(THIEF.address, 16)
    assert exchange.number("feeRecipient") == int(THIEF.address, 16)


def test_pause_stops_deposits_and_settlement_and_nothing_else(stage: TradingStage) -> None:
    exchange, third = stage.exchange, floor().third
    exchange.administer("pause")
    floor().give(MAKER.address, third, 1_000)
    deadline, signature = floor().permit(MAKER, third, 5, 0)
    stopped = [
        partial(floor().settle, stage.batch()),
        partial(exchange.deposit, MAKER.address, third.address, 5),
        partial(exchange.deposit_for, MAKER.address, TAKER.address, third.address, 5),
        partial(
            exchange.deposit_with_permit,
            *(STRANGER, MAKER.address, third.address, 5, deadline, signature),
        ),
        partial(exchange.administer, "pause"),
    ]
    for call in stopped:
        stage.refuses_call(call, "ExchangePaused")

    floor().withdraw(MAKER, withdrawal())
    third.transfer(MAKER.address, exchange.forwarder_of(MAKER.address), 70)
    assert exchange.sweep(MAKER.address, third.address) == 70
    exchange.cancel(MAKER.address, 0, 1)
    exchange.request_exit(MAKER.address, [third.address])
    floor().machine.now += EXIT_DELAY
    exchange.exit(MAKER.address, third.address)
    exchange.administer("unpause")
    stage.refuses_call(partial(exchange.administer, "unpause"), "ExchangeNotPaused")
    orders = [stage.sign(MAKER, Side.SELL, sequence=2), stage.sign(TAKER, Side.BUY)]
    stage.settle(stage.batch(orders))


def test_dismissed_matcher_signs_nothing(stage: TradingStage) -> None:
    for sender in (OWNER, MATCHER.address):
        with floor().machine.trial():
            stage.exchange.administer("revokeMatcher", sender=sender)
            stage.refuses(stage.batch(), "BadMatcherSignature")
            nobody = partial(stage.exchange.settle, stage.batch().pack(), bytes(64))
            stage.refuses_call(nobody, "BadMatcherSignature")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("listMarket", (1, 2, 3, 4, 5, 6)),
        ("proposeMatcher", (7,)),
        ("acceptMatcher", ()),
        ("revokeMatcher", ()),
        ("proposeFeeRecipient", (7,)),
        ("acceptFeeRecipient", ()),
        ("pause", ()),
        ("unpause", ()),
        ("transferOwnership", (7,)),
        ("renounceOwnership", ()),
    ],
)
def test_owners_powers_are_the_owners(
    stage: TradingStage, name: str, values: tuple[int, ...]
) -> None:
    for sender in (THIEF.address, FEES, STRANGER):
        call = partial(stage.exchange.administer, name, *values, sender=sender)
        stage.refuses_call(call, "OwnableUnauthorizedAccount", sender)


def test_every_function_that_changes_anything_is_known() -> None:
    """A new entry point has to be thought of here, and in the tests of solvency."""
    known = {
        *("deposit", "depositFor", "depositWithPermit", "sweep", "sweepEther"),
        *("withdraw", "requestExit", "cancelExit", "exit", "exitFor"),
        *("cancel", "approveOrder", "revokeApproval", "settle"),
        *("listMarket", "proposeMatcher", "acceptMatcher", "revokeMatcher"),
        *("proposeFeeRecipient", "acceptFeeRecipient", "pause", "unpause"),
        *("transferOwnership", "acceptOwnership", "renounceOwnership"),
    }
    functions = contract("Exchange").functions.values()
    assert {each.name for each in functions if not each.view} == known
    assert not any(each.payable for each in functions)


@pytest.mark.parametrize("sender", [OWNER, MATCHER.address, FEES, THIEF.address, STRANGER])
def test_nobody_gains_by_any_call(stage: TradingStage, sender: str) -> None:
    """Well-formed calls with any words: nobody honest has less, in escrow and wallet together."""
    random = Random(sender)
    exchange, machine = stage.exchange, floor().machine
    for key in PEOPLE:
        floor().quote.mint(key.address, 1_000)
        floor().quote.mint(exchange.forwarder_of(key.address), 50)
    exchange.request_exit(TAKER.address, [floor().quote.address])
    machine.now += EXIT_DELAY
    people = [int(key.address, 16) for key in PEOPLE]
    pool = [*EDGES, *people, int(sender, 16), int(exchange.address, 16), machine.now]
    pool += [int(token.address, 16) for token in floor().tokens]
    names = [each for each in contract("Exchange").functions.values() if not each.view]
    accepted = set[str]()
    before = riches(stage)
    for _ in range(CALLS // 5):
        function = random.choice(names)
        data = function.selector + words(*random.choices(pool, k=12))
        if "[]" in "".join(function.inputs):
            data = encode(function.name, [hex(random.choice(pool) % 2**160) for _ in range(3)])
        with machine.trial():
            reason = refused(partial(machine.call, sender, exchange.address, data, gas=10**7))
            assert reason != "Panic", (function.name, data.hex())
            if reason is None:
                accepted.add(function.name)
            after = riches(stage)
        for owner, amount in before.items():
            assert after[owner] >= amount, (function.name, data.hex())
    assert accepted


def riches(stage: TradingStage) -> dict[tuple[str, str], int]:
    """Return what the honest have of each token: in escrow, in the wallet and underway."""
    tokens = (floor().base, floor().quote)
    return {
        (key.address, token.address): token.balance(key.address)
        + stage.exchange.held(key.address, token.address)
        + token.balance(stage.exchange.forwarder_of(key.address))
        for key in (MAKER, TAKER)
        for token in tokens
    }


def test_unknown_selectors_and_ether_are_refused(stage: TradingStage) -> None:
    floor().machine.give_ether(THIEF.address, 10**18)
    for name in ("deposit", "settle", "pause"):
        data = selector(name) + bytes(256)
        with pytest.raises(Reverted):
            stage.exchange.send(THIEF.address, data, value=1)
    for data in (b"", b"\0", b"\0\0\0\0", b"\xff" * 36):
        for value in (0, 1):
            with pytest.raises(Reverted):
                stage.exchange.send(THIEF.address, data, value=value)
    assert floor().machine.ether(stage.exchange.address) == 0


def test_market_that_the_thief_lists_takes_nobodys_money(stage: TradingStage) -> None:
    """With the owner's key he lists the same tokens at other lots: no order was signed for it."""
    third = msgspec.structs.replace(
        stage.market, base_token=bytes.fromhex(floor().third.address[2:]), lot_size=1
    )
    listed = stage.exchange.list_market(third)
    again = partial(stage.exchange.list_market, stage.market)
    stage.refuses_call(again, "MarketExists", 1)

    stage.refuses(stage.batch(market=listed), "BadOrderSignature", 0)
    assert stage.exchange.lane(MAKER.address, 0).filled_lots < LOTS
