"""Batches are packed byte by byte as the contract reads them, and come back the same."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gavelbook.exchange.batch_codec import (
    FILL_BYTES,
    HEADER_BYTES,
    ORDER_BYTES,
    Batch,
    BatchFill,
    BatchOrder,
    pack_batch,
    unpack_batch,
)
from gavelbook.exchange.errors import ExchangeError
from gavelbook.exchange.orders import Side
from gavelbook.exchange.signing import compact_signature, sign
from tests.exchange.signed_messages import MAKER_ADDRESS, MAKER_KEY, order, orders, whole, words

LOG_HEAD = bytes(range(32))
SIGNATURE = sign(b"\x07" * 32, MAKER_KEY)


@st.composite
def batches(draw):
    market = draw(whole(2**16 - 1, 1))
    signatures = st.just(b"") | words.map(lambda digest: compact_signature(sign(digest, MAKER_KEY)))
    held = draw(st.lists(st.builds(BatchOrder, orders(market_id=market), signatures), max_size=4))
    index = st.integers(0, max(0, len(held) - 1))
    fills = st.lists(st.builds(BatchFill, index, index, whole(2**64 - 1)), max_size=6)
    return Batch(
        market,
        draw(whole(2**16 - 1)),
        draw(whole(2**16 - 1)),
        draw(whole(2**64 - 1)),
        draw(words),
        tuple(held),
        tuple(draw(fills)) if held else (),
    )


def batch(**changes):
    held = (BatchOrder(order(), SIGNATURE), BatchOrder(order(side=Side.BUY), b""))
    whole_batch = Batch(3, 30, 10, 7, LOG_HEAD, held, (BatchFill(1, 0, 5),))
    return whole_batch._replace(**changes)


@settings(max_examples=300, deadline=None)
@given(batches())
def test_comes_back_the_same(batch):
    content = pack_batch(batch)
    assert unpack_batch(content) == batch
    size = HEADER_BYTES + ORDER_BYTES * len(batch.orders) + FILL_BYTES * len(batch.fills)
    assert len(content) == size


def test_every_byte_has_its_place():
    signed, approved = batch().orders
    large = order(expiry=2**40 - 2, lots=2**64 - 3, ticks=2**64 - 4, lane=2**32 - 5, max_fee_bps=6)
    content = pack_batch(batch(orders=(signed._replace(order=large), approved)))
    number = lambda value, size: value.to_bytes(size, "big")  # noqa: E731 -- a shorthand
    header = number(3, 2) + number(30, 2) + number(10, 2) + number(7, 8) + number(2, 2) + LOG_HEAD
    first = (
        MAKER_ADDRESS + b"\x01" + number(2**64 - 3, 8) + number(2**64 - 4, 8)
        + number(2**32 - 5, 4) + number(9, 4) + number(2**40 - 2, 5) + number(6, 2)
        + compact_signature(SIGNATURE)
    )  # fmt: skip
    second = (
        MAKER_ADDRESS + b"\x02" + number(5, 8) + number(1_234, 8) + number(2, 4) + number(9, 4)
        + number(1_790_000_000, 5) + number(50, 2) + bytes(64)
    )  # fmt: skip
    fill = number(1, 2) + number(0, 2) + number(5, 8)
    assert content == header + first + second + fill


@pytest.mark.parametrize(
    "change",
    [
        {"market": 4},
        {"taker_fee_bps": 2**16},
        {"number": 2**64},
        {"number": -1},
        {"log_head": b"\x01" * 31},
        {"fills": (BatchFill(2, 0, 1),)},
        {"fills": (BatchFill(0, -1, 1),)},
        {"fills": (BatchFill(0, 1, 2**64),)},
        {"orders": (BatchOrder(order(lots=2**64), b""),) * 2},
        {"orders": (BatchOrder(order(expiry=2**40), b""),) * 2},
        {"orders": (BatchOrder(order(maker=b"\x01" * 19), b""),) * 2},
        {"orders": (BatchOrder(order(lane=-1), b""),) * 2},
        {"orders": (BatchOrder(order(), b""),) * 2**16},
    ],
)
def test_refuses_what_has_no_place(change):
    with pytest.raises(ExchangeError) as refused:
        pack_batch(batch(**change))
    assert refused.value.code == "malformed_batch"


def test_refuses_signatures_that_the_contract_refuses():
    with pytest.raises(ExchangeError) as refused:
        pack_batch(batch(orders=(BatchOrder(order(), SIGNATURE[:-1] + b"\x00"),) * 2))
    assert refused.value.code == "bad_signature"


@pytest.mark.parametrize("cut", [1, FILL_BYTES + 1, FILL_BYTES + ORDER_BYTES, HEADER_BYTES + 285])
def test_refuses_to_unpack_a_part(cut):
    with pytest.raises(ExchangeError) as refused:
        unpack_batch(pack_batch(batch())[:-cut])
    assert refused.value.code == "malformed_batch"


def test_refuses_to_unpack_unknown_flags():
    content = bytearray(pack_batch(batch()))
    content[HEADER_BYTES + 20] |= 4
    with pytest.raises(ExchangeError) as refused:
        unpack_batch(bytes(content))
    assert refused.value.code == "malformed_batch"


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_unpacking_raises_nothing_else(content):
    with suppress(ExchangeError):
        unpack_batch(content)
