"""What each bidder has coming from a decided sale, and what was paid of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gavelbook.chain.sale_events import EventKind, SaleEvent, integer, text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gavelbook.auction import Allocation, SaleTerms
    from gavelbook.chain.sale_book import SaleBook


@dataclass(frozen=True, slots=True)
class Due:
    """What one bidder has coming in all: lots won, and payment token base units given back."""

    won_lots: int
    refund: int


@dataclass(slots=True)
class Paid:
    """What one bidder was paid: sale token and payment token base units."""

    tokens: int = 0
    refund: int = 0


def dues(book: SaleBook, allocation: Allocation, *, failed: bool) -> dict[str, Due]:
    """Return what everybody with a live bid has coming, in order of the first bid.

    In a ``failed`` sale, which an aborted one is whatever its ``allocation``, all is given back.
    """
    terms = allocation.terms
    if failed:
        refunds = dict.fromkeys(book.bidders, 0)
        for row in book.live:
            refunds[row.bidder] += row.lots * terms.price(row.tick)
        return {bidder: Due(0, refund) for bidder, refund in refunds.items()}
    sums = {bidder: [0, 0] for bidder in book.bidders}
    filled = allocation.filled_list
    for row, lots, payment in zip(book.live, filled, allocation.payments, strict=True):
        due = sums[row.bidder]
        due[0] += lots
        due[1] += row.lots * terms.price(row.tick) - payment
    return {bidder: Due(*due) for bidder, due in sums.items()}


def payments(claims: Iterable[SaleEvent]) -> dict[str, Paid]:
    """Return what everybody was paid by the claim events among ``claims``."""
    paid: dict[str, Paid] = {}
    for event in claims:
        if event.kind is EventKind.TOKENS_CLAIMED:
            entry = paid.setdefault(text(event.values, "bidder"), Paid())
            entry.tokens += integer(event.values, "amount")
        elif event.kind is EventKind.REFUND_CLAIMED:
            entry = paid.setdefault(text(event.values, "bidder"), Paid())
            entry.refund += integer(event.values, "amount")
    return paid


def vested_lots(terms: SaleTerms, won_lots: int, time: int) -> int:
    """Return how many of ``won_lots`` can be claimed at ``time`` (Unix seconds), rounded down."""
    if time >= terms.vesting_end:
        return won_lots
    if time < terms.vesting_cliff:
        return 0
    length = terms.vesting_end - terms.vesting_start
    return won_lots * (time - terms.vesting_start) // length


def open_claims(
    terms: SaleTerms, due: dict[str, Due], paid: dict[str, Paid], time: int
) -> list[str]:
    """Return everybody who can claim something at ``time``."""
    lot_size = terms.auction.lot_size
    nothing = Paid()
    return [
        bidder
        for bidder, entry in due.items()
        if vested_lots(terms, entry.won_lots, time) * lot_size > paid.get(bidder, nothing).tokens
        or entry.refund > paid.get(bidder, nothing).refund
    ]
