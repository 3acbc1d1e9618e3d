"""Random books of bids as plain data, so that a failing one can be printed and made smaller."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from gavelbook.auction import AuctionTerms, Pricing, Rule
from tests.evm.ledger import Ledger
from tests.evm.machine import account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

MAX = 2**256 - 1
MOST_LOTS = 2**32 - 1
FULL_CAP = 10_000

OFFERED = tuple(
    (rule, pricing)
    for rule in Rule
    for pricing in Pricing
    if (rule, pricing) != (Rule.TOP_THEN_ROUND_ROBIN, Pricing.UNIFORM)
)


class Place(NamedTuple):
    """Somebody places a bid, which may be refused."""

    bidder: int
    tick: int
    lots: int


class Cancel(NamedTuple):
    """Somebody cancels a bid, which may not be there."""

    bidder: int
    number: int


@dataclass(frozen=True)
class Book:
    """A sale from its first bid to its last claim.

    Attributes:
        auction: The terms that decide who gets what.
        steps: What bidders do while the sale is open.
        entities: The entity of each bidder where the sale has a gate, 0 for one not admitted.
        cancellable: Whether bids can be cancelled.
        signed: Whether the clearing is signed, rather than posted when the window is over.
        pieces: In how many pieces the margin is shown.
        vested: Whether won lots vest.
        seed: Of the choices of claims and pieces.

    """

    auction: AuctionTerms
    steps: tuple[Place | Cancel, ...]
    entities: tuple[int, ...] | None = None
    cancellable: bool = True
    signed: bool = False
    pieces: int = 1
    vested: bool = False
    seed: int = 0

    @property
    def bidders(self) -> list[str]:
        """The bidders that do anything."""
        return [bidder_name(number) for number in sorted({step.bidder for step in self.steps})]


def bidder_name(number: int) -> str:
    """Return the address of a bidder."""
    return account(f"bidder {number}")


def play(book: Book) -> Ledger:
    """Return what the steps leave in the book, those refused left out."""
    ledger = Ledger(book.auction, gated=book.entities is not None)
    for number, entity in enumerate(book.entities or ()):
        if entity:
            ledger.entity_of[bidder_name(number)] = str(entity)
    for step in book.steps:
        name = bidder_name(step.bidder)
        if isinstance(step, Cancel):
            if book.cancellable and ledger.has(name, step.number):
                ledger.remove(name, step.number)
        elif ledger.refusal(name, step.tick, step.lots) is None:
            ledger.place(name, step.tick, step.lots)
    return ledger


def random_book(random: Random, rule: Rule, pricing: Pricing) -> Book:
    """Return a book dense in ties, exact fits and edges."""
    tick_count, sizes, most_steps = random.choices(_SHAPES, _WEIGHTS)[0]
    number = random.randint(most_steps // 3, most_steps) if random.random() < 0.97 else 0
    steps = _steps(random, tick_count, sizes, number)
    auction = _auction(random, rule, pricing, tick_count, steps)
    entities = None
    if random.random() < 0.25:
        entities = tuple(random.choice((1, 1, 2, 3, 4, 5, 0)) for _ in range(_MOST_BIDDERS))
    book = Book(
        auction=auction,
        steps=steps,
        entities=entities,
        cancellable=random.random() < 0.9,
        signed=random.random() < 0.5,
        pieces=random.choice((1, 1, 2, 3, 7)),
        vested=random.random() < 0.2,
        seed=random.randrange(2**32),
    )
    raised = play(book).outcome().allocation.raised
    return _with_raise(
        book, random.choice((0, 0, 0, 0, 0, raised, raised, raised // 2, raised + 1, MAX))
    )


def smallest(book: Book, fails: Callable[[Book], bool]) -> Book:
    """Return a book that still fails and from which nothing more can be left out."""
    found = True
    while found:
        found = False
        for simpler in _simpler(book):
            if fails(simpler):
                book, found = simpler, True
                break
    return book


def _simpler(book: Book) -> Iterator[Book]:
    size = len(book.steps) // 2
    while size:
        for start in range(0, len(book.steps), size):
            yield replace(book, steps=book.steps[:start] + book.steps[start + size :])
        size //= 2
    yield from (
        replace(book, **change)
        for change in ({"entities": None}, {"pieces": 1}, {"vested": False}, {"signed": False})
        if any(getattr(book, name) != value for name, value in change.items())
    )
    if book.auction.minimum_raise:
        yield _with_raise(book, 0)
    for number, step in enumerate(book.steps):
        if isinstance(step, Place) and step.lots > book.auction.min_bid_lots:
            smaller = step._replace(lots=max(book.auction.min_bid_lots, step.lots // 2))
            yield replace(book, steps=(*book.steps[:number], smaller, *book.steps[number + 1 :]))


_MOST_BIDDERS = 12
_SMALL, _MEDIUM, _LARGE = (1, 9), (1, 1000), (MOST_LOTS // 5, MOST_LOTS)
# Ticks, sizes of bids, most steps.
_SHAPES: tuple[tuple[int, tuple[int, int], int], ...] = (
    (1, _SMALL, 16),
    (2, _SMALL, 20),
    (3, _SMALL, 24),
    (5, _SMALL, 24),
    (6, _MEDIUM, 24),
    (4, _LARGE, 14),
    (17, _SMALL, 24),
    (64, _MEDIUM, 32),
    (1024, _MEDIUM, 24),
    (4096, _MEDIUM, 24),
)
_WEIGHTS = (6, 10, 14, 12, 10, 8, 8, 8, 2, 2)


def _steps(
    random: Random, tick_count: int, sizes: tuple[int, int], number: int
) -> tuple[Place | Cancel, ...]:
    bidders = random.randint(1, _MOST_BIDDERS)
    cancels = random.choice((0, 0.1, 0.2))
    ticks = [random.randrange(tick_count) for _ in range(random.choice((1, 3, tick_count)))]
    if random.random() < 0.5:
        ticks += [0, tick_count - 1]
    lots = [random.randint(*sizes) for _ in range(random.choice((1, 2, 30)))]
    steps: list[Place | Cancel] = []
    for _ in range(number):
        bidder = random.randrange(bidders)
        if random.random() < cancels:
            steps.append(Cancel(bidder, random.choice((0, 0, 1, 2, 3, 4, 24))))
            continue
        tick, size = random.choice(ticks), random.choice(lots)
        if random.random() < 0.02:
            tick = random.choice((tick_count, 2**16, 2**255, MAX))
        if random.random() < 0.02:
            size = random.choice((0, MOST_LOTS, MOST_LOTS + 1, 2**64, MAX))
        steps.append(Place(bidder, tick, size))
    return tuple(steps)


def _auction(
    random: Random,
    rule: Rule,
    pricing: Pricing,
    tick_count: int,
    steps: tuple[Place | Cancel, ...],
) -> AuctionTerms:
    bids = [s for s in steps if isinstance(s, Place) and 0 < s.lots <= MOST_LOTS]
    total, largest = sum(s.lots for s in bids), max((s.lots for s in bids), default=1)
    fits = [sum(s.lots for s in bids if s.tick >= least) for least in {s.tick for s in bids}]
    wanted = random.choice(
        (
            largest,
            random.randint(1, max(1, total)),
            *(random.randint(largest, max(largest, total // 2)) for _ in range(9)),
            total + random.choice((0, 1, 5)),
            *fits,
            *(fit - 1 for fit in fits),
            *(fit + 1 for fit in fits),
        )
    )
    supply = min(MOST_LOTS, max(1, wanted))
    cap_bps = random.choice((FULL_CAP, FULL_CAP, FULL_CAP, FULL_CAP, 5_000, 3_333))
    cap = supply * cap_bps // FULL_CAP
    if not cap:
        cap_bps, cap = FULL_CAP, supply
    floor_price, tick_value = _prices(random, supply, tick_count)
    return AuctionTerms(
        rule=rule,
        pricing=pricing,
        supply_lots=supply,
        lot_size=random.choice((1, 10**18, MAX // supply)),
        floor_price=floor_price,
        tick_value=tick_value,
        tick_count=tick_count,
        min_bid_lots=random.choice((1, 1, 1, min(cap, 3))),
        cap_bps=cap_bps,
    )


def _prices(random: Random, supply: int, tick_count: int) -> tuple[int, int]:
    """Return a floor and a tick value, sometimes so that all supply costs nearly 2**256."""
    steps = max(1, tick_count - 1)
    most = MAX // supply
    kind = random.randrange(8)
    if kind == 0:
        tick_value = most // (2 * steps)
        return most - steps * tick_value, tick_value
    if kind == 1:
        return 1, (most - 1) // steps
    if kind == 2:
        return most - steps, 1
    return random.choice((1, 100, 10**15)), random.choice((1, 7, 10**12))


def _with_raise(book: Book, minimum_raise: int) -> Book:
    most = book.auction.supply_lots * book.auction.price(book.auction.tick_count - 1)
    auction = replace(book.auction, minimum_raise=min(most, minimum_raise))
    return replace(book, auction=auction)
