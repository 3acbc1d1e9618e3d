"""The settler: brings fills to the chain, each once, in an order in which the money is there.

Batch numbers are consecutive on the chain, so of all contents ever signed for a number at most one
is settled. The settler makes the next number only when the chain has the last one, keeps a batch
on disk before anybody sees it, and sends the same bytes again until the chain has the number. What
the chain has, the chain is asked each time: a kill, a timeout or a reorganisation leaves nothing
to remember. Contents of a number change in three cases only: it took too much gas, it holds a fill
that the chain refuses, or it was signed with a key that is no longer the matcher's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog
from hexbytes import HexBytes

from gavelbook.chain.errors import (
    ChainError,
    ChainUnreachable,
    TransactionLost,
    TransactionRefused,
)
from gavelbook.chain.fees import MAX_TRANSACTION_GAS
from gavelbook.exchange.commands import BustFill
from gavelbook.exchange.errors import ExchangeError
from gavelbook.exchange.typed_data import checksum_address
from gavelbook.service.exchange.batch_planner import (
    Bust,
    Obstacle,
    movements,
    plan_batch,
)
from gavelbook.service.exchange.chain_facts import read_facts
from gavelbook.service.exchange.landed import Landed
from gavelbook.service.exchange.settlement_status import Alarm, SettlerSettings, SettleStatus
from gavelbook.service.exchange.waiting_fills import WaitingFills

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from gavelbook.chain.exchange import Exchange
    from gavelbook.chain.sender import Sender
    from gavelbook.exchange.markets import Market
    from gavelbook.service.exchange.batch_maker import BatchMaker
    from gavelbook.service.exchange.batch_planner import OpenFill, Plan
    from gavelbook.service.exchange.batch_store import BatchStore, SignedBatch
    from gavelbook.service.exchange.waiting_fills import KnowsFills
    from gavelbook.service.exchange.watcher import Submits, Watcher

_log = structlog.get_logger("gavelbook.settler")

_TOO_MUCH_GAS = frozenset({"gas_not_estimated", "out_of_gas", "too_much_gas"})
_PASSING = frozenset({"wrong_batch_number", "exchange_paused"})
_FINAL_FOR_SURE = frozenset({Obstacle.ORDER_EXPIRED, Obstacle.ORDER_CANCELLED})
_UNEXPLAINED = frozenset(
    {Obstacle.INSUFFICIENT_BALANCE, Obstacle.SEQUENCE_PASSED, Obstacle.OVERFILLED}
)
_MOST_IN_VAIN = 3
_MORE_FILLS = 10
"""How much larger the next batch may be after one that went well."""


class Head(NamedTuple):
    """The latest block: its number and time in unix seconds."""

    number: int
    time: int


class Settler:
    """Settles the fills of ``views`` on ``exchange``, alone with the account of ``sender``."""

    def __init__(  # noqa: PLR0913
        self,
        exchange: Exchange,
        sender: Sender,
        batches: BatchStore,
        maker: BatchMaker,
        *,
        sequencer: Submits,
        views: KnowsFills,
        watcher: Watcher,
        markets: Callable[[int], Market],
        settings: SettlerSettings | None = None,
    ) -> None:
        self.exchange = exchange
        self.sender = sender
        self.batches = batches
        self.settings = settings or SettlerSettings()
        self._maker = maker
        self._sequencer = sequencer
        self._fills = WaitingFills(views, self.settings)
        self._watcher = watcher
        self._markets = markets
        self._landed = Landed(exchange, batches)
        self._most_fills = self.settings.max_fills
        self._in_flight: tuple[SignedBatch, HexBytes] | None = None
        self._recovered = False
        self._pending_since: float | None = None
        self._needed_position = 0
        self._blocked_at: tuple[Bust, int] | None = None
        self._in_vain: dict[int, int] = {}
        self._alarmed = False
        self._status = SettleStatus()

    @property
    def status(self) -> SettleStatus:
        """How far it is, as of the last step."""
        return self._status

    def step(self) -> SettleStatus:
        """Do the next thing that can be done.

        Raises:
            ChainUnreachable: the node does not answer; step again.
            OutcomeUnknownError: the process is about to end.

        """
        self._alarmed = False
        try:
            self._step()
        except ChainUnreachable:
            raise
        except ChainError as error:
            self._raise_alarm(error.code, error.message)
        if not self._alarmed:
            self._note(alarm=None)
        return self._status

    def _step(self) -> None:
        if not self._nothing_in_flight():
            self._note(in_flight=1, resting="in_flight")
            return
        block = self.exchange.web3.eth.get_block("latest")
        head = Head(int(block["number"]), int(block["timestamp"]))
        if self.exchange.paused(head.number):
            self._note(in_flight=0, resting="exchange_paused")
            return
        if not self._is_matcher(head.number):
            message = (
                f"Expected {checksum_address(self._maker.matcher)} to be the matcher, was another"
            )
            self._raise_alarm("not_the_matcher", message)
            return
        last = self.exchange.last_batch(head.number)
        self._note(last_batch=last, in_flight=0)
        batch = self.batches.current(last + 1)
        if batch is not None and not self._maker.made(batch):
            batch = None
        refused = None if batch is None else self._send(batch)
        if batch is not None and refused is None:
            return
        batch = self._next(last, head, batch, refused)
        if batch is not None:
            self._note(resting="")
            self._send(batch)

    def _is_matcher(self, block: int) -> bool:
        """Return whether this settler's key is the matcher's at the end of ``block``."""
        return self.exchange.matcher(block) == checksum_address(self._maker.matcher)

    # Sending

    def _nothing_in_flight(self) -> bool:
        """Return whether every transaction sent is mined, or waits for another to be sent."""
        if not self._recovered:
            try:
                self.sender.recover(self.settings.wait_seconds)
            except TransactionLost:
                return self.sender.is_cut_off()
            self._recovered = True
        if self._in_flight is None:
            return True
        batch, transaction = self._in_flight
        try:
            receipt = self.sender.wait(transaction, self.settings.wait_seconds)
        except TransactionLost as error:
            if error.code == "not_mined":
                # A reorganisation can have taken the batch before this one back.
                if not self.sender.is_cut_off():
                    return False
                self._recovered = False
            _log.warning("transaction_lost", number=batch.number, code=error.code)
        except TransactionRefused as error:
            self._in_vain[batch.number] = self._in_vain.get(batch.number, 0) + 1
            self._note(reverted=self._status.reverted + 1)
            _log.error("reverted", number=batch.number, code=error.code, message=error.message)
        else:
            gas = int(receipt["gasUsed"])
            self.batches.note_receipt(batch, bytes(receipt["transactionHash"]), gas)
            self._most_fills = min(self._most_fills + _MORE_FILLS, self.settings.max_fills)
            _log.info("settled", number=batch.number, fills=batch.fill_count, gas=gas)
        self._in_flight = None
        return True

    def _send(self, batch: SignedBatch) -> TransactionRefused | ChainError | None:
        """Send a batch that is on disk; return why it cannot be, None where it is on its way."""
        if batch.tx_hash and self._still_pending(batch):
            return None
        in_vain = self._in_vain.get(batch.number, 0)
        if in_vain >= _MOST_IN_VAIN:
            # Tried on the latest block each works, and mined it does not: it would cost for ever.
            message = f"Expected batch {batch.number} to be mined, was reverted again and again"
            raise ChainError("reverted_again", message, number=batch.number)
        call = self.exchange.settle(batch.content, batch.signature)
        try:
            gas = self.sender.estimate_gas(call)
            if gas > MAX_TRANSACTION_GAS:
                return ChainError("too_much_gas", f"Expected a batch of less gas, was {gas}")
            # A trader who empties a balance meanwhile makes it dearer to fill.
            gas = min(gas * (1 + in_vain), MAX_TRANSACTION_GAS)
            transaction = self.sender.send(call, gas=gas)
        except TransactionRefused as error:
            return error
        except ChainError as error:
            if error.code in _TOO_MUCH_GAS:
                return error
            raise
        self.batches.note_sent(batch, bytes(transaction))
        self._in_flight = (batch, transaction)
        self._pending_since = None
        self._note(in_flight=1, resting="")
        _log.info("sent", number=batch.number, fills=batch.fill_count, market=batch.market)
        return None

    def _still_pending(self, batch: SignedBatch) -> bool:
        """Return whether a node holds the batch's transaction, as after a reorganisation.

        It waits in the mempool then, and would be mined before another one. After a while another
        one is sent nevertheless: this one's fee cannot be raised any more.
        """
        if not self.sender.is_pending(HexBytes(batch.tx_hash)):
            return False
        now = self.settings.clock()
        if self._pending_since is None:
            self._pending_since = now
        return now - self._pending_since < self.sender.policy.stuck_seconds

    # Making the next batch

    def _next(
        self,
        last: int,
        head: Head,
        before: SignedBatch | None,
        refused: ChainError | None,
    ) -> SignedBatch | None:
        """Make the batch after ``last``, in place of ``before`` where that was ``refused``."""
        if refused is not None and refused.code in _PASSING:
            self._note(resting=refused.code)
            return None
        above = self._watcher.status.confirmed_block
        landed = self._landed.unconfirmed(last, above, head.number)
        watermarks = self.batches.watermarks(last, landed)
        records = self._fills.records(watermarks, self._needed_position)
        if records is None:
            self._note(resting="views_behind")
            return None
        self._note(open_fills=len(records))
        if refused is None and not self._fills.due(records, self._watcher.store.exiting()):
            self._note(resting="waiting_for_more" if records else "idle")
            return None
        if before is not None and refused is not None and refused.code in _TOO_MUCH_GAS:
            if before.fill_count == 1:
                raise refused
            self._most_fills = max(1, before.fill_count // 2)
        fills = self._fills.with_orders(records)
        markets = {number: self._markets(number) for number in {e.fill.market for e in fills}}
        plan = self._plan(fills, markets, head)
        if plan.busts:
            self._bust(plan.busts, fills, markets, last)
            return None
        if self._is_blocked(plan.blocked, head) or not plan.fills:
            if refused is not None and plan.blocked is None:
                # The chain refuses a batch of which nothing is left.
                raise refused
            return None
        number = last + 1
        batch = self._maker.make(
            number,
            max((each.attempt for each in self.batches.contents(number)), default=0) + 1,
            plan.fills,
            markets[plan.fills[0].fill.market],
            self._sequencer.tail,
        )
        if before is not None and _same_fills(before, batch):
            # The chain refuses fills that nothing explains.
            raise refused or ChainError("batch_refused", "Expected the batch to be taken")
        self.batches.add(batch)
        return batch

    def _plan(self, fills: Sequence[OpenFill], markets: dict[int, Market], head: Head) -> Plan:
        now = max(head.time, int(self.settings.clock()))
        facts = read_facts(
            self.exchange,
            fills,
            markets,
            block=head.number,
            time=now + self.settings.inclusion_seconds,
            confirmed_time=self._watcher.status.confirmed_time,
            deficits=self._watcher.store.lacking() | self.batches.bereft(),
        )
        recipient = bytes.fromhex(self.exchange.fee_recipient(head.number)[2:])
        return plan_batch(fills, markets, facts, recipient, max_fills=self._most_fills)

    def _bust(
        self,
        busts: Iterable[Bust],
        fills: Sequence[OpenFill],
        markets: dict[int, Market],
        last: int,
    ) -> None:
        """Undo fills that can never settle.

        One that an account could make valid again, and that is in a batch which somebody may still
        bring to the chain, is not undone.

        Raises:
            ChainError: ``bust_unsafe``.

        """
        entries = {entry.fill.fill_id: entry for entry in fills}
        numbers = range(last + 1, self.batches.last_number() + 1)
        signed = [batch for number in numbers for batch in self.batches.contents(number)]
        if self._is_matcher(self._watcher.status.confirmed_block):
            # A key that was followed by another for good signs no more what the contract takes.
            signed = [batch for batch in signed if self._maker.made(batch)]
        for fill_id, obstacle in busts:
            fill = entries[fill_id].fill
            covered = any(batch.covers(fill.market, fill_id) for batch in signed)
            if covered and obstacle not in _FINAL_FOR_SURE:
                message = (
                    f"Expected fill {fill_id} to be in no batch that can still settle, "
                    f"was in one ({obstacle})"
                )
                raise ChainError("bust_unsafe", message, fill_id=fill_id)
            moved = movements(fill, markets[fill.market])
            missing = [movement.holding for movement in moved if movement.credit]
            self.batches.add_bust(fill_id, obstacle, missing)
            try:
                applied = self._sequencer.submit(BustFill(fill_id)).result()
            except ExchangeError as error:
                # The views are a moment behind: it is undone already.
                _log.info("undone_before", fill_id=fill_id, code=error.code)
                continue
            self._needed_position = applied.position
            _log.warning("undone", fill_id=fill_id, obstacle=obstacle)
        self._note(busted=self.batches.bust_count())

    def _is_blocked(self, blocked: Bust | None, head: Head) -> bool:
        """Note what stands in the way; return whether it is for a person to look at.

        What is the same in a block that counts as final, and still not explained, will not pass.
        """
        if blocked is None:
            self._blocked_at = None
            return False
        if self._blocked_at is None or self._blocked_at[0] != blocked:
            self._blocked_at = (blocked, head.number)
            _log.warning("blocked", fill_id=blocked.fill_id, obstacle=blocked.obstacle)
        self._note(resting=blocked.obstacle)
        unexplained = blocked.obstacle in _UNEXPLAINED
        if unexplained and self._watcher.status.confirmed_block >= self._blocked_at[1]:
            message = f"Expected fill {blocked.fill_id} to settle, was refused: {blocked.obstacle}"
            self._raise_alarm(str(blocked.obstacle), message)
            return True
        return False

    # Status

    def _raise_alarm(self, code: str, message: str) -> None:
        self._alarmed = True
        alarm = Alarm(code, message)
        if self._status.alarm != alarm:
            _log.error("settlement_stopped", code=code, message=message)
        self._note(alarm=alarm, resting=code)

    def _note(self, **changes: Any) -> None:
        self._status = replace(self._status, **changes)


def _same_fills(one: SignedBatch, other: SignedBatch) -> bool:
    return (one.market, one.first_fill, one.fill_count) == (
        other.market,
        other.first_fill,
        other.fill_count,
    )
