"""Following a transaction that a wallet sent: this side knows its hash, and no key."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from hexbytes import HexBytes
from web3.exceptions import BlockNotFound, TransactionNotFound

from gavelbook.chain.errors import TransactionLost
from gavelbook.chain.trying import why_reverted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from web3 import Web3
    from web3.contract.contract import ContractFunction
    from web3.types import TxReceipt

_BLOCKS_PER_LOOK = 25
_LOOKS_AFTER_OVERTAKEN = 3


class Outgoing(NamedTuple):
    """What a wallet is asked to send: from ``account`` to ``to``, with ``value`` wei."""

    account: str
    to: str
    data: str
    value: int

    @classmethod
    def of(cls, call: ContractFunction, account: str, value: int = 0) -> Self:
        """Return ``call`` as ``account`` sends it."""
        # With these given, web3 asks the node for nothing.
        known: Any = {"chainId": 0, "gas": 0, "gasPrice": 0}
        built = call.build_transaction(known)
        return cls(account, str(built["to"]), str(built["data"]), value)

    def is_same(self, transaction: Any) -> bool:
        """Return whether a transaction of the chain does just this."""
        return (
            str(transaction["from"]).lower() == self.account.lower()
            and str(transaction.get("to") or "").lower() == self.to.lower()
            and HexBytes(transaction["input"]) == HexBytes(self.data)
            and int(transaction["value"]) == self.value
        )


class Standing(Enum):
    """How far a transaction is."""

    PENDING = "pending"
    UNSEEN = "unseen"
    """The node does not know it: it is on its way, or was dropped."""
    MINED = "mined"


class FollowedTransaction:
    """A transaction of somebody else, from its hash to its block; also when it was sped up.

    ``hash`` is the one that counts now, ``earlier`` are those that it took the place of.
    """

    def __init__(self, web3: Web3, outgoing: Outgoing) -> None:
        """Note where the chain is before the wallet is asked.

        Raises:
            ChainUnreachable: the node does not answer.

        """
        self.hash = ""
        self.earlier: list[str] = []
        self._web3 = web3
        self._outgoing = outgoing
        self._account = web3.to_checksum_address(outgoing.account)
        self._next_block = int(web3.eth.block_number) + 1
        self._first_nonce = int(web3.eth.get_transaction_count(self._account))
        self._nonce: int | None = None
        self._overtaken = 0

    def look(self) -> Standing:
        """Return how far it is now.

        Raises:
            TransactionRefused: it was mined and reverted.
            TransactionLost: ``replaced`` by another transaction of the account, whose hash is in
                ``details["hash"]``, or ``nonce_taken`` by one that cannot be found.
            ChainUnreachable: the node does not answer; then look again.

        """
        # Asked before the receipt: a nonce used by then is ours, or its receipt will not come.
        used = int(self._web3.eth.get_transaction_count(self._account))
        receipt = self._receipt()
        if receipt is not None:
            if receipt["status"] == 0:
                raise why_reverted(self._web3, receipt)
            return Standing.MINED
        if self._known():
            return Standing.PENDING
        other = self._successor()
        if other is not None:
            return self._follow(other)
        if self._nonce is not None and used > self._nonce:
            # Nodes count a transaction some moments before they have it.
            self._overtaken += 1
            if self._overtaken > _LOOKS_AFTER_OVERTAKEN:
                message = f"Expected nonce {self._nonce} free, was taken by another transaction"
                raise TransactionLost("nonce_taken", message, nonce=self._nonce)
        return Standing.UNSEEN

    def _receipt(self) -> TxReceipt | None:
        try:
            receipt = self._web3.eth.get_transaction_receipt(HexBytes(self.hash))
        except TransactionNotFound:
            return None
        # Some nodes answer with a receipt before the block has its number.
        return receipt if receipt.get("blockNumber") is not None else None

    def _known(self) -> bool:
        try:
            found = self._web3.eth.get_transaction(HexBytes(self.hash))
        except TransactionNotFound:
            return False
        self._nonce = int(found["nonce"])
        return True

    def _follow(self, other: Any) -> Standing:
        found = HexBytes(other["hash"]).to_0x_hex()
        if not self._outgoing.is_same(other):
            message = f"Expected the transaction in a block, was replaced in the wallet by {found}"
            raise TransactionLost("replaced", message, hash=found)
        self.earlier.append(self.hash)
        self.hash, self._nonce = found, int(other["nonce"])
        return self.look() if other.get("blockNumber") else Standing.PENDING

    def _successor(self) -> Any | None:
        """Return what took the place of the transaction: waiting, or in a block since it began."""
        newest = int(self._web3.eth.block_number)
        last = min(newest, self._next_block + _BLOCKS_PER_LOOK - 1)
        for number in range(self._next_block, last + 1):
            found = self._in(self._transactions(number))
            if found is not None:
                return found
            self._next_block = number + 1
        return self._in(self._transactions("pending"))

    def _transactions(self, block: Any) -> Iterable[Any]:
        try:
            return self._web3.eth.get_block(block, full_transactions=True)["transactions"]
        except BlockNotFound:
            return ()

    def _in(self, transactions: Iterable[Any]) -> Any | None:
        own = [each for each in transactions if each["from"] == self._account]
        if self._nonce is not None:
            return next((each for each in own if each["nonce"] == self._nonce), None)
        # Never seen here, so its nonce is unknown: only the same call can have taken its place.
        return next(
            (
                each
                for each in own
                if each["nonce"] >= self._first_nonce and self._outgoing.is_same(each)
            ),
            None,
        )
