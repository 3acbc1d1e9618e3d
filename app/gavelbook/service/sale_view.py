"""What a page shows of a sale: one object, built from what the chain says and the rules.

Amounts are integers in base units, sizes in lots, times in Unix seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from gavelbook.auction import Bids, allocate, demand_curve
from gavelbook.service.amounts import decimal_text
from gavelbook.service.price_history import lowest_winning_price, price_history

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gavelbook.auction import Allocation, AuctionTerms, DemandCurve, SaleTerms
    from gavelbook.service.price_history import BidSpan, PricePoint


class Stage(StrEnum):
    """Where a sale stands."""

    FUNDED = "funded"
    OPEN = "open"
    CLOSED = "closed"
    CLEARED = "cleared"
    FAILED = "failed"


class Fill(StrEnum):
    """How much of a bid is filled."""

    FULL = "full"
    PARTIAL = "partial"
    NOTHING = "none"


def fill_of(filled: int, lots: int) -> Fill:
    """Return how much of a bid for ``lots`` is filled with ``filled``."""
    if filled == 0:
        return Fill.NOTHING
    return Fill.FULL if filled == lots else Fill.PARTIAL


@dataclass(frozen=True, slots=True)
class Token:
    """An ERC-20 as people know it."""

    address: str
    name: str
    symbol: str
    decimals: int

    def number(self, units: int) -> str:
        """Return ``units`` in whole tokens, exact, without the symbol."""
        return decimal_text(units, self.decimals)

    def amount(self, units: int) -> str:
        """Return ``units`` in whole tokens, exact, with the symbol."""
        return f"{self.number(units)} {self.symbol}"


@dataclass(frozen=True, slots=True)
class PlacedBid:
    """A live bid as it was placed."""

    bidder: str
    index: int
    tick: int
    lots: int
    placed_at: int
    transaction: str


@dataclass(frozen=True, slots=True)
class BidLine:
    """A live bid and what it gets: for good after the clearing, before it if the sale closed now.

    ``position`` counts from 1 in arrival order.
    """

    position: int
    placed: PlacedBid
    price: int
    filled: int
    payment: int

    @property
    def escrow(self) -> int:
        """Payment tokens the bid locked."""
        return self.placed.lots * self.price

    @property
    def fill(self) -> Fill:
        """Whether it is filled in full, in part or not at all."""
        return fill_of(self.filled, self.placed.lots)


@dataclass(frozen=True, slots=True)
class BidderLine:
    """All live bids of one bidder together."""

    bidder: str
    bids: int
    lots: int
    filled: int
    tokens: int
    payment: int
    refund: int
    tokens_claimed: int
    refund_claimed: int


@dataclass(frozen=True, slots=True)
class Decision:
    """The result as the contract holds it."""

    failed: bool
    aborted: bool
    marginal_tick: int
    level: int
    cut: int
    digest: str
    sold_lots: int
    raised: int
    decided_at: int
    transaction: str


@dataclass(frozen=True, slots=True)
class Moved:
    """Tokens that have left the sale by its events, per bidder where they went to one.

    ``tokens_held`` and ``payment_held`` are the balances of the sale itself.
    """

    tokens_claimed: Mapping[str, int]
    refunds_claimed: Mapping[str, int]
    proceeds_collected: int
    unsold_collected: int
    tokens_held: int
    payment_held: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What one more bid would lock, get and pay if the sale closed right after it."""

    escrow: int
    filled: int
    payment: int
    fill: Fill


