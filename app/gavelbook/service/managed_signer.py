"""Managed accounts, whose keys the signer holds: the pages only hand on what is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from gavelbook.chain.following import Outgoing
from gavelbook.service.acting import SendTransaction, SignMessage, SignTypedData

if TYPE_CHECKING:
    from gavelbook.accounts.client import AccountsClient
    from gavelbook.service.acting import Actor, Step


class ManagedSigner:
    """Has the signer take the steps of managed accounts. Safe to share between threads.

    An actor's ``session`` is the token of its session with the signer, which checks it each time.
    """

    def __init__(self, client: AccountsClient) -> None:
        """Ask the signer that ``client`` speaks to."""
        self._client = client

    def check(self, actor: Actor) -> None:
        """Make sure that the session of ``actor`` goes on; raises as `AccountsClient.whoami`."""
        self._client.whoami(actor.session)

    def take(self, actor: Actor, step: Step) -> bytes | str:
        """Return the answer to ``step``.

        Raises:
            AccountsError: as `AccountsClient`: the signer refuses, or does not answer.

        """
        match step:
            case SignTypedData():
                return self._client.sign_typed_data(
                    actor.session, step.typed_data, title=step.title
                )
            case SignMessage():
                return self._client.sign_message(actor.session, step.text, title=step.title)
            case SendTransaction():
                sent = Outgoing.of(step.call, actor.address, step.value)
                return self._client.send_transaction(
                    actor.session, sent.to, sent.data, sent.value, title=step.title
                )
            case _:
                assert_never(step)
