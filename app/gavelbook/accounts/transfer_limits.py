"""How much of a token may leave an account in 24 hours."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gavelbook.accounts.dispatches import State
from gavelbook.accounts.errors import AccountsError
from gavelbook.accounts.policy.venue import UNLIMITED
from gavelbook.accounts.store import DAY_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gavelbook.accounts.policy import KnownToken
    from gavelbook.accounts.store import AccountsStore


class Limit(NamedTuple):
    """Base units in any 24 hours. ``next_amount`` holds from ``next_at`` (Unix ms) on."""

    amount: int
    left: int
    next_amount: int | None
    next_at: int | None


class TransferLimits:
    """Keeps limits. A lower one holds at once, a higher one after 24 hours."""

    def __init__(
        self,
        store: AccountsStore,
        clock: Callable[[], int],
        whole_tokens: int,
        of_tokens: Mapping[str, int],
    ) -> None:
        """Take the limits of accounts that set none: ``whole_tokens``, or as ``of_tokens`` says."""
        self._store = store
        self._clock = clock
        self._whole_tokens = whole_tokens
        self._of_tokens = {address.lower(): whole for address, whole in of_tokens.items()}

    def of(self, account: int, token: KnownToken) -> Limit:
        """Return the limit of ``account`` for ``token`` as it stands."""
        amount, next_amount, next_at = self._kept(account, token)
        left = max(0, amount - self._used(account, token))
        return Limit(amount, left, next_amount, next_at)

    def check(self, account: int, token: KnownToken, amount: int) -> None:
        """Refuse what is beyond the limit.

        Raises:
            AccountsError: ``daily_limit``.

        """
        limit = self.of(account, token)
        if amount > limit.left:
            message = (
                f"Expected at most {token.amount(limit.left)}, which is what is left of the limit "
                f"of {token.amount(limit.amount)} in 24 hours, was {token.amount(amount)}"
            )
            raise AccountsError("daily_limit", message, left=limit.left, limit=limit.amount)

    def set(self, account: int, token: KnownToken, amount: int) -> Limit:
        """Set the limit, now or in 24 hours, and return how it stands."""
        now = self._clock()
        with self._store.writing() as database:
            current, *_ = self._kept(account, token)
            if amount <= current:
                row = (account, token.address, str(amount), "", 0)
            else:
                row = (account, token.address, str(current), str(amount), now + DAY_MS)
            database.execute("INSERT OR REPLACE INTO limits VALUES (?, ?, ?, ?, ?)", row)
        return self.of(account, token)

    def _kept(self, account: int, token: KnownToken) -> tuple[int, int | None, int | None]:
        row = self._store.row(
            "SELECT amount, next_amount, next_at FROM limits WHERE account = ? AND token = ?",
            account,
            token.address,
        )
        if row is None:
            whole = self._of_tokens.get(token.address.lower(), self._whole_tokens)
            # A token may name so many decimals that no amount would hold it.
            return min(whole * 10**token.decimals, UNLIMITED), None, None
        amount, next_amount, next_at = row
        if not next_amount:
            return int(amount), None, None
        if next_at <= self._clock():
            return int(next_amount), None, None
        return int(amount), int(next_amount), int(next_at)

    def _used(self, account: int, token: KnownToken) -> int:
        rows = self._store.rows(
            "SELECT amount FROM transfers WHERE account = ? AND token = ? AND state IN (?, ?) "
            "AND sent_at > ?",
            account,
            token.address,
            State.SIGNED,
            State.DONE,
            self._clock() - DAY_MS,
        )
        return sum(int(row[0]) for row in rows)
