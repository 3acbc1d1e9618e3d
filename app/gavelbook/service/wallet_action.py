"""An action whose steps the wallet of a browser takes, one by one, each when its owner agrees.

Nothing here waits: the wallet's answers come in by `answered`, the chain is looked at by `look`.
"""

from __future__ import annotations

import re
import time
from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from gavelbook.chain.errors import ChainError, ChainUnreachable
from gavelbook.chain.following import FollowedTransaction, Outgoing, Standing
from gavelbook.chain.signature_check import checked_message, checked_typed_data
from gavelbook.chain.trying import estimate_gas
from gavelbook.errors import GavelbookError
from gavelbook.service.acting import SendTransaction, SignMessage, SignTypedData
from gavelbook.service.wallet_requests import (
    message_request,
    transaction_request,
    typed_data_request,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from web3 import Web3

    from gavelbook.service.acting import Action, Actor, Step
    from gavelbook.service.wallet_requests import WalletAnswer, WalletRequest

T = TypeVar("T")

UNSEEN_SECONDS = 12.0
"""How long the node may not know a transaction before it counts as dropped."""

_HASH = re.compile(r"0x[0-9a-fA-F]{64}")
_BYTES = re.compile(r"0x(?:[0-9a-fA-F]{2})*")


class Stage(Enum):
    """How far an action is."""

    ASKING = "asking"
    """The wallet shows a request."""
    PENDING = "pending"
    """A transaction was sent and is in no block."""
    STOPPED = "stopped"
    """Something is in the way, which ``trouble`` tells; the step can be tried again."""
    ENDED = "ended"


class Trouble(NamedTuple):
    """Why a step was not taken: a stable code, and what was said."""

    code: str
    message: str


class WalletAction(Generic[T]):
    """One action of ``actor``, under way.

    Attributes:
        stage: how far it is.
        step: what is to be done now.
        number: of the step, from 1.
        request: what the wallet is asked for ``step``, also where it was refused.
        transaction: what was sent for ``step``, once it was.
        dropped: whether the node has not known the transaction for a while.
        trouble: why it stopped, or that the node is silent while it is pending.
        result: what the action returned.
        error: what it raised instead.

    """

    def __init__(
        self,
        action: Action[T],
        actor: Actor,
        web3: Web3,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin: the first request is ready at once, if nothing is in the way."""
        self.actor = actor
        self.stage = Stage.ASKING
        self.step: Step
        self.number = 0
        self.request: WalletRequest | None = None
        self.transaction: FollowedTransaction | None = None
        self.dropped = False
        self.trouble: Trouble | None = None
        self.result: T
        self.error: GavelbookError | None = None
        self._action = action
        self._web3 = web3
        self._clock = clock
        self._seen_at = 0.0
        self._go_on(lambda: next(action))

    @property
    def succeeded(self) -> bool:
        """Whether it has ended well."""
        return self.stage is Stage.ENDED and self.error is None

    def answered(self, answer: WalletAnswer) -> None:
        """Take what the wallet says to the request; an answer to another one is not for us."""
        request = self.request
        if self.stage is not Stage.ASKING or request is None or answer.id != request.id:
            return
        if answer.code and request.withdrawn:
            self._close()
        elif answer.code:
            self._stop(answer.code, answer.message)
        elif isinstance(self.step, SendTransaction):
            self._sent(answer.value)
        else:
            self._signed(answer.value)

    def look(self) -> None:
        """See whether the pending transaction is in a block."""
        if self.stage is not Stage.PENDING or self.transaction is None:
            return
        try:
            standing = self.transaction.look()
        except ChainUnreachable as error:
            self.trouble = Trouble(error.code, error.message)
            return
        except GavelbookError as error:
            self._throw(error)
            return
        self.trouble = None
        now = self._clock()
        if standing is not Standing.UNSEEN:
            self._seen_at = now
        self.dropped = now - self._seen_at > UNSEEN_SECONDS
        if standing is Standing.MINED:
            transaction_hash = self.transaction.hash
            self._go_on(lambda: self._action.send(transaction_hash))

    def again(self) -> None:
        """Try the step once more, with a new request."""
        if self.stage is Stage.STOPPED:
            self._prepare()

    def forget(self) -> None:
        """Go no further. A transaction that the wallet still sends is followed nevertheless."""
        if self.stage is Stage.ASKING and isinstance(self.step, SendTransaction) and self.request:
            self.request = replace(self.request, withdrawn=True)
            return
        self._close()

    @property
    def withdrawn(self) -> bool:
        """Whether it was forgotten while the wallet showed a transaction."""
        return self.stage is Stage.ASKING and self.request is not None and self.request.withdrawn

    # Steps

    def _go_on(self, advance: Callable[[], Step]) -> None:
        # Stands if the action fails in a way that nobody foresaw.
        self._end(GavelbookError("action_failed", "The action stopped at a fault of the page"))
        try:
            self.step = advance()
        except StopIteration as stop:
            self.error, self.result = None, stop.value
        except GavelbookError as error:
            self.error = error
        else:
            self.error = None
            self.number += 1
            self._prepare()

    def _throw(self, error: GavelbookError) -> None:
        self._go_on(lambda: self._action.throw(error))

    def _prepare(self) -> None:
        """Make the request of the step; a transaction is tried first, and refused in our words."""
        self.request, self.transaction, self.trouble, self.dropped = None, None, None, False
        try:
            self.request = self._request()
        except ChainUnreachable as error:
            self._stop(error.code, error.message)
        except GavelbookError as error:
            self._throw(error)
        else:
            self.stage = Stage.ASKING

    def _request(self) -> WalletRequest:
        step, address, chain = self.step, self.actor.address, int(self._web3.eth.chain_id)
        match step:
            case SignTypedData():
                return typed_data_request(step, address, chain)
            case SignMessage():
                return message_request(step, address, chain)
            case SendTransaction():
                gas = estimate_gas(step.call, address, step.value)
                outgoing = Outgoing.of(step.call, address, step.value)
                self.transaction = FollowedTransaction(self._web3, outgoing)
                return transaction_request(outgoing, gas, chain)

    def _signed(self, value: str) -> None:
        signature = bytes.fromhex(value[2:]) if _BYTES.fullmatch(value) else b""
        try:
            checked = self._check(signature)
        except ChainError as error:
            self._stop(error.code, error.message)
            return
        self._go_on(lambda: self._action.send(checked))

    def _check(self, signature: bytes) -> bytes:
        step: Any = self.step
        if isinstance(step, SignTypedData):
            data = step.typed_data
            return checked_typed_data(self._web3, self.actor.address, data, signature)
        return checked_message(self._web3, self.actor.address, step.text, signature)

    def _sent(self, value: str) -> None:
        if self.transaction is None or not _HASH.fullmatch(value):
            self._stop("wallet_failed", "The wallet gave no hash of a transaction.")
            return
        self.transaction.hash = value.lower()
        self.stage, self._seen_at = Stage.PENDING, self._clock()

    def _stop(self, code: str, message: str) -> None:
        self.stage, self.trouble = Stage.STOPPED, Trouble(code, message)

    def _close(self) -> None:
        self._action.close()
        self._end(GavelbookError("forgotten", "The action was given up"))

    def _end(self, error: GavelbookError) -> None:
        self.stage, self.error = Stage.ENDED, error
