"""A taker: follows the book over the stream, and takes the best price when it is good enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gavelbook.client import ApiError, LocalBook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gavelbook.client import Client
    from gavelbook.wire.orders import Placement, Side


@dataclass(frozen=True, slots=True)
class TakerSettings:
    """What to take.

    Attributes:
        market: which market.
        buy_below: buy what is offered at so many ticks or less; 0 for nothing.
        sell_above: sell to what is bid at so many ticks or more; 0 for nothing.
        lots: most lots of one order.

    """

    market: int
    buy_below: int = 0
    sell_above: int = 0
    lots: int = 5


class Taker:
    """Sends an immediate-or-cancel order whenever the book has a price within its limits."""

    def __init__(self, client: Client, settings: TakerSettings) -> None:
        self._client = client
        self._settings = settings
        self.book = LocalBook(settings.market)

    def run(self) -> Iterator[Placement]:
        """Follow the stream for ever, and yield what was traded."""
        for update in self._client.stream(f"book.{self._settings.market}"):
            self.book.update(update)
            traded = self._take()
            if traded is not None:
                yield traded

    def _take(self) -> Placement | None:
        side, found = self._chance()
        if found is None:
            return None
        ticks, offered = found
        try:
            return self._client.limit(
                self._settings.market,
                side,
                lots=min(offered, self._settings.lots),
                ticks=ticks,
                time_in_force="IOC",
            )
        except ApiError as error:
            if error.code == "insufficient_balance":
                raise
            # Somebody was faster, or the limit of requests is reached: there is a next time.
            return None

    def _chance(self) -> tuple[Side, tuple[int, int] | None]:
        ask, bid = self.book.best_ask, self.book.best_bid
        if ask is not None and ask[0] <= self._settings.buy_below:
            return "buy", ask
        if bid is not None and 0 < self._settings.sell_above <= bid[0]:
            return "sell", bid
        return "buy", None
