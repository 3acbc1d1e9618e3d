"""What a call would cost or what refuses it, tried before it is sent or after it was mined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from web3.exceptions import ContractLogicError, Web3RPCError
from web3.types import Wei

from gavelbook.chain.errors import ChainError, InsufficientFunds, TransactionRefused
from gavelbook.chain.fees import GAS_ROOM_PERCENT, MAX_TRANSACTION_GAS
from gavelbook.chain.node_answers import SendAnswer, classify_send_error
from gavelbook.chain.refusals import refusal_of

if TYPE_CHECKING:
    from web3 import Web3
    from web3.contract.contract import ContractConstructor, ContractFunction
    from web3.types import TxParams, TxReceipt

    from gavelbook.chain.ether import EtherTransfer

    Call = ContractFunction | ContractConstructor | EtherTransfer


def estimate_gas(
    call: Call, sender: str, value: int = 0, *, room_percent: int = GAS_ROOM_PERCENT
) -> int:
    """Return a gas limit with some room for ``call`` of ``sender`` with ``value`` wei.

    Raises:
        TransactionRefused: it would revert.
        InsufficientFunds: ``sender`` cannot pay value and gas.
        ChainUnreachable: the node does not answer.
        ChainError: ``gas_not_estimated``.

    """
    transaction: TxParams = {"from": call.w3.to_checksum_address(sender), "value": Wei(value)}
    try:
        estimate = call.estimate_gas(transaction)
    except ContractLogicError as error:
        raise refused(error) from error
    except Web3RPCError as error:
        if refusal_of(error) is not None:
            raise refused(error) from error
        if classify_send_error(error) is SendAnswer.NO_FUNDS:
            raise no_funds(sender) from error
        message = f"Expected an estimate of gas, was: {error.message}"
        raise ChainError("gas_not_estimated", message) from error
    roomy = estimate * (100 + room_percent) // 100
    return max(estimate, min(roomy, MAX_TRANSACTION_GAS))


def why_reverted(web3: Web3, receipt: TxReceipt) -> TransactionRefused:
    """Run a reverted transaction again on the block before its own to learn what it said.

    Raises:
        ChainUnreachable: the node does not answer.

    """
    details = {"transaction": receipt["transactionHash"].to_0x_hex()}
    mined: Any = web3.eth.get_transaction(receipt["transactionHash"])
    if receipt["gasUsed"] >= mined["gas"]:
        message = f"The transaction used up its gas limit of {mined['gas']}"
        return TransactionRefused("out_of_gas", message, **details)
    again: Any = {name: mined[name] for name in ("from", "to", "value", "gas")}
    again["data"] = mined["input"]
    try:
        web3.eth.call(again, receipt["blockNumber"] - 1)
    except (ContractLogicError, Web3RPCError) as error:
        said = refused(error)
        return TransactionRefused(said.code, said.message, **said.details, **details)
    return TransactionRefused("reverted", "The transaction reverted when mined", **details)


def refused(error: Exception) -> TransactionRefused:
    """Return what a contract said in an exception of web3."""
    refusal = refusal_of(error)
    if refusal is None:
        return TransactionRefused("reverted", f"The contract refused: {error}")
    return TransactionRefused(refusal.code, refusal.message, **refusal.details)


def no_funds(sender: str) -> InsufficientFunds:
    """Return the error of an account that cannot pay."""
    message = f"Expected {sender} to pay value and gas, was too little ether"
    return InsufficientFunds("insufficient_funds", message, account=sender)
