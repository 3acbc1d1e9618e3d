"""From the bids of a sale to what is posted: the clearing, its margin, the allocation file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from eth_utils.crypto import keccak

from gavelbook.auction import allocate
from gavelbook.chain.sale_types import ClearingHint, Phase, SaleResult
from gavelbook.files import write_allocation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gavelbook.auction import Allocation, AuctionTerms
    from gavelbook.chain.sale_book import SaleBook

KEYS_PER_TRANSACTION = 4_000
"""Bids of the margin that fit one transaction: about 3,000 gas each, and up to 3.3 million for the
walk over 4,096 ticks, under the 16,777,216 that a transaction may use."""


@dataclass(frozen=True)
class ClearingPlan:
    """The one result that a sale with ``book`` accepts, and how it is shown to the contract."""

    book: SaleBook
    allocation: Allocation

    @cached_property
    def hint(self) -> ClearingHint:
        """What to post, with the digest of the allocation file."""
        clearing = self.allocation.clearing
        cut = 0 if clearing.cut is None else self.book.live[clearing.cut].arrival
        return ClearingHint(clearing.marginal_tick, clearing.level, cut, self.digest)

    @property
    def unsigned_hint(self) -> ClearingHint:
        """What to post without a signature: without digest."""
        return self.hint._replace(digest=bytes(32))

    @cached_property
    def margin(self) -> tuple[tuple[int, int], ...]:
        """Arrival and key of each bid of the margin, in arrival order; empty where none is cut."""
        clearing = self.allocation.clearing
        if clearing.cut is None:
            return ()
        ticks = range(clearing.margin_from_tick, clearing.full_from_tick)
        return tuple((row.arrival, row.key) for row in self.book.live if row.tick in ticks)

    @cached_property
    def file(self) -> bytes:
        """The allocation file: the same bytes for the same bids and terms (docs/formats.md)."""
        with TemporaryDirectory() as folder:
            path = Path(folder, "allocation.csv")
            self.write(path)
            return path.read_bytes()

    @cached_property
    def digest(self) -> bytes:
        """keccak256 of the allocation file."""
        return keccak(self.file)

    @property
    def result(self) -> SaleResult:
        """What `ITokenSale.result` is after this clearing, with nothing collected."""
        if self.allocation.failed:
            return SaleResult(Phase.FAILED, False, False, False, 0, 0, 0, 0, 0, 0)  # noqa: FBT003
        clearing = self.allocation.clearing
        return SaleResult(
            phase=Phase.CLEARED,
            by_rounds=clearing.by_rounds,
            proceeds_collected=False,
            unsold_collected=False,
            marginal_tick=clearing.marginal_tick,
            full_from=clearing.full_from_tick,
            margin_from=clearing.margin_from_tick,
            level=clearing.level,
            cut=self.hint.cut,
            sold_lots=clearing.sold_lots,
        )

    def margin_after(self, arrival: int) -> list[int]:
        """Return the keys of the margin that arrived after the bid with ``arrival``."""
        return [key for position, key in self.margin if position > arrival]

    def write(self, path: Path) -> None:
        """Write the allocation file.

        Raises:
            FileError: ``file_unwritable``.

        """
        write_allocation(path, [row.bidder for row in self.book.live], self.allocation)


def plan_clearing(terms: AuctionTerms, book: SaleBook) -> ClearingPlan:
    """Compute the result of a sale under ``terms`` whose bids are ``book``.

    Raises:
        BidsError: a bid that no sale under these terms can hold.

    """
    return ClearingPlan(book, allocate(terms, book.bids))


def chunked(keys: list[int], size: int = KEYS_PER_TRANSACTION) -> Iterator[list[int]]:
    """Yield ``keys`` in pieces of at most ``size``."""
    return (keys[i : i + size] for i in range(0, len(keys), size))
