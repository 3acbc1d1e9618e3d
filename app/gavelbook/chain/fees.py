"""What a transaction offers for gas (EIP-1559), and how it is raised where it is stuck."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from web3.exceptions import Web3Exception

if TYPE_CHECKING:
    from collections.abc import Mapping

    from web3 import Web3

MAX_TRANSACTION_GAS = 16_777_216
"""Most gas of one transaction (EIP-7825)."""

GWEI = 10**9
GAS_ROOM_PERCENT = 20
"""What is added to an estimate of gas, where nobody says otherwise."""

_FALLBACK_PRIORITY_FEE = 1 * GWEI
_BUMP_NUMERATOR, _BUMP_DENOMINATOR = 9, 8


class Fees(NamedTuple):
    """Wei per gas: the most that is paid, and the most of it that goes to the block's builder."""

    max_fee: int
    priority_fee: int

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """Return the fees in the fields of a transaction."""
        return cls(int(fields["maxFeePerGas"]), int(fields["maxPriorityFeePerGas"]))

    def fields(self) -> dict[str, int]:
        """Return the fees as fields of a transaction."""
        return {"maxFeePerGas": self.max_fee, "maxPriorityFeePerGas": self.priority_fee, "type": 2}


@dataclass(frozen=True, slots=True)
class FeePolicy:
    """How much to offer, and how long to wait.

    Attributes:
        stuck_seconds: a transaction pending for so long is replaced at a fee 12.5 % higher, which
            is what nodes ask for.
        wait_seconds: how long `Sender.wait` waits.
        max_fee_per_gas: never offer more wei per gas; None for no limit.
        gas_room_percent: what is added to an estimate of gas.

    """

    stuck_seconds: float = 45.0
    wait_seconds: float = 600.0
    max_fee_per_gas: int | None = None
    gas_room_percent: int = GAS_ROOM_PERCENT

    def suggested(self, web3: Web3) -> Fees:
        """Return fees that survive six full blocks: twice the base fee, and the node's advice."""
        base_fee = int(web3.eth.get_block("latest").get("baseFeePerGas", 0))
        try:
            priority_fee = int(web3.eth.max_priority_fee)
        except Web3Exception:
            priority_fee = _FALLBACK_PRIORITY_FEE
        fees = Fees(2 * base_fee + priority_fee, priority_fee)
        return fees if self.allows(fees) else self._limited(fees)

    def raised(self, fees: Fees, suggested: Fees) -> Fees:
        """Return ``fees`` raised by 12.5 %, or ``suggested`` where that is more."""
        return Fees(*(max(_bumped(old), new) for old, new in zip(fees, suggested, strict=True)))

    def allows(self, fees: Fees) -> bool:
        """Return whether ``fees`` are within the limit."""
        return self.max_fee_per_gas is None or fees.max_fee <= self.max_fee_per_gas

    def _limited(self, fees: Fees) -> Fees:
        limit = self.max_fee_per_gas or 0
        return Fees(limit, min(fees.priority_fee, limit))


def _bumped(fee: int) -> int:
    return -(-fee * _BUMP_NUMERATOR // _BUMP_DENOMINATOR)
