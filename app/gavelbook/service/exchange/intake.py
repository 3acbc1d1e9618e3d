"""Where signed orders, cancellations and withdrawals come in: they are checked, in order.

Threads take what arrived, in numbered portions, and have the signatures checked, which is most of
the work; what is checked before its turn waits for it. So the order of acceptance is that of
arrival, however long each check takes.
"""

from __future__ import annotations

import threading
from collections import deque
from itertools import groupby, islice
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from gavelbook.errors import GavelbookError
from gavelbook.service.exchange.errors import IntakeError
from gavelbook.service.exchange.parcels import Parcel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gavelbook.exchange.commands import (
        CancelAll,
        CancelClient,
        CancelMarket,
        CancelOrder,
        Command,
        PlaceOrder,
        RequestWithdrawal,
    )
    from gavelbook.exchange.signing import CancelRequest
    from gavelbook.service.exchange.parcels import Answer, Deliver
    from gavelbook.service.exchange.sequencer import Sequencer
    from gavelbook.service.exchange.verification import Verifier

    Cancel = CancelOrder | CancelClient | CancelMarket | CancelAll
    Checked = Command | GavelbookError
    Check = Callable[[Sequence[Any]], Sequence[Checked]]
    """Gives the command, with what the check adds to it, or why it is refused."""

MAX_WAITING = 20_000
"""Orders that may wait for their answer; cancellations and withdrawals may wait beyond that."""
_PORTION = 8
"""Commands that are worth a thread's while."""
_LARGEST_PORTION = 64
"""Commands that a thread checks at a time, where as many wait for every thread."""

_log = structlog.get_logger()


class Arrival(NamedTuple):
    """Commands that came together, how they are checked, and where the answers go."""

    commands: Sequence[Any]
    check: Check
    deliver: Deliver


