"""Blocks on the machine of the tests: transactions in order, events, and reorganisations."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

from gavelbook.chain.event_forms import RawLog
from gavelbook.chain.exchange_events import ExchangeEvent, read_exchange_log
from tests.evm.machine import Reverted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.evm.exchange import Exchange


class Transaction(NamedTuple):
    """A call of the exchange; ``kind`` is what a test knows it by."""

    kind: str
    sender: str
    data: bytes


class Block(NamedTuple):
    """A block: what was in it, what it announced and what was refused, with the reason."""

    number: int
    time: int
    transactions: tuple[Transaction, ...]
    events: tuple[ExchangeEvent, ...]
    refused: tuple[tuple[Transaction, Reverted], ...]


class Blocks:
    """A chain of blocks that can lose its last ones."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._undo: list[ExitStack] = []
        self.blocks: list[Block] = []

    @property
    def head(self) -> int:
        """Number of the last block; 0 before the first."""
        return len(self.blocks)

    def mine(self, transactions: Iterable[Transaction], time: int) -> Block:
        """Add a block."""
        machine = self._exchange.machine
        undo = ExitStack()
        undo.enter_context(machine.trial())
        self._undo.append(undo)
        machine.now = time
        number = len(self.blocks) + 1
        included = tuple(transactions)
        events: list[ExchangeEvent] = []
        refused: list[tuple[Transaction, Reverted]] = []
        for transaction in included:
            try:
                self._exchange.send(transaction.sender, transaction.data)
            except Reverted as revert:
                refused.append((transaction, revert))
            else:
                events += self._events(number)
        block = Block(number, time, included, tuple(events), tuple(refused))
        self.blocks.append(block)
        return block

    def reorganise(self, depth: int) -> list[Transaction]:
        """Take the last blocks back, and return what was in them."""
        dropped: list[Transaction] = []
        for _ in range(depth):
            self._undo.pop().close()
            dropped = [*self.blocks.pop().transactions, *dropped]
        return dropped

    def close(self) -> None:
        """Take everything back."""
        self.reorganise(len(self.blocks))

    def _events(self, number: int) -> Iterable[ExchangeEvent]:
        for index, (address, topics, data) in enumerate(self._exchange.machine.logs()):
            if address != self._exchange.address:
                continue
            found = read_exchange_log(
                RawLog(
                    block=number,
                    block_hash=f"0x{number:064x}",
                    log_index=index,
                    transaction=f"0x{number:064x}",
                    topics=tuple(bytes.fromhex(topic[2:]) for topic in topics),
                    data=data,
                )
            )
            if found is not None:
                yield found
