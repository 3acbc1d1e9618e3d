"""Whatever batch a thief signs with the matcher's key: refused with a reason, or within all limits.

GAVELBOOK_EXAMPLES sets how many runs are tried, GAVELBOOK_CALLS how many garbled calls.
"""

from __future__ import annotations

import os
from collections import Counter
from functools import partial
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gavelbook.exchange.markets import fee_of
from tests.evm.escrow import Escrow
from tests.evm.exchange import (
    CANCEL_NOTICE,
    EXIT_DELAY,
    FEES,
    LOT_SIZE,
    MATCHER,
    TICK_VALUE,
    settle_call,
    text,
)
from tests.evm.exchange_signing import sign_batch, sign_content
from tests.evm.machine import Reverted
from tests.evm.signatures import Key
from tests.hostile.random_batches import Signers, limits_kept
from tests.hostile.scene import refused
from tests.hostile.trading_scene import floor

if TYPE_CHECKING:
    from tests.evm.exchange_signing import Batch

EXAMPLES = int(os.environ.get("GAVELBOOK_EXAMPLES", "60"))
CALLS = int(os.environ.get("GAVELBOOK_CALLS", "3000"))
STEPS = 25
KEYS = tuple(Key(f"trader {number}") for number in range(4))


def funded(random: Random) -> tuple[Escrow, Signers]:
    """Give each trader some of both tokens, seldom none and seldom plenty."""
    escrow = Escrow(floor().exchange.domain, floor().markets)
    for key in KEYS:
        for token, unit in ((floor().base, LOT_SIZE), (floor().quote, 9 * TICK_VALUE)):
            amount = random.choice((0, 10, 1_000, 10**5, 10**6)) * unit
            floor().fund(key.address, token, amount)
            escrow.add(key.address, token.address, amount)
    return escrow, Signers(floor(), escrow, KEYS)


def balances() -> dict[tuple[str, str], int]:
    """Return what everybody has in escrow of both tokens."""
    return {
        (owner, token.address): floor().exchange.held(owner, token.address)
        for owner in (*(key.address for key in KEYS), FEES)
        for token in (floor().base, floor().quote)
    }


