"""Reads one sale from the chain into a `SaleView`, and again only what has changed."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gavelbook.chain.bid_reader import BidReader
from gavelbook.chain.clearing_plan import plan_clearing
from gavelbook.chain.dues import payments
from gavelbook.chain.sale import Sale
from gavelbook.chain.sale_events import EventKind, integer, text
from gavelbook.chain.token import Token as TokenContract
from gavelbook.service.price_history import BidSpan
from gavelbook.service.sale_view import Decision, Moved, PlacedBid, SaleView, Token

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from web3 import Web3

    from gavelbook.chain.clearing_plan import ClearingPlan
    from gavelbook.chain.deployments import SaleRecord
    from gavelbook.chain.sale_events import SaleEvent

_BATCH = 200
_FRESH_SECONDS = 0.5
_DECISIONS = frozenset({EventKind.CLEARED, EventKind.FAILED})
_TIMED = frozenset({EventKind.BID_PLACED, EventKind.BID_CANCELLED, *_DECISIONS})


class BlockClock:
    """The times of blocks, asked for once each. Safe to share between threads."""

    def __init__(self, web3: Web3) -> None:
        """Ask ``web3``."""
        self._web3 = web3
        self._times: dict[int, int] = {}
        self._lock = threading.RLock()

    def learn(self, numbers: Iterable[int]) -> None:
        """Ask for the times of all these blocks that are not known."""
        with self._lock:
            unknown = sorted(set(numbers) - self._times.keys())
            for first in range(0, len(unknown), _BATCH):
                some = unknown[first : first + _BATCH]
                with self._web3.batch_requests() as batch:
                    for number in some:
                        batch.add(self._web3.eth.get_block(number))
                    blocks: list[Any] = batch.execute()
                for number, block in zip(some, blocks, strict=True):
                    self._times[number] = int(block["timestamp"])

    def forget(self) -> None:
        """Forget everything, after a reorganisation."""
        with self._lock:
            self._times.clear()

    def time_of(self, number: int) -> int:
        """Return the time of a block."""
        with self._lock:
            self.learn([number])
            return self._times[number]


class SaleReader:
    """One sale, shared by all who look at it. Safe to share between threads."""

    def __init__(self, web3: Web3, record: SaleRecord, clock: BlockClock) -> None:
        """Prepare to read; errors as `Sale.terms` and `BidReader`."""
        self.sale = Sale(web3, record.address)
        self.record = record
        self.terms = self.sale.terms()
        self.takes_ether = self.sale.wrapped_ether() == self.terms.payment_token
        self._clock = clock
        self._sale_contract = TokenContract(web3, self.terms.sale_token or "")
        self._payment_contract = TokenContract(web3, self.terms.payment_token or "")
        self._tokens = _described(self._sale_contract), _described(self._payment_contract)
        self._reader = BidReader(web3, record.address, record.block)
        self._lock = threading.Lock()
        self._seen = (-1, 0)
        self._last_event: tuple[int, SaleEvent | None] = (-1, None)
        self._read_at = -_FRESH_SECONDS
        self._view: SaleView | None = None

    def view(self) -> SaleView:
        """Return the sale as the chain had it a moment ago; the same object until it changes.

        Raises:
            ChainError: the chain cannot be read.

        """
        with self._lock:
            if self._view is None or time.monotonic() - self._read_at >= _FRESH_SECONDS:
                self._view = self._current(self._view)
                self._read_at = time.monotonic()
            return self._view

    def expire(self) -> None:
        """Read again at the next `view`, however soon: something was just sent."""
        with self._lock:
            self._read_at = -_FRESH_SECONDS

    def plan(self) -> ClearingPlan:
        """Return the result that the bids read so far come to."""
        return plan_clearing(self.terms.auction, self._reader.book())

    def _current(self, known: SaleView | None) -> SaleView:
        """Read on; return ``known`` where nothing came."""
        block = self._reader.sync()
        seen = (block, self._reader.unwound_events)
        if known is not None and seen == self._seen:
            return known
        if seen[1] != self._seen[1]:
            self._clock.forget()
            known = None
        events = self._reader.events()
        last_event = (len(events), events[-1] if events else None)
        if known is None or last_event != self._last_event:
            known = self._build(events, block)
        # Not before: what could not be read is asked for again.
        self._seen, self._last_event = seen, last_event
        return known

    def _build(self, events: Sequence[SaleEvent], block: int) -> SaleView:
        book = self._reader.book()
        self._clock.learn(event.block for event in events if event.kind in _TIMED)
        transactions = {(event.block, event.log_index): event.transaction for event in events}
        placed = tuple(
            PlacedBid(
                bidder=row.bidder,
                index=row.index,
                tick=row.tick,
                lots=row.lots,
                placed_at=self._clock.time_of(row.block),
                transaction=transactions[row.block, row.log_index],
            )
            for row in book.live
        )
        return SaleView(
            address=str(self.sale.address),
            name=self.record.label,
            sale_token=self._tokens[0],
            payment_token=self._tokens[1],
            terms=self.terms,
            block=block,
            version=_version(events),
            placed=placed,
            spans=self._spans(events),
            decision=self._decision(events),
            moved=self._moved(events, block),
        )

    def _spans(self, events: Sequence[SaleEvent]) -> tuple[BidSpan, ...]:
        spans: list[BidSpan] = []
        standing: dict[tuple[str, int], int] = {}
        for event in events:
            values = event.values
            if event.kind is EventKind.BID_PLACED:
                standing[text(values, "bidder"), integer(values, "index")] = len(spans)
                at = self._clock.time_of(event.block)
                spans.append(BidSpan(integer(values, "tick"), integer(values, "lots"), at))
            elif event.kind is EventKind.BID_CANCELLED:
                place = standing.pop((text(values, "bidder"), integer(values, "index")))
                at = self._clock.time_of(event.block)
                spans[place] = replace(spans[place], cancelled_at=at)
        return tuple(spans)

    def _decision(self, events: Sequence[SaleEvent]) -> Decision | None:
        event = next((event for event in events if event.kind in _DECISIONS), None)
        if event is None:
            return None
        result = self.sale.result()
        cleared = event.kind is EventKind.CLEARED
        return Decision(
            failed=not cleared,
            aborted=not cleared and bool(event.values["aborted"]),
            marginal_tick=result.marginal_tick,
            level=result.level,
            cut=result.cut,
            digest=text(event.values, "digest") if cleared else "",
            sold_lots=result.sold_lots,
            raised=self.sale.raised(),
            decided_at=self._clock.time_of(event.block),
            transaction=event.transaction,
        )

    def _moved(self, events: Sequence[SaleEvent], block: int) -> Moved:
        paid = payments(events)
        return Moved(
            tokens_claimed={bidder: sums.tokens for bidder, sums in paid.items() if sums.tokens},
            refunds_claimed={bidder: sums.refund for bidder, sums in paid.items() if sums.refund},
            proceeds_collected=_collected(events, EventKind.PROCEEDS_COLLECTED),
            unsold_collected=_collected(events, EventKind.UNSOLD_COLLECTED),
            tokens_held=self._sale_contract.balance_of(self.sale.address, block),
            payment_held=self._payment_contract.balance_of(self.sale.address, block),
        )


def _version(events: Sequence[SaleEvent]) -> str:
    if not events:
        return "0"
    last = events[-1]
    return f"{len(events)}-{last.transaction[:18]}-{last.log_index}"


def _collected(events: Sequence[SaleEvent], kind: EventKind) -> int:
    return sum(integer(event.values, "amount") for event in events if event.kind is kind)


def _described(contract: TokenContract) -> Token:
    return Token(str(contract.address), contract.name(), contract.symbol(), contract.decimals())
