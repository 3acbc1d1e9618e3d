"""Finding the block in which a contract was made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from web3.exceptions import Web3RPCError

from gavelbook.chain.deployments import DeploymentStore
from gavelbook.chain.errors import ChainError

if TYPE_CHECKING:
    from web3 import Web3


def first_block_of(web3: Web3, address: str, deployments: DeploymentStore | None = None) -> int:
    """Return the block of the sale at ``address``: as recorded, else by asking the node.

    Raises:
        ChainError: ``not_a_contract``, or ``creation_unknown`` where the node keeps no old state.

    """
    record = (deployments or DeploymentStore()).sale(web3.eth.chain_id, address)
    return record.block if record else creation_block(web3, address)


def creation_block(web3: Web3, address: str) -> int:
    """Return the first block with code at ``address``, by halving; errors as `first_block_of`."""
    account = web3.to_checksum_address(address)
    if not web3.eth.get_code(account):
        raise ChainError("not_a_contract", f"Expected a contract at {address}, was none")
    low, high = 0, int(web3.eth.block_number)
    try:
        while low < high:
            middle = (low + high) // 2
            if web3.eth.get_code(account, middle):
                high = middle
            else:
                low = middle + 1
    except Web3RPCError as error:
        message = f"Expected a node that knows block {middle}, was refused: give the first block"
        raise ChainError("creation_unknown", message, block=middle) from error
    return low
