"""Sending transactions: one owner of an account's nonces, fees, replacement, and no double post."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from hexbytes import HexBytes
from web3.exceptions import TransactionNotFound, Web3RPCError

from gavelbook.chain.errors import (
    ChainError,
    ChainUnreachable,
    TransactionLost,
    TransactionRefused,
)
from gavelbook.chain.fees import FeePolicy, Fees
from gavelbook.chain.node_answers import SendAnswer, classify_send_error
from gavelbook.chain.outbox import MemoryOutbox, Outbox, PendingTransaction
from gavelbook.chain.trying import estimate_gas, no_funds, why_reverted

if TYPE_CHECKING:
    from collections.abc import Callable

    from eth_account.signers.local import LocalAccount
    from web3 import Web3
    from web3.types import TxParams, TxReceipt

    from gavelbook.chain.trying import Call

_MAX_TRIES = 5
_OVERTAKEN_SECONDS = 5.0
_FIRST_POLL_SECONDS = 0.005
_LAST_POLL_SECONDS = 1.0


class Sender:
    """Sends the transactions of ``account`` and owns its nonces on this chain.

    A transaction is kept in ``outbox`` before it is sent and until it is mined. Whatever is sent
    again, after a timeout, a reorganisation, a fee spike or a restart with the same outbox, has
    the same nonce, so at most one version of it is ever mined. Safe to share between threads.
    """

    def __init__(  # noqa: PLR0913 -- clock and sleep are there for tests of hours in no time
        self,
        web3: Web3,
        account: LocalAccount,
        *,
        policy: FeePolicy | None = None,
        outbox: Outbox | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.web3 = web3
        self.account = account
        self.policy = policy or FeePolicy()
        self._outbox = outbox or MemoryOutbox()
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.RLock()
        self._pending = {entry.nonce: entry for entry in self._outbox.pending()}
        self._sent_at: dict[int, float] = {}
        self._chain_id: int | None = None

    @property
    def address(self) -> str:
        """The address of the account."""
        return str(self.account.address)

    def send(self, call: Call, value: int = 0, *, gas: int | None = None) -> HexBytes:
        """Sign ``call`` (of a contract, or a deployment), send it and return its hash.

        The call is tried against the latest block first, which also gives its gas limit; with
        ``gas`` it is sent untried. Once signed it counts as sent even if the node did not answer:
        `wait` sends it again.

        Args:
            call: what to send; of what it depends on, nothing may still be pending.
            value: wei to send along.
            gas: gas limit.

        Raises:
            TransactionRefused: it would revert; nothing was sent.
            InsufficientFunds: nothing was sent.
            ChainUnreachable: nothing was sent.
            ChainError: ``transaction_not_accepted`` by the node; nothing was sent.

        """
        gas_limit = gas if gas is not None else self.estimate_gas(call, value)
        with self._lock:
            fees = self._suggested_fees()
            for _ in range(_MAX_TRIES):
                entry = self._sign(self._fields(call, value, gas_limit, fees))
                answer = self._broadcast_new(entry)
                if answer is SendAnswer.ACCEPTED:
                    return HexBytes(entry.hashes[-1])
                raised = self.policy.raised(fees, self._suggested_fees())
                if answer is SendAnswer.UNDERPRICED and self.policy.allows(raised):
                    fees = raised
            raise ChainError(
                "transaction_not_accepted",
                f"Expected the node to accept a transaction of {self.address}, was {answer.value}",
            )

    def send_and_wait(self, call: Call, value: int = 0, *, gas: int | None = None) -> TxReceipt:
        """Send ``call`` and return its receipt once it is mined; errors as `send` and `wait`."""
        return self.wait(self.send(call, value, gas=gas))

    def wait(self, transaction_hash: HexBytes, seconds: float | None = None) -> TxReceipt:
        """Return the receipt of a transaction sent here, or of what replaced it at a higher fee.

        Sends the transaction again where the node lost it, and at a higher fee where it is stuck.

        Raises:
            TransactionRefused: it was mined and reverted.
            TransactionLost: ``nonce_taken`` by another transaction of the account, or
                ``not_mined`` within ``seconds`` (by default the policy's); then wait again.
            ChainUnreachable: the node does not answer; then wait again.

        """
        deadline = self._clock() + (self.policy.wait_seconds if seconds is None else seconds)
        entry = self._entry(transaction_hash)
        pause = _FIRST_POLL_SECONDS
        overtaken_at: float | None = None
        while True:
            # Asked before the receipt: a nonce used by then is ours, or its receipt will not come.
            overtaken = entry is not None and self._overtaken(entry)
            receipt = self._receipt(entry, transaction_hash)
            if receipt is not None:
                return self._settle(entry, receipt)
            now = self._clock()
            if entry is not None and overtaken:
                # Nodes count a transaction some moments before they have its receipt.
                overtaken_at = now if overtaken_at is None else overtaken_at
                if now - overtaken_at >= _OVERTAKEN_SECONDS:
                    raise self._lost(entry)
            elif entry is not None:
                overtaken_at = None
                self._keep_alive(entry)
            if now >= deadline:
                message = f"Expected {transaction_hash.to_0x_hex()} mined by now, was pending"
                raise TransactionLost("not_mined", message, hash=transaction_hash.to_0x_hex())
            self._sleep(pause)
            pause = min(pause * 1.5, _LAST_POLL_SECONDS)

    def recover(self, seconds: float | None = None) -> list[TxReceipt]:
        """Wait for what an earlier process with the same outbox has sent; return the receipts.

        A transaction that reverted, or whose nonce another one took, is settled and left out.

        Raises:
            TransactionLost: ``not_mined``, one was not within ``seconds``; then do it again.
            ChainUnreachable: the node does not answer; then do it again.

        """
        receipts = []
        for entry in self._outbox.pending():
            try:
                receipts.append(self.wait(HexBytes(entry.hashes[-1]), seconds))
            except TransactionRefused:
                continue
            except TransactionLost as error:
                if error.code == "not_mined":
                    raise
        return receipts

    def is_pending(self, transaction_hash: HexBytes) -> bool:
        """Return whether the node holds a transaction that is not mined.

        Raises:
            ChainUnreachable: the node does not answer.

        """
        try:
            found = self.web3.eth.get_transaction(transaction_hash)
        except TransactionNotFound:
            return False
        return found.get("blockNumber") is None

    def is_cut_off(self) -> bool:
        """Return whether all that is pending waits for a nonce that nothing uses any more.

        A reorganisation can take a transaction back that was settled here long ago. The next one
        that is sent takes its nonce, and lets the others be mined.

        Raises:
            ChainUnreachable: the node does not answer.

        """
        with self._lock:
            pending = list(self._pending)
        return bool(pending) and self._first_free_nonce() < min(pending)

    def estimate_gas(self, call: Call, value: int = 0) -> int:
        """Return a gas limit with some room; errors as `send`."""
        room = self.policy.gas_room_percent
        return estimate_gas(call, self.address, value, room_percent=room)

    # Signing

    def _fields(self, call: Call, value: int, gas: int, fees: Fees) -> TxParams:
        if self._chain_id is None:
            self._chain_id = self.web3.eth.chain_id
        template: Any = {
            "chainId": self._chain_id,
            "from": self.account.address,
            "nonce": self._next_nonce(),
            "gas": gas,
            "value": value,
            **fees.fields(),
        }
        return call.build_transaction(template)

    def _next_nonce(self) -> int:
        """Return the first nonce that neither the node nor this sender has seen used.

        After a reorganisation that can be one below what is pending, which waits for it.
        """
        nonce = self._first_free_nonce()
        while nonce in self._pending:
            nonce += 1
        return nonce

    def _first_free_nonce(self) -> int:
        """Return the first nonce of which the node knows no transaction, mined or not."""
        return int(self.web3.eth.get_transaction_count(self.account.address, "pending"))

    def _sign(self, fields: TxParams) -> PendingTransaction:
        unsigned: Any = {name: value for name, value in fields.items() if name != "from"}
        signed = self.account.sign_transaction(unsigned)
        return PendingTransaction(
            nonce=int(fields["nonce"]),
            fields={name: _text(value) for name, value in unsigned.items()},
            raw=signed.raw_transaction.to_0x_hex(),
            hashes=[signed.hash.to_0x_hex()],
        )

    def _suggested_fees(self) -> Fees:
        return self.policy.suggested(self.web3)

    # Sending

    def _broadcast_new(self, entry: PendingTransaction) -> SendAnswer:
        """Keep ``entry``, send it, and forget it again where the node refused it for sure."""
        self._keep(entry)
        try:
            answer = self._broadcast(entry)
        except ChainUnreachable:
            # It may have arrived: `wait` finds out.
            return SendAnswer.ACCEPTED
        if answer is not SendAnswer.ACCEPTED:
            self._forget(entry.nonce)
        if answer is SendAnswer.NO_FUNDS:
            raise no_funds(self.address)
        return answer

    def _broadcast(self, entry: PendingTransaction) -> SendAnswer:
        self._sent_at[entry.nonce] = self._clock()
        try:
            self.web3.eth.send_raw_transaction(self.web3.to_bytes(hexstr=entry.raw))  # type: ignore[arg-type]
        except Web3RPCError as error:
            return classify_send_error(error)
        return SendAnswer.ACCEPTED

    def _overtaken(self, entry: PendingTransaction) -> bool:
        """Return whether the chain has a transaction with the nonce of ``entry``."""
        return self.web3.eth.get_transaction_count(self.account.address) > entry.nonce

    def _lost(self, entry: PendingTransaction) -> TransactionLost:
        self._forget(entry.nonce)
        message = f"Expected nonce {entry.nonce} of {self.address} free, was taken by another"
        return TransactionLost("nonce_taken", message, nonce=entry.nonce)

    def _keep_alive(self, entry: PendingTransaction) -> None:
        """Send ``entry`` again where the node lost it, at a higher fee where it is stuck."""
        with self._lock:
            age = self._clock() - self._sent_at.setdefault(entry.nonce, self._clock())
            stuck = age >= self.policy.stuck_seconds
            if not stuck and not self._known(entry):
                stuck = self._broadcast(entry) is SendAnswer.UNDERPRICED
            if stuck:
                self._replace(entry)

    def _replace(self, entry: PendingTransaction) -> None:
        """Sign ``entry`` again at a higher fee and send it; where the limit forbids, as it is."""
        fees = self.policy.raised(Fees.of(entry.fields), self._suggested_fees())
        if self.policy.allows(fees):
            fields: Any = {**_restored(entry.fields), **fees.fields()}
            newer = self._sign(fields)
            entry.fields, entry.raw = newer.fields, newer.raw
            entry.hashes += [item for item in newer.hashes if item not in entry.hashes]
            self._keep(entry)
        self._broadcast(entry)

    def _known(self, entry: PendingTransaction) -> bool:
        try:
            self.web3.eth.get_transaction(HexBytes(entry.hashes[-1]))
        except TransactionNotFound:
            return False
        return True

    # Settling

    def _receipt(
        self, entry: PendingTransaction | None, transaction_hash: HexBytes
    ) -> TxReceipt | None:
        hashes = entry.hashes[::-1] if entry else [transaction_hash.to_0x_hex()]
        for known in hashes:
            try:
                receipt = self.web3.eth.get_transaction_receipt(known)  # type: ignore[arg-type]
            except TransactionNotFound:
                continue
            if receipt["blockNumber"] is not None:
                return receipt
        return None

    def _settle(self, entry: PendingTransaction | None, receipt: TxReceipt) -> TxReceipt:
        if entry is not None:
            self._forget(entry.nonce)
        if receipt["status"] == 0:
            raise why_reverted(self.web3, receipt)
        return receipt

    def _entry(self, transaction_hash: HexBytes) -> PendingTransaction | None:
        known = transaction_hash.to_0x_hex()
        with self._lock:
            return next((e for e in self._pending.values() if known in e.hashes), None)

    def _keep(self, entry: PendingTransaction) -> None:
        self._outbox.save(entry)
        self._pending[entry.nonce] = entry

    def _forget(self, nonce: int) -> None:
        with self._lock:
            self._outbox.remove(nonce)
            self._pending.pop(nonce, None)
            self._sent_at.pop(nonce, None)


def _text(value: Any) -> str:
    """Return a field of a transaction as text: bytes in hexadecimal, integers in decimals."""
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)


def _restored(fields: dict[str, str]) -> dict[str, Any]:
    """Return the fields of a kept transaction; a deployment has an empty recipient."""
    restored: dict[str, Any] = {
        name: text if text.startswith("0x") else int(text) for name, text in fields.items()
    }
    return {**restored, "to": b""} if restored.get("to") == "0x" else restored
