"""Making a batch of fills: packed as the contract takes it, and signed by the matcher."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tiny_keccak import keccak256

from gavelbook.exchange.batch_codec import Batch, BatchFill, BatchOrder, pack_batch
from gavelbook.service.exchange.batch_store import SignedBatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gavelbook.exchange.markets import Market
    from gavelbook.service.exchange.batch_planner import OpenFill, SignedOrder
    from gavelbook.service.exchange.entries import Tail
    from gavelbook.service.exchange.matcher_key import MatcherKey


class BatchMaker:
    """Makes batches signed with the matcher's ``key``."""

    def __init__(self, key: MatcherKey) -> None:
        self.matcher = key.address
        self._key = key

    def made(self, batch: SignedBatch) -> bool:
        """Return whether ``batch`` is signed with this key, not with one that was the matcher's."""
        own = self._key.sign_batch(batch.market, batch.number, batch.content)
        return own == batch.signature

    def make(
        self, number: int, attempt: int, fills: Sequence[OpenFill], market: Market, log: Tail
    ) -> SignedBatch:
        """Return batch ``number`` with ``fills`` of ``market``; it commits to the end of ``log``.

        Raises:
            ExchangeError: ``malformed_batch`` or ``bad_signature``.

        """
        places: dict[bytes, int] = {}
        orders: list[BatchOrder] = []

        def place(signed: SignedOrder) -> int:
            found = places.setdefault(signed.order_hash, len(orders))
            if found == len(orders):
                orders.append(BatchOrder(signed.order, signed.signature))
            return found

        packed = [BatchFill(place(each.taker), place(each.maker), each.fill.lots) for each in fills]
        content = pack_batch(
            Batch(
                market.id,
                market.taker_fee_bps,
                market.maker_fee_bps,
                number,
                log.head,
                tuple(orders),
                tuple(packed),
            )
        )
        return SignedBatch(
            number=number,
            attempt=attempt,
            market=market.id,
            first_fill=fills[0].fill.fill_id,
            last_fill=fills[-1].fill.fill_id,
            fill_count=len(fills),
            content=content,
            content_hash=bytes(keccak256(content)),
            signature=self._key.sign_batch(market.id, number, content),
            log_position=log.position,
        )
