"""Tokens sent to somebody else: asked for, then confirmed with the password."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, NamedTuple

from gavelbook.accounts.dispatches import TRANSFER, Purpose, State
from gavelbook.accounts.errors import AccountsError
from gavelbook.accounts.policy import check_destination
from gavelbook.accounts.trail import Doing
from gavelbook.chain.token import Token

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from web3 import Web3

    from gavelbook.accounts.doorkeeper import Doorkeeper, Visit
    from gavelbook.accounts.policy import KnownToken
    from gavelbook.accounts.posting import Post
    from gavelbook.accounts.sending_desk import SendingDesk
    from gavelbook.accounts.store import AccountsStore
    from gavelbook.accounts.trail import Trail
    from gavelbook.accounts.transfer_limits import Limit, TransferLimits
    from gavelbook.accounts.venue_reader import VenueReader

ASKED, DROPPED = "asked", "dropped"
CONFIRM_MS = 10 * 60 * 1000
_MOST_ASKED = 20
_MOST_LISTED = 100
_COLUMNS = "id, account, token, amount, recipient, state, asked_at, expires_at, transaction_hash"
_KIND = "transfer"


class Transfer(NamedTuple):
    """A transfer of ``amount`` base units (as decimal text). Times in Unix milliseconds.

    ``state`` is asked, dropped, or what a `State` says of its transaction.
    """

    id: str
    account: int
    token: str
    amount: str
    recipient: str
    state: str
    asked_at: int
    expires_at: int
    transaction: str


class Transfers:
    """Asks, confirms and sends transfers. Safe to share between threads."""

    def __init__(  # noqa: PLR0913, PLR0917 -- everything a transfer passes through
        self,
        web3: Web3,
        store: AccountsStore,
        reader: VenueReader,
        limits: TransferLimits,
        doorkeeper: Doorkeeper,
        sending: SendingDesk,
        trail: Trail,
        clock: Callable[[], int],
    ) -> None:
        self._web3 = web3
        self._store = store
        self._reader = reader
        self.limits = limits
        self._doorkeeper = doorkeeper
        self._sending = sending
        self._trail = trail
        self._clock = clock

    def known_token(self, address: str) -> KnownToken:
        """Return a token; refused with ``token_unknown``."""
        venue = self._reader.venue()
        if address not in venue.tokens:
            venue = self._reader.venue(again=True)
        return venue.token(address)

    def ask(self, visit: Visit, token_address: str, amount: int, to: str) -> Transfer:
        """Write down what is to be sent; nothing is sent.

        Raises:
            PolicyError: as `check_destination`, or ``token_unknown``.
            AccountsError: ``amount_zero``, ``balance_short``, ``daily_limit``, or
                ``too_many_transfers`` that wait to be confirmed.

        """
        token = self.known_token(token_address)
        recipient = self._checked(visit, token, amount, to)
        now = self._clock()
        transfer = Transfer(
            secrets.token_hex(16), visit.account.id, token.address, str(amount), recipient, ASKED,
            now, now + CONFIRM_MS, "",
        )  # fmt: skip
        with self._store.writing() as database:
            database.execute(
                "DELETE FROM transfers WHERE account = ? AND state = ? AND expires_at <= ?",
                (visit.account.id, ASKED, now),
            )
            waiting: int = database.execute(
                "SELECT count(*) FROM transfers WHERE account = ? AND state = ?",
                (visit.account.id, ASKED),
            ).fetchone()[0]
            if waiting >= _MOST_ASKED:
                message = f"Expected fewer than {_MOST_ASKED} transfers to confirm, was {waiting}"
                raise AccountsError("too_many_transfers", message)
            database.execute(
                f"INSERT INTO transfers ({_COLUMNS}, sent_at) "  # noqa: S608 -- of names above
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
                transfer,
            )
            self._trail.add(
                Doing(
                    visit.account.id,
                    visit.session.id,
                    "transfer asked for",
                    summary=_summary(token, transfer),
                )
            )
        return transfer

    def confirm(self, visit: Visit, transfer_id: str, password: str) -> Transfer:
        """Send a transfer and return it once it is in a block. Asked again, it is sent once.

        Raises:
            AccountsError: ``transfer_unknown``, ``transfer_expired``, ``transfer_settled``,
                ``password_wrong``, ``daily_limit``, and as `SendingDesk.send_transaction`.
            Throttled: ``throttled``.

        """
        self._doorkeeper.confirm(visit, password)
        with self._sending.turn(visit.account) as post:
            return self.send(visit, post, transfer_id)

    def send(self, visit: Visit, post: Post, transfer_id: str) -> Transfer:
        """Send a confirmed transfer in the account's turn; errors as `confirm`."""
        transfer = self.own(visit, transfer_id)
        token = self.known_token(transfer.token)
        request_id = f"{TRANSFER}{transfer.id}"
        sent = self._sending.dispatched(visit.account, request_id)
        if sent is None:
            self._check_open(transfer)
            amount = int(transfer.amount)
            self._checked(visit, token, amount, transfer.recipient)

            def book(database: sqlite3.Connection) -> None:
                # Once more: another one may have been confirmed, or this dropped, a moment ago.
                self._check_open(self.own(visit, transfer.id))
                self.limits.check(visit.account.id, token, amount)
                database.execute(
                    "UPDATE transfers SET state = ?, sent_at = ? WHERE id = ?",
                    (State.SIGNED, self._clock(), transfer.id),
                )

            purpose = Purpose(
                account=visit.account.id,
                session=visit.session.id,
                request_id=request_id,
                content_hash=b"",
                kind=_KIND,
                title="",
                summary=_summary(token, transfer),
                when_signed=book,
            )
            call = Token(self._web3, token.address).transfer(transfer.recipient, amount)
            sent = self._sending.send(visit, post, purpose, call)
        self._sending.settle(post, sent)
        return self.own(visit, transfer.id)

    def set_limit(self, visit: Visit, token: KnownToken, amount: int, password: str) -> Limit:
        """Set the account's limit, now or in 24 hours, and return how it stands.

        Raises:
            AccountsError: ``password_wrong``.
            Throttled: ``throttled``.

        """
        self._doorkeeper.confirm(visit, password)
        with self._store.writing():
            limit = self.limits.set(visit.account.id, token, amount)
            lines = (("At most in 24 hours", token.amount(amount)), ("Token", token.address))
            kind = "limit set" if limit.next_at is None else "higher limit asked for"
            self._trail.add(Doing(visit.account.id, visit.session.id, kind, summary=lines))
        return limit

    def drop(self, visit: Visit, transfer_id: str) -> None:
        """Forget a transfer that was not confirmed.

        Raises:
            AccountsError: ``transfer_unknown`` or ``transfer_settled``.

        """
        with self._store.writing() as database:
            transfer = self.own(visit, transfer_id)
            if transfer.state != ASKED:
                raise _settled(transfer)
            database.execute("UPDATE transfers SET state = ? WHERE id = ?", (DROPPED, transfer.id))

    def of(self, visit: Visit) -> list[Transfer]:
        """Return the newest transfers of the account, newest first."""
        rows = self._store.rows(
            f"SELECT {_COLUMNS} FROM transfers WHERE account = ? "  # noqa: S608
            "ORDER BY asked_at DESC, rowid DESC LIMIT ?",
            visit.account.id,
            _MOST_LISTED,
        )
        return [Transfer(*row) for row in rows]

    def own(self, visit: Visit, transfer_id: str) -> Transfer:
        """Return a transfer of the account; refused with ``transfer_unknown``."""
        row = self._store.row(
            f"SELECT {_COLUMNS} FROM transfers WHERE account = ? AND id = ?",  # noqa: S608
            visit.account.id,
            transfer_id,
        )
        if row is None:
            raise AccountsError("transfer_unknown", "Expected a transfer of this account")
        return Transfer(*row)

    def _checked(self, visit: Visit, token: KnownToken, amount: int, to: str) -> str:
        """Return the recipient of a transfer that may be sent."""
        owner = self._reader.owner(visit.account.address)
        recipient = check_destination(self._reader.venue(), owner, to)
        if amount <= 0:
            raise AccountsError("amount_zero", "Expected an amount above zero, was zero")
        self.limits.check(visit.account.id, token, amount)
        held = Token(self._web3, token.address).balance_of(owner.address)
        if amount > held:
            message = f"Expected at most {token.amount(held)} held, was {token.amount(amount)}"
            raise AccountsError("balance_short", message, held=held)
        return recipient

    def _check_open(self, transfer: Transfer) -> None:
        if transfer.state != ASKED:
            raise _settled(transfer)
        if self._clock() >= transfer.expires_at:
            message = "Expected a transfer asked for within 10 minutes, was older: ask again"
            raise AccountsError("transfer_expired", message)


def _settled(transfer: Transfer) -> AccountsError:
    message = f"Expected a transfer that waits to be confirmed, was {transfer.state}"
    return AccountsError("transfer_settled", message, state=transfer.state)


def _summary(token: KnownToken, transfer: Transfer) -> tuple[tuple[str, str], ...]:
    amount = token.amount(int(transfer.amount))
    return (("Send", amount), ("Token", token.address), ("To", transfer.recipient))
