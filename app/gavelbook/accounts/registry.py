"""The managed accounts: names, password hashes, and which key is whose."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from gavelbook.accounts.errors import AccountsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from eth_account.signers.local import LocalAccount

    from gavelbook.accounts.store import AccountsStore

_COLUMNS = "id, name, password_hash, key_index, address, created_at, closed_at"


class KeySource(Protocol):
    """What gives the keys of accounts, as `HdWallet` does."""

    def managed(self, number: int) -> LocalAccount:
        """Return the key of managed account ``number``, ready to sign."""


class Account(NamedTuple):
    """A managed account. ``closed_at`` is None while it is open; times in Unix milliseconds."""

    id: int
    name: str
    password_hash: str
    key_index: int
    address: str
    created_at: int
    closed_at: int | None

    def __repr__(self) -> str:
        """Leave the hash out."""
        return f"Account(id={self.id}, name={self.name!r}, address={self.address})"


class Registry:
    """Adds and finds accounts. No row ever goes: names and keys are given out once."""

    def __init__(
        self, store: AccountsStore, keys: KeySource, clock: Callable[[], int], first_key: int = 0
    ) -> None:
        """Take ``keys`` from number ``first_key`` on."""
        self._store = store
        self._keys = keys
        self._clock = clock
        self._first_key = first_key

    def add(self, name: str, password_hash: str) -> Account:
        """Give ``name`` the next key.

        Raises:
            AccountsError: ``name_taken``, also by a closed account.

        """
        with self._store.writing() as database:
            if self.taken(name):
                raise AccountsError("name_taken", "Expected a name that is free, was taken")
            highest = database.execute("SELECT max(key_index) FROM accounts").fetchone()[0]
            key_index = self._first_key if highest is None else max(highest + 1, self._first_key)
            address = str(self._keys.managed(key_index).address)
            database.execute(
                "INSERT INTO accounts (name, password_hash, key_index, address, created_at) "
                "VALUES (?, ?, ?, ?, ?)",
                (name, password_hash, key_index, address, self._clock()),
            )
            found = self._find("name", name)
            assert found is not None  # noqa: S101 -- written above
            return found

    def taken(self, name: str) -> bool:
        """Return whether somebody has or had ``name``."""
        return self._find("name", name) is not None

    def by_name(self, name: str) -> Account | None:
        """Return the open account of ``name``."""
        account = self._find("name", name)
        return None if account is None or account.closed_at is not None else account

    def by_id(self, number: int) -> Account:
        """Return an account that is there."""
        account = self._find("id", number)
        if account is None:
            raise AccountsError("account_unknown", f"Expected an account, was number {number}")
        return account

    def count(self) -> int:
        """Return how many accounts are open."""
        row = self._store.row("SELECT count(*) FROM accounts WHERE closed_at IS NULL")
        return int(row[0]) if row else 0

    def key(self, account: Account) -> LocalAccount:
        """Return the key of ``account``.

        Raises:
            AccountsError: ``key_of_another``: the keystore is not the one the account is of.

        """
        key = self._keys.managed(account.key_index)
        if str(key.address) != account.address:
            message = f"Expected the key of {account.address}, was another: is it the keystore?"
            raise AccountsError("key_of_another", message)
        return key

    def at_once(self) -> AbstractContextManager[object]:
        """Return a context that writes all or nothing, and in which nobody else writes."""
        return self._store.writing()

    def set_password_hash(self, account: Account, password_hash: str) -> None:
        """Put ``password_hash`` in place of the account's."""
        with self._store.writing() as database:
            database.execute(
                "UPDATE accounts SET password_hash = ? WHERE id = ?", (password_hash, account.id)
            )

    def renew_password_hash(self, account: Account, password_hash: str) -> None:
        """Put another hash of the same password in place, unless the password was changed."""
        with self._store.writing() as database:
            database.execute(
                "UPDATE accounts SET password_hash = ? WHERE id = ? AND password_hash = ?",
                (password_hash, account.id, account.password_hash),
            )

    def close(self, account: Account) -> None:
        """Close ``account`` for good; its name stays taken, its password is forgotten."""
        with self._store.writing() as database:
            database.execute(
                "UPDATE accounts SET closed_at = ?, password_hash = '' WHERE id = ?",
                (self._clock(), account.id),
            )

    def _find(self, column: str, value: str | int) -> Account | None:
        row = self._store.row(
            f"SELECT {_COLUMNS} FROM accounts WHERE {column} = ?",  # noqa: S608 -- of names above
            value,
        )
        return None if row is None else Account(*row)
