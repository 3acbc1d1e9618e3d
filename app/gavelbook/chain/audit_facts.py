"""What an audit of a sale looks at, read from a node at one block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gavelbook.chain.bid_reader import BidReader
from gavelbook.chain.block_time import block_time
from gavelbook.chain.errors import ChainError
from gavelbook.chain.sale import Sale
from gavelbook.chain.sale_events import EventKind
from gavelbook.chain.token import Token

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from web3 import Web3

    from gavelbook.auction import SaleTerms
    from gavelbook.chain.event_store import EventStore
    from gavelbook.chain.sale_book import SaleBook
    from gavelbook.chain.sale_events import SaleEvent
    from gavelbook.chain.sale_types import Owed, SaleResult

    Progress = Callable[[str, int, int], object]

_MAX_TRIES = 5


@dataclass(frozen=True)
class SaleFacts:
    """A sale as its events and its contract tell it at the end of ``block``.

    Attributes:
        address: of the sale.
        block: the block of this picture.
        time: of that block, in Unix seconds.
        terms: as the contract says.
        book: all bids, from events.
        events: all events in order.
        times: of the blocks of bids at the edges of the window, and of all claims.
        lots_at: live lots at each tick, as the contract says.
        result: as the contract says.
        raised: as the contract says, in payment token base units.
        owed: what each bidder with a live bid has coming, as the contract says.
        sold_balance: sale token base units held by the sale.
        paid_balance: payment token base units held by the sale.

    """

    address: str
    block: int
    time: int
    terms: SaleTerms
    book: SaleBook
    events: tuple[SaleEvent, ...]
    times: Mapping[int, int]
    lots_at: tuple[int, ...]
    result: SaleResult
    raised: int
    owed: Mapping[str, Owed]
    sold_balance: int
    paid_balance: int

    def events_of(self, *kinds: EventKind) -> list[SaleEvent]:
        """Return the events of ``kinds`` in order."""
        return [event for event in self.events if event.kind in kinds]


def collect_facts(
    web3: Web3,
    address: str,
    from_block: int,
    store: EventStore | None = None,
    progress: Progress | None = None,
) -> SaleFacts:
    """Read everything about the sale at ``address``, made in ``from_block`` or later.

    Args:
        web3: the node.
        address: of the sale.
        from_block: where to begin to read events.
        store: where to keep events; by default in memory.
        progress: called with what is being read, how much was and how much there is.

    Raises:
        ChainError: the node does not answer, its answers make no sense, or ``chain_unsteady``.
        StoreError: ``store_of_another_sale``.

    """
    show = progress or (lambda _what, _done, _all: None)
    reader = BidReader(web3, address, from_block, store)
    for _ in range(_MAX_TRIES):
        block = reader.sync(lambda done, count: show("blocks", done, count))
        seen = reader.store.last_mark()
        facts = _facts_at(reader, block, show)
        # Was it still the same block at the end, everything was read from one chain.
        if seen is None or web3.eth.get_block(block)["hash"].to_0x_hex() == seen.hash:
            return facts
    message = "Expected a chain that holds still to be read, was reorganised again and again"
    raise ChainError("chain_unsteady", message)


def _facts_at(reader: BidReader, block: int, show: Progress) -> SaleFacts:
    web3, sale = reader.web3, Sale(reader.web3, reader.address)
    terms = sale.terms(block)
    book, events = reader.book(), tuple(reader.events())
    result = sale.result(block)
    owed: dict[str, Owed] = {}
    if result.decided:
        for count, bidder in enumerate(book.bidders, start=1):
            owed[bidder] = sale.owed(bidder, block)
            show("bidders", count, len(book.bidders))
    return SaleFacts(
        address=sale.address,
        block=block,
        time=block_time(web3, block),
        terms=terms,
        book=book,
        events=events,
        times=_times(web3, terms, events, show),
        lots_at=tuple(sale.lots_at(0, terms.auction.tick_count, block)),
        result=result,
        raised=sale.raised(block),
        owed=owed,
        sold_balance=Token(web3, str(terms.sale_token)).balance_of(sale.address, block),
        paid_balance=Token(web3, str(terms.payment_token)).balance_of(sale.address, block),
    )


def _times(
    web3: Web3, terms: SaleTerms, events: tuple[SaleEvent, ...], show: Progress
) -> dict[int, int]:
    """Return the times of the first and last bids and cancels, and of claims that may be early."""
    needed = set()
    for kind in (EventKind.BID_PLACED, EventKind.BID_CANCELLED):
        blocks = [event.block for event in events if event.kind is kind]
        needed.update(blocks[:1] + blocks[-1:])
    for event in events:
        if event.kind in {EventKind.CLEARED, EventKind.FAILED} or (
            event.kind is EventKind.TOKENS_CLAIMED and terms.vesting_end
        ):
            needed.add(event.block)
    times = {}
    for count, block in enumerate(sorted(needed), start=1):
        times[block] = block_time(web3, block)
        show("times", count, len(needed))
    return times
