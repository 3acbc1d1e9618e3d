"""Batches of fills as the contract takes them: packed, big endian, nothing between.

A header of 48 bytes, 116 bytes for each order, and 12 bytes for each fill until the end.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

from gavelbook.exchange.errors import ExchangeError
from gavelbook.exchange.orders import Order, Side
from gavelbook.exchange.signing import compact_signature

HEADER_BYTES = 48
ORDER_BYTES = 116
FILL_BYTES = 12

_SELLS = 1
_APPROVED = 2
_NO_SIGNATURE = bytes(64)

_header = struct.Struct(">HHHQH32s")
# The expiry has 5 bytes: one and four.
_order = struct.Struct(">20sBQQIIBIH64s")
_fill = struct.Struct(">HHQ")


class BatchOrder(NamedTuple):
    """An order in a batch; ``signature`` (64 or 65 bytes) is empty where it is approved on chain.

    Unpacked signatures are the 64 bytes of EIP-2098.
    """

    order: Order
    signature: bytes


class BatchFill(NamedTuple):
    """``lots`` traded between two orders, named by their places in the batch from 0."""

    taker: int
    maker: int
    lots: int


class Batch(NamedTuple):
    """What the contract settles at once; all orders are of ``market``."""

    market: int
    taker_fee_bps: int
    maker_fee_bps: int
    number: int
    log_head: bytes
    orders: tuple[BatchOrder, ...]
    fills: tuple[BatchFill, ...]


def pack_batch(batch: Batch) -> bytes:
    """Return ``batch`` as the contract takes it.

    Raises:
        ExchangeError: ``malformed_batch``, where a value has no place, an order is of another
            market, or a fill names an order that is not there; ``bad_signature``.

    """
    for index, (order, _) in enumerate(batch.orders):
        if order.market != batch.market:
            raise _malformed(f"order {index} of market {batch.market}, was of {order.market}")
    count = len(batch.orders)
    for index, fill in enumerate(batch.fills):
        if not (0 <= fill.taker < count and 0 <= fill.maker < count):
            raise _malformed(f"fill {index} between two of {count} orders, was {tuple(fill)}")
    try:
        header = _header.pack(*batch[:4], count, _log_head(batch.log_head))
        orders = [_pack_order(order, signature) for order, signature in batch.orders]
        fills = [_fill.pack(*fill) for fill in batch.fills]
    except struct.error as error:
        raise _malformed(f"every value in its range, was otherwise: {error}") from error
    return b"".join((header, *orders, *fills))


def unpack_batch(content: bytes) -> Batch:
    """Return the batch in ``content``.

    Raises:
        ExchangeError: ``malformed_batch``.

    """
    if len(content) < HEADER_BYTES:
        raise _malformed(f"at least {HEADER_BYTES} bytes, was {len(content)}")
    market, taker_fee_bps, maker_fee_bps, number, count, log_head = _header.unpack_from(content)
    first_fill = HEADER_BYTES + count * ORDER_BYTES
    if len(content) < first_fill or (len(content) - first_fill) % FILL_BYTES:
        raise _malformed(f"{count} orders and whole fills, was {len(content)} bytes")
    orders = _order.iter_unpack(content[HEADER_BYTES:first_fill])
    fills = _fill.iter_unpack(content[first_fill:])
    return Batch(
        market,
        taker_fee_bps,
        maker_fee_bps,
        number,
        log_head,
        tuple(_unpack_order(market, fields) for fields in orders),
        tuple(BatchFill(*fields) for fields in fills),
    )


def _pack_order(order: Order, signature: bytes) -> bytes:
    flags = (_SELLS if order.side is Side.SELL else 0) | (0 if signature else _APPROVED)
    if len(order.maker) != 20:  # noqa: PLR2004 -- the length of an address
        raise _malformed(f"makers of 20 bytes, was {order.maker!r}")
    return _order.pack(
        order.maker,
        flags,
        order.lots,
        order.ticks,
        order.lane,
        order.sequence,
        order.expiry >> 32,
        order.expiry & 0xFFFFFFFF,
        order.max_fee_bps,
        compact_signature(signature) if signature else _NO_SIGNATURE,
    )


def _unpack_order(market: int, fields: tuple[Any, ...]) -> BatchOrder:
    maker, flags, lots, ticks, lane, sequence, high, low, max_fee_bps, signature = fields
    if flags & ~(_SELLS | _APPROVED):
        raise _malformed(f"flags below 4, was {flags}")
    expiry = high << 32 | low
    side = Side.SELL if flags & _SELLS else Side.BUY
    order = Order(market, maker, side, lots, ticks, lane, sequence, expiry, max_fee_bps)
    return BatchOrder(order, b"" if flags & _APPROVED else signature)


def _log_head(head: bytes) -> bytes:
    if len(head) != 32:  # noqa: PLR2004 -- the length of a hash
        raise _malformed(f"a log head of 32 bytes, was {head!r}")
    return head


def _malformed(expected: str) -> ExchangeError:
    return ExchangeError("malformed_batch", f"Expected {expected}")
