"""Sending the transactions of one account, each once, whatever happens in between."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from hexbytes import HexBytes

from gavelbook.accounts.dispatches import DispatchOutbox, State
from gavelbook.accounts.errors import AccountsError
from gavelbook.chain.errors import TransactionLost, TransactionRefused
from gavelbook.chain.sender import Sender

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount
    from web3 import Web3

    from gavelbook.accounts.dispatches import Dispatched, Dispatches, Purpose
    from gavelbook.accounts.store import AccountsStore
    from gavelbook.chain.fees import FeePolicy
    from gavelbook.chain.trying import Call

_NOT_MINED = "not_mined"
_MOST_WAITING = 6


class Post:
    """Signs and sends as ``key``. One call of `send` at a time; `settle` from any thread."""

    def __init__(  # noqa: PLR0913, PLR0917 -- everything a transaction is made of
        self,
        web3: Web3,
        key: LocalAccount,
        store: AccountsStore,
        book: Dispatches,
        policy: FeePolicy,
        stopped: threading.Event,
    ) -> None:
        """Prepare; once ``stopped`` is set nothing is waited for."""
        self.address = str(key.address)
        self._book = book
        self._outbox = DispatchOutbox(store, book, self.address)
        self._stopped = stopped
        self.sender = Sender(web3, key, policy=policy, outbox=self._outbox, sleep=self._sleep)
        self.turn = threading.Lock()
        self.queue = threading.BoundedSemaphore(_MOST_WAITING)
        """Who has the turn or waits for it."""

    def send(self, purpose: Purpose, call: Call, value: int = 0, *, gas: int) -> Dispatched:
        """Sign ``call``, write it down, and send it.

        Raises:
            GavelbookError: as `Sender.send`, or what ``purpose.when_signed`` raises; nothing left.

        """
        self._outbox.purpose = purpose
        try:
            self.sender.send(call, value, gas=gas)
        except Exception as error:
            self._give_up(purpose, error)
            raise
        finally:
            self._outbox.purpose = None
        sent = self._book.find(purpose.account, purpose.request_id)
        assert sent is not None  # noqa: S101 -- written before it was sent
        return sent

    def settle(self, sent: Dispatched, seconds: float) -> str:
        """Return the hash of a transaction once it is in a block.

        Raises:
            AccountsError: ``not_mined`` within ``seconds``, or ``stopping``: it is sent, and
                followed now or by the next process. Or the code with which it had failed before.
            TransactionRefused: it reverted.
            TransactionLost: ``nonce_taken``.
            ChainUnreachable: the node does not answer; it is followed.

        """
        if sent.state == State.DONE:
            return sent.all_hashes[-1]
        if sent.state == State.FAILED:
            raise AccountsError(sent.error_code, sent.error_message)
        try:
            mined = self._mined(sent, seconds)
        except TransactionRefused as error:
            reverted = str(error.details.get("transaction", ""))
            self._book.finish(sent, State.FAILED, reverted, error.code, error.message)
            raise
        except TransactionLost as error:
            if error.code == _NOT_MINED:
                raise self._pending(sent) from error
            self._book.finish(sent, State.FAILED, "", error.code, error.message)
            raise
        self._book.finish(sent, State.DONE, mined)
        return mined

    def _mined(self, sent: Dispatched, seconds: float) -> str:
        hashes = [HexBytes(each) for each in sent.all_hashes]
        if self._outbox.holds(sent.nonce):
            receipt = self.sender.wait(hashes[-1], seconds)
            return str(receipt["transactionHash"].to_0x_hex())
        # A process that ended between the receipt and writing it down has left it so.
        for each in reversed(hashes):
            try:
                receipt = self.sender.wait(each, 0)
            except TransactionLost:
                continue
            return str(receipt["transactionHash"].to_0x_hex())
        raise TransactionLost("not_sent", "Expected the node to take a transaction, did not")

    def _give_up(self, purpose: Purpose, error: Exception) -> None:
        """Write down that a signed transaction never left; nothing where none was signed."""
        sent = self._book.find(purpose.account, purpose.request_id)
        if sent is not None and not self._outbox.holds(sent.nonce):
            code = str(getattr(error, "code", "not_sent"))
            text = str(getattr(error, "message", "The transaction was not sent"))
            self._book.finish(sent, State.FAILED, "", code, text)

    def _sleep(self, seconds: float) -> None:
        if self._stopped.wait(seconds):
            message = "Expected time to wait for a block, was asked to stop: ask again"
            raise AccountsError("stopping", message)

    @staticmethod
    def _pending(sent: Dispatched) -> AccountsError:
        latest = sent.all_hashes[-1]
        message = f"Expected {latest} in a block by now, was sent and waits: ask again"
        return AccountsError(_NOT_MINED, message, transaction=latest)
