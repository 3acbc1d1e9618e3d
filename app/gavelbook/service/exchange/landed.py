"""Which contents of batches the chain has, asked of the chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gavelbook.chain.errors import ChainError, ChainUnreachable
from gavelbook.chain.exchange_events import settled_batch

if TYPE_CHECKING:
    from gavelbook.chain.exchange import Exchange
    from gavelbook.service.exchange.batch_store import BatchStore, SignedBatch


class Landed:
    """Tells which batches of ``batches`` are on the chain, before they are there for good."""

    def __init__(self, exchange: Exchange, batches: BatchStore) -> None:
        self._exchange = exchange
        self._batches = batches

    def unconfirmed(self, last: int, above: int, block: int) -> list[SignedBatch]:
        """Return the contents that the chain has and the watcher has not told of yet.

        Args:
            last: number of the last batch on the chain at the end of ``block``.
            above: the block up to which the watcher has told everything.
            block: the block to read at.

        Raises:
            ChainError: ``batch_unknown``, where the chain has a batch that was not made here.
            ChainUnreachable: ``rpc_inconsistent``, where the node has the number, not the event.

        """
        if last > self._batches.last_number():
            message = f"Expected at most batch {self._batches.last_number()}, was {last} settled"
            raise ChainError("batch_unknown", message, number=last)
        return [self._content(number, above, block) for number in self._batches.unconfirmed(last)]

    def _content(self, number: int, above: int, block: int) -> SignedBatch:
        contents = self._batches.contents(number)
        if len(contents) == 1 and contents[0].gas_used:
            return contents[0]
        event = settled_batch(self._exchange.web3, self._exchange.address, number, above + 1, block)
        if event is None:
            message = f"Expected the event of batch {number}, was none"
            raise ChainUnreachable("rpc_inconsistent", message)
        batch = self._batches.by_hash(event.hash("content_hash"))
        if batch is None:
            message = f"Expected a content of batch {number} made here, was another"
            raise ChainError("batch_unknown", message, number=number)
        transaction = bytes.fromhex(event.transaction[2:])
        receipt = self._exchange.web3.eth.get_transaction_receipt(event.transaction)  # type: ignore[arg-type]
        self._batches.note_receipt(batch, transaction, int(receipt["gasUsed"]))
        return batch
