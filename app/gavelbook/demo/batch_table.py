"""The batches that were settled, from the chain alone, with what they cost."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from gavelbook.chain.exchange_events import ExchangeEventKind, read_fill

if TYPE_CHECKING:
    from gavelbook.demo.exchange_scene import ExchangeScene


class Settled(NamedTuple):
    """A batch on the chain; ``gas`` is that of its whole transaction."""

    number: int
    fills: int
    gas: int

    @property
    def gas_per_fill(self) -> int:
        """Gas of the transaction divided by fills, rounded to the nearest."""
        return (self.gas + self.fills // 2) // self.fills


def settled_batches(scene: ExchangeScene) -> list[Settled]:
    """Return all batches, oldest first."""
    fills: Counter[int] = Counter()
    transactions: dict[int, str] = {}
    for event in scene.facts().events:
        if event.kind is ExchangeEventKind.FILL:
            fills[read_fill(event).batch] += 1
        elif event.kind is ExchangeEventKind.BATCH_SETTLED:
            transactions[event.integer("number")] = event.transaction
    receipts = scene.scene.chain.batch(
        "eth_getTransactionReceipt", [(transaction,) for transaction in transactions.values()]
    )
    return [
        Settled(number, fills[number], int(receipt["gasUsed"], 16))
        for number, receipt in zip(transactions, receipts, strict=True)
    ]
