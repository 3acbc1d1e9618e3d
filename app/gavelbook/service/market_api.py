"""The exchange's API for sessions that share it: one client for everybody, one per customer."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

from gavelbook.client import ApiError, Client, Patience

if TYPE_CHECKING:
    from collections.abc import Callable

    from gavelbook.service.customers import Customer, Customers

T = TypeVar("T")

_PATIENCE = Patience(attempts=2, longest_pause=1.0)
_SECONDS = 5.0


class _Guarded:
    """A client and the lock under which it is used."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.lock = threading.Lock()


class MarketApi:
    """The API at ``url``. Safe to share between threads."""

    def __init__(self, url: str, signers: Customers) -> None:
        """Ask as anybody, and as the customers of ``signers``; nothing is asked yet."""
        self.url = url
        self._public = _Guarded(Client(url, timeout=_SECONDS, patience=_PATIENCE))
        self._private = {
            customer.address: _Guarded(
                Client(url, account=signers.account(customer), timeout=_SECONDS, patience=_PATIENCE)
            )
            for customer in signers.all
        }

    def ask(self, call: Callable[[Client], T]) -> T:
        """Return what ``call`` gets as anybody.

        Raises:
            ApiError: the exchange refuses.
            NetworkError, AnswerError: no answer came, or one that makes no sense.

        """
        with self._public.lock:
            return call(self._public.client)

    def ask_as(self, customer: Customer, call: Callable[[Client], T]) -> T:
        """Return what ``call`` gets as ``customer``, signed in; errors as `ask`."""
        guarded = self._private[customer.address]
        with guarded.lock:
            client = guarded.client
            if client.calls.token is None:
                client.sign_in()
            try:
                return call(client)
            except ApiError as error:
                if error.code != "unknown_session":
                    raise
            client.calls.token = None
            client.sign_in()
            return call(client)
