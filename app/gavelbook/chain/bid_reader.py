"""Reading the events of a sale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gavelbook.chain.event_reader import EventReader
from gavelbook.chain.event_store import EventStore
from gavelbook.chain.sale_book import SaleBook
from gavelbook.chain.sale_events import EventKind, SaleEvent

if TYPE_CHECKING:
    from web3 import Web3


class BidReader(EventReader):
    """Reads the events of the sale at ``sale_address``; kept in memory where ``store`` is None.

    Raises:
        StoreError: ``store_of_another_sale``.

    """

    def __init__(
        self,
        web3: Web3,
        sale_address: str,
        from_block: int,
        store: EventStore | None = None,
        confirmations: int = 0,
    ) -> None:
        self.store = store or EventStore()
        super().__init__(web3, sale_address, from_block, self.store, confirmations)
        self.store.open_for(web3.eth.chain_id, self.address, from_block)

    def book(self) -> SaleBook:
        """Return all bids read so far.

        Raises:
            ChainError: ``events_incomplete``.

        """
        with self._lock:
            last = self.store.last_mark()
            events = self.store.events(EventKind.BID_PLACED, EventKind.BID_CANCELLED)
            return SaleBook.from_events(events, last.number if last else self.from_block - 1)

    def events(self, kind: EventKind | str | None = None) -> list[SaleEvent]:
        """Return the events of ``kind`` (of all kinds, where None) in order."""
        with self._lock:
            return list(self.store.events(*([] if kind is None else [EventKind(kind)])))
