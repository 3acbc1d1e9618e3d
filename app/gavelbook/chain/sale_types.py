"""What a sale contract holds and answers, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, Self

from gavelbook.chain.errors import ChainError

_INDEX_BITS = 8
_SIGNATURE_BYTES = 65
_LOWEST_V = 27
NO_DIGEST = bytes(32)


class Phase(IntEnum):
    """Where a sale stands; numbered as in the contract."""

    FUNDED = 0
    OPEN = 1
    CLOSED = 2
    CLEARED = 3
    FAILED = 4


class ClearingHint(NamedTuple):
    """A proposed result, as `ITokenSale.Clearing`. ``cut`` is an arrival number."""

    marginal_tick: int
    level: int
    cut: int
    digest: bytes = NO_DIGEST


class SaleResult(NamedTuple):
    """What the sale keeps of its clearing, as `ITokenSale.Result`; `FUNDED` before there is one."""

    phase: Phase
    by_rounds: bool
    proceeds_collected: bool
    unsold_collected: bool
    marginal_tick: int
    full_from: int
    margin_from: int
    level: int
    cut: int
    sold_lots: int

    @property
    def decided(self) -> bool:
        """Whether the sale is cleared or failed."""
        return self.phase in {Phase.CLEARED, Phase.FAILED}


class Progress(NamedTuple):
    """How far a caller has shown the margin, as `ITokenSale.Progress`."""

    open: bool
    by_rounds: bool
    cut_seen: bool
    last_arrival: int
    full_from: int
    margin_from: int
    ungiven_lots: int
    unshown_lots: int


@dataclass(frozen=True, slots=True)
class LiveBid:
    """A live bid in the contract, as `ITokenSale.Bid`."""

    index: int
    tick: int
    lots: int
    arrival: int


class Owed(NamedTuple):
    """What a bidder has coming: sale token base units now and later, payment token base units."""

    tokens_now: int
    tokens_later: int
    refund: int


@dataclass(frozen=True, slots=True)
class Permit:
    """A signed ERC-2612 permit of ``value`` base units until ``deadline`` (Unix seconds)."""

    value: int
    deadline: int
    v: int
    r: bytes
    s: bytes

    @classmethod
    def signed(cls, value: int, deadline: int, signature: bytes) -> Self:
        """Return the permit with its signature of 65 bytes.

        Raises:
            ChainError: ``signature_malformed``: a contract that is a wallet may sign otherwise.

        """
        if len(signature) != _SIGNATURE_BYTES:
            message = f"Expected a signature of 65 bytes, was {len(signature)}"
            raise ChainError("signature_malformed", message)
        # Some wallets count from 0.
        v = signature[64] if signature[64] >= _LOWEST_V else signature[64] + _LOWEST_V
        return cls(value, deadline, v, signature[:32], signature[32:64])


def bid_key(bidder: str, index: int) -> int:
    """Return the number by which a margin names the bid ``index`` of ``bidder``."""
    return int(bidder, 16) << _INDEX_BITS | index
