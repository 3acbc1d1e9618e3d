"""The second half of the demo: what was sold is traded, settled, withdrawn, and left with."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gavelbook.demo.batch_table import settled_batches
from gavelbook.demo.console import whole
from gavelbook.demo.errors import DemoError
from gavelbook.demo.escrow_sums import EscrowEvents
from gavelbook.demo.exchange_scene import DELAYS
from gavelbook.demo.forged_batches import Forger
from gavelbook.demo.leaving import leave, withdraw
from gavelbook.demo.log_replay import BOOK_LEVELS, LogReplay, checked_receipt
from gavelbook.demo.order_refusals import refused_orders
from gavelbook.service.exchange.audit import audit_exchange
from gavelbook.service.exchange.public_log import public_log
from gavelbook.service.market_view import fixed_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from gavelbook.client import Client
    from gavelbook.demo.console import Console
    from gavelbook.demo.exchange_scene import ExchangeScene
    from gavelbook.demo.exchange_server import ExchangeServer
    from gavelbook.demo.trading_floor import TradingFloor
    from gavelbook.service.exchange.receipts import Receipt
    from gavelbook.wire.markets import Level

_ROUNDS = 60
_ROUND_SECONDS = 0.04
_PATIENCE_SECONDS = 60
_LOOK_SECONDS = 0.1
_SHOWN_LEVELS = 5
_DECIMALS = 18
_PRICE_DIGITS = 3
_SHOWN_BATCHES = 6
_LATE_LOTS = 1_500
_WITHDRAWAL = 1_000 * 10**18


class TradingStory:
    """Plays on the exchange that the sales left behind."""

    def __init__(
        self, scene: ExchangeScene, server: ExchangeServer, floor: TradingFloor, console: Console
    ) -> None:
        """Tell it on ``console``; the traders are those of ``floor``."""
        self._scene = scene
        self._server = server
        self._console = console
        self._replay: LogReplay
        self._receipts: list[Receipt] = []
        self._matched = 0
        self._floor = floor

    def run(self) -> None:
        """Play to the last check, for which the exchange is stopped.

        Raises:
            DemoError: something did not turn out as it must.

        """
        self._pay_in()
        self._open()
        self._refuse()
        self._trade()
        self._settle()
        self._forge()
        self._withdraw()
        self._outage()
        self._restart()
        self._audit()
        self._compare_states()
        self._count_escrow()

    def _pay_in(self) -> None:
        console = self._console
        console.step("Money into escrow")
        paid = self._scene.pay_in()
        console.line(
            f"{paid.allowed} makers paid in by allowance, {paid.permitted} takers by signed "
            f"permits (somebody else paid the gas), {paid.swept} to a deposit address"
        )
        self._scene.fund_visitors()
        console.line("The visitors of the pages hold GVL and DUSD in escrow, too")

    def _open(self) -> None:
        console, server = self._console, self._server
        console.step("The exchange opens: `gavelbook serve` in a process of its own")
        server.start()
        self._replay = LogReplay.begin(self._scene.domain, self._anybody)
        self._until(self._floor.funded, "deposits to be seen")
        self._floor.open()
        status = self._anybody.status()
        console.line(f"API                     {server.url}/v1")
        console.line(f"Matcher                 {status.matcher.text()}")
        console.line(f"{self._floor.tally.placed} quotes of {len(self._scene.makers)} makers:")
        self._show_book()

    def _refuse(self) -> None:
        console, market = self._console, self._scene.market.id
        console.step("What the exchange refuses before it counts")
        maker, buyer = self._floor.clients[0], self._floor.clients[-1]
        console.refusals(refused_orders(maker, buyer, market))
        bid = int(maker.book(market, depth=1).bids[0][0])
        order = buyer.sign_order(market, "buy", 10, bid - 1)
        first, again = buyer.place(order), buyer.place(order)
        same = again.duplicate and not first.duplicate and again.position == first.position
        console.verdict(
            f"The same order sent twice counts once: position {first.position} of the log, "
            "both times",
            good=same,
        )
        _require(right=same, what="an order sent twice to count once")
        matcher = bytes.fromhex(self._scene.scene.cast.matcher.address[2:])
        domain = self._scene.domain
        self._receipts.append(checked_receipt(buyer, first.order_hash, domain, matcher))
        console.verdict("Its receipt proves that, with the matcher's signature", good=True)
        buyer.cancel(first.order_hash)

    def _trade(self) -> None:
        console, floor, tally = self._console, self._floor, self._floor.tally
        console.step("Trading")
        for _ in range(_ROUNDS):
            floor.play_round()
            time.sleep(_ROUND_SECONDS)
        out_of_step = sum(tally.refused.values())
        console.line(
            f"{tally.placed:,} orders accepted, {out_of_step} refused as overtaken or unfunded; "
            f"{tally.fills} fills of {tally.lots:,} GVL for {whole(tally.quote)} DUSD"
        )
        _require(right=tally.fills >= _ROUNDS, what="more fills than rounds")
        self._show_book()

    def _settle(self) -> None:
        console = self._console
        console.step("Settlement: the contract checks every order and every fill again")
        self._await_settlement()
        batches = settled_batches(self._scene)
        fills, gas = sum(each.fills for each in batches), sum(each.gas for each in batches)
        rows = [
            [f"Batch {each.number}", f"{each.fills}", f"{each.gas:,}", f"{each.gas_per_fill:,}"]
            for each in batches[:_SHOWN_BATCHES]
        ]
        if len(batches) > _SHOWN_BATCHES:
            rows.append([f"… {len(batches) - _SHOWN_BATCHES} more", "", "", ""])
        rows.append(["All", f"{fills}", f"{gas:,}", f"{gas // max(fills, 1):,}"])
        console.table(["", "fills", "gas", "gas per fill"], rows)
        matched = self._floor.tally.fills
        console.verdict(f"All {matched} fills that were matched are settled", good=fills == matched)
        _require(right=fills == matched, what=f"{matched} fills to settle")

    def _forge(self) -> None:
        self._console.step("What the contract refuses, even from the operator's own key")
        self._console.refusals(Forger(self._scene, self._scene.first_ticks).refusals())

    def _withdraw(self) -> None:
        console, scene = self._console, self._scene
        console.step("A withdrawal, at once with the matcher's signature")
        place = len(scene.makers)
        client, account = self._floor.clients[place], scene.traders[place]
        refusal = withdraw(scene, client, account, _WITHDRAWAL)
        console.line(f"{account.address} withdrew {whole(_WITHDRAWAL)} DUSD")
        console.refusals([refusal])

    def _outage(self) -> None:
        console, scene = self._console, self._scene
        console.step("The operator dies, and somebody leaves with nobody's help")
        leaver = scene.winners[-1]
        self._floor.client_of(leaver).cancel_all()
        self._await_settlement()
        settled = sum(each.fills for each in settled_batches(scene))
        buyer = self._floor.clients[-1]
        # Whatever the buyer itself may have in the book is not to end it early.
        last = buyer.market_order(
            scene.market.id, "buy", _LATE_LOTS, self_trade_prevention="cancel_oldest"
        )
        late = len(last.fills)
        self._server.kill()
        self._matched = settled + late
        console.line(f"Killed (kill -9) just after it answered an order: {late} fills not settled")
        left = leave(scene, leaver)
        console.refusals([left.refusal])
        console.line(
            f"{leaver.address} waited {DELAYS.exit} s and took out "
            f"{whole(left.tokens)} GVL and {whole(left.money)} DUSD"
        )

    def _restart(self) -> None:
        console, server = self._console, self._server
        console.step("The operator starts again from its log")
        position, head = self._replay.engine.position, self._replay.head
        server.start()
        # What comes next in the log is chained to what was there before, or is refused here.
        self._until(self._exit_is_known, "the exit to be seen")
        console.line(
            f"The log goes on after position {position}, head 0x{head.hex()[:16]}…, with the exit"
        )
        book = self._anybody.book(self._scene.market.id, depth=BOOK_LEVELS)
        same = self._replay.has(book)
        console.verdict("The book is the one that follows from the public log", good=same)
        _require(right=same, what="the book to follow from the log")
        self._await_settlement()
        settled = sum(each.fills for each in settled_batches(self._scene))
        right = settled == self._matched
        console.verdict("What was matched just before the end is settled now", good=right)
        _require(right=right, what=f"{self._matched} settled fills instead of {settled}")
        self._floor.play_round()

    def _audit(self) -> None:
        console = self._console
        console.step("Audit: the matcher's public log beside receipts and chain")
        self._await_settlement()
        log = public_log(self._anybody)
        facts = self._scene.facts()
        audit = audit_exchange(facts, log, self._receipts)
        if audit.difference is not None:
            raise DemoError("demo_differs", audit.difference.message)
        console.line(
            f"{audit.entries:,} entries, {audit.orders:,} signed orders, {audit.fills} fills, each "
            "with the best price's oldest order"
        )
        console.line(f"{audit.settled_fills} fills settled in {audit.batches} batches, in order")
        console.verdict("The matcher did what its log and its receipts say", good=audit.right)
        where = f"--log {self._server.url} --rpc {self._scene.scene.chain.url}"
        console.line(f"The same from a shell: gavelbook audit {facts.address} {where}")

    def _compare_states(self) -> None:
        console, server = self._console, self._server
        console.step("The matcher's state, from its log and from its disk")
        server.stop()
        ours, theirs = self._replay.engine.state_hash(), server.stopped_state_hash()
        console.line(f"Replay of {self._replay.engine.position} entries  0x{ours.hex()}")
        console.verdict("is what the stopped exchange keeps on its disk", good=ours == theirs)
        _require(right=ours == theirs, what="the replay of the log to give the same state")

    def _count_escrow(self) -> None:
        console = self._console
        console.step("Escrow to the last base unit")
        events = EscrowEvents(self._scene)
        sums = events.sums(self._replay.ledger(events.accounts))
        rows = {
            "Paid in": [each.paid_in for each in sums],
            "Withdrawn": [each.withdrawn for each in sums],
            "Left by exit": [each.exited for each in sums],
            f"In escrow of {len(events.accounts)} accounts": [each.of_accounts for each in sums],
            "Held by the contract": [each.held for each in sums],
            "In the matcher's ledger": [each.in_ledger for each in sums],
        }
        console.table(
            ["", *(each.symbol for each in sums)],
            [[what, *map(whole, amounts)] for what, amounts in rows.items()],
        )
        right = all(each.right for each in sums)
        console.verdict("Everything agrees, and so does every single account", good=right)
        _require(right=right, what="escrow to add up")

    def _exit_is_known(self) -> bool:
        """Return whether the log says that the one who left has nothing any more."""
        self._replay.follow(self._anybody)
        leaver = self._scene.winners[-1].address
        return not any(self._replay.ledger([leaver]).values())

    def _await_settlement(self) -> None:
        self._until(self._all_is_settled, "all fills to settle")

    def _all_is_settled(self) -> bool:
        """Return whether the log says that every fill is on the chain."""
        self._replay.follow(self._anybody)
        return self._replay.engine.unsettled_fills() == 0

    def _until(self, done: Callable[[], bool], what: str) -> None:
        """Wait until ``done``.

        Raises:
            DemoError: ``too_slow``.

        """
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not done():
            self._server.check()
            if time.monotonic() > deadline:
                raise DemoError("too_slow", f"Expected {what} within {_PATIENCE_SECONDS} s")
            time.sleep(_LOOK_SECONDS)

    def _show_book(self) -> None:
        market = self._scene.market
        book = self._anybody.book(market.id, depth=_SHOWN_LEVELS)
        rows = [
            [
                "",
                *(whole(market.base_amount(int(bid[1]))), self._price(bid)),
                *(self._price(ask), whole(market.base_amount(int(ask[1])))),
            ]
            for bid, ask in zip(book.bids, book.asks, strict=False)
        ]
        self._console.table(["", "bid, GVL", "DUSD", "DUSD", "asked, GVL"], rows)

    def _price(self, level: Level) -> str:
        ticks = int(level[0])
        return fixed_text(ticks * self._scene.market.tick_value, _DECIMALS, _PRICE_DIGITS)

    @property
    def _anybody(self) -> Client:
        return self._floor.clients[0]


def _require(*, right: bool, what: str) -> None:
    if not right:
        raise DemoError("demo_differs", f"Expected {what}, was not so")
