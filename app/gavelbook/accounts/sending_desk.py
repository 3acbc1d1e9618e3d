"""Sending what the policy allows, with gas from the operator, each request once."""

from __future__ import annotations

import hashlib
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from gavelbook.accounts.dispatches import GAS_KIND, Purpose
from gavelbook.accounts.errors import AccountsError
from gavelbook.accounts.policy import understand_call
from gavelbook.chain.exchange import Exchange
from gavelbook.chain.sale import Sale
from gavelbook.chain.token import Token
from gavelbook.errors import GavelbookError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from web3 import Web3
    from web3.contract.contract import ContractFunction

    from gavelbook.accounts.bodies import Transaction
    from gavelbook.accounts.dispatches import Dispatched, Dispatches
    from gavelbook.accounts.doorkeeper import Visit
    from gavelbook.accounts.gas import GasStation
    from gavelbook.accounts.policy import UnderstoodCall
    from gavelbook.accounts.posting import Post
    from gavelbook.accounts.registry import Account, Registry
    from gavelbook.accounts.signing_desk import SigningDesk

_TURN_SECONDS = 60.0
_FOLLOW_SECONDS = 6.0
_PAUSE_SECONDS = 5.0
_CONTRACTS: dict[str, type[Exchange | Sale | Token]] = {
    "Exchange": Exchange,
    "TokenSale": Sale,
    "FixedSupplyToken": Token,
}


class SendingDesk:
    """Sends for accounts, one transaction of each at a time. Safe to share between threads."""

    def __init__(  # noqa: PLR0913, PLR0917 -- everything a transaction passes through
        self,
        web3: Web3,
        registry: Registry,
        book: Dispatches,
        gas: GasStation,
        judging: SigningDesk,
        new_post: Callable[[Account], Post],
        *,
        wait_seconds: float,
    ) -> None:
        self._web3 = web3
        self._registry = registry
        self._book = book
        self._gas = gas
        self._judging = judging
        self._new_post = new_post
        self._wait_seconds = wait_seconds
        self._posts: dict[int, Post] = {}
        self._lock = threading.Lock()

    def send_transaction(self, visit: Visit, asked: Transaction) -> Dispatched:
        """Send what ``asked`` says, wait for its block, and return it.

        Raises:
            PolicyError: as `understand_call`.
            AccountsError: ``request_id_reused`` for another transaction, ``account_busy``,
                ``gas_allowance_spent``, ``gas_account_empty``, ``not_mined``.
            ChainError: as `Sender.send` and `Sender.wait`.

        """
        to, data, value = asked.to.text(), bytes(asked.data), int(asked.value)
        content = hashlib.sha256(f"{to} {value} ".encode() + data).digest()
        with self.turn(visit.account) as post:
            sent = self._book.find(visit.account.id, asked.request_id)
            if sent is None:
                call = self._judging.judge(
                    visit.account.address,
                    lambda venue, owner: understand_call(venue, owner, to, data, value),
                )
                purpose = Purpose(
                    account=visit.account.id,
                    session=visit.session.id,
                    request_id=asked.request_id,
                    content_hash=content,
                    kind=call.kind,
                    title=asked.title,
                    summary=tuple((line.label, line.text) for line in call.lines),
                )
                sent = self.send(visit, post, purpose, self._function(call))
            elif sent.content_hash != content:
                message = "Expected a request id of its own, was that of another transaction"
                raise AccountsError("request_id_reused", message)
            post.settle(sent, self._wait_seconds)
        found = self._book.find(visit.account.id, asked.request_id)
        assert found is not None  # noqa: S101 -- it was sent
        return found

    def send(
        self, visit: Visit, post: Post, purpose: Purpose, call: ContractFunction
    ) -> Dispatched:
        """Send ``call`` in the account's turn, with gas; errors as `send_transaction`."""
        gas = post.sender.estimate_gas(call)
        self._gas.provide(visit.account, visit.session.id, gas)
        return post.send(purpose, call, gas=gas)

    def dispatched(self, account: Account, request_id: str) -> Dispatched | None:
        """Return the transaction of a request; None where none was signed."""
        return self._book.find(account.id, request_id)

    def settle(self, post: Post, sent: Dispatched) -> str:
        """Return the hash of ``sent`` once it is in a block; errors as `Post.settle`."""
        return post.settle(sent, self._wait_seconds)

    @contextmanager
    def turn(self, account: Account) -> Iterator[Post]:
        """Return what sends for ``account``, for this thread alone.

        Raises:
            AccountsError: ``account_busy``, where too many wait, or one for too long;
                ``account_closed`` meanwhile.

        """
        post = self._post(account)
        # Else one account could hold all threads of the server.
        if not post.queue.acquire(blocking=False):
            raise _busy()
        try:
            if not post.turn.acquire(timeout=_TURN_SECONDS):
                raise _busy()
            try:
                if self._registry.by_id(account.id).closed_at is not None:
                    message = "Expected an open account, was closed a moment ago"
                    raise AccountsError("account_closed", message)
                yield post
            finally:
                post.turn.release()
        finally:
            post.queue.release()

    def is_under_way(self, account: Account) -> bool:
        """Return whether a transaction of ``account`` is not known to be in a block."""
        return any(sent.account == account.id for sent in self._book.unfinished())

    def follow(self, gas_post: Post, stopped: threading.Event) -> None:
        """See to what nobody waits for any more, until ``stopped``."""
        while not stopped.is_set():
            for sent in self._book.unfinished():
                if stopped.is_set():
                    return
                self._see_to(gas_post, sent)
            stopped.wait(_PAUSE_SECONDS)

    def _see_to(self, gas_post: Post, sent: Dispatched) -> None:
        try:
            if sent.kind == GAS_KIND:
                gas_post.settle(sent, _FOLLOW_SECONDS)
            else:
                self._post(self._registry.by_id(sent.account)).settle(sent, _FOLLOW_SECONDS)
        except Exception as error:  # noqa: BLE001 -- the others are seen to all the same
            code = error.code if isinstance(error, GavelbookError) else type(error).__name__
            log = structlog.get_logger()
            log.warning("transaction_unfinished", code=code, dispatch=sent.id)

    def _post(self, account: Account) -> Post:
        with self._lock:
            if account.id not in self._posts:
                self._posts[account.id] = self._new_post(account)
            return self._posts[account.id]

    def _function(self, call: UnderstoodCall) -> ContractFunction:
        """Return the call put together anew from what was understood."""
        contract = _CONTRACTS[call.contract](self._web3, call.address).contract
        function: ContractFunction = contract.get_function_by_name(call.function)(
            *call.arguments.values()
        )
        return function


def _busy() -> AccountsError:
    message = "Expected the account's last transaction in a block by now, was pending"
    return AccountsError("account_busy", message)
