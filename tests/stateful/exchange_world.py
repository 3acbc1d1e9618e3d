"""An exchange as a whole in this process: chain, engine, watcher and settler, without their I/O.

The engine, the planner and maker of batches, and the meaning of events are the app's own. What
stands between them here, a log, a list of batches and a loop, is what the service does with files
and a node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from eth_utils.crypto import keccak

from gavelbook.chain.exchange_types import Escrow, Lane
from gavelbook.exchange import commands
from gavelbook.exchange.engine import Engine, EngineTerms
from gavelbook.exchange.errors import ExchangeError
from gavelbook.exchange.reports import FillBusted, Filled, FillsSettled, OrderAccepted
from gavelbook.exchange.signing import Domain
from gavelbook.service.exchange.batch_maker import BatchMaker
from gavelbook.service.exchange.batch_planner import (
    ChainFacts,
    OpenFill,
    SignedOrder,
    movements,
    plan_batch,
)
from gavelbook.service.exchange.entries import Tail
from gavelbook.service.exchange.matcher_key import MatcherKey
from gavelbook.service.exchange.watch_inputs import (
    CHAIN_COMMANDS,
    WATCHED,
    Contradiction,
    LandedBatch,
    inputs_of,
)
from tests.evm.blocks import Blocks, Transaction
from tests.evm.exchange import FEES, RELAYER, raw, settle_call, text
from tests.evm.machine import CHAIN_ID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from gavelbook.exchange.commands import Command
    from gavelbook.exchange.markets import Market
    from gavelbook.exchange.reports import Report
    from gavelbook.service.exchange.batch_store import SignedBatch
    from tests.evm.exchange import Floor

CONFIRMATIONS = 3
SETTLEMENT_WINDOW = 1_200
INCLUSION = 60
"""Seconds within which a transaction that is sent is mined."""

_SETTLE = "settle"


class _Memory:
    """What the watcher remembers."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}

    def recall(self, name: str) -> str | None:
        return self.known.get(name)

    def remember(self, name: str, value: str) -> None:
        self.known[name] = value

    def fee_recipient(self) -> bytes | None:
        return raw(FEES)


class _Logged(NamedTuple):
    position: int
    time_ms: int
    entry: bytes


