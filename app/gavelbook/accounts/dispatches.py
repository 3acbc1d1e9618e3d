"""What was signed to be sent, and the outbox of it: both written before anything leaves."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from gavelbook.accounts.trail import Doing
from gavelbook.chain.outbox import PendingTransaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from gavelbook.accounts.store import AccountsStore
    from gavelbook.accounts.trail import Trail

_COLUMNS = (
    "id, account, session, request_id, content_hash, kind, title, summary, value, sender, nonce, "
    "hashes, at, state, error_code, error_message"
)
GAS_KIND = "gas"
TRANSFER = "transfer-"
"""Before the id of a transfer, in its request: what clients choose has none such."""


class State(StrEnum):
    """What became of a transaction."""

    SIGNED = "signed"
    """It may be on its way, and is followed until it is in a block."""
    DONE = "done"
    FAILED = "failed"
    """It reverted, or never left."""


class Dispatched(NamedTuple):
    """A transaction that was signed; ``hashes`` as JSON, the one that counts last."""

    id: int
    account: int
    session: str
    request_id: str
    content_hash: bytes
    kind: str
    title: str
    summary: str
    value: str
    sender: str
    nonce: int
    hashes: str
    at: int
    state: str
    error_code: str
    error_message: str

    @property
    def all_hashes(self) -> list[str]:
        """All hashes under which it was sent."""
        hashes: list[str] = json.loads(self.hashes)
        return hashes

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """What it means: pairs of label and text."""
        return tuple((label, text) for label, text in json.loads(self.summary))


@dataclass(frozen=True, slots=True)
class Purpose:
    """Why a transaction is sent; one ``request_id`` of an account is sent once.

    ``value`` is in wei. ``when_signed`` writes what has to be true from the signature on, in the
    same commit, and may raise to keep it from leaving.
    """

    account: int
    session: str
    request_id: str
    content_hash: bytes
    kind: str
    title: str
    summary: tuple[tuple[str, str], ...]
    value: int = 0
    when_signed: Callable[[sqlite3.Connection], None] | None = None


class Dispatches:
    """The book of all transactions of all accounts, and of the gas account."""

    def __init__(self, store: AccountsStore, trail: Trail, clock: Callable[[], int]) -> None:
        self._store = store
        self._trail = trail
        self._clock = clock

    def find(self, account: int, request_id: str) -> Dispatched | None:
        """Return the transaction of a request; None where none was signed."""
        return self._one("account = ? AND request_id = ?", account, request_id)

    def unfinished(self) -> list[Dispatched]:
        """Return what is not known to be in a block, oldest first."""
        return self._many("state = ? ORDER BY id", State.SIGNED)

    def unfinished_gas(self, account: int) -> Dispatched | None:
        """Return a gift of gas to ``account`` that is not known to be in a block."""
        return self._one("account = ? AND kind = ? AND state = ?", account, GAS_KIND, State.SIGNED)

    def gas_given(self, since_ms: int, account: int | None = None) -> int:
        """Return the wei given for gas since then, to ``account`` or to all."""
        rows = self._many(
            "kind = ? AND state != ? AND at > ? AND (? IS NULL OR account = ?)",
            GAS_KIND, State.FAILED, since_ms, account, account,
        )  # fmt: skip
        return sum(int(row.value) for row in rows)

    def signed(self, sender: str, transaction: PendingTransaction, purpose: Purpose | None) -> None:
        """Write a signed transaction down, before it is sent, with an entry in the trail."""
        with self._store.writing() as database:
            known = self._one(
                "sender = ? AND nonce = ? AND state = ?", sender, transaction.nonce, State.SIGNED
            )
            if known is None:
                if purpose is None:
                    raise ValueError("a transaction without a purpose")
                known = self._begin(database, sender, transaction, purpose)
            hashes = known.all_hashes
            fresh = [each for each in transaction.hashes if each not in hashes]
            database.execute(
                "UPDATE dispatches SET hashes = ? WHERE id = ?",
                (json.dumps(hashes + fresh), known.id),
            )
            for each in fresh:
                self._note(known, f"{known.kind} signed", each)

    def finish(
        self, known: Dispatched, state: State, transaction: str = "", code: str = "", text: str = ""
    ) -> None:
        """Write down what became of a transaction, and of the transfer it was for, once."""
        with self._store.writing() as database:
            hashes = [each for each in known.all_hashes if each != transaction]
            settled = database.execute(
                "UPDATE dispatches SET state = ?, hashes = ?, error_code = ?, error_message = ? "
                "WHERE id = ? AND state = ?",
                (
                    state,
                    json.dumps(hashes + [transaction] * bool(transaction)),
                    code,
                    text,
                    known.id,
                    State.SIGNED,
                ),
            )
            if not settled.rowcount:
                return
            database.execute(
                "UPDATE transfers SET state = ?, transaction_hash = ? "
                "WHERE ? || id = ? AND account = ?",
                (state, transaction, TRANSFER, known.request_id, known.account),
            )
            self._note(known, f"{known.kind} {state}", transaction, code)

    def _begin(
        self,
        database: sqlite3.Connection,
        sender: str,
        transaction: PendingTransaction,
        purpose: Purpose,
    ) -> Dispatched:
        if purpose.when_signed is not None:
            purpose.when_signed(database)
        database.execute(
            "INSERT INTO dispatches (account, session, request_id, content_hash, kind, title, "
            "summary, value, sender, nonce, hashes, at, state, error_code, error_message) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '[]', ?, ?, '', '')",
            (
                purpose.account,
                purpose.session,
                purpose.request_id,
                purpose.content_hash,
                purpose.kind,
                purpose.title,
                json.dumps(purpose.summary),
                str(purpose.value),
                sender,
                transaction.nonce,
                self._clock(),
                State.SIGNED,
            ),
        )
        begun = self.find(purpose.account, purpose.request_id)
        assert begun is not None  # noqa: S101 -- written above
        return begun

    def _note(self, known: Dispatched, kind: str, transaction: str, code: str = "") -> None:
        lines = (*known.lines, ("Refused with", code)) if code else known.lines
        self._trail.add(
            Doing(known.account, known.session, kind, "", known.title, lines, transaction)
        )

    def _one(self, condition: str, *values: str | int) -> Dispatched | None:
        return next(iter(self._many(condition, *values)), None)

    def _many(self, condition: str, *values: str | int | None) -> list[Dispatched]:
        rows = self._store.rows(
            f"SELECT {_COLUMNS} FROM dispatches WHERE {condition}",  # noqa: S608 -- of our own
            *values,
        )
        return [Dispatched(*row) for row in rows]


class DispatchOutbox:
    """The outbox of ``sender``: what it keeps is in the book and in the trail by then."""

    def __init__(self, store: AccountsStore, book: Dispatches, sender: str) -> None:
        self._store = store
        self._book = book
        self._sender = sender
        self.purpose: Purpose | None = None
        """Of what is sent next; what is sent again has its own already."""

    def save(self, transaction: PendingTransaction) -> None:
        """Keep ``transaction`` in place of the one with its nonce."""
        with self._store.writing() as database:
            self._book.signed(self._sender, transaction, self.purpose)
            database.execute(
                "INSERT OR REPLACE INTO outbox VALUES (?, ?, ?)",
                (self._sender, transaction.nonce, json.dumps(asdict(transaction))),
            )

    def remove(self, nonce: int) -> None:
        """Forget the transaction with ``nonce``, if there is one."""
        with self._store.writing() as database:
            database.execute(
                "DELETE FROM outbox WHERE sender = ? AND nonce = ?", (self._sender, nonce)
            )

    def pending(self) -> list[PendingTransaction]:
        """Return all transactions kept, lowest nonce first."""
        rows = self._store.rows(
            "SELECT transaction_json FROM outbox WHERE sender = ? ORDER BY nonce", self._sender
        )
        return [PendingTransaction(**json.loads(row[0])) for row in rows]

    def holds(self, nonce: int) -> bool:
        """Return whether the transaction with ``nonce`` is kept."""
        return any(each.nonce == nonce for each in self.pending())
