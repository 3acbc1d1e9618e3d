"""The clock of a chain: the times of its blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from web3 import Web3
    from web3.types import BlockIdentifier


def block_time(web3: Web3, block: BlockIdentifier = "latest") -> int:
    """Return the time of ``block`` in Unix seconds."""
    return int(web3.eth.get_block(block)["timestamp"])