@dataclass(frozen=True)
class SaleView:
    """A sale at one block.

    ``version`` is another text whenever something happened in the sale, and the same for everybody
    who sees the same events. ``spans`` are all bids ever placed, in arrival order.
    """

    address: str
    name: str
    sale_token: Token
    payment_token: Token
    terms: SaleTerms
    block: int
    version: str
    placed: tuple[PlacedBid, ...]
    spans: tuple[BidSpan, ...]
    decision: Decision | None
    moved: Moved

    @property
    def auction(self) -> AuctionTerms:
        """The part of the terms that decides who gets what."""
        return self.terms.auction

    @cached_property
    def _bids(self) -> Bids:
        return Bids.from_columns(
            [bid.tick for bid in self.placed], [bid.lots for bid in self.placed]
        )

    @cached_property
    def allocation(self) -> Allocation:
        """The allocation of the live bids by the rules, computed here."""
        return allocate(self.auction, self._bids)

    @cached_property
    def curve(self) -> DemandCurve:
        """The demand curve of the live bids."""
        return demand_curve(self.auction, self._bids)

    @cached_property
    def history(self) -> tuple[PricePoint, ...]:
        """What the lowest winning price was after each change of the bids."""
        return price_history(self.auction, self.spans)

    @cached_property
    def bids(self) -> tuple[BidLine, ...]:
        """The live bids in arrival order with what each gets."""
        aborted = self.decision is not None and self.decision.aborted
        allocation = self.allocation
        filled = [0] * len(self.placed) if aborted else allocation.filled_list
        payments = [0] * len(self.placed) if aborted else allocation.payments
        return tuple(
            BidLine(number, bid, self.auction.price(bid.tick), lots, payment)
            for number, (bid, lots, payment) in enumerate(
                zip(self.placed, filled, payments, strict=True), start=1
            )
        )

    @cached_property
    def bidders(self) -> tuple[BidderLine, ...]:
        """What each bidder gets, pays and gets back, most tokens first."""
        grouped: dict[str, list[BidLine]] = {}
        for bid in self.bids:
            grouped.setdefault(bid.placed.bidder, []).append(bid)
        lines = [self._bidder(bidder, bids) for bidder, bids in grouped.items()]
        return tuple(sorted(lines, key=lambda line: (-line.filled, line.bidder)))

    def stage(self, now: int) -> Stage:
        """Return where the sale stands at ``now`` in the chain's time."""
        if self.decision is not None:
            return Stage.FAILED if self.decision.failed else Stage.CLEARED
        start, end = self.terms.start or 0, self.terms.end or 0
        if now < start:
            return Stage.FUNDED
        return Stage.OPEN if now < end else Stage.CLOSED

    @property
    def supply_tokens(self) -> int:
        """Sale tokens for sale."""
        return self.auction.supply_lots * self.auction.lot_size

    @property
    def price_now(self) -> int | None:
        """The lowest price that wins something with these bids; None where nobody wins."""
        aborted = self.decision is not None and self.decision.aborted
        return None if aborted else lowest_winning_price(self.allocation)

    @property
    def cancelled(self) -> int:
        """Bids that were placed and cancelled."""
        return len(self.spans) - len(self.placed)

    def bids_of(self, bidder: str) -> tuple[BidLine, ...]:
        """Return the live bids of one bidder."""
        return tuple(bid for bid in self.bids if bid.placed.bidder == bidder)

    def cap_left(self, bidder: str) -> int:
        """Return the lots ``bidder`` may still bid for."""
        live = sum(bid.placed.lots for bid in self.bids_of(bidder))
        return self.auction.cap_lots - live

    def preview(self, tick: int, lots: int) -> Preview:
        """Return what one more bid would do.

        Raises:
            TermsError, BidsError: the bid is off the ladder or larger than the supply.

        """
        escrow = lots * self.auction.price(tick)
        bids = Bids.from_columns(
            [*self._bids.ticks.tolist(), tick], [*self._bids.lots.tolist(), lots]
        )
        allocation = allocate(self.auction, bids)
        filled = allocation.filled_list[-1]
        return Preview(escrow, filled, allocation.payments[-1], fill_of(filled, lots))

    def _bidder(self, bidder: str, bids: Sequence[BidLine]) -> BidderLine:
        filled = sum(bid.filled for bid in bids)
        payment = sum(bid.payment for bid in bids)
        return BidderLine(
            bidder=bidder,
            bids=len(bids),
            lots=sum(bid.placed.lots for bid in bids),
            filled=filled,
            tokens=filled * self.auction.lot_size,
            payment=payment,
            refund=sum(bid.escrow for bid in bids) - payment,
            tokens_claimed=self.moved.tokens_claimed.get(bidder, 0),
            refund_claimed=self.moved.refunds_claimed.get(bidder, 0),
        )
