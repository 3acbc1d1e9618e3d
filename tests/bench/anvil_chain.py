"""An anvil of its own for one benchmark: raw JSON-RPC, so that the chain is the slow part.

Gas is what receipts say, so it includes the 21,000 of a transaction, its data and its refunds.
Every account may send and the clock is set by hand: a run gives the same figures on
every machine.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import requests
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from tests.chain.anvil_chain import launched

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

HARDFORK = "prague"
"""The rules the figures hold for: those under which the peers were measured."""

GENESIS_TIME = 1_900_000_000
TRANSACTION_GAS_LIMIT = 16_777_216
"""Most gas of one transaction (EIP-7825); the chain enforces it."""

_OPTIONS = (
    *("--hardfork", HARDFORK, "--timestamp", str(GENESIS_TIME), "--gas-limit", str(10**12)),
    *("--no-mining", "--order", "fees", "--auto-impersonate", "--enable-tx-gas-limit"),
    *("--gas-price", "0", "--block-base-fee-per-gas", "0", "--disable-min-priority-fee"),
    "--prune-history",
)
_BATCH = 150
_UNREAD_BLOCK = 2_500
_ETHER = 10**18
_REQUEST_SECONDS = 120
# The first two accounts of the mnemonic every development chain uses.
DEPLOYER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
ISSUER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


class Call(NamedTuple):
    """A transaction to send."""

    sender: str
    to: str | None
    data: bytes
    value: int = 0

    @property
    def title(self) -> str:
        """A short name for messages."""
        return f"{self.data[:4].hex()} from {self.sender} to {self.to or 'a new contract'}"


class Receipt(NamedTuple):
    """What a transaction came to."""

    gas: int
    contract: str
    logs: list[dict[str, Any]]


class ChainError(Exception):
    """The chain refused a request or a transaction."""


class AnvilChain:
    """A chain on a free port of this machine, ended with the ``with`` block."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._session = requests.Session()
        self._url = ""

    def __enter__(self) -> Self:
        self._url = self._open.enter_context(launched(*_OPTIONS))
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()
        self._open.close()

    def request(self, method: str, *params: Any) -> Any:
        """Ask one thing and return the answer."""
        return self.requests([(method, list(params))])[0]

    def requests(self, entries: Sequence[tuple[str, list[Any]]]) -> list[Any]:
        """Ask many things in few messages and return the answers in order."""
        answers: list[Any] = []
        for start in range(0, len(entries), _BATCH):
            message = [
                {"jsonrpc": "2.0", "id": index, "method": method, "params": params}
                for index, (method, params) in enumerate(entries[start : start + _BATCH])
            ]
            response = self._session.post(self._url, json=message, timeout=_REQUEST_SECONDS)
            for answer in sorted(response.json(), key=lambda answer: answer["id"]):
                if "error" in answer:
                    raise ChainError(answer["error"].get("message", answer["error"]))
                answers.append(answer["result"])
        return answers

    def send(self, *calls: Call) -> list[Receipt]:
        """Mine ``calls`` in order, many to a block, and return their receipts.

        Raises:
            ChainError: a transaction was refused or reverted.

        """
        receipts: list[Receipt] = []
        for start in range(0, len(calls), _BATCH):
            part = calls[start : start + _BATCH]
            hashes = self._mine(part)
            # All at once: one by one, each answer costs the chain a pass over the block.
            block = self.request("eth_getBlockReceipts", "latest")
            found = {answer["transactionHash"]: answer for answer in block}
            receipts.extend(
                self._receipt(call, found.get(name))
                for call, name in zip(part, hashes, strict=True)
            )
        return receipts

    def send_unread(self, *calls: Call) -> None:
        """Mine ``calls`` in order without asking what became of them, which takes the longest."""
        for start in range(0, len(calls), _UNREAD_BLOCK):
            self._mine(calls[start : start + _UNREAD_BLOCK])

    def view(self, to: str, data: bytes) -> bytes:
        """Return what a call without a transaction answers."""
        return bytes.fromhex(self.request("eth_call", {"to": to, "data": _hex(data)}, "latest")[2:])

    def write_storage(self, entries: Iterable[tuple[str, int, int]]) -> None:
        """Put values straight into storage, as ``(contract, slot, value)``."""
        self.requests(
            [
                ("anvil_setStorageAt", [to, f"0x{slot:064x}", f"0x{value:064x}"])
                for to, slot, value in entries
            ]
        )

    def code_size(self, address: str) -> int:
        """Return the bytes of code at ``address``."""
        return (len(self.request("eth_getCode", address, "latest")) - 2) // 2

    def go_to(self, seconds: int) -> None:
        """Set the clock to ``seconds`` and mine a block there."""
        self.request("evm_setNextBlockTimestamp", seconds)
        self.request("evm_mine")

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Go back to the present state, and time, at the end of the block."""
        here = self.request("evm_snapshot")
        yield
        self.request("evm_revert", here)

    def _mine(self, calls: Sequence[Call]) -> list[str]:
        """Mine one block with ``calls`` in order and return the hashes."""
        # The chain reads a batch in any order and puts dearer transactions first.
        sent = [
            (
                "eth_sendTransaction",
                [{**_transaction(call), "nonce": hex(nonce), "gasPrice": hex(len(calls) - place)}],
            )
            for place, (call, nonce) in enumerate(zip(calls, self._nonces(calls), strict=True))
        ]
        hashes: list[str] = self.requests(sent)
        self.request("evm_mine")
        return hashes

    def _nonces(self, calls: Sequence[Call]) -> list[int]:
        """Return the number of each transaction among those of its sender."""
        senders = list(dict.fromkeys(call.sender for call in calls))
        counts = self.requests([("eth_getTransactionCount", [each, "latest"]) for each in senders])
        self.requests([("anvil_addBalance", [each, hex(_ETHER)]) for each in senders])
        following = {sender: int(count, 16) for sender, count in zip(senders, counts, strict=True)}
        nonces = []
        for call in calls:
            nonces.append(following[call.sender])
            following[call.sender] += 1
        return nonces

    def _receipt(self, call: Call, answer: dict[str, Any] | None) -> Receipt:
        if answer is None:
            raise ChainError(f"Expected a receipt of {call.title}, was none")
        if answer["status"] != "0x1":
            raise ChainError(f"Expected success of {call.title}, was {self._reason(call)}")
        return Receipt(int(answer["gasUsed"], 16), answer["contractAddress"], answer["logs"])

    def _reason(self, call: Call) -> str:
        try:
            self.request("eth_call", _transaction(call), "latest")
        except ChainError as error:
            return str(error)
        return "a revert that does not happen again"


def account(number: int, kind: str = "bidder") -> str:
    """Return the address of a made-up account, spread like real addresses."""
    return to_checksum_address(keccak(text=f"{kind} {number}")[-20:])


def _transaction(call: Call) -> dict[str, str]:
    fields = {
        "from": call.sender,
        "data": _hex(call.data),
        "gas": hex(TRANSACTION_GAS_LIMIT),
        "gasPrice": "0x0",
        "value": hex(call.value),
    }
    return {**fields, "to": call.to} if call.to else fields


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
