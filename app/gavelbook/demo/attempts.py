"""Things the contracts refuse, tried on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gavelbook.chain.errors import TransactionRefused
from gavelbook.chain.sender import Sender
from gavelbook.demo.errors import DemoError

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount
    from web3 import Web3
    from web3.contract.contract import ContractFunction


class Refusal(NamedTuple):
    """What was tried and what the contract said."""

    attempt: str
    code: str
    message: str


def expect_refusal(
    web3: Web3, account: LocalAccount, attempt: str, call: ContractFunction
) -> Refusal:
    """Try ``call`` as ``account`` and return the refusal; nothing is sent.

    Raises:
        DemoError: ``not_refused``.

    """
    try:
        Sender(web3, account).estimate_gas(call)
    except TransactionRefused as error:
        return Refusal(attempt, error.code, error.message)
    raise DemoError("not_refused", f"Expected the contract to refuse: {attempt}")
