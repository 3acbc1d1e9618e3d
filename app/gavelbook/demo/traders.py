"""Simulated traders: who quotes what and who takes it. Pure, and the same for the same seed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random

from gavelbook.exchange.orders import Side

LEVELS = 5
"""Prices at which a maker quotes on each side; each has a lane of its own."""
TAKING_LANE = 0
RESTING_LANE = 1

_HALF_SPREAD_BPS = 25
_STEP_BPS = 30
"""From one level of a maker to the next, on average."""
_DRIFT_BPS = 9
"""Standard deviation of the fair price from one round to the next."""
_TAKER_REACH_BPS = 400
"""How much worse than the fair price a taker puts up with."""
_RANGE = 2
"""The fair price stays between this fraction and this multiple of the first."""
_RESTING_SHARE = 0.25
_SWEEP_SHARE = 0.12
_REQUOTING_MAKERS = 2
_SMALLEST_LOTS = 10


class Intent(StrEnum):
    """What an order is for."""

    QUOTE = "quote"
    """Stay in the book, and never trade at once."""
    TAKE = "take"
    """Trade at once or not at all."""
    REST = "rest"
    """Trade what can be, and leave the rest in the book."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One order that a trader wants. What is open in the same lane is replaced."""

    trader: int
    intent: Intent
    side: Side
    lots: int
    ticks: int
    lane: int


class Traders:
    """Makers with ladders around a price that wanders, and takers that hit them.

    Numbered from 0, the makers first.
    """

    def __init__(self, makers: int, takers: int, first_ticks: int, seed: int) -> None:
        """Let the price begin at ``first_ticks``."""
        self._makers = range(makers)
        self._takers = range(makers, makers + takers)
        self._first = first_ticks
        self._fair = float(first_ticks)
        self._random = Random(seed)  # noqa: S311 -- a simulation that can be repeated
        self._mood = Side.BUY

    def ladders(self) -> list[Wish]:
        """Return the quotes of all makers at the present price."""
        return [quote for maker in self._makers for quote in self.quotes_of(maker)]

    def quotes_of(self, maker: int) -> list[Wish]:
        """Return the ladder of one maker, best prices first."""
        return [self._quote(maker, side, level) for level in range(LEVELS) for side in Side]

    def round(self) -> list[Wish]:
        """Return what happens next: one taker comes, and some makers follow the price."""
        wishes = [self._taker_wish(self._random.choice(self._takers))]
        self._drift()
        for maker in self._random.sample(self._makers, min(_REQUOTING_MAKERS, len(self._makers))):
            wishes += self.quotes_of(maker)
        return wishes

    def _quote(self, maker: int, side: Side, level: int) -> Wish:
        jitter = self._random.randrange(_STEP_BPS)
        distance = _HALF_SPREAD_BPS + maker * _STEP_BPS // 4 + level * _STEP_BPS + jitter
        lots = self._random.randint(8, 20 + 16 * level) * _SMALLEST_LOTS
        ticks = self._ticks(distance if side is Side.SELL else -distance)
        lane = int(side) * LEVELS + level
        return Wish(trader=maker, intent=Intent.QUOTE, side=side, lots=lots, ticks=ticks, lane=lane)

    def _taker_wish(self, taker: int) -> Wish:
        if self._random.random() < 1 / 3:
            self._mood = Side(1 - self._mood)
        side = self._mood
        toward = 1 if side is Side.BUY else -1
        if self._random.random() < _RESTING_SHARE:
            ticks = self._ticks(-toward * self._random.randrange(2 * _HALF_SPREAD_BPS))
            intent, lane = Intent.REST, RESTING_LANE
        else:
            ticks = self._ticks(toward * _TAKER_REACH_BPS)
            intent, lane = Intent.TAKE, TAKING_LANE
        most = 240 if self._random.random() < _SWEEP_SHARE else 50
        lots = self._random.randint(most // 10, most) * _SMALLEST_LOTS
        return Wish(trader=taker, intent=intent, side=side, lots=lots, ticks=ticks, lane=lane)

    def _drift(self) -> None:
        """Move the price a little, rather where the takers push it."""
        push = _DRIFT_BPS / 3 * (1 if self._mood is Side.BUY else -1)
        moved = self._fair * (1 + self._random.gauss(push, _DRIFT_BPS) / 10_000)
        self._fair = min(max(moved, self._first / _RANGE), self._first * _RANGE)

    def _ticks(self, distance_bps: int) -> int:
        return max(round(self._fair * (10_000 + distance_bps) / 10_000), 1)
