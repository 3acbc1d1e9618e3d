"""The contract against the Python rules, bid by bid, on random books.

A case goes from the first bid to the last claim: each bid is taken or refused as Python says, the
result and what every bidder has coming are Python's, the claims pay just that, and the sale ends
with nothing of either token. GAVELBOOK_CASES sets how many cases of each rule and pricing are
played, GAVELBOOK_SEED where they begin.
"""

from __future__ import annotations

import os
from functools import cache
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.evm.machine import Reverted
from tests.evm.sale import Market
from tests.parity.books import OFFERED, Book, random_book, smallest
from tests.parity.playing import Table

if TYPE_CHECKING:
    from gavelbook.auction import Pricing, Rule

CASES = int(os.environ.get("GAVELBOOK_CASES", "640"))
SEED = int(os.environ.get("GAVELBOOK_SEED", "1"))
SHARDS = 8


@cache
def market() -> Market:
    return Market()


def play_through(book: Book) -> None:
    with market().machine.trial():
        table = Table(market(), book)
        table.place_bids()
        outcome = table.ledger.outcome()
        table.clear(outcome)
        table.check_result(outcome)
        table.pay_out(outcome)


def fails(book: Book) -> bool:
    try:
        play_through(book)
    except (AssertionError, Reverted):
        return True
    return False


@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize(("rule", "pricing"), OFFERED)
def test_contract_agrees_with_python(rule: Rule, pricing: Pricing, shard: int) -> None:
    random = Random(f"{SEED} {rule} {pricing} {shard}")
    for _ in range(CASES // SHARDS):
        book = random_book(random, rule, pricing)
        try:
            play_through(book)
        except (AssertionError, Reverted) as error:
            raise AssertionError(f"{error!r}, smallest book: {smallest(book, fails)}") from error
