"""What concerns one account in the logs of several contracts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gavelbook.chain.event_forms import event_topic
from gavelbook.chain.event_reader import BlockMark, EventReader
from gavelbook.chain.exchange_events import ExchangeEvent, ExchangeEventKind, read_exchange_log
from gavelbook.chain.sale_events import EventKind, SaleEvent, read_log

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from web3 import Web3

    from gavelbook.chain.event_forms import RawLog

_WORD_BYTES = 32
_EXCHANGE_KINDS = (
    ExchangeEventKind.DEPOSITED,
    ExchangeEventKind.ETHER_SWEPT,
    ExchangeEventKind.WITHDRAWN,
    ExchangeEventKind.EXIT_REQUESTED,
    ExchangeEventKind.EXIT_CANCELLED,
    ExchangeEventKind.EXITED,
    ExchangeEventKind.CANCEL_REQUESTED,
)
_SALE_KINDS = (
    EventKind.BID_PLACED,
    EventKind.BID_CANCELLED,
    EventKind.TOKENS_CLAIMED,
    EventKind.REFUND_CLAIMED,
)


@dataclass(frozen=True, slots=True)
class AccountEvent:
    """An event that names the account first, and the contract that told it."""

    contract: str
    event: ExchangeEvent | SaleEvent


@dataclass(slots=True)
class _Kept:
    """A `LogStore` in memory."""

    events: list[AccountEvent] = field(default_factory=list)
    marks: list[BlockMark] = field(default_factory=list)

    def add_logs(self, logs: Sequence[RawLog], marks: Iterable[BlockMark]) -> None:
        for log in logs:
            event = read_exchange_log(log) or read_log(log)
            if event is not None:
                self.events.append(AccountEvent(log.address, event))
        self.marks += marks

    def forget_after(self, block: int) -> int:
        before = len(self.events)
        self.events = [each for each in self.events if each.event.block <= block]
        self.marks = [mark for mark in self.marks if mark.number <= block]
        return before - len(self.events)

    def last_mark(self) -> BlockMark | None:
        return self.marks[-1] if self.marks else None

    def marks_downward(self) -> list[BlockMark]:
        return self.marks[::-1]


class AccountLogs(EventReader):
    """Reads the money events of ``account`` at ``contracts``: sales and an exchange.

    The node is asked for the logs that name the account alone, so a long history of others costs
    nothing. Fills are not among them: their events do not name accounts.
    """

    def __init__(self, web3: Web3, contracts: Sequence[str], account: str, from_block: int) -> None:
        self._events = _Kept()
        super().__init__(web3, contracts[0], from_block, self._events)
        kinds = [event_topic("Exchange", kind) for kind in _EXCHANGE_KINDS]
        kinds += [event_topic("TokenSale", kind) for kind in _SALE_KINDS]
        named = bytes.fromhex(account[2:]).rjust(_WORD_BYTES, b"\0")
        self._filter = {
            "address": [web3.to_checksum_address(each) for each in contracts],
            "topics": [[f"0x{kind.hex()}" for kind in kinds], f"0x{named.hex()}"],
        }

    def events(self) -> tuple[AccountEvent, ...]:
        """Return what was read so far, in the order of the chain."""
        with self._lock:
            return tuple(self._events.events)
