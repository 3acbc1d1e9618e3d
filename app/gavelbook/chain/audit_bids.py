"""Whether the bids of a sale are such as its contract takes, all of them, in their order."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import count
from typing import TYPE_CHECKING

from gavelbook.auction import Rule
from gavelbook.chain.audit_difference import AuditDifference, expect
from gavelbook.chain.sale_events import EventKind, integer, text

if TYPE_CHECKING:
    from gavelbook.chain.audit_facts import SaleFacts


def check_bids(facts: SaleFacts) -> None:
    """Check each bid against the terms, and their sums against the contract's.

    Raises:
        AuditDifference: the first difference.

    """
    _check_grid(facts)
    _check_arrivals(facts)
    _check_indexes(facts)
    _check_window(facts)
    _check_caps(facts)
    totals = facts.book.lots_by_tick(facts.terms.auction.tick_count)
    for tick, (due, held) in enumerate(zip(totals, facts.lots_at, strict=True)):
        expect("lots_differ", f"the lots at tick {tick} in the sale", due, held)


def _check_grid(facts: SaleFacts) -> None:
    auction = facts.terms.auction
    for row in facts.book.rows:
        if row.tick >= auction.tick_count or row.lots < auction.min_bid_lots:
            message = f"Expected a bid within the terms, was {row.lots} lots at tick {row.tick}"
            raise AuditDifference("bid_invalid", message, bidder=row.bidder, index=row.index)


def _check_arrivals(facts: SaleFacts) -> None:
    """Compare the contract's numbers for ties with the order of the events."""
    together = facts.terms.auction.rule is Rule.TOP_THEN_ROUND_ROBIN
    placed: Counter[int] = Counter()
    for row in facts.book.rows:
        group = -1 if together else row.tick
        placed[group] += 1
        what = f"the arrival of the bid in block {row.block}, log {row.log_index}"
        expect("arrival_differs", what, placed[group], row.arrival)


def _check_indexes(facts: SaleFacts) -> None:
    """Check that each bid took the lowest number that its bidder had free."""
    taken: defaultdict[str, set[int]] = defaultdict(set)
    for event in facts.events_of(EventKind.BID_PLACED, EventKind.BID_CANCELLED):
        own, index = taken[text(event.values, "bidder")], integer(event.values, "index")
        if event.kind is EventKind.BID_CANCELLED:
            own.discard(index)
            continue
        free = next(number for number in count() if number not in own)
        what = f"the index of the bid in block {event.block}, log {event.log_index}"
        expect("index_differs", what, free, index)
        own.add(index)


def _check_window(facts: SaleFacts) -> None:
    terms = facts.terms
    bounds = {
        EventKind.BID_PLACED: (terms.start or 0, terms.end or 0),
        EventKind.BID_CANCELLED: (0, terms.cancel_until),
    }
    for kind, (start, end) in bounds.items():
        blocks = [event.block for event in facts.events_of(kind)]
        for block in blocks[:1] + blocks[-1:]:
            if not start <= facts.times[block] < end:
                message = (
                    f"Expected {kind} from {start} until {end}, "
                    f"was at {facts.times[block]} in block {block}"
                )
                raise AuditDifference("outside_window", message, block=block)


def _check_caps(facts: SaleFacts) -> None:
    """Check the most that each bidder, or entity where there is a gate, had live at a time."""
    entities = {
        text(event.values, "bidder"): text(event.values, "entity")
        for event in facts.events_of(EventKind.ADMITTED)
    }
    live: Counter[str] = Counter()
    cap = facts.terms.auction.cap_lots
    for event in facts.events_of(EventKind.BID_PLACED, EventKind.BID_CANCELLED):
        bidder, lots = text(event.values, "bidder"), integer(event.values, "lots")
        if facts.terms.gate and bidder not in entities:
            message = f"Expected an admission of {bidder}, was none"
            raise AuditDifference("not_admitted", message, bidder=bidder)
        holder = entities.get(bidder, bidder)
        live[holder] += lots if event.kind is EventKind.BID_PLACED else -lots
        if live[holder] > cap:
            message = f"Expected at most {cap} lots of {holder}, was {live[holder]}"
            raise AuditDifference("over_cap", message, bidder=bidder, block=event.block)
