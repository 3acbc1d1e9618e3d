"""The demo from an empty chain to three finished sales, told step by step.

Some winners let the sale pay them into the escrow of an exchange, where `TradingStory` goes on.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gavelbook.auction import Pricing, Rule
from gavelbook.chain.sale_types import NO_DIGEST, ClearingHint
from gavelbook.demo.attempts import expect_refusal
from gavelbook.demo.bidding import play
from gavelbook.demo.console import percent, whole
from gavelbook.demo.crowd import Crowd, Kind
from gavelbook.demo.errors import DemoError
from gavelbook.demo.scene import Window
from gavelbook.demo.settlement import audited, claim_for, clear, forged_results, keep
from gavelbook.service.reconciliation import reconcile
from gavelbook.service.sale_reader import BlockClock, SaleReader

if TYPE_CHECKING:
    from gavelbook.auction import AuctionTerms
    from gavelbook.chain.clearing_plan import ClearingPlan
    from gavelbook.demo.attempts import Refusal
    from gavelbook.demo.console import Console
    from gavelbook.demo.crowd import Move
    from gavelbook.demo.exchange_scene import ExchangeScene
    from gavelbook.demo.scene import OpenedSale
    from gavelbook.service.sale_view import SaleView

_EARLY_CLAIMS = 85
"""Percent of the bidders that do not wait for the keeper."""
_HOUR = 60 * 60
_DAY = 24 * _HOUR
WINDOW_SECONDS = 3 * _DAY
SPAN_SECONDS = WINDOW_SECONDS + 2 * _HOUR
"""Chain time of the whole story."""

LABELS = {
    Rule.PRICE_TIME: "Gavel sale A: price, then time",
    Rule.GROUP_ROUND_ROBIN: "Gavel sale B: price, then rounds",
    Rule.TOP_THEN_ROUND_ROBIN: "Gavel sale C: top price, then rounds",
}


class Story:
    """Plays three sales with the same bids under the three rules."""

    def __init__(self, exchange_scene: ExchangeScene, console: Console, seed: int) -> None:
        """Tell it on ``console``; the same ``seed`` gives the same bids."""
        self._scene = exchange_scene.scene
        self._exchange_scene = exchange_scene
        self._console = console
        self._seed = seed
        self.sales: list[OpenedSale] = []

    def run(self) -> None:
        """Play from the first contract to the last check; leave the chain at the present time.

        Raises:
            DemoError: something did not turn out as it must.

        """
        self._deploy()
        self._open()
        moves = self._bid()
        self._close(moves)
        views = self._settle()
        self._compare(views)
        self._check(views)

    def _deploy(self) -> None:
        scene, console = self._scene, self._console
        console.step("Contracts and accounts")
        scene.set_up()
        console.line(f"GVL, the token sold     {scene.sale_token.address}")
        console.line(f"DUSD, the token paid    {scene.payment_token.address}")
        console.line(f"Sale factory            {scene.factory.address}")
        console.line(
            f"{len(scene.cast.bidders)} bidders and {len(scene.cast.visitors)} accounts for "
            "visitors, derived from one mnemonic, hold DUSD"
        )

    def _open(self) -> None:
        scene, console = self._scene, self._console
        console.step("Three sales on the same terms, one for each rule")
        start = scene.chain.now() + _HOUR
        window = Window(start, start + WINDOW_SECONDS, start + WINDOW_SECONDS - 6 * _HOUR)
        for rule, label in LABELS.items():
            terms = scene.terms(rule, Pricing.PAY_AS_BID, window)
            opened = scene.open_sale(label, terms)
            console.line(f"{label:<38} {opened.sale.address}")
            self.sales.append(opened)
        auction = self._auction
        cap = auction.cap_lots
        console.line(
            f"{auction.supply_lots:,} lots of 100 GVL, 40 to 120 DUSD a lot in steps of 0.5, "
            f"at most {cap} lots a bidder, three days"
        )
        console.refusals([self._try("a bid before the window", 0, tick=80, lots=20)])

    def _bid(self) -> list[Move]:
        scene, console, window = self._scene, self._console, self.sales[0].terms
        console.step("Three days of bidding, in a few seconds")
        crowd = Crowd(self._auction, len(scene.cast.bidders), self._seed)
        moves = crowd.moves(WINDOW_SECONDS, (window.cancel_until) - (window.start or 0))
        middle = len(moves) // 2
        sales = [opened.sale for opened in self.sales]
        play(scene, sales, moves[:middle], window.start or 0)
        refusals = self._bad_moves()
        play(scene, sales, moves[middle:], window.start or 0)
        bids = sum(move.kind is Kind.BID for move in moves)
        console.line(
            f"{len(scene.cast.bidders)} bidders placed {bids} bids and cancelled "
            f"{len(moves) - bids}, in each sale the same"
        )
        console.refusals(refusals)
        return moves

    def _bad_moves(self) -> list[Refusal]:
        auction, sale = self._auction, self.sales[0].sale
        web3, bidder = self._scene.web3, self._scene.cast.bidders[0]
        early = sale.clear(ClearingHint(0, 0, 0, NO_DIGEST))
        return [
            self._try("a price off the ladder", 0, tick=auction.tick_count, lots=20),
            self._try("a bid under the minimum", 0, tick=80, lots=auction.min_bid_lots - 1),
            self._try("a bid over the cap", 0, tick=80, lots=auction.cap_lots + 1),
            expect_refusal(web3, bidder, "cancelling a bid that is not there", sale.cancel(23)),
            expect_refusal(web3, bidder, "clearing before the end", early),
        ]

    def _close(self, moves: list[Move]) -> None:
        scene, console, terms = self._scene, self._console, self.sales[0].terms
        console.step("The window closes")
        scene.chain.mine_at(max(terms.cancel_until, scene.chain.now()))
        late = moves[-1].bidder
        cancel = self.sales[0].sale.cancel(0)
        account = scene.cast.bidders[late]
        refusals = [expect_refusal(scene.web3, account, "cancelling too late", cancel)]
        scene.chain.mine_at((terms.end or 0) + 60)
        refusals.append(self._try("a bid after the window", 0, tick=80, lots=20))
        console.refusals(refusals)
        scene.chain.set_automine(on=True)

    def _settle(self) -> list[SaleView]:
        scene, console = self._scene, self._console
        console.step("Clearing: Python computes and signs, the contract checks")
        console.refusals(forged_results(scene, self.sales[0]))
        plans = {}
        for opened in self.sales:
            plans[opened.sale.address] = plan = clear(scene, opened)
            console.line(f"{opened.record.label:<38} cleared, digest 0x{plan.digest.hex()[:16]}…")

        into_escrow = self._open_exchange(plans[self.sales[0].sale.address])
        console.step("Everybody is paid")
        for opened in self.sales:
            plan = plans[opened.sale.address]
            paid = into_escrow if opened is self.sales[0] else set()
            bidders = [bidder for bidder in plan.book.bidders if bidder not in paid]
            early = bidders[: len(bidders) * _EARLY_CLAIMS // 100]
            claim_for(scene, opened, early)
            report = keep(scene, opened, plan)
            console.line(
                f"{opened.record.label:<38} {len(early)} bidders claimed, "
                f"the keeper paid the other {report.paid}"
            )
        clock = BlockClock(scene.web3)
        return [SaleReader(scene.web3, opened.record, clock).view() for opened in self.sales]

    def _open_exchange(self, plan: ClearingPlan) -> set[str]:
        """Make the exchange, let winners of the first sale claim straight into it, return them."""
        console, exchange = self._console, self._exchange_scene
        console.step("An exchange for what was sold, and winners who claim straight into it")
        exchange.set_up()
        market, delays = exchange.market, exchange.exchange.delays()
        console.line(f"Exchange                {exchange.exchange.address}")
        console.line(
            f"Market {market.id}, GVL for DUSD: a lot is {whole(market.lot_size)} GVL, a tick "
            f"{whole(market.tick_value)} DUSD; fees {percent(market.taker_fee_bps)} of takers, "
            f"{percent(market.maker_fee_bps)} of makers"
        )
        console.line(
            f"Delays, short for a demo: exit {delays.exit} s, cancel on chain "
            f"{delays.cancel_notice} s, new keys {delays.key} s"
        )
        exchange.choose_traders(self.sales[0], plan)
        claimed = exchange.claim_into_escrow()
        console.line(
            f"{len(exchange.winners)} winners of the first sale claimed {whole(claimed)} GVL to "
            "their deposit addresses, swept into escrow"
        )
        return {winner.address for winner in exchange.winners}

    def _compare(self, views: list[SaleView]) -> None:
        self._console.step("The same bids under three rules")
        header = ["", "full", "partial", "none", "winners", "lots sold", "lowest price", "raised"]
        rows = []
        for view in views:
            outcomes = view.allocation.outcomes
            winners = sum(line.filled > 0 for line in view.bidders)
            numbers = (*outcomes, winners, view.allocation.sold_lots)
            rows.append(
                [
                    view.name,
                    *(f"{number:,}" for number in numbers),
                    view.payment_token.amount(view.price_now or 0),
                    view.payment_token.amount(view.allocation.raised),
                ]
            )
        self._console.table(header, rows)

    def _check(self, views: list[SaleView]) -> None:
        console = self._console
        console.step("Sums from the bids beside the numbers on the chain")
        checks = reconcile(views[0])
        header = ["", "computed", "on the chain"]
        console.line(views[0].name)
        console.table(
            header, [[f"{c.what}, {c.unit}", c.computed_text, c.on_chain_text] for c in checks]
        )
        for view in views:
            checks = reconcile(view)
            right = all(check.right for check in checks)
            empty = view.moved.payment_held == view.moved.tokens_held == 0
            text = f"{view.name}: {len(checks)} sums agree, the contract holds 0 and 0"
            console.verdict(text, good=right and empty)
            _require(right and empty, f"the sums of {view.name} to agree")

        console.step("Audit: everything computed again from public data")
        for opened in self.sales:
            report = audited(self._scene, opened)
            text = f"{opened.record.label}: {report.bids} bids of {report.bidders} bidders"
            console.verdict(text, good=report.right)
            _require(report.right, f"the audit of {opened.record.label} to find nothing")
        self._to_the_present()

    def _to_the_present(self) -> None:
        """Set the chain's clock, which began in the past, to the time it is."""
        chain = self._scene.chain
        chain.mine_at(max(int(time.time()), chain.now() + 1))

    def _try(self, attempt: str, bidder: int, *, tick: int, lots: int) -> Refusal:
        account = self._scene.cast.bidders[bidder]
        call = self.sales[0].sale.bid(tick, lots)
        return expect_refusal(self._scene.web3, account, attempt, call)

    @property
    def _auction(self) -> AuctionTerms:
        return self.sales[0].terms.auction


def _require(right: bool, what: str) -> None:  # noqa: FBT001
    if not right:
        raise DemoError("demo_differs", f"Expected {what}, was not so")
