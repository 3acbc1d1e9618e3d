"""A sale's bids kept a second time, in plain Python: what the contract must say and do."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gavelbook.auction import Allocation, AuctionTerms, Bids, Rule, allocate
from tests.evm.sale import BIDS_PER_BIDDER, Bid, Clearing, key_of

if TYPE_CHECKING:
    from collections.abc import Callable


class Entry(NamedTuple):
    """A live bid, ``sequence`` being its place among all bids ever placed."""

    bidder: str
    number: int
    tick: int
    lots: int
    arrival: int
    sequence: int

    @property
    def key(self) -> int:
        """The name of the bid in a margin."""
        return key_of(self.bidder, self.number)


class Ledger:
    """The live bids of a sale, and why it refuses one."""

    def __init__(self, terms: AuctionTerms, *, gated: bool = False) -> None:
        self.terms = terms
        self.entity_of: dict[str, str] = {}
        self._gated = gated
        self._live: dict[tuple[str, int], Entry] = {}
        self._placed_at: dict[int, int] = {}
        self._placed = 0

    @property
    def entries(self) -> list[Entry]:
        """The live bids in the order they were placed."""
        return sorted(self._live.values(), key=lambda entry: entry.sequence)

    def bids_of(self, bidder: str) -> list[Bid]:
        """Return the live bids of a bidder as the sale answers them."""
        found = sorted(entry for entry in self._live.values() if entry.bidder == bidder)
        return [Bid(e.number, e.tick, e.lots, e.arrival) for e in found]

    def has(self, bidder: str, number: int) -> bool:
        """Whether this bid is live."""
        return (bidder, number) in self._live

    def lots_of(self, group: str) -> int:
        """Return the live lots that count against the cap together: a bidder's or an entity's."""
        return sum(e.lots for e in self._live.values() if self._group(e.bidder) == group)

    def lots_at(self) -> list[int]:
        """Return the live lots of each tick."""
        totals = [0] * self.terms.tick_count
        for entry in self._live.values():
            totals[entry.tick] += entry.lots
        return totals

    def escrow(self) -> int:
        """Return what all live bids have escrowed."""
        return sum(self.cost(entry.tick, entry.lots) for entry in self._live.values())

    def cost(self, tick: int, lots: int) -> int:
        """Return what a bid escrows."""
        return lots * self.terms.price(tick)

    def refusal(self, bidder: str, tick: int, lots: int) -> str | None:
        """Return the error that meets a bid, None where it is taken."""
        cap = self.terms.cap_lots
        taken = sum(entry.bidder == bidder for entry in self._live.values())
        checks: list[tuple[str, Callable[[], bool]]] = [
            ("TickOutOfRange", lambda: tick >= self.terms.tick_count),
            ("BidTooSmall", lambda: lots < self.terms.min_bid_lots),
            ("OverCap", lambda: lots > cap),
            ("TooManyBids", lambda: taken == BIDS_PER_BIDDER),
            ("NotAdmitted", lambda: self._gated and bidder not in self.entity_of),
            ("OverCap", lambda: self.lots_of(self._group(bidder)) + lots > cap),
        ]
        return next((name for name, refused in checks if refused()), None)

    def place(self, bidder: str, tick: int, lots: int) -> int:
        """Enter a bid and return its index."""
        index = next(i for i in range(BIDS_PER_BIDDER) if not self.has(bidder, i))
        self._placed += 1
        self._placed_at[tick] = self._placed_at.get(tick, 0) + 1
        together = self.terms.rule is Rule.TOP_THEN_ROUND_ROBIN
        arrival = self._placed if together else self._placed_at[tick]
        self._live[bidder, index] = Entry(bidder, index, tick, lots, arrival, self._placed)
        return index

    def remove(self, bidder: str, number: int) -> Entry:
        """Take a bid out."""
        return self._live.pop((bidder, number))

    def outcome(self) -> Outcome:
        """Return what the Python rules make of the live bids."""
        entries = self.entries
        bids = Bids.from_columns([e.tick for e in entries], [e.lots for e in entries])
        return Outcome(entries, allocate(self.terms, bids))

    def _group(self, bidder: str) -> str:
        return self.entity_of.get(bidder, "") if self._gated else bidder


class Outcome:
    """What the Python rules give to each bid, and the one result that the sale may accept."""

    def __init__(self, entries: list[Entry], allocation: Allocation) -> None:
        self.entries = entries
        self.allocation = allocation
        found = allocation.clearing
        arrival = 0 if found.cut is None else entries[found.cut].arrival
        self.clearing = Clearing(found.marginal_tick, found.level, arrival)
        margin = range(found.margin_from_tick, found.full_from_tick)
        self.margin = [e.key for e in entries if e.tick in margin]

    def won_lots(self, bidder: str) -> int:
        """Return the lots of a bidder, all bids together."""
        filled = self.allocation.filled_list
        return sum(f for e, f in zip(self.entries, filled, strict=True) if e.bidder == bidder)

    def refund(self, bidder: str) -> int:
        """Return what is left of a bidder's escrow."""
        price = self.allocation.terms.price
        return sum(
            entry.lots * price(entry.tick) - payment
            for entry, payment in zip(self.entries, self.allocation.payments, strict=True)
            if entry.bidder == bidder
        )
