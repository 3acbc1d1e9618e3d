"""With the matcher's key stolen, the thief settles no order and no batch that nobody signed.

Each is refused with the error that says why, and nothing has changed.
"""

from __future__ import annotations

from typing import Any

import pytest

from gavelbook.exchange.orders import Side
from tests.evm.exchange import (
    CANCEL_NOTICE,
    MATCHER,
    TAKER_FEE_BPS,
    raw,
)
from tests.evm.exchange_signing import (
    Domain,
    SignedOrder,
    compact,
    order_hash,
    sign_batch,
    sign_content,
    sign_order,
)
from tests.evm.machine import CHAIN_ID, account
from tests.evm.sale import ZERO_ADDRESS
from tests.evm.signatures import Key, malleable
from tests.hostile.trading_scene import (
    LIMITS,
    LOTS,
    MAKER,
    TAKER,
    THIEF,
    TradingStage,
    floor,
)

ROLES = pytest.mark.parametrize("index", [0, 1], ids=["maker", "taker"])
NOBODYS = 1


@pytest.fixture(params=list(Side), ids=lambda side: f"maker-{'sells' if side else 'buys'}")
def stage(_leave_no_trace: None, request: pytest.FixtureRequest) -> TradingStage:
    return TradingStage(floor(), request.param)


# --- Orders that nobody signed ---------------------------------------------------------------


