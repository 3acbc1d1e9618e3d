"""A sale that stays open: simulated bidders go on slowly while visitors bid on the pages."""

from __future__ import annotations

import time
from random import Random
from typing import TYPE_CHECKING

from gavelbook.auction import Pricing, Rule
from gavelbook.demo.bidding import message
from gavelbook.demo.crowd import Crowd
from gavelbook.demo.errors import DemoError
from gavelbook.demo.scene import Window
from gavelbook.demo.settlement import claim_for, clear, collect

if TYPE_CHECKING:
    from collections.abc import Callable

    from gavelbook.demo.scene import OpenedSale, Scene

_FIRST_BIDS_PERCENT = 90
"""Of the bidders have bid when a live sale opens."""
_PAUSE_SECONDS = (3.0, 8.0)
_LOOK_SECONDS = 0.5


class LiveSales:
    """One live sale after another, each cleared when it ends.

    Simulated bidders are paid at once; visitors claim for themselves.
    """

    def __init__(self, scene: Scene, seed: int, seconds: int) -> None:
        """Prepare sales of ``seconds`` each."""
        self.scene = scene
        self._seconds = seconds
        self._random = Random(seed)  # noqa: S311 -- a simulation that can be repeated
        self._number = 0
        self._opened: OpenedSale
        self._crowd: Crowd

    def open(self) -> None:
        """Open the next sale, with some bids in it."""
        scene = self.scene
        self._number += 1
        scene.chain.set_automine(on=False)
        start = scene.chain.now()
        window = Window(start, start + self._seconds, start + self._seconds * 9 // 10)
        terms = scene.terms(Rule.GROUP_ROUND_ROBIN, Pricing.UNIFORM, window)
        self._opened = scene.open_sale(f"Live sale {self._number}: one price for all", terms)
        self._crowd = Crowd(terms.auction, len(scene.cast.bidders), self._random.getrandbits(32))
        for _ in range(len(scene.cast.bidders) * _FIRST_BIDS_PERCENT // 100):
            self._bid()
            scene.chain.call("evm_mine")
        scene.chain.set_automine(on=True)

    def run(self, watch: Callable[[], None]) -> None:
        """Go on until interrupted; ``watch`` is called now and then."""
        next_bid = time.monotonic()
        while True:
            watch()
            if self.scene.chain.now() >= (self._opened.terms.end or 0):
                self.finish()
                self.open()
            elif time.monotonic() >= next_bid:
                self._bid()
                next_bid = time.monotonic() + self._random.uniform(*_PAUSE_SECONDS)
            time.sleep(_LOOK_SECONDS)

    def _bid(self) -> None:
        move = self._crowd.next_bid(0)
        if move is None:
            # Everybody is at the cap; the chain's clock goes on all the same.
            self.scene.chain.call("evm_mine")
            return
        bidder = self.scene.cast.bidders[move.bidder]
        try:
            self.scene.bulk.send([(bidder, message(self._opened.sale, move))])
        except DemoError:
            # The window may just have closed.
            self.scene.bulk.forget()

    def finish(self) -> None:
        """Clear the sale that has ended and pay the simulated bidders."""
        plan = clear(self.scene, self._opened)
        crowd = {account.address for account in self.scene.cast.bidders}
        simulated = [bidder for bidder in plan.book.bidders if bidder in crowd]
        claim_for(self.scene, self._opened, simulated)
        collect(self.scene, self._opened)