class World:
    """Chain and service; ``clock_ms`` is the time of both."""

    def __init__(self, floor: Floor, markets: dict[int, Market]) -> None:
        self.floor = floor
        self.exchange = floor.exchange
        self.markets = markets
        self.clock_ms = floor.machine.now * 1_000
        self.chain = Blocks(self.exchange)
        self.pool: list[Transaction] = []
        self.terms = EngineTerms(raw(FEES), settlement_window=SETTLEMENT_WINDOW)
        self.engine = Engine(self.terms)
        self.log: list[_Logged] = []
        self.snapshots: list[tuple[int, bytes]] = []
        self.domain = Domain(CHAIN_ID, raw(self.exchange.address))
        self.key = MatcherKey(self.domain, keccak(text="key of matcher"))
        self.maker = BatchMaker(self.key)
        self.batches: dict[int, SignedBatch] = {}
        self.contents: dict[int, frozenset[int]] = {}
        self.fills: dict[int, Filled] = {}
        self.orders: dict[bytes, SignedOrder] = {}
        self.pending: dict[tuple[bytes, int], int] = {}
        self.watched = 0
        self.memory = _Memory()
        self.settled = 0
        self.busted = 0
        self.tokens = {token.address: token for token in floor.tokens}
        for market in markets.values():
            self.command(commands.ListMarket(market))

    @property
    def now(self) -> int:
        """Unix seconds."""
        return self.clock_ms // 1_000

    # --- The engine and its log ---

    def command(self, command: Command) -> list[Report] | None:
        """Have the engine apply a command and log it; None where it is refused."""
        self.clock_ms += 1
        due = self.engine.next_expiry
        if due is not None and due <= self.clock_ms:
            self._apply(commands.Clock())
        try:
            return self._apply(command)
        except ExchangeError:
            return None

    def _apply(self, command: Command) -> list[Report]:
        position = self.engine.position + 1
        if isinstance(command, commands.PlaceOrder):
            signed = SignedOrder(command.order, command.order_hash, command.signature)
        reports = self.engine.apply(position, self.clock_ms, command)
        self.log.append(_Logged(position, self.clock_ms, commands.encode(command)))
        for report in reports:
            match report:
                case OrderAccepted():
                    self.orders[report.order_hash] = signed
                case Filled():
                    self.fills[report.fill_id] = report
                case FillBusted():
                    del self.fills[report.fill.fill_id]
                case FillsSettled():
                    self._note_settled(report)
        return reports

    def _note_settled(self, report: FillsSettled) -> None:
        settled = self.contents[report.number]
        assert len(settled) == report.fill_count
        for fill_id in settled:
            del self.fills[fill_id]
        self.settled += len(settled)

    def snapshot(self) -> None:
        """Keep a snapshot of the engine."""
        self.snapshots.append((self.engine.position, self.engine.snapshot()))

    def kill(self, random: Random) -> None:
        """Lose the engine and bring it back from some snapshot, or none, and the log."""
        before = self.engine.state_hash()
        position, snapshot = random.choice([(0, b""), *self.snapshots])
        self.engine = Engine.restore(snapshot) if snapshot else Engine(self.terms)
        for entry in self.log:
            if entry.position > position:
                command = commands.decode(entry.entry)
                self.engine.apply(entry.position, entry.time_ms, command)
        assert self.engine.state_hash() == before

    # --- The chain ---

    def send(self, kind: str, sender: str, data: bytes) -> None:
        """Offer a transaction for the next blocks."""
        self.pool.append(Transaction(kind, sender, data))

    def mine(self, random: Random, seconds: int = 1) -> None:
        """Mine all that is offered, in any order; what the settler sent settles, wherever it is."""
        self.clock_ms += seconds * 1_000
        included = random.sample(self.pool, len(self.pool))
        # One account's transactions come in its own order.
        for sender in {each.sender for each in included}:
            places = [i for i, each in enumerate(included) if each.sender == sender]
            own = [each for each in self.pool if each.sender == sender]
            for place, each in zip(places, own, strict=True):
                included[place] = each
        self.pool.clear()
        block = self.chain.mine(included, self.now)
        for transaction, revert in block.refused:
            assert transaction.kind != _SETTLE, f"a batch was reverted: {revert}"

    def reorganise(self, random: Random, depth: int) -> None:
        """Lose the last blocks: some of what was in them comes again, in another order."""
        dropped = self.chain.reorganise(min(depth, self.chain.head - self.watched))
        lost = [each for each in dropped if random.random() < 0.3]
        # The settler sends again what the chain has lost.
        self.pool = [
            each for each in (*dropped, *self.pool) if each.kind != _SETTLE and each not in lost
        ]

    # --- The watcher ---

    def watch(self) -> None:
        """Tell the engine what happened in the blocks that count as final."""
        final = self.chain.head - CONFIRMATIONS
        for block in self.chain.blocks[self.watched : max(final, 0)]:
            for event in block.events:
                if event.kind in WATCHED:
                    for found in inputs_of(event, self.memory):
                        self._tell(found)
            self.watched = block.number
            self._end_withdrawals(block.time)

    def _tell(self, found: Command | LandedBatch | Contradiction) -> None:
        assert not isinstance(found, Contradiction), found
        if isinstance(found, LandedBatch):
            batch = self.batches[found.number]
            assert batch.content_hash == found.content_hash
            found = commands.BatchSettled(
                batch.number, batch.market, batch.first_fill, batch.last_fill, batch.fill_count
            )
        reports = self.command(found)
        assert reports is not None or not isinstance(found, CHAIN_COMMANDS), found
        if isinstance(found, commands.WithdrawalDone):
            for key in [k for k in self.pending if k[0] == found.account and k[1] <= found.nonce]:
                del self.pending[key]

    def _end_withdrawals(self, time: int) -> None:
        for (owner, nonce), deadline in list(self.pending.items()):
            if deadline < time:
                assert self.command(commands.WithdrawalExpired(owner, nonce)) is not None
                del self.pending[owner, nonce]

    # --- The settler ---

    def settle(self, max_fills: int = 100) -> bool:
        """Send the next batch, or the same again; return whether there was one."""
        if any(each.kind == _SETTLE for each in self.pool):
            return True
        last = self.exchange.last_batch()
        batch = self.batches.get(last + 1)
        if batch is None:
            batch = self._next_batch(last, max_fills)
        if batch is None:
            return False
        self.send(_SETTLE, RELAYER, settle_call(batch.content, batch.signature))
        return True

    def _next_batch(self, last: int, max_fills: int) -> SignedBatch | None:
        landed = frozenset[int]().union(*(self.contents[n] for n in self.contents if n <= last))
        fills = [
            OpenFill(fill, self.orders[fill.maker_hash], self.orders[fill.taker_hash])
            for fill_id, fill in sorted(self.fills.items())
            if fill_id not in landed
        ]
        if not fills:
            return None
        recipient = self.exchange.number("feeRecipient").to_bytes(20, "big")
        plan = plan_batch(fills, self.markets, self._facts(fills), recipient, max_fills=max_fills)
        assert not plan.busts, plan.busts
        assert plan.blocked is None, plan.blocked
        assert plan.fills
        tail = Tail(self.engine.position, self.clock_ms, keccak(self.log[-1].entry))
        market = self.markets[plan.fills[0].fill.market]
        batch = self.maker.make(last + 1, 1, plan.fills, market, tail)
        self.batches[last + 1] = batch
        self.contents[last + 1] = frozenset(each.fill.fill_id for each in plan.fills)
        return batch

    def _facts(self, fills: Sequence[OpenFill]) -> ChainFacts:
        holdings = {
            movement.holding
            for entry in fills
            for movement in movements(entry.fill, self.markets[entry.fill.market])
        }
        orders = {each.order_hash: each for entry in fills for each in (entry.maker, entry.taker)}
        final = self.chain.blocks[self.watched - 1].time if self.watched else 0
        return ChainFacts(
            time=self.now + INCLUSION,
            confirmed_time=final,
            balances={
                (owner, token): Escrow(*self.exchange.balance(text(owner), text(token)))
                for owner, token in holdings
            },
            lanes={
                (o.order.maker, o.order.lane): Lane(
                    *self.exchange.lane(text(o.order.maker), o.order.lane)
                )
                for o in orders.values()
            },
            approvals={
                o.order_hash: self.exchange.approval(text(o.order.maker), o.order_hash)
                for o in orders.values()
                if not o.signature
            },
        )

    # --- The end of the day ---

    def finish(self, random: Random) -> None:
        """Settle everything, let it become final, and compare ledger and chain."""
        for _ in range(200):
            self.watch()
            idle = not self.settle(random.choice((2, 100))) and not self.pool
            if idle and self.watched + CONFIRMATIONS >= self.chain.head and not self.unconfirmed():
                break
            self.mine(random)
        else:
            raise AssertionError("fills that do not settle")
        assert not self.fills
        self.reconcile()

    def unconfirmed(self) -> bool:
        """Whether there is anything in blocks that do not count as final yet."""
        return any(block.transactions for block in self.chain.blocks[self.watched :])

    def reconcile(self) -> None:
        """Compare every balance: nothing is open or on its way, so they are equal to the unit."""
        owners = {raw(FEES)} | {raw(text) for text in self.owners()}
        for address, token in self.tokens.items():
            total = 0
            for owner in owners:
                view = self.engine.balance(owner, raw(address))
                kept = view.available + view.reserved + view.withdrawing
                assert view.unsettled_in == 0
                assert kept == self.exchange.held(text(owner), address), (owner.hex(), view)
                total += kept
            assert self.engine.pending_fees(raw(address)) == 0
            assert self.engine.held(raw(address)) == total
            assert token.balance(self.exchange.address) == total
        assert self.engine.last_batch == self.exchange.last_batch()

    def owners(self) -> set[str]:
        """Whoever is known to have had something in escrow."""
        return {
            str(event.values["account"]).lower()
            for block in self.chain.blocks
            for event in block.events
            if "account" in event.values
        }
