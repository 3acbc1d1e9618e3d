"""Who takes the steps of an actor whose key this side can reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gavelbook.errors import GavelbookError
from gavelbook.service.acting import AccountKind

if TYPE_CHECKING:
    from gavelbook.service.acting import Actor, Signer, Step
    from gavelbook.service.managed_signer import ManagedSigner


class SignerError(GavelbookError):
    """A step cannot be taken here: nothing was signed and nothing was sent."""


class Signers:
    """The signers of each kind of account. Safe to share between threads."""

    def __init__(self, demo: Signer, managed: ManagedSigner | None = None) -> None:
        """Take the steps of demo accounts and, where there is a signer for them, managed ones."""
        self._by_kind: dict[AccountKind, Signer] = {AccountKind.DEMO: demo}
        self._managed = managed
        if managed is not None:
            self._by_kind[AccountKind.MANAGED] = managed

    def reach(self, actor: Actor) -> bool:
        """Return whether somebody here signs for ``actor``."""
        return actor.kind in self._by_kind

    def check(self, actor: Actor) -> None:
        """Make sure that a managed account's session goes on; others have none to ask for.

        Raises:
            AccountsError: ``unknown_session``, or the signer does not answer.

        """
        if actor.kind is AccountKind.MANAGED and self._managed is not None:
            self._managed.check(actor)

    def take(self, actor: Actor, step: Step) -> bytes | str:
        """Return the answer to ``step``.

        Raises:
            SignerError: ``signer_missing``: only the owner of the key can take it.
            GavelbookError: as the signer of this kind of account.

        """
        signer = self._by_kind.get(actor.kind)
        if signer is None:
            message = f"Expected an account that somebody here signs for, was a {actor.kind} one"
            raise SignerError("signer_missing", message)
        return signer.take(actor, step)
