"""The one owner of the engine: puts commands in order, and answers once they are durable.

Three threads share the work, so that the next group of commands is applied while one is being
committed, and neither waits for the views:

    commands -> apply to the engine -> commit to the log, answer -> views, snapshots
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from concurrent.futures import Future
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

import structlog

from gavelbook.errors import GavelbookError
from gavelbook.exchange.commands import Clock, PlaceOrder
from gavelbook.exchange.errors import ExchangeError
from gavelbook.service.exchange.backlog import Backlog
from gavelbook.service.exchange.committer import Committed, Committer, Group
from gavelbook.service.exchange.entries import Applied, Tail
from gavelbook.service.exchange.errors import IntakeError, OutcomeUnknownError
from gavelbook.service.exchange.parcels import Parcel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gavelbook.exchange.commands import Command
    from gavelbook.exchange.engine import Engine
    from gavelbook.service.exchange.matcher_key import MatcherKey
    from gavelbook.service.exchange.parcels import Answer
    from gavelbook.service.exchange.ports import Log, Projection
    from gavelbook.service.exchange.snapshots import SnapshotFolder

SNAPSHOT_EVERY = 500_000
_GROUP_SIZE = 256
"""Commands applied before anybody else may read the engine."""
_GROUPS_AHEAD = 4
"""Groups that may be applied while one is committed; they are committed together then."""
_COMMANDS_BEHIND = 100_000
"""Commands that the views may lag behind before the log waits for them."""
_FORGOTTEN_FOR_EACH = 4
"""Recent orders forgotten for each new command: all at once would keep everybody waiting."""
_LONGEST_WAIT_S = 1.0
"""The clock of the machine may be set, so it is looked at now and then."""
_PAUSE_RATIO = 9
_LONGEST_PAUSE_S = 0.25
_EXIT_CODE = 70

_log = structlog.get_logger()


def now_ms() -> int:
    """Return the machine's time in unix milliseconds."""
    return time.time_ns() // 1_000_000


def end_process(error: BaseException) -> None:
    """Say why and end the process at once: what is durable is all that is known for certain."""
    code = getattr(error, "code", type(error).__name__)
    _log.critical("exchange_failed", code=code, reason=str(error), exc_info=error)
    sys.stderr.flush()
    os._exit(_EXIT_CODE)


