"""Asking a contract, with every failure as one of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from web3.exceptions import BadFunctionCallOutput, ContractLogicError, Web3RPCError

from gavelbook.chain.errors import ChainError
from gavelbook.chain.refusals import refusal_of

if TYPE_CHECKING:
    from web3.contract.contract import Contract
    from web3.types import BlockIdentifier


def ask(
    contract: Contract, what: str, name: str, *arguments: Any, block: BlockIdentifier = "latest"
) -> Any:
    """Return what the function ``name`` of ``contract`` answers at the end of ``block``.

    Raises:
        ContractRefused: the contract refused to answer.
        ChainError: ``not_a_sale``, ``not_a_token`` (by ``what``) where the contract is none, or
            ``call_failed`` by the node.
        ChainUnreachable: the node does not answer.

    """
    try:
        return contract.functions[name](*arguments).call(block_identifier=block)
    except BadFunctionCallOutput as error:
        message = f"Expected a {what} at {contract.address}, was something else or nothing"
        raise ChainError(f"not_a_{what}", message, address=contract.address) from error
    except (ContractLogicError, Web3RPCError) as error:
        refusal = refusal_of(error)
        if refusal is not None:
            raise refusal from error
        message = f"Expected {name} of {contract.address} at block {block!r}, was refused: {error}"
        raise ChainError("call_failed", message, address=contract.address) from error
