"""The bids of a sale as its events tell them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from gavelbook.auction import Bids
from gavelbook.chain.errors import ChainError
from gavelbook.chain.sale_events import EventKind, integer, text
from gavelbook.chain.sale_types import bid_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gavelbook.chain.sale_events import SaleEvent


@dataclass(frozen=True, slots=True)
class BidRow:
    """A bid ever placed; ``live`` unless it was cancelled.

    ``index`` is its number among the bidder's own (used again after a cancel), ``arrival`` the
    contract's number for ties, ``block`` and ``log_index`` the place of its event.
    """

    bidder: str
    index: int
    tick: int
    lots: int
    arrival: int
    block: int
    log_index: int
    live: bool = True

    @property
    def key(self) -> int:
        """The number by which a margin names the bid."""
        return bid_key(self.bidder, self.index)


@dataclass(frozen=True)
class SaleBook:
    """All bids of a sale up to the end of ``block``, in order of (block, log index)."""

    rows: tuple[BidRow, ...]
    block: int

    @classmethod
    def from_events(cls, events: Iterable[SaleEvent], block: int) -> SaleBook:
        """Build the book from the bid events, in order.

        Raises:
            ChainError: ``events_incomplete`` where they contradict each other, as when the node
                left some out.

        """
        rows: list[BidRow] = []
        live: dict[tuple[str, int], int] = {}
        for event in events:
            row = _row(event)
            place = (row.bidder, row.index)
            if event.kind is EventKind.BID_PLACED:
                if place in live:
                    raise _incomplete(event, "a free index")
                live[place] = len(rows)
                rows.append(row)
                continue
            position = live.pop(place, None)
            if position is None or not _same_bid(rows[position], row):
                raise _incomplete(event, "a live bid to cancel")
            rows[position] = replace(rows[position], live=False)
        return cls(tuple(rows), block)

    @cached_property
    def live(self) -> tuple[BidRow, ...]:
        """The live bids in arrival order."""
        return tuple(row for row in self.rows if row.live)

    @cached_property
    def bids(self) -> Bids:
        """The live bids as columns, in the order of ``live``."""
        return Bids.from_columns([row.tick for row in self.live], [row.lots for row in self.live])

    @cached_property
    def bidders(self) -> tuple[str, ...]:
        """Everybody with a live bid, once, in order of the first."""
        return tuple(dict.fromkeys(row.bidder for row in self.live))

    def lots_by_tick(self, tick_count: int) -> list[int]:
        """Return the live lots at each tick."""
        totals = [0] * tick_count
        for row in self.live:
            totals[row.tick] += row.lots
        return totals


def _row(event: SaleEvent) -> BidRow:
    values = event.values
    return BidRow(
        text(values, "bidder"),
        integer(values, "index"),
        integer(values, "tick"),
        integer(values, "lots"),
        integer(values, "arrival"),
        event.block,
        event.log_index,
    )


def _same_bid(placed: BidRow, cancelled: BidRow) -> bool:
    return all(
        getattr(placed, name) == getattr(cancelled, name) for name in ("tick", "lots", "arrival")
    )


def _incomplete(event: SaleEvent, expected: str) -> ChainError:
    message = (
        f"Expected {expected} at {event.kind} in block {event.block}, log {event.log_index}: "
        "the events read so far are incomplete or not of a sale"
    )
    return ChainError("events_incomplete", message, block=event.block, log_index=event.log_index)
