"""Gas for users: topped up just before a transaction, so that nobody needs ether."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from gavelbook.accounts.dispatches import GAS_KIND, Purpose
from gavelbook.accounts.errors import AccountsError
from gavelbook.accounts.store import DAY_MS
from gavelbook.chain.errors import InsufficientFunds
from gavelbook.chain.ether import TRANSFER_GAS, EtherTransfer
from gavelbook.service.amounts import decimal_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from gavelbook.accounts.dispatches import Dispatches
    from gavelbook.accounts.posting import Post
    from gavelbook.accounts.registry import Account

_ETHER_DECIMALS = 18
# The block of the gift itself can raise the base fee by an eighth before the transaction.
_ROOM_NUMERATOR, _ROOM_DENOMINATOR = 5, 4


class GasStation:
    """Gives ether from one account; bounds are in wei in 24 hours, for each user and in all."""

    def __init__(  # noqa: PLR0913 -- what it needs and what bounds it
        self,
        post: Post,
        book: Dispatches,
        clock: Callable[[], int],
        *,
        per_account: int,
        in_all: int,
        wait_seconds: float,
    ) -> None:
        self._post = post
        self._book = book
        self._clock = clock
        self._per_account = per_account
        self.in_all = in_all
        self._wait_seconds = wait_seconds

    @property
    def address(self) -> str:
        """The account that pays."""
        return self._post.address

    def left(self) -> int:
        """Return the wei that the account holds."""
        return int(self._post.sender.web3.eth.get_balance(self._checksummed(self.address)))

    def spent(self) -> int:
        """Return the wei given in the last 24 hours."""
        return self._book.gas_given(self._clock() - DAY_MS)

    def provide(self, account: Account, session: str, gas: int) -> None:
        """Make sure that ``account`` can pay ``gas``, and return once it can.

        Raises:
            AccountsError: ``gas_allowance_spent``, ``gas_account_empty``, or ``not_mined``.
            ChainUnreachable: the node does not answer.

        """
        pending = self._book.unfinished_gas(account.id)
        if pending is not None:
            self._post.settle(pending, self._wait_seconds)
        web3 = self._post.sender.web3
        fee = self._post.sender.policy.suggested(web3).max_fee
        held = int(web3.eth.get_balance(self._checksummed(account.address)))
        if held >= gas * fee:
            return
        missing = gas * fee * _ROOM_NUMERATOR // _ROOM_DENOMINATOR - held
        with self._post.turn:
            self._check(account, missing)
            amount = f"{decimal_text(missing, _ETHER_DECIMALS)} ETH"
            purpose = Purpose(
                account=account.id,
                session=session,
                request_id=f"gas-{secrets.token_hex(16)}",
                content_hash=b"",
                kind=GAS_KIND,
                title="",
                summary=(("Gas from the operator", amount),),
                value=missing,
            )
            call = EtherTransfer(web3, account.address)
            try:
                sent = self._post.send(purpose, call, missing, gas=TRANSFER_GAS)
            except InsufficientFunds as error:
                message = "Expected ether in the operator's gas account, was too little"
                raise AccountsError("gas_account_empty", message) from error
        self._post.settle(sent, self._wait_seconds)

    def _check(self, account: Account, missing: int) -> None:
        since = self._clock() - DAY_MS
        own = self._book.gas_given(since, account.id)
        if own + missing > self._per_account:
            raise _spent("this account", own + missing, self._per_account)
        given = self._book.gas_given(since)
        if given + missing > self.in_all:
            raise _spent("all accounts", given + missing, self.in_all)

    def _checksummed(self, address: str) -> Any:
        return self._post.sender.web3.to_checksum_address(address)


def _spent(whose: str, needed: int, most: int) -> AccountsError:
    amounts = [decimal_text(wei, _ETHER_DECIMALS) for wei in (most, needed)]
    message = (
        f"Expected at most {amounts[0]} ETH of gas for {whose} in 24 hours, "
        f"would be {amounts[1]}: try again later"
    )
    return AccountsError("gas_allowance_spent", message)
