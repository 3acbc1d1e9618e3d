"""What concerns one account in the logs of several contracts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from gavelbook.chain.event_forms import event_topic, read_values
from gavelbook.chain.event_reader import BlockMark, EventReader
from gavelbook.chain.exchange_events import ExchangeEvent, ExchangeEventKind, read_exchange_log
from gavelbook.chain.sale_events import EventKind, SaleEvent, read_log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from web3 import Web3

    from gavelbook.chain.event_forms import RawLog

_WORD_BYTES = 32
_TRANSFER_TOPICS = 3
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


@dataclass(frozen=True, slots=True)
class Transfer:
    """``units`` of ``token`` that went from ``sender`` to ``receiver``, and where on the chain."""

    token: str
    sender: str
    receiver: str
    units: int
    block: int
    log_index: int
    transaction: str


T = TypeVar("T", AccountEvent, Transfer)


@dataclass(slots=True)
class _Kept(Generic[T]):
    """A `LogStore` in memory, of what ``read`` makes of the logs."""

    read: Callable[[RawLog], T | None]
    block_of: Callable[[T], int]
    events: list[T] = field(default_factory=list)
    marks: list[BlockMark] = field(default_factory=list)

    def add_logs(self, logs: Sequence[RawLog], marks: Iterable[BlockMark]) -> None:
        for log in logs:
            event = self.read(log)
            if event is not None:
                self.events.append(event)
        self.marks += marks

    def forget_after(self, block: int) -> int:
        before = len(self.events)
        self.events = [each for each in self.events if self.block_of(each) <= block]
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
        self._events = _Kept(_account_event, lambda each: each.event.block)
        super().__init__(web3, contracts[0], from_block, self._events)
        kinds = [event_topic("Exchange", kind) for kind in _EXCHANGE_KINDS]
        kinds += [event_topic("TokenSale", kind) for kind in _SALE_KINDS]
        self._filter = {
            "address": [web3.to_checksum_address(each) for each in contracts],
            "topics": [[f"0x{kind.hex()}" for kind in kinds], _word(account)],
        }

    def events(self) -> tuple[AccountEvent, ...]:
        """Return what was read so far, in the order of the chain."""
        with self._lock:
            return tuple(self._events.events)


class TransferLogs:
    """Reads what ``account`` was sent, and sent, of ``tokens``.

    Transfers of nothing are left out: anybody can make one in anybody's name.
    """

    def __init__(self, web3: Web3, tokens: Sequence[str], account: str, from_block: int) -> None:
        sent: list[str | None] = [_word(account)]
        received = [None, _word(account)]
        self._readers = [
            _TransferReader(web3, tokens, from_block, parties) for parties in (sent, received)
        ]

    def sync(self) -> bool:
        """Read on to the head; return whether the chain took some of it back.

        Errors as `EventReader.sync`.
        """
        before = self._unwound()
        for reader in self._readers:
            reader.sync()
        return self._unwound() != before

    def transfers(self) -> tuple[Transfer, ...]:
        """Return what was read so far, in the order of the chain."""
        found = {(each.block, each.log_index): each for one in self._readers for each in one.read()}
        return tuple(found[place] for place in sorted(found))

    def _unwound(self) -> int:
        return sum(reader.unwound_events for reader in self._readers)


class _TransferReader(EventReader):
    def __init__(
        self, web3: Web3, tokens: Sequence[str], from_block: int, parties: list[str | None]
    ) -> None:
        self._transfers = _Kept(_transfer, lambda each: each.block)
        super().__init__(web3, tokens[0], from_block, self._transfers)
        self._filter = {
            "address": [web3.to_checksum_address(each) for each in tokens],
            "topics": [f"0x{event_topic(_TOKEN, _TRANSFER).hex()}", *parties],
        }

    def read(self) -> tuple[Transfer, ...]:
        with self._lock:
            return tuple(self._transfers.events)


_TOKEN, _TRANSFER = "FixedSupplyToken", "Transfer"


def _account_event(log: RawLog) -> AccountEvent | None:
    event = read_exchange_log(log) or read_log(log)
    return None if event is None else AccountEvent(log.address, event)


def _transfer(log: RawLog) -> Transfer | None:
    if len(log.topics) != _TRANSFER_TOPICS:
        # A token without the parties as topics, or of single things: not ERC-20.
        return None
    found = read_values(_TOKEN, log)
    if found is None or not found[1]["value"]:
        return None
    values = found[1]
    return Transfer(
        token=log.address,
        sender=str(values["from"]),
        receiver=str(values["to"]),
        units=int(values["value"]),
        block=log.block,
        log_index=log.log_index,
        transaction=log.transaction,
    )


def _word(account: str) -> str:
    return f"0x{bytes.fromhex(account[2:]).rjust(_WORD_BYTES, bytes(1)).hex()}"
