"""Sending ether and nothing else, in the form a `Sender` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eth_typing import HexStr

if TYPE_CHECKING:
    from web3 import Web3
    from web3.types import TxParams

TRANSFER_GAS = 21_000
"""Gas of sending ether to an account that is no contract."""


class EtherTransfer:
    """A transaction without a call; its value is what a `Sender` is given."""

    def __init__(self, web3: Web3, recipient: str) -> None:
        """Send to ``recipient``."""
        self.w3 = web3
        self._recipient = web3.to_checksum_address(recipient)

    def estimate_gas(self, transaction: TxParams) -> int:
        """Return what it costs, whoever sends it."""
        del transaction
        return TRANSFER_GAS

    def build_transaction(self, transaction: TxParams) -> TxParams:
        """Return ``transaction`` with its recipient."""
        return {**transaction, "to": self._recipient, "data": HexStr("0x")}
