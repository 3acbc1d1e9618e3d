"""The accounts of a demo that the pages act for. Their keys are public: on a local chain only."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gavelbook.chain.errors import ChainError
from gavelbook.chain.sender import Sender
from gavelbook.wallet import DEVELOPMENT_MNEMONIC, HdWallet, visitors

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount
    from web3 import Web3
    from web3.contract.contract import ContractFunction
    from web3.types import TxReceipt

_LOCAL_CHAIN_ID = 31337


@dataclass(frozen=True, slots=True)
class Customer:
    """An account that a desk signs for."""

    name: str
    address: str


class Customers:
    """Signs and sends for the visitors of a demo. Safe to share between threads."""

    def __init__(self, web3: Web3, *, enabled: bool) -> None:
        """Take the visitors' accounts, or nobody where not ``enabled``.

        Raises:
            ChainError: ``demo_accounts_refused``, where the chain is not a local one.

        """
        self.web3 = web3
        self._lock = threading.Lock()
        self._senders: dict[str, Sender] = {}
        self._accounts: dict[str, LocalAccount] = {}
        self.all: tuple[Customer, ...] = ()
        if not enabled:
            return
        chain_id = int(web3.eth.chain_id)
        if chain_id != _LOCAL_CHAIN_ID:
            message = f"Expected demo accounts on a local chain only, was chain {chain_id}"
            raise ChainError("demo_accounts_refused", message)
        found = visitors(HdWallet(DEVELOPMENT_MNEMONIC))
        self._accounts = {str(each.account.address): each.account for each in found}
        self.all = tuple(Customer(each.name, str(each.account.address)) for each in found)

    def name_of(self, address: str) -> str | None:
        """Return the name of a customer; None for a stranger."""
        return next((each.name for each in self.all if each.address == address), None)

    def account(self, customer: Customer) -> LocalAccount:
        """Return what signs for ``customer``."""
        return self._accounts[customer.address]

    def chain_time(self) -> int:
        """Return the time of the block that comes next, in Unix seconds."""
        return int(self.web3.eth.get_block("pending")["timestamp"])

    def send(self, customer: Customer, call: ContractFunction) -> TxReceipt:
        """Send ``call`` and wait for its block; errors as `Sender.send_and_wait`."""
        with self._lock:
            sender = self._senders.get(customer.address)
            if sender is None:
                sender = Sender(self.web3, self._accounts[customer.address])
                self._senders[customer.address] = sender
        return sender.send_and_wait(call)
