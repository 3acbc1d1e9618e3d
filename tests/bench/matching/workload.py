"""Orders and cancels as markets see them, the same in every run.

`mixed_flow` is what peers are compared on: 45 % orders that rest, 45 % cancels, 10 % orders that
take one to five price levels, over a book of 60,000 orders most of which stand far from the touch.
`steady_flow` keeps the number of resting orders where it is, to see what a larger book costs.
"""

from __future__ import annotations

import math
import random
from typing import NamedTuple

ADD, CANCEL, TAKE = range(3)
BUY, SELL = 0, 1

_SWEPT_LEVELS = [1] * 8 + [2] * 3 + [3, 4, 5]
_NEAR, _DEEP = 0, 1


Event = tuple[int, int, int, int, int]
"""Kind, side, ticks, lots and id of an order, or of the one to cancel."""


class Workload(NamedTuple):
    """Events that fill the book, and those that are timed."""

    seed: list[Event]
    events: list[Event]


class _Flow:
    """The book as the generator sees it: who rests where, near the touch or deep in the book."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.sides: tuple[dict, dict] = ({}, {})
        self.live: dict[int, tuple[int, int, int]] = {}
        self.places: dict[int, int] = {}
        self.lists: tuple[list[int], list[int]] = ([], [])
        self.middle = 100_000
        self.last_id = 0

    def rest(self, side: int, ticks: int, lots: int, depth: int) -> None:
        """Let the order with the last id rest."""
        number = self.last_id
        self.sides[side].setdefault(ticks, {})[number] = lots
        self.live[number] = side, ticks, depth
        self.places[number] = len(self.lists[depth])
        self.lists[depth].append(number)

    def leave(self, number: int) -> tuple[int, int]:
        """Take an order out; return its side and price."""
        side, ticks, depth = self.live.pop(number)
        level = self.sides[side][ticks]
        del level[number]
        if not level:
            del self.sides[side][ticks]
        place, last = self.places.pop(number), self.lists[depth].pop()
        if last != number:
            self.lists[depth][place] = last
            self.places[last] = place
        return side, ticks

    def distance(self, chance: float, most: int) -> int:
        """Return a distance from the middle, geometric with ``chance``, up to ``most`` ticks."""
        while True:
            found = 1 + int(math.log(1 - self.random.random()) / math.log(1 - chance))
            if found <= most:
                return found

    def add(self, chance: float, most: int, offset: int = 0) -> Event:
        """Place an order that meets nothing."""
        side = BUY if self.random.random() < 0.5 else SELL
        distance = offset + self.distance(chance, most)
        opposite = self.sides[1 - side]
        if side == BUY:
            ticks = self.middle - distance
            ticks = min(ticks, min(opposite) - 1) if opposite else ticks
        else:
            ticks = self.middle + distance
            ticks = max(ticks, max(opposite) + 1) if opposite else ticks
        lots = self.random.randint(1, 100)
        self.last_id += 1
        self.rest(side, ticks, lots, _DEEP if offset else _NEAR)
        return ADD, side, ticks, lots, self.last_id

    def take(self) -> Event:
        """Place an order that takes up to five levels, and one time in five leaves a rest."""
        draw = self.random
        side = BUY if draw.random() < 0.5 else SELL
        opposite = self.sides[1 - side]
        levels = sorted(opposite, reverse=side == SELL)
        count = min(draw.choice(_SWEPT_LEVELS), len(levels))
        limit = levels[count - 1]
        lots = sum(sum(opposite[ticks].values()) for ticks in levels[: count - 1])
        last = sum(opposite[limit].values())
        if draw.random() < 0.2 and (count > 1 or last < 150):
            lots += last + draw.randint(1, 50)
        else:
            lots += draw.randint(1, min(last, 100))
        self.last_id += 1
        self._trade(opposite, levels[:count], side, lots, limit)
        return TAKE, side, limit, lots, self.last_id

    def _trade(self, opposite: dict, levels: list[int], side: int, lots: int, limit: int) -> None:
        left = lots
        for ticks in levels:
            for number in list(opposite[ticks]):
                if not left:
                    break
                resting = opposite[ticks][number]
                traded = min(resting, left)
                left -= traded
                if traded == resting:
                    self.leave(number)
                else:
                    opposite[ticks][number] = resting - traded
        if left:
            self.rest(side, limit, left, _NEAR)

    def cancel(self, depth: int) -> Event:
        """Cancel any order near the touch, or any deep in the book."""
        among = self.lists[depth]
        number = among[self.random.randrange(len(among))]
        side, ticks = self.leave(number)
        return CANCEL, side, ticks, 0, number

    def drift(self, turn: int) -> None:
        """Let the middle walk, now and then back between the best prices."""
        if self.random.random() >= 0.25:
            return
        self.middle += self.random.choice((-1, 1))
        if turn & 15 == 0:
            ask, bid = min(self.sides[SELL]), max(self.sides[BUY])
            if self.middle >= ask:
                self.middle = ask - 1
            elif self.middle <= bid:
                self.middle = bid + 1


def mixed_flow(events: int = 200_000, resting: int = 60_000, seed: int = 7) -> Workload:
    """Return the workload on which engines are compared."""
    flow = _Flow(seed)
    first = [
        flow.add(0.05, 50) if turn % 20 == 0 else flow.add(1 / 200, 900, 300)
        for turn in range(resting)
    ]
    return Workload(first, [_mixed(flow, turn) for turn in range(events)])


def _mixed(flow: _Flow, turn: int) -> Event:
    flow.drift(turn)
    chance = flow.random.random()
    if chance < 0.10:
        return flow.take()
    if chance < 0.55:
        return flow.add(0.05, 50)
    depth = _NEAR if flow.random.random() < 0.5 and len(flow.lists[_NEAR]) > 100 else _DEEP
    return flow.cancel(depth if flow.lists[depth] else 1 - depth)


def steady_flow(resting: int, events: int = 100_000, seed: int = 11) -> Workload:
    """Return a workload that keeps about ``resting`` orders in the book, one in 20 near the touch.

    One event in ten takes up to a level. The others add or cancel, near the touch or deep in the
    book alike, as the cancels of `mixed_flow` are: half of them find an order that nothing has
    touched since it came.
    """
    flow = _SteadyFlow(seed, resting)
    first = [flow.place(_NEAR if turn % 20 == 0 else _DEEP) for turn in range(resting)]
    return Workload(first, [flow.step() for _ in range(events)])


class _SteadyFlow(_Flow):
    """Orders around a middle that stands still: near within 50 ticks, deep within 20,000."""

    def __init__(self, seed: int, resting: int) -> None:
        super().__init__(seed)
        self.wanted = resting // 20, resting - resting // 20

    def step(self) -> Event:
        if self.random.random() < 0.10:
            return self.take_best()
        depth = self.random.choice((_NEAR, _DEEP))
        short = len(self.lists[depth]) < self.wanted[depth]
        return self.place(depth) if short else self.cancel(depth)

    def place(self, depth: int) -> Event:
        side = self.random.choice((BUY, SELL))
        span = (1, 50) if depth == _NEAR else (300, 20_000)
        distance = self.random.randint(*span)
        ticks = self.middle - distance if side == BUY else self.middle + distance
        lots = self.random.randint(1, 100)
        self.last_id += 1
        self.rest(side, ticks, lots, depth)
        return ADD, side, ticks, lots, self.last_id

    def take_best(self) -> Event:
        """Take the best level or a part of it."""
        side = self.random.choice((BUY, SELL))
        opposite, away = self.sides[1 - side], 1 if side == BUY else -1
        near = range(self.middle + away, self.middle + 51 * away, away)
        best = next((ticks for ticks in near if ticks in opposite), None)
        if best is None:
            return self.place(_NEAR)
        lots = self.random.randint(1, min(100, sum(opposite[best].values())))
        self.last_id += 1
        self._trade(opposite, [best], side, lots, best)
        return TAKE, side, best, lots, self.last_id
