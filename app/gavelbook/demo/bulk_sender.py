"""Many signed transactions of many accounts in one go, for a chain of the demo's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self

from gavelbook.chain.refusals import decode_refusal
from gavelbook.demo.errors import DemoError
from gavelbook.demo.local_chain import CHAIN_ID

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eth_account.signers.local import LocalAccount
    from web3.contract.contract import ContractConstructor, ContractFunction

    from gavelbook.demo.local_chain import LocalChain

DEPLOYMENT_GAS = 12_000_000

_CALL_GAS = 1_000_000
_FEES = {"maxFeePerGas": 2 * 10**9, "maxPriorityFeePerGas": 10**9}


class Message(NamedTuple):
    """What a transaction says: calldata to an address, or creation code to none."""

    to: str
    data: str
    gas: int = _CALL_GAS

    @classmethod
    def of(cls, call: ContractFunction | ContractConstructor, gas: int = _CALL_GAS) -> Self:
        """Return the message of a call or a deployment."""
        fields = call.build_transaction({"chainId": CHAIN_ID, "gas": 0, "value": 0, **_FEES})  # type: ignore[arg-type]
        to = fields.get("to")
        return cls(str(to) if to else "", str(fields["data"]), gas)


class BulkSender:
    """Sends without asking the chain first: nonces are counted here, gas and fees are fixed.

    An account used here must not send by other means meanwhile. The chain should mine on demand.
    """

    def __init__(self, chain: LocalChain) -> None:
        """Send to ``chain``."""
        self._chain = chain
        self._nonces: dict[str, int] = {}

    def send(self, messages: Iterable[tuple[LocalAccount, Message]]) -> list[str]:
        """Hand messages in together; return their hashes. They count once a block is mined."""
        signed = [(self._signed(account, message),) for account, message in messages]
        return self._chain.batch("eth_sendRawTransaction", signed)

    def send_and_mine(self, messages: Iterable[tuple[LocalAccount, Message]]) -> list[Any]:
        """Hand messages in, mine them in one block and return their receipts.

        Raises:
            DemoError: ``rpc_refused``, or ``transaction_failed`` for the first that reverted.

        """
        hashes = self.send(messages)
        self._chain.call("evm_mine")
        return self.receipts(hashes)

    def receipts(self, hashes: list[str]) -> list[Any]:
        """Return the receipts of transactions, all of them mined and successful.

        Raises:
            DemoError: ``transaction_failed`` for the first that was not.

        """
        receipts = self._chain.batch("eth_getTransactionReceipt", [(h,) for h in hashes])
        for receipt in receipts:
            if receipt is None or int(receipt["status"], 16) != 1:
                reason = "was not mined" if receipt is None else self._reason(receipt)
                raise DemoError(
                    "transaction_failed", f"Expected a transaction to go well: {reason}"
                )
        return receipts

    def forget(self) -> None:
        """Ask the chain for nonces again: accounts have sent by other means."""
        self._nonces.clear()

    def _signed(self, account: LocalAccount, message: Message) -> str:
        nonce = self._nonces.get(account.address)
        if nonce is None:
            answer = self._chain.call("eth_getTransactionCount", account.address, "pending")
            nonce = int(answer, 16)
        transaction: Any = {
            "chainId": CHAIN_ID,
            "type": 2,
            "nonce": nonce,
            "gas": message.gas,
            "to": message.to,
            "data": message.data,
            "value": 0,
            **_FEES,
        }
        signed = account.sign_transaction(transaction)
        self._nonces[account.address] = nonce + 1
        return "0x" + bytes(signed.raw_transaction).hex()

    def _reason(self, receipt: dict[str, Any]) -> str:
        sent = self._chain.call("eth_getTransactionByHash", receipt["transactionHash"])
        call = {key: sent[key] for key in ("from", "to", "input", "gas")}
        try:
            self._chain.call("eth_call", call, receipt["blockNumber"])
        except DemoError as error:
            data = error.details.get("data")
            if isinstance(data, str):
                return decode_refusal(bytes.fromhex(data.removeprefix("0x"))).message
        return f"{receipt['transactionHash']} reverted"
