"""The intake for coroutines."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from gavelbook.errors import GavelbookError

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future
    from collections.abc import Sequence
    from typing import Any

    from gavelbook.exchange.commands import PlaceOrder, RequestWithdrawal
    from gavelbook.exchange.signing import CancelRequest
    from gavelbook.service.exchange.entries import Applied
    from gavelbook.service.exchange.intake import Arrival, Cancel, Intake
    from gavelbook.service.exchange.parcels import Answer, Deliver


class AsyncIntake:
    """An intake for one event loop, where waking a thread for each order would cost too much.

    What arrives in one turn of the loop is passed on together, in its order, and the loop is woken
    once for all answers of a commit. The futures give what was applied or raise what was refused.
    All methods raise ``IntakeError`` as `Intake.place` does; to be called in the loop's thread.
    """

    def __init__(self, intake: Intake, loop: AbstractEventLoop) -> None:
        self._intake = intake
        self._loop = loop
        self._arrived: list[Arrival] = []
        self._answered: deque[tuple[Future[Any], Any]] = deque()
        self._woken = False

    def place(self, order: PlaceOrder) -> Future[Applied]:
        """Take one order."""
        future, deliver = self._single()
        self._pass_on(self._intake.admit_orders((order,), deliver))
        return future

    def place_batch(self, orders: Sequence[PlaceOrder]) -> Future[Sequence[Answer]]:
        """Take orders that arrive together; each is answered on its own, errors as values."""
        future: Future[Sequence[Answer]] = self._loop.create_future()
        self._pass_on(
            self._intake.admit_orders(orders, lambda answers: self._answer(future, answers))
        )
        return future

    def cancel(
        self, command: Cancel, proof: tuple[CancelRequest, bytes] | None = None
    ) -> Future[Applied]:
        """Take a cancellation as `Intake.cancel` does."""
        future, deliver = self._single()
        self._pass_on(self._intake.admit_cancel(command, deliver, proof))
        return future

    def withdraw(self, command: RequestWithdrawal, *, signed: bool = True) -> Future[Applied]:
        """Take a withdrawal as `Intake.withdraw` does."""
        future, deliver = self._single()
        self._pass_on(self._intake.admit_withdrawal(command, deliver, signed=signed))
        return future

    def _single(self) -> tuple[Future[Applied], Deliver]:
        future: Future[Applied] = self._loop.create_future()
        return future, lambda answers: self._answer(future, answers[0])

    def _pass_on(self, arrival: Arrival) -> None:
        if not self._arrived:
            self._loop.call_soon(self._pass_all_on)
        self._arrived.append(arrival)

    def _pass_all_on(self) -> None:
        arrived, self._arrived = self._arrived, []
        self._intake.pass_on(arrived)

    def _answer(self, future: Future[Any], answer: object) -> None:
        """Keep an answer for the loop, from another thread, and wake it unless it is awake."""
        self._answered.append((future, answer))
        if not self._woken:
            self._woken = True
            try:
                self._loop.call_soon_threadsafe(self._resolve)
            except RuntimeError:
                # The loop is closed, so nobody waits any more.
                self._answered.clear()

    def _resolve(self) -> None:
        self._woken = False
        answered = self._answered
        while answered:
            future, answer = answered.popleft()
            if future.done():
                continue
            if isinstance(answer, GavelbookError):
                future.set_exception(answer)
            else:
                future.set_result(answer)
