"""Comparing what the log was told, and what follows from it, with what the chain announced."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING

from gavelbook.chain.audit_difference import AuditDifference, expect
from gavelbook.chain.exchange_events import ExchangeEventKind, read_fill
from gavelbook.exchange import commands
from gavelbook.exchange.orders import Side
from gavelbook.exchange.reports import FillBusted, Filled
from gavelbook.service.exchange.watch_inputs import (
    CHAIN_COMMANDS,
    WATCHED,
    LandedBatch,
    inputs_of,
)

if TYPE_CHECKING:
    from gavelbook.chain.exchange_events import ChainFill, ExchangeEvent
    from gavelbook.chain.exchange_facts import ExchangeFacts
    from gavelbook.exchange.commands import Command
    from gavelbook.exchange.reports import Report
    from gavelbook.service.exchange.watch_inputs import Input


class _Forgetful:
    """A `Memory` for events that nothing takes back."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def recall(self, name: str) -> str | None:
        return self._known.get(name)

    def remember(self, name: str, value: str) -> None:
        self._known[name] = value

    def fee_recipient(self) -> bytes | None:
        return None


def told_by_chain(facts: ExchangeFacts) -> list[Input]:
    """Return what the events in ``facts`` ask of an engine, in order."""
    memory = _Forgetful()
    watched = (event for event in facts.events if event.kind in WATCHED)
    return [
        each
        for event in watched
        for each in inputs_of(event, memory)
        if isinstance(each, (LandedBatch, *CHAIN_COMMANDS))
    ]


def check_told(due: list[Input], logged: list[tuple[int, Command]]) -> int:
    """Compare the log's ``logged`` commands, with their positions, with those ``due``.

    What a reorganisation put into the log and took back later is left out.

    Returns:
        How many of those due are not in the log yet.

    Raises:
        AuditDifference: ``chain_differs``, with the position.

    """
    waiting = deque(due)
    kept = _without_vanished(logged)
    dropped: set[int] = set()
    for index, (position, command) in enumerate(kept):
        if index in dropped:
            continue
        if waiting and _same(waiting[0], command):
            waiting.popleft()
            continue
        undoing = _undone_at(kept, index, dropped)
        if not undoing:
            expected = waiting[0] if waiting else "nothing more"
            message = f"Expected position {position} to tell of {expected}, was {command}"
            raise AuditDifference("chain_differs", message, position=position)
        dropped |= undoing
    return len(waiting)


def _without_vanished(logged: list[tuple[int, Command]]) -> list[tuple[int, Command]]:
    """Return the commands without the deposits that were taken back."""
    kept: list[tuple[int, Command]] = []
    for position, command in logged:
        if not isinstance(command, commands.ReverseDeposit):
            kept.append((position, command))
            continue
        gone = commands.Deposit(command.account, command.token, command.amount)
        place = next((i for i in range(len(kept) - 1, -1, -1) if kept[i][1] == gone), None)
        if place is None:
            message = f"Expected a deposit before position {position}, was none to take back"
            raise AuditDifference("chain_differs", message, position=position)
        del kept[place]
    return kept


def _undone_at(kept: list[tuple[int, Command]], index: int, dropped: set[int]) -> set[int]:
    """Return where the log takes back what it has at ``index``; nothing where it does not."""
    found: set[int] = set()
    for wanted in _undoing(kept[index][1]):
        later = range(index + 1, len(kept))
        free = (i for i in later if i not in dropped | found and kept[i][1] == wanted)
        place = next(free, None)
        if place is None:
            return set()
        found.add(place)
    return found


def _undoing(command: Command) -> list[Command]:
    """Return what a reorganisation tells an engine that had been told ``command`` of an exit."""
    match command:
        case commands.ExitRequested():
            return [commands.ExitCancelled(command.account, command.token)]
        case commands.ExitCancelled():
            return [commands.ExitRequested(command.account, command.token)]
        case commands.Exited():
            holding = (command.account, command.token)
            back = [commands.Deposit(*holding, command.amount)] if command.amount else []
            return [*back, commands.ExitRequested(*holding)]
        case _:
            return []


def _same(due: Input, command: Command) -> bool:
    if isinstance(due, LandedBatch):
        return isinstance(command, commands.BatchSettled) and command.number == due.number
    return due == command


class Settlements:
    """The batches on the chain, each to be compared with the fills that follow from the log."""

    def __init__(self, facts: ExchangeFacts) -> None:
        self._fills: dict[int, list[ChainFill]] = defaultdict(list)
        self._ends: list[ExchangeEvent] = []
        for event in facts.events:
            if event.kind is ExchangeEventKind.FILL:
                fill = read_fill(event)
                self._fills[fill.batch].append(fill)
            elif event.kind is ExchangeEventKind.BATCH_SETTLED:
                self._ends.append(event)
        self.heads = {event.hash("log_head") for event in self._ends}
        self._expected: dict[int, deque[tuple[int, Filled]]] = defaultdict(deque)
        self._positions: dict[bytes, int] = {}
        self.settled_fills = 0

    @property
    def batches(self) -> int:
        """How many batches the chain has."""
        return len(self._ends)

    def note_head(self, position: int, head: bytes) -> None:
        """Take the head of the log at ``position``."""
        if head in self.heads:
            self._positions[head] = position

    def follow(self, position: int, reports: list[Report]) -> None:
        """Take what an entry of the log led to."""
        for report in reports:
            if isinstance(report, Filled):
                self._expected[report.market].append((position, report))
            elif isinstance(report, FillBusted):
                queue = self._expected[report.fill.market]
                self._expected[report.fill.market] = deque(
                    each for each in queue if each[1].fill_id != report.fill.fill_id
                )

    def check(self) -> None:
        """Compare every batch on the chain with the next fills of its market.

        Raises:
            AuditDifference: ``log_head_unknown``, ``fill_after_head``, ``fill_invented`` or
                ``fill_differs``.

        """
        for event in self._ends:
            number, market = event.integer("number"), event.integer("market")
            head = event.hash("log_head")
            committed = self._positions.get(head)
            if committed is None:
                message = (
                    f"Expected batch {number} to commit to a head of the log, was 0x{head.hex()}"
                )
                raise AuditDifference("log_head_unknown", message, batch=number)
            for was in self._fills[number]:
                self._check_fill(number, market, committed, was)

    def _check_fill(self, number: int, market: int, committed: int, was: ChainFill) -> None:
        queue = self._expected[market]
        if not queue:
            message = (
                f"Expected no further fill in batch {number}, "
                f"was 0x{was.maker_hash.hex()} with 0x{was.taker_hash.hex()}"
            )
            raise AuditDifference("fill_invented", message, batch=number)
        position, due = queue.popleft()
        name = f"fill {due.fill_id} in batch {number}"
        pairs = {
            "maker order": (due.maker_hash, was.maker_hash),
            "taker order": (due.taker_hash, was.taker_hash),
            "lots": (due.lots, was.lots),
            "price": (due.ticks, was.ticks),
            "side of the taker": (due.taker_side == Side.SELL, was.taker_sells),
        }
        for what, (expected, found) in pairs.items():
            shown = [f"0x{v.hex()}" if isinstance(v, bytes) else v for v in (expected, found)]
            expect("fill_differs", f"the {what} of {name}", *shown)
        if position > committed:
            message = f"Expected {name} in the log up to {committed}, was at {position}"
            raise AuditDifference("fill_after_head", message, batch=number)
        self.settled_fills += 1
