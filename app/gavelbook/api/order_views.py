"""From records of the views to what goes over the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gavelbook.api.views import SIDES, fill_of, state_when_done, trade_of
from gavelbook.exchange.signing import Withdrawal
from gavelbook.wire.accounts import WithdrawalView
from gavelbook.wire.orders import OrderView
from gavelbook.wire.scalars import (
    Address,
    ClientId,
    Hash32,
    Signature,
    Uint16,
    Uint32,
    Uint40,
    Uint64,
    Uint256,
)

if TYPE_CHECKING:
    from gavelbook.api.desk import Cosigner
    from gavelbook.api.settlements import Settlements
    from gavelbook.service.exchange.view_queries import FillRecord, OrderRecord, WithdrawalRecord
    from gavelbook.wire.markets import TradeView
    from gavelbook.wire.orders import FillState, FillView


def order_view(record: OrderRecord) -> OrderView:
    """Return an order as the wire has it."""
    order, done = record.order, record.done_reason
    return OrderView(
        Hash32(record.order_hash),
        Uint16(order.market),
        Address(order.maker),
        SIDES[order.side],
        Uint64(order.lots),
        Uint64(order.ticks),
        Uint32(order.lane),
        Uint32(order.sequence),
        Uint40(order.expiry),
        Uint16(order.max_fee_bps),
        record.time_in_force.value,
        record.post_only,
        Uint64(record.position),
        Uint64(record.time_ms),
        "OPEN" if done is None else state_when_done(done),
        filled_lots=Uint64(order.lots - record.remaining_lots),
        remaining_lots=Uint64(record.remaining_lots if done is None else 0),
        settled_lots=Uint64(record.settled_lots),
        reason=None if done is None else done.value,
        client_id=ClientId(record.client_id) if record.client_id else None,
    )


def fill_views(record: FillRecord, account: bytes, settlements: Settlements) -> list[FillView]:
    """Return the sides of a fill that are the account's: one, or both where it met itself."""
    state, batch, transaction = settlement_of(record, settlements)
    fill = record.fill
    return [
        fill_of(
            fill,
            record.position,
            taker=taker,
            state=state,
            batch=batch,
            transaction=transaction,
        )
        for taker, owner in ((False, fill.maker), (True, fill.taker))
        if owner == account
    ]


def trade_view(record: FillRecord, settlements: Settlements) -> TradeView:
    """Return a trade as everybody sees it."""
    state, batch, transaction = settlement_of(record, settlements)
    return trade_of(record.fill, state, batch=batch, transaction=transaction)


def settlement_of(
    record: FillRecord, settlements: Settlements
) -> tuple[FillState, Uint64 | None, Hash32 | None]:
    """Return how far a fill is, with its batch and transaction as far as there are."""
    if record.busted:
        return "BUSTED", None, None
    if record.batch:
        batch = settlements.batch(record.batch)
        return "SETTLED", Uint64(record.batch), _hash(batch and batch.transaction_hash)
    batch = settlements.batch_of(record.fill.market, record.fill.fill_id)
    if batch is None or batch.transaction_hash is None:
        return "MATCHED", None, None
    return "SUBMITTED", Uint64(batch.number), _hash(batch.transaction_hash)


def withdrawal_view(record: WithdrawalRecord, cosign: Cosigner) -> WithdrawalView:
    """Return a withdrawal as the wire has it; pending ones with the matcher's signature."""
    signature = None
    if record.paid is None:
        signature = Signature(
            cosign(
                Withdrawal(
                    record.account,
                    record.token,
                    record.amount,
                    record.to,
                    record.nonce,
                    record.deadline,
                )
            )
        )
    return WithdrawalView(
        Address(record.account),
        Address(record.token),
        Uint256(record.amount),
        Address(record.to),
        Uint256(record.nonce),
        Uint40(record.deadline),
        "PENDING" if record.paid is None else "DONE" if record.paid else "EXPIRED",
        Uint64(record.position),
        signature,
    )


def _hash(value: bytes | None) -> Hash32 | None:
    return Hash32(value) if value else None
