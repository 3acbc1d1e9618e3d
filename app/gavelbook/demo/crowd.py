"""Simulated bidders: who bids what and when. Pure, and the same for the same seed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gavelbook.auction import AuctionTerms

GROUP_SHARE = 0.25
"""Share of bids at one and the same price, so that the rules have a margin to differ on."""
SPREAD_SHARE = 0.09
"""Standard deviation of the other prices, in ladders."""
SECOND_BID_SHARE = 0.3
CANCEL_SHARE = 0.1
REBID_SHARE = 0.5


class Kind(StrEnum):
    """What a bidder does."""

    BID = "bid"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One action of one bidder, ``at`` seconds after the window opens.

    A bid has ``tick`` and ``lots``; a cancel takes the bidder's bid with this ``index``.
    """

    at: int
    bidder: int
    kind: Kind
    tick: int = 0
    lots: int = 0
    index: int = 0


class Crowd:
    """Bidders with prices around a middle one, some of which bid twice or change their minds."""

    def __init__(self, terms: AuctionTerms, bidders: int, seed: int) -> None:
        """Make ``bidders`` bidders for an auction under ``terms``."""
        self._terms = terms
        self._bidders = bidders
        self._random = Random(seed)  # noqa: S311 -- a simulation that can be repeated
        self._group_tick = terms.tick_count // 2
        self._live: dict[int, dict[int, int]] = {}

    def moves(self, duration: int, cancel_before: int) -> list[Move]:
        """Return a whole sale of ``duration`` seconds in order of time.

        Every bidder bids once in the first four fifths; later come second bids, and until
        ``cancel_before`` cancels, half of them followed by another bid.
        """
        first = list(range(self._bidders))
        self._random.shuffle(first)
        times = self._times(len(first), 0, duration * 4 // 5)
        moves = [self._bid(at, bidder) for at, bidder in zip(times, first, strict=True)]
        moves += self._second_thoughts(moves, duration, cancel_before)
        moves.sort(key=lambda move: move.at)
        return moves

    def next_bid(self, at: int) -> Move | None:
        """Return one more bid, by somebody with room under the cap; None where nobody has."""
        free = [bidder for bidder in range(self._bidders) if self._has_room(bidder)]
        return self._bid(at, self._random.choice(free)) if free else None

    def _second_thoughts(self, moves: list[Move], duration: int, cancel_before: int) -> list[Move]:
        later = []
        for move in moves:
            at = self._random.randint(move.at + 1, duration - 2)
            chance = self._random.random()
            if chance < CANCEL_SHARE and at < cancel_before - 2:
                later.append(Move(at=at, bidder=move.bidder, kind=Kind.CANCEL))
                del self._live[move.bidder][0]
                if self._random.random() < REBID_SHARE:
                    later.append(self._bid(at + 1, move.bidder))
            elif chance < CANCEL_SHARE + SECOND_BID_SHARE and self._has_room(move.bidder):
                later.append(self._bid(at, move.bidder))
        return later

    def _bid(self, at: int, bidder: int) -> Move:
        live = self._live.setdefault(bidder, {})
        index = next(number for number in range(len(live) + 1) if number not in live)
        live[index] = lots = self._lots(bidder)
        return Move(at=at, bidder=bidder, kind=Kind.BID, tick=self._tick(), lots=lots, index=index)

    def _tick(self) -> int:
        if self._random.random() < GROUP_SHARE:
            return self._group_tick
        spread = self._terms.tick_count * SPREAD_SHARE
        tick = round(self._random.gauss(self._group_tick, spread))
        return min(max(tick, 0), self._terms.tick_count - 1)

    def _lots(self, bidder: int) -> int:
        """Return a size between the smallest bid and the room under the cap, small more often."""
        smallest, room = self._terms.min_bid_lots, self._room(bidder)
        return smallest + int((room - smallest) * self._random.random() ** 1.5)

    def _room(self, bidder: int) -> int:
        return self._terms.cap_lots - sum(self._live.get(bidder, {}).values())

    def _has_room(self, bidder: int) -> bool:
        return self._room(bidder) >= self._terms.min_bid_lots

    def _times(self, count: int, start: int, end: int) -> list[int]:
        return sorted(self._random.randint(start, end) for _ in range(count))
