"""The events of a sale: their shape, and reading them from logs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from gavelbook.chain.event_forms import Value, read_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gavelbook.chain.event_forms import RawLog


class EventKind(StrEnum):
    """The events of `ITokenSale`."""

    BID_PLACED = "BidPlaced"
    BID_CANCELLED = "BidCancelled"
    ADMITTED = "Admitted"
    CLEARED = "Cleared"
    FAILED = "Failed"
    TOKENS_CLAIMED = "TokensClaimed"
    REFUND_CLAIMED = "RefundClaimed"
    CLAIM_SKIPPED = "ClaimSkipped"
    PROCEEDS_COLLECTED = "ProceedsCollected"
    UNSOLD_COLLECTED = "UnsoldCollected"


_KINDS = {str(kind): kind for kind in EventKind}


@dataclass(frozen=True, slots=True)
class SaleEvent:
    """One event of a sale and its place in the chain; ``values`` are named as in the contract."""

    kind: EventKind
    block: int
    log_index: int
    transaction: str
    values: Mapping[str, Value]


def read_log(log: RawLog) -> SaleEvent | None:
    """Return the event in ``log`` of a sale; None for an event unknown here.

    Raises:
        ChainError: ``log_malformed``.

    """
    found = read_values("TokenSale", log)
    if found is None or found[0] not in _KINDS:
        return None
    return SaleEvent(_KINDS[found[0]], log.block, log.log_index, log.transaction, found[1])


def integer(values: Mapping[str, Any], name: str) -> int:
    """Return the integer ``name`` of an event."""
    return int(values[name])


def text(values: Mapping[str, Any], name: str) -> str:
    """Return the address or the bytes ``name`` of an event."""
    return str(values[name])
