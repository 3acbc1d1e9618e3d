"""How far fills are on their way to the chain, as the settler's batches tell."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from gavelbook.service.exchange.batch_store import SignedBatch

_FRESH_SECONDS = 1.0
_MOST_KEPT = 4_096
_MOST_UNSETTLED = 64


class Carrier(NamedTuple):
    """A batch that carries fills; ``transaction_hash`` is None while nobody has sent it."""

    number: int
    market: int
    first_fill: int
    last_fill: int
    transaction_hash: bytes | None


class Batches(Protocol):
    """What is asked of the settler's store."""

    def current(self, number: int) -> SignedBatch | None:
        """Return the latest content made for ``number``."""

    def last_number(self) -> int:
        """Return the highest number a batch was made for."""


class Settlements:
    """Looks batches up, and keeps what it saw a moment: pages ask for the same few again."""

    def __init__(self, batches: Batches | None, clock: Callable[[], float] = monotonic) -> None:
        """Ask ``batches``; None where nothing is settled, as in a trial without a chain."""
        self._batches = batches
        self._clock = clock
        self._seen: dict[int, tuple[float, Carrier]] = {}

    def batch(self, number: int) -> Carrier | None:
        """Return the batch ``number``."""
        seen = self._seen.get(number)
        if seen is not None and self._clock() - seen[0] < _FRESH_SECONDS:
            return seen[1]
        signed = None if self._batches is None else self._batches.current(number)
        found = None
        if signed is not None:
            found = Carrier(
                number, signed.market, signed.first_fill, signed.last_fill, signed.tx_hash or None
            )
        if found is not None and found.transaction_hash is not None:
            if len(self._seen) >= _MOST_KEPT:
                self._seen.clear()
            self._seen[number] = (self._clock(), found)
        return found

    def last_number(self) -> int:
        """Return the highest number a batch was made for; 0 before the first."""
        return 0 if self._batches is None else self._batches.last_number()

    def batch_of(self, market: int, fill_id: int) -> Carrier | None:
        """Return the batch that carries an unsettled fill; None while it waits for one."""
        last = self.last_number()
        for number in range(last, max(0, last - _MOST_UNSETTLED), -1):
            found = self.batch(number)
            if (
                found is not None
                and found.market == market
                and found.first_fill <= fill_id <= found.last_fill
            ):
                return found
        return None
