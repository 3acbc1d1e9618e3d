"""The watcher: tells the engine what happened on the chain, each thing once and in order.

It reads the contract's events a few blocks behind the head, and takes back what a reorganisation
takes back. Nobody else gives the engine the commands that follow from events, and it gives the
next one when it knows what became of the last, so after a kill the log says how far it came.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import structlog

from gavelbook.chain.block_time import block_time
from gavelbook.chain.errors import StoreError
from gavelbook.chain.event_reader import EventReader
from gavelbook.exchange import commands
from gavelbook.exchange.commands import decode
from gavelbook.exchange.errors import ExchangeError
from gavelbook.service.exchange.watch_inputs import CHAIN_COMMANDS, Contradiction, LandedBatch

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future

    from gavelbook.chain.exchange import Exchange
    from gavelbook.exchange.commands import Command
    from gavelbook.service.exchange.batch_store import BatchStore
    from gavelbook.service.exchange.entries import Applied, Entry, Tail
    from gavelbook.service.exchange.watch_store import Waiting, WatchStore

_log = structlog.get_logger("gavelbook.watcher")

_INPUTS_AT_ONCE = 500
_OF_A_TOKEN = (
    commands.Deposit,
    commands.ReverseDeposit,
    commands.ExitRequested,
    commands.ExitCancelled,
    commands.Exited,
)
"""What a token that nobody listed can bring about at will, with amounts that no token has."""


class Submits(Protocol):
    """What the watcher and the settler need of the sequencer."""

    def submit(self, command: Command) -> Future[Applied]:
        """Take ``command``; the future is done once it is durable, or refused."""

    @property
    def tail(self) -> Tail:
        """The end of what is durable."""


class ReadsLog(Protocol):
    """What the watcher needs of the log."""

    def read(self, after: int, limit: int | None = None) -> Iterable[Entry]:
        """Yield the entries above position ``after``."""


class PendingWithdrawal(Protocol):
    """A withdrawal that is signed and not known to be paid."""

    @property
    def account(self) -> bytes:
        """Whose it is."""

    @property
    def nonce(self) -> int:
        """Its number."""


class KnowsWithdrawals(Protocol):
    """What the watcher needs of the views."""

    def pending_withdrawals(self, before: int) -> Iterable[PendingWithdrawal]:
        """Yield pending withdrawals whose deadline (unix seconds) is below ``before``."""

    def withdrawal_deadline(self, account: bytes, nonce: int) -> int | None:
        """Return the deadline of a withdrawal, paid or not; None where it is not known."""


@dataclass(frozen=True, slots=True)
class WatchStatus:
    """How far the watcher is. ``problems`` are the first few inputs that the engine refused.

    What a token without a market brings about is none: it concerns nobody else.
    """

    head_block: int
    confirmed_block: int
    confirmed_time: int
    waiting: int
    problems: tuple[str, ...]


class Watcher:
    """Follows ``exchange`` from ``from_block`` on, ``confirmations`` blocks behind the head.

    Raises:
        StoreError: ``store_of_another_exchange``.

    """

    def __init__(  # noqa: PLR0913
        self,
        exchange: Exchange,
        store: WatchStore,
        batches: BatchStore,
        sequencer: Submits,
        *,
        log: ReadsLog,
        views: KnowsWithdrawals,
        from_block: int,
        confirmations: int,
    ) -> None:
        self.exchange = exchange
        self.store = store
        self.batches = batches
        self.confirmations = confirmations
        self._sequencer = sequencer
        self._log = log
        self._views = views
        self._web3 = exchange.web3
        store.open_for(self._web3.eth.chain_id, exchange.address, from_block)
        self._reader = EventReader(self._web3, exchange.address, from_block, store, confirmations)
        self._caught_up = False
        self._status = WatchStatus(0, from_block - 1, 0, 0, ())

    @property
    def status(self) -> WatchStatus:
        """How far it is, as of the last step."""
        return self._status

    def step(self) -> WatchStatus:
        """Read what is new on the chain and tell the engine.

        Raises:
            ChainUnreachable: the node does not answer; step again.
            ChainError: as `EventReader.sync`.
            StoreError: ``log_out_of_step``, where the log holds what no event led to.
            OutcomeUnknownError: the process is about to end.

        """
        if not self._caught_up:
            self._catch_up()
        head = self._web3.eth.block_number
        confirmed = self._reader.sync()
        time = block_time(self._web3, confirmed) if confirmed >= 0 else 0
        self._submit_waiting()
        self._end_withdrawals(time)
        self._status = WatchStatus(
            head, confirmed, time, len(self.store.waiting()), tuple(self.store.refused())
        )
        return self._status

    def _catch_up(self) -> None:
        """Note the inputs that an earlier process gave to the log and did not note."""
        waiting = iter(self.store.waiting(-1))
        logged: list[tuple[int, int]] = []
        position = self.store.log_position()
        for entry in self._log.read(position):
            position = entry.position
            command = decode(entry.content)
            if not isinstance(command, CHAIN_COMMANDS):
                continue
            for expected in waiting:
                found = self._command(expected)
                logged.append((expected.number, position))
                # What others may command as well came before this.
                if isinstance(found, CHAIN_COMMANDS):
                    break
            else:
                found = None
            if found != command:
                message = f"Expected {found} at position {position} of the log, was {command}"
                raise StoreError("log_out_of_step", message, position=position)
            if isinstance(expected.input, LandedBatch):
                self.batches.note_settled(expected.input.content_hash)
        self.store.note_logged(logged, position)
        self._caught_up = True

    def _submit_waiting(self) -> None:
        while waiting := self.store.waiting(_INPUTS_AT_ONCE):
            logged: list[tuple[int, int]] = []
            try:
                for each in waiting:
                    position = self._submit(each)
                    if position:
                        logged.append((each.number, position))
            finally:
                # What a kill leaves out here, the log tells the next process.
                if logged:
                    self.store.note_logged(logged, logged[-1][1])
        # Nothing is in flight, so all of the log up to its end is accounted for.
        self.store.note_logged((), self._sequencer.tail.position)

    def _submit(self, waiting: Waiting) -> int:
        """Give an input to the engine; return its position in the log, 0 where it is refused."""
        command = self._command(waiting)
        if command is None:
            return self._refuse(waiting, "contradiction", str(waiting.input))
        try:
            applied = self._sequencer.submit(command).result()
        except ExchangeError as error:
            if isinstance(command, CHAIN_COMMANDS):
                ignored = isinstance(command, _OF_A_TOKEN) and not self.store.lists(command.token)
                return self._refuse(waiting, error.code, error.message, ignored=ignored)
            self.store.note_logged([(waiting.number, 0)], self.store.log_position())
            return 0
        if isinstance(waiting.input, LandedBatch):
            self.batches.note_settled(waiting.input.content_hash)
        _log.info("told", command=type(command).__name__, position=applied.position)
        return applied.position

    def _refuse(self, waiting: Waiting, code: str, message: str, *, ignored: bool = False) -> int:
        """Note an input as refused; ``ignored`` where anybody could have brought it about."""
        tell = _log.info if ignored else _log.error
        tell("input_refused", number=waiting.number, code=code, message=message)
        self.store.note_refused(waiting.number, f"{code}: {message}", ignored=ignored)
        return 0

    def _command(self, waiting: Waiting) -> Command | None:
        """Return the command that an input is; None for one that makes no sense."""
        if isinstance(waiting.input, Contradiction):
            return None
        if not isinstance(waiting.input, LandedBatch):
            return waiting.input
        batch = self.batches.by_hash(waiting.input.content_hash)
        if batch is None:
            return None
        return commands.BatchSettled(
            batch.number, batch.market, batch.first_fill, batch.last_fill, batch.fill_count
        )

    def _end_withdrawals(self, time: int) -> None:
        """Release withdrawals that can no longer be paid, ``time`` being final."""
        for withdrawal in list(self._views.pending_withdrawals(time)):
            command = commands.WithdrawalExpired(withdrawal.account, withdrawal.nonce)
            try:
                self._sequencer.submit(command).result()
            except ExchangeError as error:
                # The views are a moment behind: it has ended already.
                _log.info("withdrawal_ended_before", code=error.code)
        if self.store.credit_vanished(lambda account, nonce: self._is_over(account, nonce, time)):
            self._submit_waiting()

    def _is_over(self, account: bytes, nonce: int, time: int) -> bool:
        deadline = self._views.withdrawal_deadline(account, nonce)
        return deadline is not None and deadline < time