@ROLES
@pytest.mark.parametrize(
    "fields",
    [
        {"lots": LOTS + 1},
        {"ticks": 110},
        {"lane": 1},
        {"sequence": 2},
        {"expiry": 2**40 - 1},
        {"max_fee_bps": 1_000},
        {"maker": raw(THIEF.address)},
        {"maker": raw(MATCHER.address)},
        {"maker": bytes(20)},
        {"maker": NOBODYS.to_bytes(20, "big")},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_order_with_other_terms(stage: TradingStage, index: int, fields: dict[str, Any]) -> None:
    orders = [stage.maker, stage.taker]
    orders[index] = stage.altered(orders[index], **fields)

    stage.refuses(stage.batch(orders, [(1, 0, 1)]), "BadOrderSignature", index)

    stage.settles()


@ROLES
def test_order_turned_to_the_other_side(stage: TradingStage, index: int) -> None:
    orders = [stage.maker, stage.taker]
    orders[index] = stage.altered(orders[index], side=Side(1 - orders[index].order.side))

    stage.refuses(stage.batch(orders), "BadOrderSignature", index)


@ROLES
def test_victims_address_over_the_thiefs_signature(stage: TradingStage, index: int) -> None:
    victim, side = (TAKER, stage.taker_side) if index else (MAKER, stage.maker_side)
    orders = [stage.maker, stage.taker]
    for signature in (
        floor().sign(THIEF, floor().order(victim.address, side, LOTS, LIMITS[side])).signature,
        stage.sign(THIEF, side).signature,
        bytes(64),
        b"\xff" * 64,
        orders[1 - index].signature,
    ):
        orders[index] = orders[index]._replace(signature=signature)
        stage.refuses(stage.batch(orders), "BadOrderSignature", index)


@ROLES
@pytest.mark.parametrize(
    "signature", [bytes(64), b"\xff" * 64, bytes(32) + b"\x01" * 32], ids=["zeros", "ones", "no r"]
)
def test_signature_of_nobody_after_a_good_one_of_the_victim(
    stage: TradingStage, index: int, signature: bytes
) -> None:
    """Where nobody can be recovered, who was recovered just before is not taken instead."""
    good = [stage.maker, stage.taker]
    forged = stage.altered(good[index], lane=7)._replace(signature=signature)
    orders = [good[1 - index], good[index], forged]
    fills = [(2, 0, 1) if index else (0, 2, 1), (1, 0, 1) if index else (0, 1, 1)]

    stage.refuses(stage.batch(orders, fills), "BadOrderSignature", 2)

    stage.settles()


@ROLES
def test_order_of_another_market_chain_or_exchange(stage: TradingStage, index: int) -> None:
    key, side = (TAKER, stage.taker_side) if index else (MAKER, stage.maker_side)
    orders = [stage.maker, stage.taker]
    order = orders[index].order
    here, there = floor().markets[1], floor().markets[2]
    foreign = [
        sign_order(key, stage.exchange.domain, there, order),
        floor().sign(key, floor().order(key.address, side, LOTS, LIMITS[side], market=2)),
        sign_order(key, Domain(account("another exchange")), here, order),
        sign_order(key, Domain(stage.exchange.address, 1), here, order),
        sign_order(key, Domain(stage.exchange.address, CHAIN_ID + 1), here, order),
    ]
    for entry in foreign:
        orders[index] = entry
        stage.refuses(stage.batch(orders), "BadOrderSignature", index)


def test_batch_of_another_market(stage: TradingStage) -> None:
    stage.refuses(stage.batch(market=2), "BadOrderSignature", 0)
    for market in (0, 3, 2**16 - 1):
        stage.refuses(stage.batch(market=market), "UnknownMarket", market)


@ROLES
def test_order_of_the_zero_address(stage: TradingStage, index: int) -> None:
    """A signature that recovers to nobody is nobody's, not that of the zero address."""
    side = stage.taker_side if index else stage.maker_side
    orders = [stage.maker, stage.taker]
    order = floor().order(ZERO_ADDRESS, side, LOTS, LIMITS[side])
    for signature in (bytes(64), b"\xff" * 64, stage.maker.signature):
        orders[index] = SignedOrder(order, signature)
        stage.refuses(stage.batch(orders), "BadOrderSignature", index)
    orders[index] = SignedOrder(order, approved=True)
    stage.refuses(stage.batch(orders), "BadOrderSignature", index)


@ROLES
def test_order_said_to_be_approved(stage: TradingStage, index: int) -> None:
    """Neither a signature nor somebody else's approval is one's approval."""
    orders = [stage.maker, stage.taker]
    orders[index] = orders[index]._replace(approved=True)
    order = orders[index].order
    stage.refuses(stage.batch(orders), "BadOrderSignature", index)

    call = lambda: stage.exchange.approve_order(THIEF.address, order)  # noqa: E731
    stage.refuses_call(call, "NotMaker", "0x" + order.maker.hex(), THIEF.address)
    digest = order_hash(stage.exchange.domain, stage.market, order)
    revoke = lambda: stage.exchange.revoke_approval(THIEF.address, digest)  # noqa: E731
    stage.refuses_call(revoke, "NotApproved", THIEF.address, digest)

    owner = (MAKER, TAKER)[index]
    stage.exchange.approve_order(owner.address, order)
    stage.settle(stage.batch(orders, [(1, 0, 1)]))
    stage.exchange.revoke_approval(owner.address, digest)
    floor().machine.now += CANCEL_NOTICE - 1
    stage.settle(stage.batch(orders, [(1, 0, 1)]))
    floor().machine.now += 1
    stage.refuses(stage.batch(orders, [(1, 0, 1)]), "BadOrderSignature", index)


# --- Batches ---------------------------------------------------------------------------------


def test_batch_twice_too_early_or_too_late(stage: TradingStage) -> None:
    batch = stage.batch(fills=[(1, 0, 1)])
    stage.settle(batch)

    stage.refuses(batch, "WrongBatchNumber", 2, 1)
    for number in (0, 1, 3, 2**64 - 1):
        stage.refuses(batch._replace(number=number), "WrongBatchNumber", 2, number)

    stage.settle(batch._replace(number=2))
    assert stage.exchange.lane(MAKER.address, 0).filled_lots == 2


def test_batch_settled_again_under_a_new_number_stays_in_size(stage: TradingStage) -> None:
    stage.settles()
    stage.refuses(stage.batch(), "Overfilled", 0, LOTS, 2 * LOTS)


def test_batch_that_the_matcher_did_not_sign(stage: TradingStage) -> None:
    batch = stage.batch()
    content, domain = batch.pack(), stage.exchange.domain
    right = sign_batch(MATCHER, domain, batch)
    wrong = [
        *(sign_batch(key, domain, batch) for key in (THIEF, MAKER, Key("old matcher"))),
        sign_batch(MATCHER, Domain(account("another exchange")), batch),
        sign_batch(MATCHER, Domain(stage.exchange.address, 1), batch),
        sign_content(MATCHER, domain, 2, 1, content),
        sign_content(MATCHER, domain, 1, 2, content),
        sign_content(MATCHER, domain, 1, 1, content[:-1]),
        sign_content(MATCHER, domain, 1, 1, content + b"\0"),
        sign_batch(MATCHER, domain, batch._replace(log_head=bytes(32))),
        sign_batch(MATCHER, domain, batch._replace(taker_fee_bps=TAKER_FEE_BPS)),
        sign_batch(MATCHER, domain, batch._replace(fills=batch.fills[:0])),
        compact(malleable(right)),
        compact(right[:64] + bytes([right[64] ^ 7])),
        compact(right)[32:] + compact(right)[:32],
        right[:32] + bytes(32),
        bytes(32) + compact(right)[32:],
        bytes(64),
        b"\xff" * 64,
        stage.maker.signature,
    ]
    for signature in wrong:
        stage.refuses_call(
            lambda signature=signature: stage.exchange.settle(content, signature),
            "BadMatcherSignature",
        )
    stage.exchange.settle(content, compact(right), THIEF.address)


def test_batch_with_a_letter_changed_on_the_way(stage: TradingStage) -> None:
    """Whoever relays a batch can change no bit of it."""
    batch = stage.batch()
    content, signature = batch.pack(), sign_batch(MATCHER, stage.exchange.domain, batch)
    for at in range(len(content)):
        changed = bytearray(content)
        changed[at] ^= 1 << at % 8
        stage.refuses_call(
            lambda changed=bytes(changed): stage.exchange.settle(changed, signature),
            "MalformedBatch" if at in {14, 15} else "BadMatcherSignature",
        )
    stage.exchange.settle(content, signature)


def test_batch_of_any_other_length(stage: TradingStage) -> None:
    content = stage.batch().pack()
    for size in (*range(len(content)), *range(len(content) + 1, len(content) + 12)):
        garbled = content[:size].ljust(size, b"\0")
        stage.refuses_content(garbled, "MalformedBatch", size)
    stage.refuses_content(content + bytes(12), "FillEmpty", 1)


def test_batch_with_a_false_count_of_orders(stage: TradingStage) -> None:
    content = stage.batch().pack()
    for count in (0, 1, 3, 4, 2**16 - 1):
        garbled = content[:14] + count.to_bytes(2, "big") + content[16:]
        stage.refuses_content(garbled, "MalformedBatch", len(content))
    none = stage.batch()._replace(orders=())
    stage.refuses(none, "OrderIndexInvalid", 0, 1, 0)


def test_batch_with_flags_that_mean_nothing(stage: TradingStage) -> None:
    content = bytearray(stage.batch().pack())
    for flags in (4, 5, 8, 128, 255):
        content[48 + 20] = flags
        stage.refuses_content(bytes(content), "MalformedBatch", len(content))


# --- Fills -----------------------------------------------------------------------------------


def test_fill_of_an_order_that_is_not_there(stage: TradingStage) -> None:
    """What lies behind the orders in memory could pass for a maker that pays any price."""
    for index in (*range(2, 12), 2**16 - 1):
        for known in (0, 1):
            for fill in ((index, known, 1), (known, index, 1)):
                alone, later = stage.batch(fills=[fill]), stage.batch(fills=[(1, 0, 1), fill])
                stage.refuses(alone, "OrderIndexInvalid", 0, index, 2)
                stage.refuses(later, "OrderIndexInvalid", 1, index, 2)


def test_fill_without_lots(stage: TradingStage) -> None:
    stage.refuses(stage.batch(fills=[(1, 0, 0)]), "FillEmpty", 0)
    stage.refuses(stage.batch(fills=[(1, 0, LOTS), (1, 0, 0)]), "FillEmpty", 1)


def test_fill_of_two_orders_of_one_side(stage: TradingStage) -> None:
    another = stage.sign(THIEF, stage.maker_side)
    stage.refuses(stage.batch([stage.maker, another]), "SameSide", 0)
    stage.refuses(stage.batch(fills=[(0, 0, 1)]), "SameSide", 0)


def test_fill_of_two_orders_of_one_account(stage: TradingStage) -> None:
    own = stage.sign(MAKER, stage.taker_side, lane=1)
    stage.refuses(stage.batch([stage.maker, own]), "SelfTrade", 0, MAKER.address)


def test_order_without_a_fill(stage: TradingStage) -> None:
    """An order that trades nothing could void others of its lane; so it has no place in a batch."""
    idle = stage.sign(THIEF, stage.maker_side)
    for place in range(3):
        orders = [stage.maker, stage.taker]
        orders.insert(place, idle)
        maker, taker = orders.index(stage.maker), orders.index(stage.taker)
        stage.refuses(stage.batch(orders, [(taker, maker, 1)]), "OrderUnused", place)
