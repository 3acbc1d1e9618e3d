"""Books of bids: who bids what in which order, and the transactions that bid, clear and claim."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from gavelbook.auction import Bids, Rule, allocate
from gavelbook.samples import BIDS as SAMPLE
from tests.bench.anvil_chain import ChainError, account

if TYPE_CHECKING:
    from gavelbook.auction import Allocation
    from tests.bench.anvil_chain import Call, Receipt
    from tests.bench.bench_sale import BenchSale, Clearing, Terms

KEEPER_BATCH = 50
KEEPER = account(0, "keeper")
_SEED = 20_300_107


@dataclass
class Book:
    """Bids in arrival order, as columns."""

    bidders: list[str]
    ticks: list[int]
    lots: list[int]
    indexes: list[int] = field(init=False)

    def __post_init__(self) -> None:
        """Number the bids of each bidder, as the sale does where none is cancelled."""
        seen: Counter[str] = Counter()
        self.indexes = []
        for bidder in self.bidders:
            self.indexes.append(seen[bidder])
            seen[bidder] += 1

    def __len__(self) -> int:
        """Return the number of bids."""
        return len(self.bidders)

    @property
    def people(self) -> list[str]:
        """Every bidder once, in order of the first bid."""
        return list(dict.fromkeys(self.bidders))

    def __add__(self, other: Book) -> Book:
        """Return this book followed by another."""
        return Book(self.bidders + other.bidders, self.ticks + other.ticks, self.lots + other.lots)

    def allocate(self, terms: Terms) -> Allocation:
        """Allocate under ``terms``."""
        return allocate(terms.auction, Bids.from_columns(self.ticks, self.lots))

    def place(self, sale: BenchSale) -> list[Receipt]:
        """Fund the bidders and place every bid."""
        sale.fund(self.people)
        return sale.chain.send(*self._bidding(sale))

    def place_unread(self, sale: BenchSale) -> None:
        """Place every bid where nobody asks for the gas of it.

        Raises:
            ChainError: a bid was refused.

        """
        sale.fund(self.people)
        sale.chain.send_unread(*self._bidding(sale))
        if sum(sale.lots()) != sum(self.lots):
            raise ChainError("Expected every bid to be placed, was less")

    def clear(self, sale: BenchSale) -> list[Receipt]:
        """Clear with the allocator's signature, in as many transactions as the margin needs."""
        return sale.chain.send(*sale.clearing_calls(*self.clearing(sale.terms)))

    def play_until_cleared(self, sale: BenchSale) -> list[Receipt]:
        """Place every bid, let the time of bidding pass and clear; return what clearing took."""
        self.place_unread(sale)
        sale.close()
        return self.clear(sale)

    def clearing(self, terms: Terms) -> tuple[Clearing, list[int]]:
        """Return the clearing that a sale accepts, and the keys of the margin."""
        result = self.allocate(terms).clearing
        cut = 0 if result.cut is None else self._arrivals(Rule(terms.rule))[result.cut]
        margin = [
            int(bidder, 16) << 8 | index
            for bidder, tick, index in zip(self.bidders, self.ticks, self.indexes, strict=True)
            if result.margin_from_tick <= tick < result.full_from_tick
        ]
        return (result.marginal_tick, result.level, cut, b"\1" * 32), margin

    def claim(self, sale: BenchSale) -> list[Receipt]:
        """Let every bidder claim for themselves."""
        return sale.chain.send(*(sale.call(each, "claim", each) for each in self.people))

    def claim_by_keeper(self, sale: BenchSale) -> list[Receipt]:
        """Let a keeper claim for all, 50 bidders at a time."""
        people = self.people
        return sale.chain.send(
            *(
                sale.call(KEEPER, "claimMany", people[start : start + KEEPER_BATCH])
                for start in range(0, len(people), KEEPER_BATCH)
            )
        )

    def _bidding(self, sale: BenchSale) -> list[Call]:
        return [
            sale.call(bidder, "bid", tick, lots)
            for bidder, tick, lots in zip(self.bidders, self.ticks, self.lots, strict=True)
        ]

    def _arrivals(self, rule: Rule) -> list[int]:
        if rule is Rule.TOP_THEN_ROUND_ROBIN:
            return list(range(1, len(self) + 1))
        seen: Counter[int] = Counter()
        arrivals = []
        for tick in self.ticks:
            seen[tick] += 1
            arrivals.append(seen[tick])
        return arrivals


def later_share() -> float:
    """Return the share of bids in the sample whose bidder has bid before."""
    with SAMPLE.open(newline="") as file:
        bidders = [row["bidder"] for row in csv.DictReader(file)]
    return 1 - len(set(bidders)) / len(bidders)


def group(bids: int, tick: int, lots: int = 10, kind: str = "bidder") -> Book:
    """Return ``bids`` bids of one price, each of another bidder."""
    return Book([account(i, kind) for i in range(bids)], [tick] * bids, [lots] * bids)


def ladder(from_tick: int, to_tick: int, lots: int = 10, kind: str = "ladder") -> Book:
    """Return one bid at each tick of a range, from as few bidders as may hold them."""
    ticks = list(range(from_tick, to_tick))
    return Book([account(i // 24, kind) for i in range(len(ticks))], ticks, [lots] * len(ticks))


def spread(bids: int, tick_count: int) -> Book:
    """Return bids of mixed size around the middle, the share of later bids as in the sample."""
    random = np.random.default_rng(_SEED)
    ticks = random.normal(tick_count / 2, tick_count / 12, bids)
    people = bids - round(bids * later_share())
    later = random.choice(people, bids - people, replace=False)
    who = [account(i) for i in [*range(people), *later.tolist()]]
    return Book(
        who,
        np.clip(ticks, 0, tick_count - 1).astype(int).tolist(),
        random.integers(1, 1001, bids).tolist(),
    )
