"""The events of an exchange: their shape, and reading them from logs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from hexbytes import HexBytes

from gavelbook.chain.event_forms import RawLog, Value, event_topic, read_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from web3 import Web3

_WORD_BYTES = 32
_TICKS_SHIFT = 64
_NUMBER_SHIFT = 136
_MAKER_FEE_SHIFT = 200
_TAKER_FEE_SHIFT = 216
_TAKER_SELLS_SHIFT = 232
_MARKET_SHIFT = 240
_BYTE, _TWO_BYTES, _EIGHT_BYTES = 0xFF, 0xFFFF, 2**64 - 1


class ExchangeEventKind(StrEnum):
    """The events of `IExchange`."""

    DEPOSITED = "Deposited"
    ETHER_SWEPT = "EtherSwept"
    WITHDRAWN = "Withdrawn"
    EXIT_REQUESTED = "ExitRequested"
    EXIT_CANCELLED = "ExitCancelled"
    EXITED = "Exited"
    FILL = "Fill"
    BATCH_SETTLED = "BatchSettled"
    CANCEL_REQUESTED = "CancelRequested"
    ORDER_APPROVED = "OrderApproved"
    APPROVAL_REVOKED = "ApprovalRevoked"
    MARKET_LISTED = "MarketListed"
    MATCHER_PROPOSED = "MatcherProposed"
    MATCHER_CHANGED = "MatcherChanged"
    FEE_RECIPIENT_PROPOSED = "FeeRecipientProposed"
    FEE_RECIPIENT_CHANGED = "FeeRecipientChanged"
    PAUSED = "Paused"
    UNPAUSED = "Unpaused"


_KINDS = {str(kind): kind for kind in ExchangeEventKind}


@dataclass(frozen=True, slots=True)
class ExchangeEvent:
    """One event of an exchange and its place in the chain.

    ``values`` are named as in the contract, in snake case: integers, addresses with checksum, and
    other bytes in hexadecimal text with ``0x``.
    """

    kind: ExchangeEventKind
    block: int
    log_index: int
    transaction: str
    values: Mapping[str, Value]

    def integer(self, name: str) -> int:
        """Return the integer ``name``."""
        return int(self.values[name])

    def account(self, name: str) -> bytes:
        """Return the 20 bytes of the address ``name``."""
        return bytes.fromhex(str(self.values[name])[2:])

    def hash(self, name: str) -> bytes:
        """Return the 32 bytes ``name``."""
        return bytes.fromhex(str(self.values[name])[2:])


class ChainFill(NamedTuple):
    """A fill as the contract announces it; fees in 1/10,000 of quote."""

    maker_hash: bytes
    taker_hash: bytes
    market: int
    batch: int
    lots: int
    ticks: int
    taker_sells: bool
    taker_fee_bps: int
    maker_fee_bps: int


def read_exchange_log(log: RawLog) -> ExchangeEvent | None:
    """Return the event in ``log`` of an exchange; None for an event unknown here.

    Raises:
        ChainError: ``log_malformed``.

    """
    found = read_values("Exchange", log)
    if found is None or found[0] not in _KINDS:
        return None
    return ExchangeEvent(_KINDS[found[0]], log.block, log.log_index, log.transaction, found[1])


def read_fill(event: ExchangeEvent) -> ChainFill:
    """Return what an event `FILL` says."""
    packed = event.integer("packed")
    return ChainFill(
        maker_hash=event.hash("maker_order"),
        taker_hash=event.hash("taker_order"),
        market=packed >> _MARKET_SHIFT,
        batch=packed >> _NUMBER_SHIFT & _EIGHT_BYTES,
        lots=packed & _EIGHT_BYTES,
        ticks=packed >> _TICKS_SHIFT & _EIGHT_BYTES,
        taker_sells=bool(packed >> _TAKER_SELLS_SHIFT & _BYTE),
        taker_fee_bps=packed >> _TAKER_FEE_SHIFT & _TWO_BYTES,
        maker_fee_bps=packed >> _MAKER_FEE_SHIFT & _TWO_BYTES,
    )


def settled_batch(
    web3: Web3, address: str, number: int, from_block: int, to_block: int
) -> ExchangeEvent | None:
    """Return the event of batch ``number`` in these blocks; None where it is not there.

    Raises:
        ChainError: ``log_malformed``.
        ChainUnreachable: the node does not answer.

    """
    query: Any = {
        "address": web3.to_checksum_address(address),
        "fromBlock": from_block,
        "toBlock": to_block,
        "topics": [
            HexBytes(event_topic("Exchange", ExchangeEventKind.BATCH_SETTLED)),
            HexBytes(number.to_bytes(_WORD_BYTES, "big")),
        ],
    }
    for log in web3.eth.get_logs(query):
        return read_exchange_log(RawLog.of(log))
    return None