def disturb(random: Random, escrow: Escrow) -> None:
    """Let a trader cancel, leave, come back or approve, or let time pass."""
    machine, exchange = floor().machine, floor().exchange
    owner = random.choice(KEYS).address
    token = random.choice((floor().base, floor().quote)).address
    match random.randrange(6):
        case 0:
            lane = random.choice((0, 1, 2))
            sequence = escrow.void_below(owner, lane, machine.now) + random.randrange(3)
            call = partial(exchange.cancel, owner, lane, sequence)
            assert refused(call) == escrow.cancel(owner, lane, sequence, machine.now)
        case 1:
            exchange.request_exit(owner, [token])
            escrow.request_exit(owner, token, machine.now)
        case 2:
            expected = escrow.cancel_exit(owner, token)
            assert refused(partial(exchange.cancel_exit, owner, [token])) == expected
        case _:
            machine.now += random.choice((1, 60, CANCEL_NOTICE, CANCEL_NOTICE, EXIT_DELAY // 3))


def try_batch(escrow: Escrow, batch: Batch) -> bool:
    """Submit a batch and compare what happens with the same in Python."""
    obstacles = escrow.obstacles(batch, floor().machine.now)
    before = balances()
    reason = refused(partial(floor().settle, batch))
    after = balances()
    if obstacles:
        assert reason in obstacles, f"{reason} instead of {obstacles}"
        assert after == before
        return False
    assert reason is None, f"{reason} without a cause"
    escrow.settle(batch, floor().machine.now)
    limits_kept(batch, before, after, floor())
    for token in (floor().base, floor().quote):
        total = sum(amount for (_, each), amount in after.items() if each == token.address)
        assert total == token.balance(floor().exchange.address)
    gained = after[FEES, quote_of(batch)] - before[FEES, quote_of(batch)]
    assert gained == fees_of(batch)
    return True


def quote_of(batch: Batch) -> str:
    return text(floor().markets[batch.market].quote_token)


def fees_of(batch: Batch) -> int:
    market = floor().markets[batch.market]
    return sum(
        fee_of(market.quote_amount(fill.lots, batch.orders[fill.maker].order.ticks), bps)
        for fill in batch.fills
        for bps in (batch.taker_fee_bps, batch.maker_fee_bps)
    )


SETTLED: Counter[bool] = Counter()


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(0, 2**32))
def check_any_batches(seed: int) -> None:
    random = Random(seed)
    with floor().machine.trial():
        escrow, signers = funded(random)
        for _ in range(STEPS):
            if random.random() < 0.2:
                disturb(random, escrow)
            batch = signers.batch(random)
            if random.random() < 0.4:
                batch = signers.spoilt(random, batch)
            SETTLED[try_batch(escrow, batch)] += 1
        escrow.check(floor().exchange)


def test_any_batch_is_refused_for_a_reason_or_keeps_all_limits() -> None:
    SETTLED.clear()
    check_any_batches()
    assert SETTLED[True] > SETTLED.total() // 6, SETTLED
    assert SETTLED[False] > SETTLED.total() // 5, SETTLED


def valid_content(random: Random) -> tuple[bytes, bytes]:
    """Return a batch that settles, and its signature."""
    while True:
        escrow, signers = funded(random)
        batch = signers.batch(random)
        if not escrow.obstacles(batch, floor().machine.now):
            return batch.pack(), sign_batch(MATCHER, floor().exchange.domain, batch)


def garbled(random: Random, data: bytes) -> bytes:
    """Return data cut, stretched, or with bits, bytes, words or the last bytes changed."""
    changed = bytearray(data)
    match random.randrange(7):
        case 0:
            del changed[random.randrange(len(changed)) :]
        case 1:
            changed += random.randbytes(random.choice((1, 12, 31, 32, 116)))
        case 2:
            for _ in range(random.randint(1, 8)):
                changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
        case 3:
            at = random.randrange(len(changed))
            changed[at : at + random.randint(1, 32)] = random.randbytes(random.randint(1, 32))
        case 4:
            at = 4 + 32 * random.randrange(max(1, (len(changed) - 4) // 32))
            changed[at : at + 32] = random.choice(
                (0, 1, 31, 32, 63, 64, 65, 96, 128, 2**16, 2**32, 2**64, 2**255, 2**256 - 1)
            ).to_bytes(32, "big")
        case 5:
            changed[-random.randint(1, 12)] = random.randrange(8)
        case _:
            at = random.randrange(len(changed))
            del changed[at : at + random.choice((1, 12, 32, 116))]
    return bytes(changed)


@pytest.mark.parametrize("seed", range(3))
def test_garbled_call_settles_what_was_signed_or_nothing(seed: int) -> None:
    """Only bytes that the ABI ignores can differ; then exactly the signed batch settles."""
    random = Random(f"garbled {seed}")
    content, signature = valid_content(random)
    exchange, machine = floor().exchange, floor().machine
    call = settle_call(content, signature)
    before = balances()
    with machine.trial():
        exchange.settle(content, signature)
        settled = balances()
    outcomes = Counter[bool]()
    for _ in range(CALLS // 6):
        data = garbled(random, call)
        with machine.trial():
            try:
                machine.call(KEYS[0].address, exchange.address, data, gas=5_000_000)
            except Reverted as revert:
                reason = revert
            else:
                reason = None
            after, number = balances(), exchange.last_batch()
        outcomes[reason is None] += 1
        if reason is None and data[:4] == call[:4]:
            assert (after, number) == (settled, 1), data.hex()
        else:
            assert (after, number) == (before, 0), data.hex()
            assert reason is None or reason.name != "Panic", data.hex()
    assert outcomes[False] > CALLS // 12


@pytest.mark.parametrize("seed", range(3))
def test_garbled_batch_that_the_matcher_signs_takes_nothing_unsigned(seed: int) -> None:
    """The thief signs garbage: it is refused, or what settles is within what people signed."""
    random = Random(f"signed garbage {seed}")
    content, _ = valid_content(random)
    exchange, machine = floor().exchange, floor().machine
    before = balances()
    with machine.trial():
        signature = sign_content(MATCHER, exchange.domain, 1, 1, content)
        refused(partial(exchange.settle, content, signature))
    settled = 0
    for _ in range(CALLS // 6):
        data = garbled(random, content)
        head = data.ljust(14, b"\0")
        market, number = (int.from_bytes(head[i:j], "big") for i, j in ((0, 2), (6, 14)))
        signature = sign_content(MATCHER, exchange.domain, market, number, data)
        with machine.trial():
            try:
                exchange.settle(data, signature)
            except Reverted as revert:
                assert revert.name not in {"", "Panic", "Halt"}, data.hex()  # noqa: PT017
                assert balances() == before
                continue
            settled += 1
            after = balances()
        # Fees, log head and fills are the matcher's to choose; orders are not.
        count = int.from_bytes(content[14:16], "big")
        assert data[48 : 48 + 116 * count] == content[48 : 48 + 116 * count], data.hex()
        for token in (floor().base, floor().quote):
            assert sum(v for (_, each), v in after.items() if each == token.address) == sum(
                v for (_, each), v in before.items() if each == token.address
            )
    assert settled
