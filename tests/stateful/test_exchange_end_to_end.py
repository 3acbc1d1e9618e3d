"""Every match settles: engine, planner and contract together, whatever traders and chain do.

Traders place orders of every type, cancel, deposit, withdraw and leave at any moment; blocks come
late, in any order, and get lost again; the engine dies and comes back. No batch is ever reverted or
undone, and when all is final ledger and chain agree to the unit. GAVELBOOK_EXAMPLES sets how many
days are tried, GAVELBOOK_SEED where they begin.
"""

from __future__ import annotations

import os
from collections import Counter
from functools import cache
from random import Random
from typing import ClassVar

import msgspec
from hypothesis import seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gavelbook.exchange import commands, signing
from gavelbook.exchange.orders import Order, SelfTradePrevention, Side, TimeInForce
from tests.evm.escrow import NEVER
from tests.evm.exchange import (
    DAY,
    FEES,
    HOUR,
    KEY_DELAY,
    OWNER,
    Floor,
    encode,
    order_words,
    raw,
    selector,
)
from tests.evm.signatures import Key
from tests.stateful.exchange_world import CONFIRMATIONS, SETTLEMENT_WINDOW, World

EXAMPLES = int(os.environ.get("GAVELBOOK_EXAMPLES", "200"))
SEED = int(os.environ.get("GAVELBOOK_SEED", "1"))
STEPS = 40
RICH = 10**9
TRADERS = tuple(Key(f"trader {number}") for number in range(4))
KEY_OF = {raw(key.address): key for key in TRADERS}

seeds = st.integers(0, 2**32)


@cache
def floor() -> Floor:
    return Floor()


