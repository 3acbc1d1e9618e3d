"""What settling cost: the batches on the chain with the gas and the fees of their transactions."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from gavelbook.chain.event_reader import BlockMark, EventReader
from gavelbook.chain.exchange_events import ExchangeEventKind, read_exchange_log

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from web3 import Web3

    from gavelbook.chain.event_forms import RawLog
    from gavelbook.chain.exchange_events import ExchangeEvent

_MARKS = 256
_CHUNK = 100


class SettledBatch(NamedTuple):
    """A batch on the chain; ``fee`` is what ``sender`` paid for its transaction, in wei."""

    number: int
    fills: int
    block: int
    time: int
    transaction: str
    sender: str
    gas: int
    fee: int

    @property
    def gas_per_fill(self) -> int:
        """Gas of the transaction divided by fills, rounded to the nearest."""
        return (self.gas + self.fills // 2) // self.fills if self.fills else 0


@dataclass
class _Settled:
    """A `LogStore` in memory that keeps batches and counts their fills."""

    batches: list[ExchangeEvent] = field(default_factory=list)
    fills: dict[str, int] = field(default_factory=dict)
    marks: deque[BlockMark] = field(default_factory=lambda: deque(maxlen=_MARKS))

    def add_logs(self, logs: Sequence[RawLog], marks: Iterable[BlockMark]) -> None:
        for event in filter(None, map(read_exchange_log, logs)):
            if event.kind is ExchangeEventKind.BATCH_SETTLED:
                self.batches.append(event)
            elif event.kind is ExchangeEventKind.FILL:
                self.fills[event.transaction] = self.fills.get(event.transaction, 0) + 1
        self.marks.extend(marks)

    def forget_after(self, block: int) -> int:
        gone = [event for event in self.batches if event.block > block]
        for event in gone:
            self.fills.pop(event.transaction, None)
        self.batches = [event for event in self.batches if event.block <= block]
        self.marks = deque((m for m in self.marks if m.number <= block), maxlen=_MARKS)
        return len(gone)

    def last_mark(self) -> BlockMark | None:
        return self.marks[-1] if self.marks else None

    def marks_downward(self) -> list[BlockMark]:
        return list(self.marks)[::-1]


class SettledBatches:
    """The batches of the exchange at ``address``, made in block ``from_block``."""

    def __init__(self, web3: Web3, address: str, from_block: int) -> None:
        self._web3 = web3
        self._store = _Settled()
        self._reader = EventReader(web3, address, from_block, self._store)
        self._known: dict[str, SettledBatch] = {}

    def last(self, count: int) -> list[SettledBatch]:
        """Read on, and return the last ``count`` batches, newest first.

        Raises:
            ChainError: as `EventReader.sync`.
            ChainUnreachable: the node does not answer.

        """
        self._reader.sync()
        wanted = self._store.batches[-count:][::-1]
        unknown = [event for event in wanted if event.transaction not in self._known]
        for first in range(0, len(unknown), _CHUNK):
            self._learn(unknown[first : first + _CHUNK])
        kept = {event.transaction: self._known[event.transaction] for event in wanted}
        self._known = kept
        return list(kept.values())

    def count(self) -> int:
        """Return how many batches there are, as of the last reading."""
        return len(self._store.batches)

    def _learn(self, events: Sequence[ExchangeEvent]) -> None:
        eth = self._web3.eth
        with self._web3.batch_requests() as batch:
            for event in events:
                batch.add(eth.get_transaction_receipt(event.transaction))  # type: ignore[arg-type]
                batch.add(eth.get_block(event.block))
            answers: list[Any] = batch.execute()
        for event, receipt, block in zip(events, answers[::2], answers[1::2], strict=True):
            gas = int(receipt["gasUsed"])
            self._known[event.transaction] = SettledBatch(
                number=event.integer("number"),
                fills=self._store.fills.get(event.transaction, 0),
                block=event.block,
                time=int(block["timestamp"]),
                transaction=event.transaction,
                sender=str(receipt["from"]),
                gas=gas,
                fee=gas * int(receipt["effectiveGasPrice"]),
            )