class Intake:
    """Takes commands for ``sequencer`` and has ``verifier`` check them in ``threads``."""

    def __init__(
        self,
        sequencer: Sequencer,
        verifier: Verifier,
        *,
        threads: int = 2,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._sequencer = sequencer
        self._verifier = verifier
        self._max_waiting = max_waiting
        self._admitted = 0
        self._answered = 0
        # Not the door's, at which those who admit would wait for those who answer.
        self._answering = threading.Lock()
        self._open = False
        self._door = threading.Lock()
        self._arrived: deque[Arrival] = deque()
        self._arrived_commands = 0
        self._something_arrived = threading.Condition(self._door)
        self._numbered = 0
        self._releasing = threading.Lock()
        self._released = 0
        self._checked: dict[int, list[Parcel]] = {}
        self._threads = [
            threading.Thread(target=self._check_all, name=f"verifier-{number}", daemon=True)
            for number in range(threads)
        ]

    def start(self) -> None:
        """Begin to take commands; the sequencer has been started."""
        self._open = True
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Take no more commands and pass those taken on; the sequencer is stopped afterwards."""
        with self._door:
            self._open = False
            self._something_arrived.notify_all()
        for thread in self._threads:
            thread.join()

    def place(self, orders: Sequence[PlaceOrder], deliver: Deliver) -> None:
        """Take ``orders`` (``order_hash`` empty: it is computed here) from any thread, at once.

        ``deliver`` is called once, in a thread of the sequencer, with an answer for each order:
        what was applied and is durable, or why it was refused.

        Raises:
            IntakeError: ``overloaded`` or ``stopping``; none of the orders was taken.

        """
        self.pass_on([self.admit_orders(orders, deliver)])

    def cancel(
        self, command: Cancel, deliver: Deliver, proof: tuple[CancelRequest, bytes] | None = None
    ) -> None:
        """Take a cancellation; ``proof`` is the signed request, None where a session stands for it.

        Whether the request says the same as ``command``, is recent and new is for the caller.

        Raises:
            IntakeError: as `place`, later.

        """
        self.pass_on([self.admit_cancel(command, deliver, proof)])

    def withdraw(
        self, command: RequestWithdrawal, deliver: Deliver, *, signed: bool = True
    ) -> None:
        """Take a withdrawal; ``signed`` False where a session stands for the signature.

        Raises:
            IntakeError: as `place`, later.

        """
        self.pass_on([self.admit_withdrawal(command, deliver, signed=signed)])

    def check(self, order: PlaceOrder) -> PlaceOrder:
        """Return ``order`` with its hash after checking its signature, without placing it.

        Raises:
            ExchangeError: ``unknown_market``, ``bad_order_signature`` or ``order_out_of_range``.

        """
        return self._verifier.check_order(order)

    def admit_orders(self, orders: Sequence[PlaceOrder], deliver: Deliver) -> Arrival:
        """Count ``orders`` as waiting and return them, for the caller to `pass_on` soon.

        Raises:
            IntakeError: as `place`.

        """
        return self._admit(orders, self._verifier.check_orders, deliver, self._max_waiting)

    def admit_cancel(
        self, command: Cancel, deliver: Deliver, proof: tuple[CancelRequest, bytes] | None = None
    ) -> Arrival:
        """Do for a cancellation what `admit_orders` does for orders."""

        def check(commands: Sequence[Cancel]) -> Sequence[Cancel]:
            if proof is not None:
                self._verifier.check_cancel(*proof)
            return commands

        return self._admit((command,), check, deliver, 2 * self._max_waiting)

    def admit_withdrawal(
        self, command: RequestWithdrawal, deliver: Deliver, *, signed: bool = True
    ) -> Arrival:
        """Do for a withdrawal what `admit_orders` does for orders."""

        def check(commands: Sequence[RequestWithdrawal]) -> Sequence[RequestWithdrawal]:
            if signed:
                for each in commands:
                    self._verifier.check_withdrawal(each)
            return commands

        return self._admit((command,), check, deliver, 2 * self._max_waiting)

    def pass_on(self, arrivals: Sequence[Arrival]) -> None:
        """Have ``arrivals``, which were admitted in this order, checked and applied.

        Where the intake has stopped meanwhile they are answered with that.
        """
        with self._door:
            is_open = self._open
            if is_open:
                self._arrived += arrivals
                self._arrived_commands += sum(len(arrival.commands) for arrival in arrivals)
                self._something_arrived.notify(1 + self._arrived_commands // _PORTION)
        if not is_open:
            for arrival in arrivals:
                _refuse(self._parcel(arrival, list(arrival.commands)), _stopping())

    def _admit(
        self,
        commands: Sequence[Any],
        check: Check,
        deliver: Deliver,
        max_waiting: int,
    ) -> Arrival:
        with self._door:
            if not self._open:
                raise _stopping()
            waiting = self._admitted - self._answered
            if waiting + len(commands) > max_waiting:
                message = f"Expected less than {max_waiting} orders waiting, was {waiting}"
                raise IntakeError("overloaded", message, waiting=waiting)
            self._admitted += len(commands)
        return Arrival(commands, check, deliver)

    def _check_all(self) -> None:
        """Check portions of what arrived until the end, in one of the threads."""
        while (taken := self._take()) is not None:
            number, arrivals = taken
            self._release(number, self._parcels(arrivals))

    def _take(self) -> tuple[int, list[Arrival]] | None:
        """Wait for the next portion, and return it with its number; None at the end."""
        with self._door:
            while not self._arrived:
                if not self._open:
                    return None
                self._something_arrived.wait()
            # A fair share, so that no thread has nothing to do while another one has much.
            share = self._arrived_commands // len(self._threads)
            wanted = min(max(_PORTION, share), _LARGEST_PORTION)
            portion: list[Arrival] = []
            while self._arrived and wanted > 0:
                arrival = self._arrived.popleft()
                wanted -= len(arrival.commands)
                self._arrived_commands -= len(arrival.commands)
                portion.append(arrival)
            number = self._numbered
            self._numbered += 1
        return number, portion

    def _parcels(self, arrivals: list[Arrival]) -> list[Parcel]:
        """Return what goes to the sequencer for ``arrivals``; those checked alike are together."""
        parcels = []
        for check, alike in groupby(arrivals, attrgetter("check")):
            group = list(alike)
            checked = iter(_checked(check, [each for one in group for each in one.commands]))
            parcels += [
                self._parcel(one, list(islice(checked, len(one.commands)))) for one in group
            ]
        return parcels

    def _parcel(self, arrival: Arrival, commands: list[Checked]) -> Parcel:
        def deliver(answers: Sequence[Answer]) -> None:
            with self._answering:
                self._answered += len(answers)
            arrival.deliver(answers)

        return Parcel(commands, deliver)

    def _release(self, number: int, parcels: list[Parcel]) -> None:
        """Pass ``parcels`` on when everything before them has been."""
        with self._releasing:
            self._checked[number] = parcels
            while self._released in self._checked:
                turn = self._checked.pop(self._released)
                try:
                    self._sequencer.offer(turn)
                except IntakeError as error:
                    for parcel in turn:
                        _refuse(parcel, error)
                self._released += 1


def _checked(check: Check, commands: Sequence[Any]) -> Sequence[Checked]:
    """Return what ``check`` says of ``commands``, whatever comes up."""
    try:
        return check(commands)
    except Exception as error:  # noqa: BLE001 -- those behind it must not wait for ever
        if len(commands) > 1:
            return [each for command in commands for each in _checked(check, (command,))]
        if isinstance(error, GavelbookError):
            error.__traceback__ = None
            return [error]
        _log.exception("check_failed")
        message = "Expected a command that can be checked, was none"
        return [IntakeError("check_failed", message)]


def _stopping() -> IntakeError:
    return IntakeError("stopping", "Expected an open exchange, was stopping")


def _refuse(parcel: Parcel, error: IntakeError) -> None:
    parcel.deliver([error] * len(parcel.commands))
