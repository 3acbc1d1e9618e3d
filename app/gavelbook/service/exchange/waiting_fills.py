"""The fills that wait for a batch, with their orders, from the views."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Protocol

from gavelbook.chain.errors import ChainError
from gavelbook.service.exchange.batch_planner import OpenFill, SignedOrder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from gavelbook.service.exchange.settlement_status import SettlerSettings
    from gavelbook.service.exchange.view_queries import FillRecord, OrderRecord


class KnowsFills(Protocol):
    """What the settler needs of the views."""

    def open_fills(self, after: int = 0, limit: int | None = None) -> Iterable[FillRecord]:
        """Yield fills that are neither settled nor busted, oldest first."""

    def order(self, order_hash: bytes) -> OrderRecord | None:
        """Return an order."""

    def wait_for(self, position: int, timeout: float) -> bool:
        """Wait until the views hold the log up to ``position``."""


class WaitingFills:
    """Reads fills from ``views``, which may be behind the log and behind the chain."""

    def __init__(self, views: KnowsFills, settings: SettlerSettings) -> None:
        self._views = views
        self._settings = settings

    def records(self, watermarks: Mapping[int, int], position: int) -> list[FillRecord] | None:
        """Return the first fills that are in no batch on the chain.

        Args:
            watermarks: the last fill of each market that is in a batch on the chain.
            position: where the views have to be.

        Returns:
            The fills in order; None where the views are not there yet.

        """
        if not self._views.wait_for(position, self._settings.wait_seconds):
            return None
        found = (
            record
            for record in self._views.open_fills()
            if record.fill.fill_id > watermarks.get(record.fill.market, 0)
        )
        return list(islice(found, self._settings.window_fills))

    def due(self, records: Sequence[FillRecord], exiting: AbstractSet[bytes]) -> bool:
        """Return whether to settle ``records`` now rather than wait for more.

        The fills of an account that is ``exiting`` do not wait.
        """
        if not records:
            return False
        age = self._settings.clock() - records[0].fill.time_ms / 1000
        enough = len(records) >= self._settings.batch_fills
        if enough or age >= self._settings.batch_seconds:
            return True
        return any(not exiting.isdisjoint((r.fill.maker, r.fill.taker)) for r in records)

    def with_orders(self, records: Sequence[FillRecord]) -> list[OpenFill]:
        """Return fills with their orders.

        Raises:
            ChainError: ``order_unknown``.

        """
        orders: dict[bytes, SignedOrder] = {}
        return [
            OpenFill(
                record.fill,
                self._order(record.fill.maker_hash, orders),
                self._order(record.fill.taker_hash, orders),
            )
            for record in records
        ]

    def _order(self, order_hash: bytes, known: dict[bytes, SignedOrder]) -> SignedOrder:
        if order_hash not in known:
            record = self._views.order(order_hash)
            if record is None:
                message = f"Expected an order 0x{order_hash.hex()} in the views, was none"
                raise ChainError("order_unknown", message)
            known[order_hash] = SignedOrder(record.order, order_hash, record.signature)
        return known[order_hash]
