"""A market maker: a ladder of quotes around a reference price, replaced when it moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from gavelbook.client import ApiError, Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gavelbook.client import Client
    from gavelbook.wire.markets import BookSnapshot
    from gavelbook.wire.orders import OrderRequest, Side

SIDES: tuple[Side, Side] = ("buy", "sell")


@dataclass(frozen=True, slots=True)
class MakerSettings:
    """How to quote.

    Attributes:
        market: which market.
        reference: the price in ticks to quote around while the book is empty.
        half_spread: ticks from the middle to the best quote.
        step: ticks from one quote to the next.
        levels: quotes on each side.
        lots: lots of each quote.

    """

    market: int
    reference: int
    half_spread: int = 2
    step: int = 1
    levels: int = 5
    lots: int = 10


@dataclass(slots=True)
class MarketMaker:
    """Keeps a quote in each of its lanes; a new sequence replaces the old quote in one message.

    Quotes are post-only, so that they never take; one that would is left out until the next round.
    """

    client: Client
    settings: MakerSettings
    _sequences: dict[int, int] = field(default_factory=dict)
    _quoted: dict[int, tuple[Side, int]] = field(default_factory=dict)

    def step(self) -> int:
        """Look at the book, and return how many quotes were placed anew."""
        middle = self._middle(self.client.book(self.settings.market, depth=1))
        wanted = dict(enumerate(self._quotes(middle)))
        moved = {lane: quote for lane, quote in wanted.items() if self._quoted.get(lane) != quote}
        if not moved:
            return 0
        orders = [self._order(lane, *quote) for lane, quote in moved.items()]
        placed = 0
        for lane, item in zip(moved, self.client.place_batch(orders), strict=True):
            if item.placement is not None:
                self._quoted[lane] = moved[lane]
                placed += 1
            elif item.problem is not None:
                self._quoted.pop(lane, None)
                error = ApiError.of(item.problem)
                structlog.get_logger().info("quote_refused", code=error.code, lane=lane)
        return placed

    def refresh(self) -> None:
        """Notice quotes that were filled, so that the next step places them again."""
        opened = self.client.open_orders(market=self.settings.market)
        open_lanes = {int(order.lane) for order in opened}
        self._quoted = {lane: quote for lane, quote in self._quoted.items() if lane in open_lanes}

    def stop(self) -> None:
        """Take all quotes back."""
        self.client.cancel_market(self.settings.market)
        self._quoted.clear()

    def _middle(self, book: BookSnapshot) -> int:
        if not book.bids or not book.asks:
            return self.settings.reference
        return (int(book.bids[0][0]) + int(book.asks[0][0])) // 2

    def _quotes(self, middle: int) -> Iterator[tuple[Side, int]]:
        for level in range(self.settings.levels):
            away = self.settings.half_spread + level * self.settings.step
            yield "buy", max(1, middle - away)
            yield "sell", middle + away

    def _order(self, lane: int, side: Side, ticks: int) -> OrderRequest:
        place = self.client.lanes.replace(lane)
        return self.client.sign_order(
            self.settings.market,
            side,
            self.settings.lots,
            ticks,
            place=Place(*place),
            post_only=True,
        )
