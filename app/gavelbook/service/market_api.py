"""The exchange's API for sessions that share it: one client for everybody, one per actor."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, TypeVar

import httpx

from gavelbook.client import ApiError, Client, ClientError, Patience
from gavelbook.errors import GavelbookError
from gavelbook.service.acting import Action, Line, SignMessage, carry_out
from gavelbook.wire.scalars import Address, Signature

if TYPE_CHECKING:
    from collections.abc import Callable

    from gavelbook.client.calls import Calls
    from gavelbook.client.steps import Flow
    from gavelbook.service.acting import Actor
    from gavelbook.service.signers import Signers

T = TypeVar("T")

_PATIENCE = Patience(attempts=2, longest_pause=1.0)
_SECONDS = 5.0
_MOST_ACTORS = 1_000
_CHECK_SECONDS = 30.0
_ENDED = "unknown_session"


class _OnBehalf(httpx.BaseTransport):
    """Says for which visitor it asks: an API that trusts the pages as a proxy counts that one."""

    def __init__(self, transport: httpx.BaseTransport, visitor: str) -> None:
        self._transport = transport
        self._visitor = visitor

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.headers["x-forwarded-for"] = self._visitor
        return self._transport.handle_request(request)


class _Guarded:
    """A client and the lock under which it is used."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.lock = threading.RLock()
        self.checked_at = time.monotonic()

    @property
    def signed_in(self) -> bool:
        return self.client.calls.token is not None


class MarketApi:
    """The API at ``url``. Safe to share between threads.

    What an actor may read is bound to the whole actor, with the secret of its session: whoever
    merely names the same address is somebody else.
    """

    def __init__(
        self,
        url: str,
        signers: Signers,
        *,
        most_actors: int = _MOST_ACTORS,
        check_seconds: float = _CHECK_SECONDS,
        visitor: Callable[[], str] = lambda: "",
    ) -> None:
        """Ask as anybody, and as actors; ``signers`` sign in whom they reach. Asks nothing yet.

        Whether a managed account's session was ended is asked every ``check_seconds``. ``visitor``
        returns the network address of who is at the page right now, or whatever is none.
        """
        self.url = url
        self._most_actors = most_actors
        self._check_seconds = check_seconds
        self._visitor = visitor
        self._signers = signers
        self._transport = httpx.HTTPTransport()
        self._public = self._client()
        self._lock = threading.Lock()
        self._private: OrderedDict[Actor, _Guarded] = OrderedDict()

    def ask(self, call: Callable[[Client], T]) -> T:
        """Return what ``call`` gets as anybody.

        Raises:
            ApiError: the exchange refuses.
            NetworkError, AnswerError: no answer came, or one that makes no sense.

        """
        with self._public.lock:
            return call(self._public.client)

    def send(self, actor: Actor, flow: Callable[[Calls], Flow[T]]) -> T:
        """Return what ``flow`` gets with what ``actor`` has signed; errors as `ask`."""
        guarded = self._of(actor)
        with guarded.lock:
            return guarded.client.run(flow(guarded.client.calls))

    def ask_as(self, actor: Actor, call: Callable[[Client], T]) -> T:
        """Return what ``call`` gets as ``actor``, signed in.

        Raises:
            ClientError: ``sign_in_required``, where nobody here can sign in for ``actor``.
            AccountsError: ``unknown_session``, where the session of ``actor`` was ended.
            ApiError, NetworkError, AnswerError: as `ask`.

        """
        guarded = self._of(actor)
        with guarded.lock:
            self._refuse_ended(actor, guarded)
            if not guarded.signed_in:
                self._enter(actor)
            try:
                return call(guarded.client)
            except ApiError as error:
                if error.code != _ENDED:
                    raise
            guarded.client.calls.token = None
            self._enter(actor)
            return call(guarded.client)

    def may_read(self, actor: Actor) -> bool:
        """Return whether `ask_as` has or can get a session of ``actor``."""
        with self._lock:
            known = self._private.get(actor)
        return self._signers.reach(actor) or (known is not None and known.signed_in)

    def require_session(self, actor: Actor) -> None:
        """Ask for nothing, but refuse an actor who cannot be asked for as `ask_as` does."""
        if not self.may_read(actor):
            message = f"Expected {actor.name} to be signed in to the exchange, was not"
            raise ClientError("sign_in_required", message, account=actor.address)

    def sign_in(self, actor: Actor) -> Action[None]:
        """Open a session of ``actor``: it reads the account and cancels orders."""
        account = Address.parse(actor.address)
        nonce = self.send(actor, lambda calls: calls.sign_in_message(account))
        lines = (
            Line("Lets this page", "show your orders and balances, and cancel orders"),
            Line("Moves", "no money"),
        )
        signature = yield SignMessage("Sign in to the exchange", nonce.message, lines)
        signed = Signature(signature)
        self.send(actor, lambda calls: calls.open_session(nonce.message, signed))

    def sign_out(self, actor: Actor) -> None:
        """End the session of ``actor`` and forget it, whatever the exchange answers."""
        with self._lock:
            guarded = self._private.pop(actor, None)
        if guarded is None or not guarded.signed_in:
            return
        with guarded.lock:
            try:
                guarded.client.sign_out()
            except GavelbookError:
                # It ends by itself in time, and nobody has the token any more.
                return

    def _refuse_ended(self, actor: Actor, guarded: _Guarded) -> None:
        """Ask now and then: the exchange knows nothing of a session that its owner has ended."""
        if time.monotonic() - guarded.checked_at < self._check_seconds:
            return
        try:
            self._signers.check(actor)
        except GavelbookError as error:
            # A signer that is silent ends nothing.
            if error.code == _ENDED:
                self.sign_out(actor)
                raise
        guarded.checked_at = time.monotonic()

    def _enter(self, actor: Actor) -> None:
        if not self._signers.reach(actor):
            # Its session has ended just now.
            self.require_session(actor)
        carry_out(self.sign_in(actor), actor, self._signers)

    def _of(self, actor: Actor) -> _Guarded:
        with self._lock:
            if actor not in self._private:
                if len(self._private) >= self._most_actors:
                    del self._private[self._least_needed()]
                self._private[actor] = self._client(self._visitor())
            self._private.move_to_end(actor)
            return self._private[actor]

    def _least_needed(self) -> Actor:
        """Return the oldest who never signed in: whoever names addresses drives nobody out."""
        oldest = next(iter(self._private))
        found = (each for each, guarded in self._private.items() if not guarded.signed_in)
        return next(found, oldest)

    def _client(self, visitor: str = "") -> _Guarded:
        known = _is_address(visitor)
        return _Guarded(
            Client(
                self.url,
                timeout=_SECONDS,
                patience=_PATIENCE,
                transport=_OnBehalf(self._transport, visitor) if known else self._transport,
            )
        )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
