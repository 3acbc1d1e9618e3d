"""Who comes in: registering, signing in, passwords and sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gavelbook.accounts.errors import AccountsError
from gavelbook.accounts.names import account_name, check_password
from gavelbook.accounts.trail import Doing

if TYPE_CHECKING:
    from gavelbook.accounts.bodies import Secret
    from gavelbook.accounts.passwords import Passwords
    from gavelbook.accounts.registry import Account, Registry
    from gavelbook.accounts.sessions import Session, Sessions
    from gavelbook.accounts.throttle import Throttle
    from gavelbook.accounts.trail import Trail


@dataclass(frozen=True, slots=True)
class Visit:
    """An account that acts in one of its sessions."""

    account: Account
    session: Session


class Doorkeeper:
    """Lets accounts in and out. Safe to share between threads."""

    def __init__(
        self,
        registry: Registry,
        sessions: Sessions,
        passwords: Passwords,
        throttle: Throttle,
        trail: Trail,
    ) -> None:
        self.registry = registry
        self.sessions = sessions
        self._passwords = passwords
        self._throttle = throttle
        self._trail = trail

    def register(self, name: str, password: str, client: str) -> tuple[Secret, Visit]:
        """Open an account and its first session; return the session's token.

        Raises:
            AccountsError: ``name_malformed``, ``name_taken``, ``password_weak``.
            Throttled: ``registration_limited``.

        """
        plain = account_name(name)
        check_password(password, plain)
        self._throttle.register(client)
        if self.registry.taken(plain):
            raise AccountsError("name_taken", "Expected a name that is free, was taken")
        account = self.registry.add(plain, self._passwords.hash(password))
        return self._let_in(account, client, "registered")

    def sign_in(self, name: str, password: str, client: str) -> tuple[Secret, Visit]:
        """Open a session; return its token. It takes as long for a name that nobody has.

        Raises:
            AccountsError: ``sign_in_failed``.
            Throttled: ``throttled``.

        """
        plain = name.strip().lower()
        self._throttle.attempt(plain, client)
        account = self._whose(plain, password)
        self._throttle.succeeded(plain, client)
        with self.registry.at_once():
            # While the password was looked at, which takes long, it may have been changed.
            if self.registry.by_id(account.id).password_hash != account.password_hash:
                account = self._whose(plain, password)
            let_in = self._let_in(account, client, "signed in")
        if self._passwords.outdated(account.password_hash):
            self.registry.renew_password_hash(account, self._passwords.hash(password))
        return let_in

    def visit(self, token: str) -> Visit:
        """Return whose session ``token`` opens.

        Raises:
            AccountsError: ``unknown_session``.

        """
        session = self.sessions.find(token)
        account = None if session is None else self.registry.by_id(session.account)
        if session is None or account is None or account.closed_at is not None:
            message = "Expected the token of an open session, was unknown or expired"
            raise AccountsError("unknown_session", message)
        return Visit(account, session)

    def confirm(self, visit: Visit, password: str) -> None:
        """Make sure that ``password`` is the account's.

        Raises:
            AccountsError: ``password_wrong``.
            Throttled: ``throttled``.

        """
        account = self.registry.by_id(visit.account.id)
        self._throttle.attempt(account.name)
        if account.closed_at is not None or not self._passwords.matches(
            account.password_hash, password
        ):
            raise AccountsError("password_wrong", "Expected the account's password, was another")
        self._throttle.succeeded(account.name)

    def change_password(self, visit: Visit, password: str, new: str) -> tuple[Secret, Visit]:
        """Change the password, end all sessions, and return the token of a fresh one.

        Raises:
            AccountsError: ``password_wrong`` or ``password_weak``.
            Throttled: ``throttled``.

        """
        self.confirm(visit, password)
        check_password(new, visit.account.name)
        password_hash = self._passwords.hash(new)
        with self.registry.at_once():
            self.registry.set_password_hash(visit.account, password_hash)
            self.sessions.end_all(visit.account.id)
            return self._let_in(visit.account, visit.session.client, "password changed")

    def sign_out(self, visit: Visit) -> None:
        """End the session of ``visit``."""
        self.sessions.end(visit.account.id, visit.session.id)
        self._trail.add(Doing(visit.account.id, visit.session.id, "signed out"))

    def sign_out_everywhere(self, visit: Visit) -> None:
        """End all sessions of the account."""
        self.sessions.end_all(visit.account.id)
        self._trail.add(Doing(visit.account.id, visit.session.id, "signed out everywhere"))

    def revoke(self, visit: Visit, session_id: str) -> None:
        """End another session of the account.

        Raises:
            AccountsError: ``session_unknown``.

        """
        if not self.sessions.end(visit.account.id, session_id):
            raise AccountsError("session_unknown", "Expected an open session of this account")
        self._trail.add(Doing(visit.account.id, visit.session.id, "session ended"))

    def _whose(self, name: str, password: str) -> Account:
        account = self.registry.by_name(name)
        known_hash = None if account is None else account.password_hash
        if not self._passwords.matches(known_hash, password) or account is None:
            message = "Expected the name and password of an account, was another"
            raise AccountsError("sign_in_failed", message)
        return account

    def _let_in(self, account: Account, client: str, kind: str) -> tuple[Secret, Visit]:
        self._throttle.know(account.name, client)
        token, session = self.sessions.open(account.id, client)
        lines = (("From", client),) if client else ()
        self._trail.add(Doing(account.id, session.id, kind, summary=lines))
        return token, Visit(account, session)
