"""The allocator: waits for a sale to close, computes its result and posts it, whatever happens."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

import structlog

from gavelbook.chain.block_time import block_time
from gavelbook.chain.clearing_plan import KEYS_PER_TRANSACTION, plan_clearing
from gavelbook.chain.errors import ChainError, TransactionLost, TransactionRefused
from gavelbook.chain.sale_events import EventKind, text
from gavelbook.chain.sale_types import Phase
from gavelbook.chain.signing import sign_clearing
from gavelbook.service.patience import Patience
from gavelbook.service.progress import Bar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gavelbook.auction import SaleTerms
    from gavelbook.chain.bid_reader import BidReader
    from gavelbook.chain.clearing_plan import ClearingPlan
    from gavelbook.chain.sale import Sale
    from gavelbook.chain.sale_types import SaleResult
    from gavelbook.chain.sender import Sender
    from gavelbook.chain.trying import Call

_log = structlog.get_logger("gavelbook.allocator")

# A refusal that another transaction explains: what to do next follows from the chain.
_OVERTAKEN = frozenset({"already_decided", "clearing_expired", "not_closed"})
_TOO_MUCH_GAS = frozenset({"gas_not_estimated", "out_of_gas"})
_MAX_REFUSALS = 5


class AllocatorStatus(StrEnum):
    """How a run of the allocator ended."""

    CLEARED = "cleared"
    FAILED = "failed"
    ABORTED = "aborted"
    NOT_CLOSED = "not_closed"
    NOT_ALLOCATOR_YET = "not_allocator_yet"
    EXPIRED = "expired"


_WAITING = frozenset({AllocatorStatus.NOT_CLOSED, AllocatorStatus.NOT_ALLOCATOR_YET})


@dataclass(frozen=True, slots=True)
class AllocatorOutcome:
    """What a run came to.

    Attributes:
        status: the sale's result; or, of a run that does not wait, why there is none:
            ``not_closed``, or ``not_allocator_yet`` where the account is not the allocator and only
            a signed clearing counts; or ``expired`` where the time to clear is over.
        plan: what was computed, once the sale is closed.
        caller: who posted the result, or aborted.

    """

    status: AllocatorStatus
    plan: ClearingPlan | None = None
    caller: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocatorSettings:
    """How the allocator works.

    Attributes:
        allocation_path: where the allocation file goes.
        keys_per_transaction: most bids of the margin to show in one transaction.
        gas_per_transaction: most gas of one transaction; 16,777,216 is what chains accept.
        poll_seconds: how often to look for a new block.
        abort_expired: whether to abort a sale that nobody cleared in time.
        patience: with a node that does not answer.
        show_progress: whether to draw bars on standard error.
        sleep: waits so many seconds.

    """

    allocation_path: Path
    keys_per_transaction: int = KEYS_PER_TRANSACTION
    gas_per_transaction: int = 16_000_000
    poll_seconds: float = 2.0
    abort_expired: bool = False
    patience: Patience = field(default_factory=Patience)
    show_progress: bool = False
    sleep: Callable[[float], None] = time.sleep


class AllocatorService:
    """Clears one sale with one account, on blocks with the reader's confirmations.

    Nothing is remembered between steps: each looks at the chain and does the next thing. So a run
    that was killed is continued by the next one, and a result that a reorganisation took back is
    posted again. What was sent and not seen mined is in the sender's outbox, which must be on disk,
    as must the reader's store.

    An account that is not the sale's allocator waits until a clearing needs no signature.
    """

    def __init__(
        self, sale: Sale, sender: Sender, reader: BidReader, settings: AllocatorSettings
    ) -> None:
        self.sale = sale
        self.sender = sender
        self.reader = reader
        self.settings = settings
        self._terms: SaleTerms | None = None
        self._plan: ClearingPlan | None = None
        self._refusals = 0

    @property
    def terms(self) -> SaleTerms:
        """The terms of the sale, read once."""
        if self._terms is None:
            self._terms = self.sale.terms()
        return self._terms

    def run(self, *, wait: bool = True) -> AllocatorOutcome:
        """Clear the sale; return once its result has the confirmations asked for.

        Args:
            wait: whether to wait for the end of the sale, or for the time in which anybody may
                clear. Else the run ends there.

        Raises:
            ChainError: ``result_differs`` from the auction's rules, ``bids_incomplete`` where the
                node leaves out events, or whatever stops a transaction for good.
            InsufficientFunds: the account cannot pay the gas.
            ChainUnreachable: the node was away for longer than the patience lasts.
            FileError: the allocation file cannot be written.

        """
        while True:
            outcome = self.settings.patience.call(self._step)
            if outcome is None:
                continue
            if outcome.status not in _WAITING or not wait:
                _log.info("ended", status=outcome.status, caller=outcome.caller)
                return outcome
            self.settings.sleep(self.settings.poll_seconds)

    def _step(self) -> AllocatorOutcome | None:
        """Do the next thing, or wait for a block; None where more is to do."""
        self.sender.recover()
        block = self.sender.web3.eth.block_number - self.reader.confirmations
        if block < 0 or self._time(block) < (self.terms.end or 0):
            return AllocatorOutcome(AllocatorStatus.NOT_CLOSED)
        plan = self._current_plan()
        result = self.sale.result()
        if result.decided:
            return self._confirmed(plan, result, block)
        now = self._time("latest")
        if now >= (self.terms.abort_time or 0):
            if not self.settings.abort_expired:
                return AllocatorOutcome(AllocatorStatus.EXPIRED, plan)
            self._try(self._abort)
            return None
        signed = self.sender.address == self.terms.allocator
        if not signed and now < (self.terms.allocator_until or 0):
            return AllocatorOutcome(AllocatorStatus.NOT_ALLOCATOR_YET, plan)
        self._try(lambda: self._post(plan, signed=signed))
        return None

    # Computing

    def _current_plan(self) -> ClearingPlan:
        """Read on, and compute and publish the result anew where the bids have changed."""
        with Bar("Reading blocks", shown=self.settings.show_progress) as bar:
            self.reader.sync(bar.update)
        book = self.reader.book()
        if self._plan is None or self._plan.book.rows != book.rows:
            tick_count = self.terms.auction.tick_count
            if book.lots_by_tick(tick_count) != self.sale.lots_at(0, tick_count, book.block):
                message = "Expected the bids read to add up to the sale's, was different"
                raise ChainError("bids_incomplete", message, block=book.block)
            self._plan = plan_clearing(self.terms.auction, book)
            self.settings.allocation_path.parent.mkdir(parents=True, exist_ok=True)
            self._plan.write(self.settings.allocation_path)
            _log.info(
                "computed",
                bids=len(book.live),
                raised=str(self._plan.allocation.raised),
                digest=f"0x{self._plan.digest.hex()}",
                file=str(self.settings.allocation_path),
            )
        return self._plan

    # Posting

    def _try(self, posting: Callable[[], None]) -> None:
        """Post; leave a refusal that the chain explains, and a few others, to the next step.

        Others can come of a reorganisation, or of a node that lags behind another.
        """
        try:
            posting()
            self._refusals = 0
        except TransactionLost as error:
            _log.warning("transaction_lost", code=error.code)
        except TransactionRefused as error:
            _log.warning("refused", code=error.code, message=error.message)
            self._refusals += error.code not in _OVERTAKEN
            if self._refusals >= _MAX_REFUSALS:
                raise
            self.settings.sleep(self.settings.poll_seconds)

    def _post(self, plan: ClearingPlan, *, signed: bool) -> None:
        """Send the next transaction of the clearing and wait until it is mined."""
        hint, signature = plan.unsigned_hint, b""
        if signed:
            hint, chain_id = plan.hint, self.sender.web3.eth.chain_id
            signature = sign_clearing(self.sender.account, chain_id, self.sale.address, hint)
        progress = self.sale.progress_of(self.sender.address, hint)
        keys = plan.margin_after(progress.last_arrival)
        count = min(len(keys), self.settings.keys_per_transaction)
        while True:
            last = count == len(keys)
            shown = keys[:count]
            call = (
                self.sale.clear(hint, shown, signature) if last else self.sale.advance(hint, shown)
            )
            gas = self._gas_limit(call, count)
            if gas is not None:
                break
            count //= 2
        receipt = self.sender.send_and_wait(call, gas=gas)
        _log.info(
            "posted_clearing" if last else "posted_margin",
            transaction=receipt["transactionHash"].to_0x_hex(),
            gas=receipt["gasUsed"],
            bids_shown=len(plan.margin) - len(keys) + count,
            bids_in_margin=len(plan.margin),
        )

    def _gas_limit(self, call: Call, count: int) -> int | None:
        """Return the gas limit of ``call``; None where it shows too many bids for one."""
        try:
            gas = self.sender.estimate_gas(call)
        except ChainError as error:
            if error.code not in _TOO_MUCH_GAS or count <= 1:
                raise
            return None
        return gas if gas <= self.settings.gas_per_transaction or count <= 1 else None

    def _abort(self) -> None:
        receipt = self.sender.send_and_wait(self.sale.abort())
        _log.info("posted_abort", transaction=receipt["transactionHash"].to_0x_hex())

    # Checking

    def _confirmed(
        self, plan: ClearingPlan, result: SaleResult, block: int
    ) -> AllocatorOutcome | None:
        """Compare the result, whoever posted it, once ``block`` has it; None before.

        Raises:
            ChainError: ``result_differs``.

        """
        events = self.reader.events(EventKind.CLEARED) + self.reader.events(EventKind.FAILED)
        if not events or not self.sale.result(block).decided:
            self.settings.sleep(self.settings.poll_seconds)
            return None
        caller = text(events[0].values, "caller")
        if events[0].values.get("aborted"):
            return AllocatorOutcome(AllocatorStatus.ABORTED, plan, caller)
        posted = result._replace(proceeds_collected=False, unsold_collected=False)
        if posted != plan.result or self.sale.raised() != plan.allocation.raised:
            message = f"Expected {plan.result}, was {posted} on the chain"
            raise ChainError("result_differs", message, expected=plan.result, posted=posted)
        failed = result.phase is Phase.FAILED
        status = AllocatorStatus.FAILED if failed else AllocatorStatus.CLEARED
        return AllocatorOutcome(status, plan, caller)

    def _time(self, block: int | Literal["latest"]) -> int:
        return block_time(self.sender.web3, block)
