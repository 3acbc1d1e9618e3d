"""Reading a contract's logs from a node, block range by block range, through reorganisations."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from web3.datastructures import NamedElementOnion
from web3.exceptions import BlockNotFound
from web3.types import RPCEndpoint

from gavelbook.chain.errors import ChainError, ChainUnreachable
from gavelbook.chain.event_forms import RawLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from web3 import Web3

_FIRST_RANGE = 2_000
_LARGEST_RANGE = 50_000
_FEW_LOGS = 2_000
_MAX_FAILURES = 40


class BlockMark(NamedTuple):
    """A block up to whose end everything was read."""

    number: int
    hash: str


class LogStore(Protocol):
    """Where an `EventReader` keeps what it has read; every write is all or nothing."""

    def add_logs(self, logs: Sequence[RawLog], marks: Iterable[BlockMark]) -> None:
        """Add ``logs`` and the hashes of their blocks, and of the last block read."""

    def forget_after(self, block: int) -> int:
        """Forget everything above ``block``; return how many events that were."""

    def last_mark(self) -> BlockMark | None:
        """Return the last block read; None where nothing was."""

    def marks_downward(self) -> list[BlockMark]:
        """Return the blocks whose hash is known, highest first."""


class EventReader:
    """Reads the logs of the contract at ``address`` from the block ``from_block`` on.

    Blocks with fewer than ``confirmations`` blocks above them are left for later. What was read is
    kept in ``store``, so reading resumes there after a restart. Before each step the blocks read
    last are compared with the chain; where they differ, everything read since the last common
    block is forgotten and read again. Safe to share between threads.
    """

    def __init__(
        self, web3: Web3, address: str, from_block: int, store: LogStore, confirmations: int = 0
    ) -> None:
        self.web3 = web3
        self.address = web3.to_checksum_address(address)
        self.from_block = from_block
        self.confirmations = confirmations
        self.unwound_events = 0
        self._filter: dict[str, Any] = {"address": self.address}
        self._kept = store
        self._range = _FIRST_RANGE
        self._lock = threading.RLock()
        # web3 spends a millisecond on each log to make objects of it.
        self._request: Any = web3.provider.request_func(web3, NamedElementOnion([]))

    def sync(
        self, progress: Callable[[int, int], object] | None = None, to_block: int | None = None
    ) -> int:
        """Read on to the confirmed head, or to ``to_block``; return the last block read.

        Args:
            progress: called after each step with the blocks read and the blocks to read.
            to_block: a block to stop at.

        Raises:
            ChainUnreachable: the node does not answer; what was read is kept.
            ChainError: ``logs_refused`` by the node even for one block, ``chain_unsteady`` where
                it reorganises faster than it can be read, ``log_malformed``.

        """
        with self._lock:
            return self._sync(progress or _silent, to_block)

    def _sync(self, progress: Callable[[int, int], object], to_block: int | None) -> int:
        failures = 0
        first: int | None = None
        while failures <= _MAX_FAILURES:
            failures += self._unwind()
            last = self._kept.last_mark()
            start = last.number + 1 if last else self.from_block
            head = self.web3.eth.block_number - self.confirmations
            head = head if to_block is None else min(head, to_block)
            if start > head:
                return start - 1
            first = start if first is None else min(first, start)
            end = min(start + self._range - 1, head)
            if self._read_range(start, end, last):
                failures = 0
                progress(end - first + 1, head - first + 1)
            else:
                failures += 1
        message = "Expected a chain that holds still to be read, was reorganised again and again"
        raise ChainError("chain_unsteady", message)

    def _unwind(self) -> bool:
        """Forget what is no longer on the chain; return whether there was something."""
        top = self._kept.last_mark()
        if top is None or self._hash_of(top.number) == top.hash:
            return False
        marks = self._kept.marks_downward()
        common = next((m.number for m in marks if self._hash_of(m.number) == m.hash), None)
        keep = self.from_block - 1 if common is None else common
        self.unwound_events += self._kept.forget_after(keep)
        return True

    def _read_range(self, start: int, end: int, below: BlockMark | None) -> bool:
        """Read the blocks ``start`` to ``end``; return False where that has to be tried again."""
        end_hash = self._hash_of(end)
        logs = self._logs(start, end)
        # That both ends stood while the logs were read shows that all between them did.
        steady = below is None or self._hash_of(below.number) == below.hash
        if logs is None or end_hash is None or not steady or self._hash_of(end) != end_hash:
            return False
        marks = {log.block: log.block_hash for log in logs}
        if marks.get(end, end_hash) != end_hash:
            return False
        marks[end] = end_hash
        self._kept.add_logs(logs, [BlockMark(*mark) for mark in sorted(marks.items())])
        if len(logs) < _FEW_LOGS:
            self._range = min(self._range * 2, _LARGEST_RANGE)
        return True

    def _logs(self, start: int, end: int) -> list[RawLog] | None:
        """Return the logs of the blocks, or None, with a smaller range set, where they are many."""
        query = {**self._filter, "fromBlock": hex(start), "toBlock": hex(end)}
        try:
            answer = self._request(RPCEndpoint("eth_getLogs"), [query])
        except ChainUnreachable as error:
            if start == end or error.code != "rpc_timeout":
                raise
        else:
            if "error" not in answer:
                return [RawLog.of(log) for log in answer["result"]]
            if start == end:
                message = f"Expected the logs of block {start}, was refused: {answer['error']}"
                raise ChainError("logs_refused", message, block=start)
        self._range = (end - start + 1) // 2
        return None

    def _hash_of(self, number: int) -> str | None:
        try:
            block = self.web3.eth.get_block(number)
        except BlockNotFound:
            return None
        return block["hash"].to_0x_hex()


def _silent(_read: int, _all: int) -> None:
    """Show no progress."""
