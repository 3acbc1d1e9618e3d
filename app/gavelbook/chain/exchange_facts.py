"""Everything that an exchange contract has announced, for an audit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gavelbook.chain.event_reader import BlockMark, EventReader
from gavelbook.chain.exchange_events import ExchangeEvent, ExchangeEventKind, read_exchange_log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from web3 import Web3

    from gavelbook.chain.event_forms import RawLog


@dataclass(frozen=True, slots=True)
class ExchangeFacts:
    """The events of the exchange at ``address``, in order, up to the end of ``block``."""

    chain_id: int
    address: str
    block: int
    events: tuple[ExchangeEvent, ...]

    def matchers(self) -> frozenset[bytes]:
        """Return everybody who has ever been the matcher."""
        changes = (e for e in self.events if e.kind is ExchangeEventKind.MATCHER_CHANGED)
        return frozenset(event.account("matcher") for event in changes)


@dataclass(slots=True)
class _Events:
    """A `LogStore` in memory."""

    events: list[ExchangeEvent] = field(default_factory=list)
    marks: list[BlockMark] = field(default_factory=list)

    def add_logs(self, logs: Sequence[RawLog], marks: Iterable[BlockMark]) -> None:
        self.events += [event for event in map(read_exchange_log, logs) if event is not None]
        self.marks += marks

    def forget_after(self, block: int) -> int:
        before = len(self.events)
        self.events = [event for event in self.events if event.block <= block]
        self.marks = [mark for mark in self.marks if mark.number <= block]
        return before - len(self.events)

    def last_mark(self) -> BlockMark | None:
        return self.marks[-1] if self.marks else None

    def marks_downward(self) -> list[BlockMark]:
        return self.marks[::-1]


def collect_exchange_facts(
    web3: Web3,
    address: str,
    from_block: int,
    progress: Callable[[int, int], object] | None = None,
) -> ExchangeFacts:
    """Read all events of the exchange at ``address`` from ``from_block`` on.

    Raises:
        ChainError: as `EventReader.sync`.
        ChainUnreachable: the node does not answer.

    """
    store = _Events()
    reader = EventReader(web3, address, from_block, store)
    block = reader.sync(progress)
    return ExchangeFacts(web3.eth.chain_id, reader.address, block, tuple(store.events))