class Sequencer:
    """Applies commands in the order of their arrival and answers after the commit of the log.

    ``engine`` is what `gavelbook.service.exchange.recovery.recover` returned for the same log and
    projection; it belongs to the sequencer from then on. ``on_failure`` is called once, when a
    commit fails or the engine does what it never should; by default it ends the process.
    """

    def __init__(  # noqa: PLR0913 -- what it is made of, each of another kind
        self,
        engine: Engine,
        log: Log,
        projection: Projection,
        snapshots: SnapshotFolder,
        key: MatcherKey,
        *,
        clock_ms: Callable[[], int] = now_ms,
        snapshot_every: int = SNAPSHOT_EVERY,
        on_failure: Callable[[BaseException], None] = end_process,
    ) -> None:
        self._engine = engine
        self._log = log
        self._projection = projection
        self._snapshots = snapshots
        self._clock_ms = clock_ms
        self._snapshot_every = snapshot_every
        self._last_snapshot = engine.position
        self._on_failure = on_failure
        self._committer = Committer(log, key)
        self._engine_lock = threading.Lock()
        self._door = threading.Lock()
        self._open = False
        self._failed = False
        self._inbox: SimpleQueue[Sequence[Parcel] | None] = SimpleQueue()
        self._applied: Backlog[Group] = Backlog(_GROUPS_AHEAD)
        self._committed: Backlog[Committed] = Backlog(_COMMANDS_BEHIND)
        self._recent: dict[bytes, Applied] = {}
        self._recent_order: deque[Applied] = deque()
        self._threads = [
            threading.Thread(target=self._guard, args=(step,), name=name, daemon=True)
            for step, name in (
                (self._apply_all, "sequencer"),
                (self._commit_all, "committer"),
                (self._follow_all, "views"),
            )
        ]

    @property
    def tail(self) -> Tail:
        """Position, time and head of what is durable."""
        return self._log.tail

    @property
    def queued(self) -> int:
        """How many deliveries of commands wait to be applied."""
        return self._inbox.qsize()

    def now_ms(self) -> int:
        """Return the time a command would be applied at now, in unix milliseconds."""
        return max(self._log.tail.time_ms, self._clock_ms())

    def start(self) -> None:
        """Begin to take commands."""
        self._open = True
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Take no more commands, answer those taken, write a snapshot and end the threads."""
        with self._door:
            was_open, self._open = self._open, False
            if was_open:
                self._inbox.put(None)
        for thread in self._threads:
            thread.join()

    def submit(self, command: Command) -> Future[Applied]:
        """Take ``command`` from any thread; the future is done once it is durable, or refused.

        Cancelling the future does not take the command back. The future raises:
            ExchangeError: the engine refused the command; nothing is in the log.
            IntakeError: ``stopping``; the command was not taken.
            OutcomeUnknownError: ``outcome_unknown``, where the process is about to end.

        """
        future: Future[Applied] = Future()

        def deliver(answers: Sequence[Answer]) -> None:
            (answer,) = answers
            if not future.set_running_or_notify_cancel():
                return
            if isinstance(answer, GavelbookError):
                future.set_exception(answer)
            else:
                future.set_result(answer)

        try:
            self.offer([Parcel((command,), deliver)])
        except IntakeError as error:
            future.set_exception(error)
        return future

    def offer(self, parcels: Sequence[Parcel]) -> None:
        """Take ``parcels`` from any thread; they are delivered in a thread of the sequencer.

        Raises:
            IntakeError: ``stopping``; none of them was taken.

        """
        with self._door:
            if not self._open:
                raise IntakeError("stopping", "Expected an open exchange, was stopping")
            self._inbox.put(parcels)

    def subscribe(self, listener: Callable[[Sequence[Applied]], None]) -> Callable[[], None]:
        """Call ``listener`` with every commit from now on, in a thread of the sequencer.

        It is told once the commit is durable, before the commands are answered. It has to return
        soon, as ``loop.call_soon_threadsafe`` does: everybody waits for it. Return what ends the
        subscription.
        """
        return self._committer.subscribe(listener)

    @contextmanager
    def reading(self) -> Iterator[Engine]:
        """Hold the engine still, to read it from any thread.

        What is read may be ahead of what is durable by a few commits. Be brief: nothing is applied
        meanwhile. Never hold on to the engine outside.
        """
        with self._engine_lock:
            yield self._engine

    def _guard(self, step: Callable[[], None]) -> None:
        try:
            step()
        except BaseException as error:  # noqa: BLE001 -- whatever it is, nothing can go on
            self._fail(error)
            # Whoever asked is told that nobody knows, until the last one has been.
            step()

    def _fail(self, error: BaseException) -> None:
        with self._door:
            first, self._failed = not self._failed, True
            if self._open:
                self._open = False
                self._inbox.put(None)
        if first:
            self._on_failure(error)

    def _apply_all(self) -> None:
        """First thread: apply groups of commands until the end of the inbox."""
        ended = False
        while not ended:
            parcels, ended = self._next_parcels()
            if self._failed:
                self._applied.put(Group(parcels, (), ()), 1)
                continue
            try:
                group = self._apply(parcels, last=ended)
            except BaseException:
                self._applied.put(Group(parcels, (), ()), 1)
                if ended:
                    self._inbox.put(None)
                raise
            if group.parcels or group.applied or group.state is not None:
                self._applied.put(group, 1)
        self._applied.put(None)

    def _next_parcels(self) -> tuple[list[Parcel], bool]:
        """Wait for parcels, or until an order's time is over; return whether these are the last."""
        parcels: list[Parcel] = []
        commands = 0
        try:
            offered = self._inbox.get(timeout=self._time_to_wait())
            while offered is not None:
                parcels += offered
                commands += sum(len(parcel.commands) for parcel in offered)
                if commands >= _GROUP_SIZE:
                    return parcels, False
                offered = self._inbox.get_nowait()
        except Empty:
            return parcels, False
        return parcels, True

    def _time_to_wait(self) -> float | None:
        with self._engine_lock:
            due = self._engine.next_expiry
        if due is None:
            return None
        return min(max(0.0, (due - self._clock_ms()) / 1_000), _LONGEST_WAIT_S)

    def _apply(self, parcels: Sequence[Parcel], *, last: bool) -> Group:
        """Apply the commands of ``parcels`` to the engine, and the passing of time before them."""
        done: list[Applied] = []
        with self._engine_lock:
            time_ms = max(self._engine.time_ms, self._clock_ms())
            due = self._engine.next_expiry
            if due is not None and due <= time_ms:
                self._apply_command(Clock(), time_ms, done)
            answers = [
                [
                    command
                    if isinstance(command, GavelbookError)
                    else self._apply_command(command, time_ms, done)
                    for command in parcel.commands
                ]
                for parcel in parcels
            ]
            position = self._engine.position
            state = None
            since_snapshot = position - self._last_snapshot
            if since_snapshot >= self._snapshot_every or (last and since_snapshot):
                state = self._engine.snapshot()
                self._last_snapshot = position
        self._forget_followed(_FORGOTTEN_FOR_EACH * (1 + len(done)))
        return Group(parcels, answers, done, state)

    def _apply_command(self, command: Command, time_ms: int, done: list[Applied]) -> Answer:
        position = self._engine.position + 1
        try:
            reports = self._engine.apply(position, time_ms, command)
        except ExchangeError as error:
            error.__traceback__ = None
            return self._first_answer(command) or error
        applied = Applied(position, time_ms, command, reports)
        done.append(applied)
        if type(command) is PlaceOrder:
            self._recent[command.order_hash] = applied
            self._recent_order.append(applied)
        return applied

    def _first_answer(self, command: Command) -> Applied | None:
        """Return what was answered to this very order when it was placed before."""
        if type(command) is not PlaceOrder:
            return None
        first = self._recent.get(command.order_hash)
        if first is None:
            first = self._projection.first_answer(command.order_hash)
        return None if first is None else first._replace(duplicate=True)

    def _forget_followed(self, most: int) -> None:
        """Forget up to ``most`` of the recent orders that the projection has by now."""
        followed = self._projection.position
        recent = self._recent_order
        while most and recent and recent[0].position <= followed:
            most -= 1
            command = recent.popleft().command
            if isinstance(command, PlaceOrder):
                del self._recent[command.order_hash]

    def _commit_all(self) -> None:
        """Second thread: commit groups until the last, all there are at a time."""
        ended = False
        while not ended:
            groups, ended = self._applied.take_all()
            if self._failed:
                _tell_unknown(groups)
                continue
            try:
                committed = self._committer.commit(groups)
            except BaseException:
                _tell_unknown(groups)
                if ended:
                    self._applied.put(None)
                raise
            self._committed.put(committed, len(committed.applied))
            self._committer.tell(committed, groups)
        self._committed.put(None)

    def _follow_all(self) -> None:
        """Third thread: bring the projection and the snapshots up to what is committed."""
        ended = False
        while not ended:
            following, ended = self._committed.take_all()
            if self._failed or not following:
                continue
            began = time.monotonic()
            try:
                self._follow(following)
            except BaseException:
                if ended:
                    self._committed.put(None)
                raise
            if not ended:
                took = time.monotonic() - began
                # Views cost less the more is written at once.
                self._projection.rest(min(_PAUSE_RATIO * took, _LONGEST_PAUSE_S))

    def _follow(self, following: Sequence[Committed]) -> None:
        applied = [each for committed in following for each in committed.applied]
        if applied:
            self._projection.follow(applied, following[-1].head)
        for committed in following:
            if committed.snapshot is not None:
                self._snapshots.save(committed.snapshot)


def _tell_unknown(groups: Sequence[Group]) -> None:
    """Answer commands of which nobody knows whether the next start finds them in the log."""
    message = "Expected an answer of the log, was none: ask again when the exchange is back"
    unknown = OutcomeUnknownError("outcome_unknown", message)
    for group in groups:
        for parcel in group.parcels:
            parcel.deliver([unknown] * len(parcel.commands))
