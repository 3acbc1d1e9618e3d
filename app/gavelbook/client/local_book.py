"""A copy of a book that follows the stream, and knows when it has missed something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gavelbook.client.errors import StreamError
from gavelbook.wire.stream import BookLevels

if TYPE_CHECKING:
    from gavelbook.client.streaming import Update
    from gavelbook.wire.markets import BookSnapshot


class GapError(StreamError):
    """A delta is missing: ask for a snapshot, or resume from ``seq``."""


class LocalBook:
    """The levels of one market: `bids` and `asks` map ticks to lots.

    Example:
        >>> from gavelbook.client import LocalBook
        >>> from gavelbook.wire.stream import BookLevels
        >>> book = LocalBook(1)
        >>> book.load(seq=7, levels=BookLevels(bids=[(100, 5)], asks=[(102, 1)]))
        >>> book.change(prev=7, seq=9, levels=BookLevels(bids=[(101, 2), (100, 0)], asks=[]))
        >>> book.best_bid, book.best_ask, book.seq
        ((101, 2), (102, 1), 9)
    """

    def __init__(self, market: int) -> None:
        self.market = market
        self.seq: int | None = None
        """Log position the book stands at; None before the first snapshot."""
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}

    @property
    def best_bid(self) -> tuple[int, int] | None:
        """Highest price bid and the lots at it."""
        return max(self.bids.items(), default=None)

    @property
    def best_ask(self) -> tuple[int, int] | None:
        """Lowest price asked and the lots at it."""
        return min(self.asks.items(), default=None)

    def load(self, seq: int, levels: BookLevels | BookSnapshot) -> None:
        """Begin anew with a snapshot."""
        self.seq = int(seq)
        self.bids = {int(ticks): int(lots) for ticks, lots in levels.bids}
        self.asks = {int(ticks): int(lots) for ticks, lots in levels.asks}

    def change(self, prev: int, seq: int, levels: BookLevels) -> None:
        """Follow one delta; one that the snapshot holds already is passed over.

        Raises:
            GapError: ``stream_gap``; the book is unchanged and out of date.
        """
        if self.seq is None or prev > self.seq:
            message = f"Expected a delta from {self.seq} on, was one from {prev}"
            raise GapError("stream_gap", message, prev=prev, seq=seq)
        if seq <= self.seq:
            return
        for side, changed in ((self.bids, levels.bids), (self.asks, levels.asks)):
            for ticks, lots in changed:
                if lots:
                    side[int(ticks)] = int(lots)
                else:
                    side.pop(int(ticks), None)
        self.seq = int(seq)

    def update(self, update: Update) -> None:
        """Follow what the stream says of this book; other channels are passed over.

        Raises:
            GapError: ``stream_gap``.
        """
        if update.channel != f"book.{self.market}" or not isinstance(update.data, BookLevels):
            return
        if update.prev is None:
            self.load(update.seq, update.data)
        else:
            self.change(update.prev, update.seq, update.data)
