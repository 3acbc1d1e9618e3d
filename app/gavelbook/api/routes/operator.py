"""What only the operator sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gavelbook.api.operations import Operations
from gavelbook.wire.operator import AlarmView, BatchView, OperatorView, SettlerView, WatcherView
from gavelbook.wire.scalars import Address, Hash32, Uint16, Uint64, Uint256

if TYPE_CHECKING:
    from gavelbook.api.desk import Desk
    from gavelbook.api.operations import Call
    from gavelbook.service.exchange.batch_store import SignedBatch
    from gavelbook.service.exchange.chain_worker import ChainStatus

OPERATIONS = Operations("operator")

_BATCHES = 20


@OPERATIONS.add("GET", "/v1/operator", answer=OperatorView, access="operator")
async def get_operator(desk: Desk, call: Call) -> OperatorView:
    """Read how the exchange does.

    For whoever has the operator's token, which is not a session: `gavelbook serve` reads it from
    the file in `GAVELBOOK_OPERATOR_TOKEN_FILE`, and without one nobody is the operator.
    """
    del call
    with desk.sequencer.reading() as engine:
        unsettled = engine.unsettled_fills()
    oldest = next(iter(desk.views.open_fills(limit=1)), None)
    operating = desk.operating
    status = None if operating.status is None else operating.status()
    batches = [] if operating.batches is None else operating.batches.recent(_BATCHES)
    return OperatorView(
        started=Uint64(int(operating.started * 1000)),
        cancel_only=desk.cancel_only,
        position=Uint64(desk.sequencer.tail.position),
        views_position=Uint64(desk.views.position),
        queued_commands=Uint64(desk.sequencer.queued),
        unsettled_fills=Uint64(unsettled),
        oldest_unsettled=None if oldest is None else Uint64(oldest.fill.time_ms),
        unreachable="" if status is None else status.unreachable,
        watcher=None if status is None else _watcher(status),
        settler=None if status is None else _settler(status, operating.relayer),
        batches=[_batch(each) for each in batches],
    )


def _watcher(status: ChainStatus) -> WatcherView:
    watch = status.watch
    return WatcherView(
        Uint64(watch.head_block),
        Uint64(watch.confirmed_block),
        Uint64(watch.confirmed_time),
        Uint64(watch.waiting),
        list(watch.problems),
    )


def _settler(status: ChainStatus, relayer: bytes | None) -> SettlerView:
    settle = status.settle
    return SettlerView(
        relayer=None if relayer is None else Address(relayer),
        last_batch=Uint64(settle.last_batch),
        in_flight=Uint64(settle.in_flight),
        busted=Uint64(settle.busted),
        reverted=Uint64(settle.reverted),
        resting=settle.resting,
        alarm=None if settle.alarm is None else AlarmView(*settle.alarm),
        gas_used=Uint256(status.gas_used),
        settled_fills=Uint64(status.settled_fills),
    )


def _batch(batch: SignedBatch) -> BatchView:
    return BatchView(
        Uint64(batch.number),
        Uint16(batch.market),
        Uint64(batch.fill_count),
        Hash32(batch.tx_hash) if batch.tx_hash else None,
        Uint256(batch.gas_used) if batch.gas_used else None,
    )
