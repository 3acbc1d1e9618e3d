"""The accounts of a demo that the pages act for. Their keys are public: on a local chain only."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, assert_never

from eth_account.messages import encode_defunct

from gavelbook.chain.errors import ChainError
from gavelbook.chain.sender import Sender
from gavelbook.service.acting import (
    AccountKind,
    Actor,
    SendTransaction,
    SignMessage,
    SignTypedData,
)
from gavelbook.wallet import DEVELOPMENT_MNEMONIC, HdWallet, visitors

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount
    from web3 import Web3

    from gavelbook.service.acting import Step

_LOCAL_CHAIN_ID = 31337
_OPERATOR = 4
"""The number of the account that owns the exchange of a demo."""


class DemoSigner:
    """Signs and sends for the visitors of a demo. Safe to share between threads."""

    def __init__(self, web3: Web3, *, enabled: bool) -> None:
        """Take the visitors' accounts, or nobody's where not ``enabled``.

        Raises:
            ChainError: ``demo_accounts_refused``, where the chain is not a local one.

        """
        self._web3 = web3
        self._lock = threading.Lock()
        self._senders: dict[str, Sender] = {}
        self._accounts: dict[str, LocalAccount] = {}
        self.actors: tuple[Actor, ...] = ()
        self.operator: Actor | None = None
        if not enabled:
            return
        chain_id = int(web3.eth.chain_id)
        if chain_id != _LOCAL_CHAIN_ID:
            message = f"Expected demo accounts on a local chain only, was chain {chain_id}"
            raise ChainError("demo_accounts_refused", message)
        wallet = HdWallet(DEVELOPMENT_MNEMONIC)
        found, operator = visitors(wallet), wallet.account(_OPERATOR)
        self._accounts = {str(each.account.address): each.account for each in found}
        self._accounts[str(operator.address)] = operator
        self.operator = Actor("Operator", str(operator.address), AccountKind.DEMO)
        self.actors = tuple(
            Actor(each.name, str(each.account.address), AccountKind.DEMO) for each in found
        )

    def take(self, actor: Actor, step: Step) -> bytes | str:
        """Return the answer to ``step``.

        Raises:
            ChainError: ``actor_unknown`` for anybody else; as `Sender.send_and_wait`.

        """
        account = self._accounts.get(actor.address)
        if account is None or actor.kind is not AccountKind.DEMO:
            message = f"Expected an account of the demo, was {actor.address}"
            raise ChainError("actor_unknown", message)
        match step:
            case SignTypedData():
                signed = account.sign_typed_data(full_message=step.typed_data)
                return bytes(signed.signature)
            case SignMessage():
                return bytes(account.sign_message(encode_defunct(text=step.text)).signature)
            case SendTransaction():
                receipt = self._sender(account).send_and_wait(step.call, step.value)
                return str(receipt["transactionHash"].to_0x_hex())
            case _:
                assert_never(step)

    def _sender(self, account: LocalAccount) -> Sender:
        with self._lock:
            address = str(account.address)
            if address not in self._senders:
                self._senders[address] = Sender(self._web3, account)
            return self._senders[address]
