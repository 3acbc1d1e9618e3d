"""The call of a settlement: however it is laid out, what settles is what the matcher signed."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import pytest

from gavelbook.exchange.orders import Side
from tests.contracts.exchange.support import events
from tests.evm.escrow import Escrow
from tests.evm.exchange import (
    LOT_SIZE,
    MAKER_FEE_BPS,
    MATCHER,
    TAKER_FEE_BPS,
    TICK_VALUE,
    selector,
)
from tests.evm.exchange_signing import compact, sign_batch, sign_content
from tests.evm.machine import TRANSACTION_GAS_LIMIT, Reverted, words
from tests.evm.signatures import SECP256K1_ORDER, Key
from tests.hostile.random_batches import crosses
from tests.hostile.trading_scene import THIEF, floor

if TYPE_CHECKING:
    from tests.evm.exchange_signing import SignedOrder
    from tests.hostile.trading_scene import TradingStage

HEAD_BYTES = 96
"""The three words in front of what is behind them in a call without anything odd."""


class Call(NamedTuple):
    """A call of settlement, word by word."""

    signature: bytes
    content: bytes
    offset: int = HEAD_BYTES
    length: int | None = None
    before: bytes = b""
    behind: bytes = b""

    def pack(self) -> bytes:
        """Return the data; ``before`` stands between the three words and the length."""
        length = len(self.content) if self.length is None else self.length
        tail = self.before + words(length) + self.content + self.behind
        return selector("settle") + self.signature + words(self.offset) + tail


def signed(stage: TradingStage) -> Call:
    """Return the call that settles the two honest orders."""
    batch = stage.batch(taker_fee_bps=TAKER_FEE_BPS)
    return Call(compact(sign_batch(MATCHER, stage.exchange.domain, batch)), batch.pack())


@pytest.mark.parametrize("gap", [0, 1, 31, 32, 33, 4096])
@pytest.mark.parametrize("behind", [0, 1, 12, 31, 5000])
def test_odd_layouts_settle_what_was_signed(stage: TradingStage, gap: int, behind: int) -> None:
    """Any gap and any rest, even one that looks like more fills, is not looked at."""
    call = signed(stage)
    with stage.machine.trial():
        stage.exchange.send(THIEF.address, call.pack())
        expected = stage.picture(), events(stage.exchange)
    filler = (call.content[-12:] * 500)[:gap]
    rest = (call.content[-12:] * 500)[:behind]
    odd = call._replace(offset=HEAD_BYTES + gap, before=filler, behind=rest)
    stage.exchange.send(THIEF.address, odd.pack())
    assert (stage.picture(), events(stage.exchange)) == expected


def test_a_batch_that_is_not_all_there_does_not_settle(stage: TradingStage) -> None:
    call = signed(stage)
    size = len(call.content)
    huge = (2**31, 2**32, 2**63, 2**64 - 1, 2**64, 2**255, 2**256 - 32, 2**256 - 1)
    odd = [
        *(call._replace(offset=at) for at in (0, 1, 31, 32, 63, 64, 65, 95, 97, 128, *huge)),
        *(call._replace(length=n) for n in (0, 47, 48, size - 12, size - 1, size + 1, *huge)),
        *(call._replace(offset=HEAD_BYTES + n, length=size) for n in (-32, 32, size, size + 31)),
        *(call._replace(length=n, behind=bytes(64)) for n in (size + 1, size + 12, size + 64)),
    ]
    data = [each.pack() for each in odd]
    data += [call.pack()[:n] for n in (4, 5, 36, 68, 100, 132, 133, len(call.pack()) - 1)]
    before = stage.picture()
    for each in data:
        with pytest.raises(Reverted) as caught:
            stage.exchange.send(THIEF.address, each)
        assert caught.value.name in {"", "MalformedBatch", "BadMatcherSignature"}, each.hex()
        assert stage.picture() == before


def test_what_lies_behind_a_short_batch_is_no_part_of_it(stage: TradingStage) -> None:
    """Even where the matcher has signed the short one, and the rest of a good one follows."""
    content = signed(stage).content
    for size in range(48):
        cut = content[:size]
        signature = compact(sign_content(MATCHER, stage.exchange.domain, 1, 1, cut))
        for behind in (content[size:], bytes(len(content)), b"\xff" * len(content)):
            call = Call(signature, cut, behind=behind)
            stage.refuses_call(
                lambda call=call: stage.exchange.send(THIEF.address, call.pack()),
                "MalformedBatch",
                size,
            )


def test_a_signature_has_one_form(stage: TradingStage) -> None:
    """Neither its mirror image, nor one with a bit changed, nor its words in another order."""
    call = signed(stage)
    r, vs = (int.from_bytes(call.signature[i : i + 32], "big") for i in (0, 32))
    s, parity = vs & 2**255 - 1, vs >> 255
    mirrored = SECP256K1_ORDER - s
    others = {
        *((r, vs ^ 1 << bit) for bit in range(256)),
        *((r ^ 1 << bit, vs) for bit in range(256)),
        *((r, mirrored & 2**255 - 1 | y << 255) for y in (0, 1)),
        *((r, (s + SECP256K1_ORDER) % 2**255 | y << 255) for y in (0, 1)),
        *((r, s | y << 255) for y in (0, 1) if y != parity),
        *((a, b) for a in (0, 1, SECP256K1_ORDER, 2**256 - 1) for b in (0, vs, 2**256 - 1)),
        (vs, r),
    }
    for other in sorted(others):
        changed = call._replace(signature=words(*other))
        stage.refuses_call(
            lambda changed=changed: stage.exchange.send(THIEF.address, changed.pack()),
            "BadMatcherSignature",
        )
    stage.exchange.send(THIEF.address, call.pack())
    stage.refuses_call(
        lambda: stage.exchange.send(THIEF.address, call.pack()), "WrongBatchNumber", 2, 1
    )


def test_more_orders_than_there_are_bytes_are_refused(stage: TradingStage) -> None:
    """Room for 65,535 entries is not made before the bytes of as many orders are there."""
    content = signed(stage).content
    for count in (0, 1, 3, 2**15, 2**16 - 1):
        swollen = content[:14] + count.to_bytes(2, "big") + content[16:]
        signature = sign_content(MATCHER, stage.exchange.domain, 1, 1, swollen)
        call = Call(compact(signature), swollen).pack()
        before = stage.picture()
        with pytest.raises(Reverted) as caught:
            stage.machine.call(THIEF.address, stage.exchange.address, call, gas=200_000)
        # Without orders, their bytes are fills of none.
        expected = {"MalformedBatch", "OrderIndexInvalid", "BadOrderSignature"}
        assert caught.value.name in expected, count
        assert stage.picture() == before


@pytest.mark.parametrize("seed", range(4))
def test_a_crowd_trades_with_each_other(seed: int) -> None:
    """Everybody's order with everybody's: each fill finds its two entries among many."""
    random = Random(f"crowd {seed}")
    keys = [Key(f"crowd {number}") for number in range(12)]
    escrow = Escrow(floor().exchange.domain, floor().markets)
    for key in keys:
        for token, unit in ((floor().base, LOT_SIZE), (floor().quote, 200 * TICK_VALUE)):
            floor().fund(key.address, token, 2_000 * unit)
            escrow.add(key.address, token.address, 2_000 * unit)
    orders: list[SignedOrder] = [
        floor().sign(
            key,
            floor().order(
                key.address,
                side := random.choice(list(Side)),
                1_000,
                random.randint(50, 99) if side == Side.SELL else random.randint(60, 120),
                lane=lane,
            ),
        )
        for lane in range(13)
        for key in keys
    ]
    pairs = [
        (taker, maker)
        for taker, one in enumerate(orders)
        for maker, two in enumerate(orders)
        if crosses(one.order, two.order)
    ]
    fills = [(*random.choice(pairs), random.randint(1, 5)) for _ in range(600)]
    used = sorted({index for fill in fills for index in fill[:2]})
    places = {old: new for new, old in enumerate(used)}
    batch = floor().batch(
        [orders[old] for old in used],
        [(places[t], places[m], lots) for t, m, lots in fills],
        taker_fee_bps=TAKER_FEE_BPS,
        maker_fee_bps=MAKER_FEE_BPS,
    )
    assert len(used) > 128
    assert not escrow.obstacles(batch, floor().machine.now)
    floor().settle(batch)
    assert floor().machine.gas_used() < TRANSACTION_GAS_LIMIT
    announced = events(floor().exchange)
    hashes = [floor().hash(entry.order) for entry in batch.orders]
    assert [each[1:3] for each in announced[:-1]] == [
        (hashes[fill.maker], hashes[fill.taker]) for fill in batch.fills
    ]
    escrow.settle(batch, floor().machine.now)
    escrow.check(floor().exchange)
    assert Counter(each[0] for each in announced) == {"Fill": 600, "BatchSettled": 1}