class TradingDays(RuleBasedStateMachine):
    """One exchange, chain and service."""

    reached: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.undo = floor().machine.trial()
        self.undo.__enter__()
        third = msgspec.structs.replace(
            floor().markets[1], id=3, base_token=raw(floor().third.address), lot_size=7
        )
        floor().exchange.list_market(third)
        self.world = World(floor(), {**floor().markets, 3: third})
        self.engine_deaths = 0
        self.cosigned: list[tuple[str, bytes]] = []
        self.approved: list[commands.PlaceOrder] = []
        self.random = Random(0)

    def teardown(self) -> None:
        try:
            self.world.finish(self.random)
            self.reached["settled"] += self.world.settled
            self.reached["batches"] += self.world.exchange.last_batch()
            self.reached.update(
                str(event.kind) for block in self.world.chain.blocks for event in block.events
            )
        finally:
            self.world.chain.close()
            self.undo.__exit__(None, None, None)

    @initialize(number=seeds)
    def open(self, number: int) -> None:
        self.random = Random(number)
        for key in TRADERS:
            for token in floor().tokens:
                floor().give(key.address, token, 10**15)
                self._deposit(key, token.address, self.random.choice((RICH, 30 * RICH, 900 * RICH)))
        self.world.mine(self.random)
        self.world.finish(self.random)
        self.trade(number, 20)

    # --- Trading ---

    @rule(number=seeds, count=st.integers(4, 20))
    def trade(self, number: int, count: int) -> None:
        random = Random(f"{number} {count}")
        for _ in range(count):
            self._place(
                self._signed(random, random.choice(TRADERS), random.choice((1, 1, 1, 1, 2, 3)))
            )

    @rule(number=seeds, count=st.integers(5, 20), limit=st.integers(1, 100))
    def trade_settle_and_mine(self, number: int, count: int, limit: int) -> None:
        random = Random(f"{number} {count} {limit}")
        self.trade(number, count)
        for _ in range(random.randint(1, 3)):
            self.world.settle(limit)
            self.world.mine(random, random.choice((1, 2, 12)))
            self.world.watch()
        self._keep_in_time()

    @rule(number=seeds)
    def cancel(self, number: int) -> None:
        random = Random(number)
        owner = raw(random.choice(TRADERS).address)
        open_orders = self.world.engine.open_orders(owner)
        match random.randrange(4):
            case 0 if open_orders:
                chosen = random.choice(open_orders)
                # Its time may be over by now.
                self.world.command(commands.CancelOrder(owner, chosen.order_hash))
            case 1:
                assert self.world.command(commands.CancelAll(owner)) is not None
            case 2:
                assert self.world.command(commands.CancelMarket(owner, 1)) is not None
            case _:
                self.world.command(commands.CancelClient(owner, f"mine {random.randrange(3)}"))

    @rule(number=seeds, beyond=st.sampled_from([0, 0, 0, 1, 5]))
    def cancel_on_chain(self, number: int, beyond: int) -> None:
        random = Random(number)
        key, lane = random.choice(TRADERS), random.choice((0, 1, 2))
        sequence = self.world.engine.lane_sequence(raw(key.address), lane) + beyond
        if sequence:
            self.world.send("cancel", key.address, encode("cancel", lane, sequence))

    @rule(number=seeds)
    def approve(self, number: int) -> None:
        random = Random(number)
        key = random.choice(TRADERS)
        order = self._order(random, key, 1)
        digest = self._hash(order)
        self.world.send("approve", key.address, selector("approveOrder") + order_words(order))
        self.approved.append(commands.PlaceOrder(order, digest))

    @rule(number=seeds, wish=st.sampled_from(["place", "place", "revoke"]))
    @precondition(lambda self: self.approved)
    def use_an_approval(self, number: int, wish: str) -> None:
        random = Random(number)
        command = random.choice(self.approved)
        owner = "0x" + command.order.maker.hex()
        if wish == "revoke":
            data = selector("revokeApproval") + command.order_hash
            self.world.send("revoke", owner, data)
            return
        if random.random() < 0.5:
            self.world.finish(random)
        if self._approved_for_good(command):
            self.reached["approved order"] += self._place(command)

    # --- Money ---

    @rule(number=seeds)
    def deposit(self, number: int) -> None:
        random = Random(number)
        key, token = random.choice(TRADERS), random.choice(floor().tokens)
        self._deposit(key, token.address, random.choice((1, 1_000, RICH, 30 * RICH)))

    @rule(number=seeds, part=st.sampled_from([1, 1, 2, 10]))
    def withdraw(self, number: int, part: int) -> None:
        """Ask for a withdrawal; once co-signed it may be sent at any time, or never."""
        random = Random(number)
        key, token = random.choice(TRADERS), random.choice(floor().tokens)
        owner = raw(key.address)
        amount = self.world.engine.balance(owner, raw(token.address)).withdrawable // part
        nonce = self.world.engine.withdrawal_nonce(owner) + 1
        deadline = self.world.now + random.choice((5, 60, HOUR, 2 * DAY))
        request = commands.RequestWithdrawal(
            owner, raw(token.address), amount, owner, nonce, deadline
        )
        if not self.world.command(request):
            return
        self.world.pending[owner, nonce] = deadline
        consent = self.world.key.sign_withdrawal(
            signing.Withdrawal(owner, raw(token.address), amount, owner, nonce, deadline)
        )
        wish = (key.address, token.address, amount, key.address, nonce, deadline)
        self.cosigned.append((key.address, encode("withdraw", *wish, b"", consent)))

    @rule(number=seeds)
    @precondition(lambda self: self.cosigned)
    def send_a_withdrawal(self, number: int) -> None:
        chosen = Random(number).randrange(len(self.cosigned))
        self.world.send("withdraw", *self.cosigned.pop(chosen))

    @rule(number=seeds, wish=st.sampled_from(["request", "request", "cancel", "exit", "exit"]))
    def leave(self, number: int, wish: str) -> None:
        random = Random(number)
        key, token = random.choice(TRADERS), random.choice(floor().tokens).address
        calls = {
            "request": encode("requestExit", [token]),
            "cancel": encode("cancelExit", [token]),
            "exit": encode("exitFor", key.address, token),
        }
        self.world.send(wish, key.address, calls[wish])

    @rule(number=seeds, back=st.booleans())
    def leave_and_come_back(self, number: int, back: bool) -> None:  # noqa: FBT001
        """The whole way out: notice, delay, exit; or a change of mind when it is due."""
        random = Random(number)
        key, token = random.choice(TRADERS), random.choice(floor().tokens).address
        self.world.send("request", key.address, encode("requestExit", [token]))
        self.trade_settle_and_mine(number, 8, 100)
        self.wait_long(number, DAY)
        if back:
            self.world.send("cancel exit", key.address, encode("cancelExit", [token]))
        else:
            self.world.send("exit", OWNER, encode("exitFor", key.address, token))
        self._deposit(key, token, RICH)

    @rule(number=seeds)
    def pay_fees_to_a_trader(self, number: int) -> None:
        random = Random(number)
        who = random.choice((TRADERS[0].address, FEES))
        self.world.send("propose", OWNER, encode("proposeFeeRecipient", who))
        self.wait_long(number, KEY_DELAY)
        self.world.send("accept", OWNER, encode("acceptFeeRecipient"))

    # --- Chain and service ---

    @rule(number=seeds, seconds=st.sampled_from([1, 2, 12]))
    def mine(self, number: int, seconds: int) -> None:
        self.world.mine(Random(number), seconds)
        self._keep_in_time()

    @rule(limit=st.sampled_from([1, 2, 5, 100]))
    def settle(self, limit: int) -> None:
        self.world.settle(limit)

    @rule()
    def watch(self) -> None:
        self.world.watch()

    @rule(number=seeds, depth=st.integers(1, CONFIRMATIONS))
    def settle_and_lose_it(self, number: int, depth: int) -> None:
        """Batches on the chain are lost again, with whatever came between them."""
        random = Random(f"{number} {depth}")
        for _ in range(depth):
            self.trade(random.randrange(2**32), 5)
            if self.world.now % 3:
                self.leave(random.randrange(2**32), random.choice(("request", "cancel", "exit")))
                self.cancel_on_chain(random.randrange(2**32), 0)
            self.world.settle(random.choice((2, 100)))
            self.world.mine(random)
        self.reorganise(number, depth)

    @rule(number=seeds, depth=st.integers(1, CONFIRMATIONS))
    def reorganise(self, number: int, depth: int) -> None:
        before = self.world.exchange.last_batch()
        self.world.reorganise(Random(number), depth)
        self.reached["batches lost"] += before - self.world.exchange.last_batch()
        self._keep_in_time()

    @rule(number=seeds, snapshot=st.booleans())
    def kill(self, number: int, snapshot: bool) -> None:  # noqa: FBT001
        self.world.kill(Random(number))
        if snapshot:
            self.world.snapshot()

    @rule(number=seeds, seconds=st.sampled_from([60, HOUR, DAY]))
    def wait_long(self, number: int, seconds: int) -> None:
        """Settle what is matched, and let hours pass."""
        self.world.finish(Random(number))
        self.world.clock_ms += seconds * 1_000
        assert self.world.command(commands.Clock()) is not None

    @invariant()
    def ledger_adds_up(self) -> None:
        engine = self.world.engine
        owners = [*KEY_OF, raw(FEES)]
        for address, token in self.world.tokens.items():
            views = [engine.balance(owner, raw(address)) for owner in owners]
            kept = sum(view.available + view.reserved + view.withdrawing for view in views)
            assert kept + engine.pending_fees(raw(address)) == engine.held(raw(address))
            owed = sum(self.world.exchange.held("0x" + owner.hex(), address) for owner in owners)
            assert token.balance(self.world.exchange.address) == owed

    # --- How it is done ---

    def _keep_in_time(self) -> None:
        """Let the settler catch up before what is matched grows too old."""
        now = self.world.clock_ms
        oldest = min((fill.time_ms for fill in self.world.fills.values()), default=now)
        if now - oldest > SETTLEMENT_WINDOW * 1_000 // 2:
            self.world.finish(self.random)

    def _deposit(self, key: Key, token: str, amount: int) -> None:
        self.world.send("deposit", key.address, encode("deposit", token, amount))

    def _hash(self, order: Order) -> bytes:
        return signing.order_hash(self.world.domain, self.world.markets[order.market], order)

    def _approved_for_good(self, command: commands.PlaceOrder) -> bool:
        """Whether the approval is there, in blocks that count as final and now."""
        owner = "0x" + command.order.maker.hex()
        known = any(
            event.kind == "OrderApproved" and event.hash("order_hash") == command.order_hash
            for block in self.world.chain.blocks[: self.world.watched]
            for event in block.events
        )
        return known and self.world.exchange.approval(owner, command.order_hash) == NEVER

    def _place(self, command: commands.PlaceOrder) -> bool:
        reports = self.world.command(command)
        self.reached["order taken" if reports else "order refused"] += 1
        return bool(reports)

    def _signed(self, random: Random, key: Key, market: int) -> commands.PlaceOrder:
        order = self._order(random, key, market)
        digest = self._hash(order)
        in_force = random.choice([TimeInForce.GTC] * 4 + list(TimeInForce))
        resting = in_force in {TimeInForce.GTC, TimeInForce.GTT}
        return commands.PlaceOrder(
            order,
            digest,
            key.sign(digest),
            time_in_force=in_force,
            good_till=(
                self.world.clock_ms + random.choice((500, 20_000, 10**7))
                if in_force is TimeInForce.GTT
                else 0
            ),
            post_only=resting and random.random() < 0.1,
            self_trade_prevention=random.choice(list(SelfTradePrevention)),
            client_id=f"mine {random.randrange(3)}" if random.random() < 0.2 else "",
        )

    def _order(self, random: Random, key: Key, market: int) -> Order:
        owner, lane = raw(key.address), random.choice((0, 1, 2, 3, 4, 5))
        side = random.choice(list(Side))
        # Sells stand a little lower than buys, so most of them meet.
        ticks = random.randint(80, 105) + 5 * (side == Side.BUY)
        window = SETTLEMENT_WINDOW
        return Order(
            market=market,
            maker=owner,
            side=side,
            lots=random.choice((1, 2, 3, 10, 50, 300)),
            ticks=ticks,
            lane=lane,
            sequence=self.world.engine.lane_sequence(owner, lane) + random.choice((1, 1, 1, 2)),
            expiry=self.world.now + window + random.choice((1, 2, 30, HOUR, 9 * DAY)),
            max_fee_bps=random.choice((29, 30, 50, 1_000)),
        )


def test_every_match_settles() -> None:
    TradingDays.reached.clear()
    run_state_machine_as_test(
        seed(SEED)(TradingDays),
        settings=settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None),
    )
    reached = TradingDays.reached
    assert reached["settled"] > 5 * EXAMPLES, reached
    assert reached["batches lost"] > EXAMPLES // 10, reached
    for kind in ("Exited", "ExitCancelled", "Withdrawn", "CancelRequested", "ApprovalRevoked"):
        assert reached[kind], f"{kind} never happened"
