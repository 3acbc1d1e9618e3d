"""Any other result than the right one is refused, with a reason, and changes nothing.

On random books the right result and its margin are spoilt in every way a poster might think of. On
small books everything in a range is posted: exactly one result is accepted.
GAVELBOOK_REFUSAL_BOOKS sets how many books of each rule and pricing are spoilt.
"""

from __future__ import annotations

import itertools
import os
from functools import cache, partial
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.evm.compiled import contract
from tests.evm.machine import Reverted
from tests.evm.sale import FUNDED, Clearing, Market, key_of
from tests.parity.books import OFFERED, play, random_book
from tests.parity.playing import ALLOCATOR, DIGEST, RELAYER, Table, refused
from tests.parity.spoiling import spoilt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gavelbook.auction import Pricing, Rule
    from tests.evm.ledger import Outcome
    from tests.parity.books import Book

BOOKS = int(os.environ.get("GAVELBOOK_REFUSAL_BOOKS", "40"))
SEED = int(os.environ.get("GAVELBOOK_SEED", "1"))
SHARDS = 2
SMALL_BOOKS = 25


@cache
def market() -> Market:
    return Market()


@cache
def reasons() -> frozenset[str]:
    """The errors of the manual."""
    return frozenset(name for name, _ in contract("ITokenSale").errors.values())


def books(rule: Rule, pricing: Pricing, name: str, number: int) -> Iterator[Book]:
    """Draw books with a margin three times in four."""
    random = Random(f"{SEED} {name} {rule} {pricing}")
    while number:
        book = random_book(random, rule, pricing)
        outcome = play(book).outcome()
        if outcome.entries and (outcome.margin or random.random() < 0.25):
            yield book
            number -= 1


def post(table: Table, clearing: Clearing, keys: list[int], split: int | None) -> str | None:
    """Post a result, in two pieces if there is a split; return why it is refused."""
    signature = b""
    if table.book.signed:
        clearing = clearing._replace(digest=DIGEST)
        signature = ALLOCATOR.sign_clearing(table.sale.address, clearing)
    try:
        if split is not None:
            table.sale.advance(clearing, keys[:split], RELAYER)
        table.sale.clear(clearing, keys[split or 0 :], signature, RELAYER)
    except Reverted as revert:
        return revert.name or str(revert)
    return None


@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize(("rule", "pricing"), OFFERED)
def test_spoilt_results_are_refused(rule: Rule, pricing: Pricing, shard: int) -> None:
    random = Random(SEED)
    for book in books(rule, pricing, f"spoilt {shard}", BOOKS // SHARDS):
        with market().machine.trial():
            table = Table(market(), book)
            table.place_bids()
            outcome = table.ledger.outcome()
            if not book.signed:
                market().machine.now = table.terms.allocator_until or 0
            right = (outcome.clearing, outcome.margin)
            held = held_by(table)
            for clearing, keys in spoilt(outcome, random):
                if (clearing, keys) == right:
                    continue
                splits = [None, random.randint(0, len(keys))]
                for split in splits:
                    with market().machine.trial():
                        reason = post(table, clearing, keys, split)
                        assert reason in reasons(), f"{reason} for {clearing} {keys} of {book}"
                        assert table.sale.result().phase == FUNDED
                        assert table.sale.raised() == 0
            assert held_by(table) == held
            table.clear(outcome)
            table.check_result(outcome)


def held_by(table: Table) -> tuple[int, int]:
    address = table.sale.address
    return table.market.sale_token.balance(address), table.market.payment_token.balance(address)


def test_cancelled_bid_is_no_part_of_the_margin() -> None:
    """A key whose bid is gone is refused, until another bid takes its place."""
    seen = 0
    for book in books(*OFFERED[2], "cancelled", 40):
        with market().machine.trial():
            table = Table(market(), book)
            table.place_bids()
            before = {entry.key for entry in table.ledger.entries}
            outcome = table.ledger.outcome()
            placed = [
                key_of(bidder, index)
                for bidder in table.wallets
                for index in range(24)
                if key_of(bidder, index) not in before
            ]
            market().machine.now = table.terms.allocator_until or 0
            for key in placed[:30]:
                for at in {0, len(outcome.margin)}:
                    keys = [*outcome.margin[:at], key, *outcome.margin[at:]]
                    reason = refused(partial(table.sale.clear, outcome.clearing, keys))
                    assert reason == ("MarginBidInvalid" if outcome.margin else "MarginNotNeeded")
                    seen += 1
    assert seen > 100


@pytest.mark.parametrize(("rule", "pricing"), OFFERED)
def test_one_result_of_all_is_accepted(rule: Rule, pricing: Pricing) -> None:
    """Every tick, level and cut in a range, with the right margin and with none."""
    for book in small_books(rule, pricing, most_bids=6, number=SMALL_BOOKS):
        accepted, right = accepted_of(book, lambda outcome: [outcome.margin, []])
        assert accepted == [right], book


@pytest.mark.parametrize(("rule", "pricing"), OFFERED)
def test_one_margin_of_all_is_accepted(rule: Rule, pricing: Pricing) -> None:
    """Every tick, level and cut, each with every sequence of bids."""
    for book in small_books(rule, pricing, most_bids=3, number=6):
        accepted, right = accepted_of(book, sequences)
        assert accepted == [right], book


def small_books(rule: Rule, pricing: Pricing, most_bids: int, number: int) -> Iterator[Book]:
    for book in books(rule, pricing, f"small {most_bids}", 10**9):
        if not number:
            return
        entries = play(book).entries
        lots = max(entry.lots for entry in entries)
        if book.auction.tick_count <= 3 and len(entries) <= most_bids and lots <= 9:
            yield book
            number -= 1


def sequences(outcome: Outcome) -> list[list[int]]:
    keys = [entry.key for entry in outcome.entries]
    sizes = range(len(keys) + 1)
    return [list(order) for size in sizes for order in itertools.permutations(keys, size)]


def accepted_of(
    book: Book, margins: Callable[[Outcome], list[list[int]]]
) -> tuple[list[tuple[Clearing, list[int]]], tuple[Clearing, list[int]]]:
    """Post everything in a range; return what is accepted, and what should be."""
    found: list[tuple[Clearing, list[int]]] = []
    with market().machine.trial():
        table = Table(market(), book)
        table.place_bids()
        market().machine.now = table.terms.allocator_until or 0
        outcome = table.ledger.outcome()
        ticks = range(book.auction.tick_count + 1)
        levels = range(max(entry.lots for entry in outcome.entries) + 2)
        cuts = range(max(entry.arrival for entry in outcome.entries) + 2)
        for numbers in itertools.product(ticks, levels, cuts):
            for keys in {tuple(keys): keys for keys in margins(outcome)}.values():
                with market().machine.trial():
                    reason = refused(partial(table.sale.clear, Clearing(*numbers), keys))
                if reason is None:
                    found.append((Clearing(*numbers), keys))
                else:
                    assert reason in reasons()
    return found, (outcome.clearing, outcome.margin)
