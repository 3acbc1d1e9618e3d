"""Clocks, state, receipts and the public log."""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct, field

from gavelbook import __version__
from gavelbook.api.errors import RequestError
from gavelbook.api.operations import Operations
from gavelbook.service.exchange.receipts import receipt_of
from gavelbook.wire.accounts import LogEntryView, LogPage, ReceiptView
from gavelbook.wire.markets import Status, Time
from gavelbook.wire.orders import MOST_IN_BATCH
from gavelbook.wire.scalars import Address, Hash32, Octets, Signature, Uint64, Uint256

if TYPE_CHECKING:
    from gavelbook.api.desk import Desk
    from gavelbook.api.operations import Call

OPERATIONS = Operations("system")


class ReceiptPath(Struct, frozen=True):
    """Which order."""

    hash: Hash32


class LogQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which entries."""

    start: Uint64 | None = field(name="from", default=None)
    limit: Annotated[int, Meta(ge=1, le=1000)] = 500


@OPERATIONS.add("GET", "/v1/time", answer=Time)
async def get_time(desk: Desk, call: Call) -> Time:
    """Read the clocks: this machine's, and the log's, by which orders expire."""
    del call
    return Time(Uint64(int(time() * 1000)), Uint64(desk.sequencer.tail.time_ms))


@OPERATIONS.add("GET", "/v1/status", answer=Status)
async def get_status(desk: Desk, call: Call) -> Status:
    """Read what works just now, the limits, and what a signer has to know."""
    del call
    tail = desk.sequencer.tail
    with desk.sequencer.reading() as engine:
        unsettled = engine.unsettled_fills()
    return Status(
        "cancel_only" if desk.cancel_only else "open",
        __version__,
        Uint256(desk.domain.chain_id),
        Address(desk.domain.contract),
        Address(desk.matcher),
        Uint64(tail.position),
        Hash32(tail.head),
        Uint64(unsettled),
        desk.terms.settlement_window,
        int(desk.settings.cancel_window),
        desk.settings.max_body,
        MOST_IN_BATCH,
    )


@OPERATIONS.add(
    "GET",
    "/v1/receipts/{hash}",
    path_type=ReceiptPath,
    answer=ReceiptView,
    problems=("unknown_order", "log_position_unknown"),
)
async def get_receipt(desk: Desk, call: Call) -> ReceiptView:
    """Get the proof that an order is in the log, and where.

    It holds without this exchange: the head it leads to is signed by the matcher and committed to
    the chain with each batch.
    """
    record = (await desk.current_views()).order(bytes(call.path.hash))
    if record is None:
        message = f"Expected the hash of an accepted order, was {call.path.hash.text()}"
        raise RequestError("unknown_order", message, order_hash=call.path.hash)
    receipt = receipt_of(desk.log, record.position)
    return ReceiptView(
        Hash32(receipt.order_hash),
        Uint64(receipt.position),
        Uint64(receipt.time_ms),
        Octets(receipt.content),
        Hash32(receipt.previous_head),
        [Hash32(each) for each in receipt.digests],
        Hash32(receipt.head),
        Uint64(receipt.head_position),
        Signature(receipt.signature),
    )


@OPERATIONS.add("GET", "/v1/log", query_type=LogQuery, answer=LogPage)
async def read_log(desk: Desk, call: Call) -> LogPage:
    """Read the public log: everything the engine was told, in order.

    Whoever replays it gets every match; `head` chains the entries, and the matcher signs heads.
    """
    query: LogQuery = call.query
    tail = desk.sequencer.tail.position
    after = max(int(query.start or 1), 1) - 1
    entries = [] if after >= tail else list(desk.log.read(after, query.limit))
    page = [
        LogEntryView(
            Uint64(each.position), Uint64(each.time_ms), Octets(each.content), Hash32(each.head)
        )
        for each in entries
        if each.position <= tail
    ]
    more = page and page[-1].position < tail
    return LogPage(Octets(desk.origin), page, Uint64(page[-1].position + 1) if more else None)
