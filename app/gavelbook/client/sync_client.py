"""The client for programs that wait for each answer."""

from __future__ import annotations

import time
from contextlib import suppress
from functools import update_wrapper
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Self, TypeVar

import httpx

from gavelbook.client.calls import Calls
from gavelbook.client.errors import StreamError
from gavelbook.client.steps import Failure, Pause, Response
from gavelbook.client.streaming import LISTEN, StreamState, closing, stream_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eth_account.signers.local import LocalAccount

    from gavelbook.client.lanes import Lanes
    from gavelbook.client.steps import Flow, Patience, Request
    from gavelbook.client.streaming import Update
    from gavelbook.wire.scalars import Address

P = ParamSpec("P")
T = TypeVar("T")
TIMEOUT = 10.0


def _call(
    flow: Callable[Concatenate[Calls, P], Flow[T]],
) -> Callable[Concatenate[Client, P], T]:
    def call(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.run(flow(self.calls, *args, **kwargs))

    update_wrapper(call, flow)
    return call


class Client:
    """The exchange at ``url``; with ``account`` it signs orders, here.

    ``chain_id`` and ``contract`` pin what is signed for; without them the exchange is asked, and
    believed. ``timeout`` is in seconds and holds for each attempt. Not thread-safe.

    Example:
        >>> from gavelbook.client import Client
        >>> with Client(url, account=account) as trader:
        ...     trader.status().status
        'open'
    """

    def __init__(  # noqa: PLR0913
        self,
        url: str,
        *,
        account: LocalAccount | None = None,
        chain_id: int | None = None,
        contract: str | None = None,
        timeout: float = TIMEOUT,
        patience: Patience | None = None,
        lanes: Lanes | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.url = url
        self.calls = Calls(account, chain_id, contract, patience, lanes)
        self._http = httpx.Client(base_url=url, timeout=timeout, transport=transport)

    @property
    def address(self) -> Address:
        """The account that signs."""
        return self.calls.address

    @property
    def lanes(self) -> Lanes:
        """Which lanes are used by what this client has placed."""
        return self.calls.lanes

    time = _call(Calls.time)
    status = _call(Calls.status)
    markets = _call(Calls.markets)
    book = _call(Calls.book)
    trades = _call(Calls.trades)
    candles = _call(Calls.candles)
    order = _call(Calls.order)
    receipt = _call(Calls.receipt)
    log = _call(Calls.log)

    sign_order = _call(Calls.sign_order)
    place = _call(Calls.place)
    limit = _call(Calls.limit)
    market_order = _call(Calls.market_order)
    place_batch = _call(Calls.place_batch)
    validate = _call(Calls.validate)
    cancel = _call(Calls.cancel)
    cancel_client_id = _call(Calls.cancel_client_id)
    cancel_market = _call(Calls.cancel_market)
    cancel_all = _call(Calls.cancel_all)

    sign_in = _call(Calls.sign_in)
    sign_out = _call(Calls.sign_out)
    orders = _call(Calls.orders)
    fills = _call(Calls.fills)
    balances = _call(Calls.balances)
    movements = _call(Calls.movements)
    withdrawals = _call(Calls.withdrawals)
    withdraw = _call(Calls.withdraw)

    def run(self, flow: Flow[T]) -> T:
        """Do what ``flow`` asks, and return its result."""
        reply: Response | Failure | None = None
        while True:
            try:
                step = flow.send(reply)
            except StopIteration as done:
                result: T = done.value
                return result
            if isinstance(step, Pause):
                time.sleep(step.seconds)
                reply = None
            else:
                reply = self._answer(step)

    def stream(self, *channels: str, cancel_on_disconnect: int | None = None) -> Iterator[Update]:
        """Follow channels for ever: a snapshot of each, then what changes, without a gap.

        Connects again by itself and resumes. Channels: `book.1`, `trades.1`, `candles.1.5m` and,
        after `sign_in`, `account`. With ``cancel_on_disconnect`` the exchange cancels all orders
        of the account when nothing is heard from here for so many seconds.

        Raises:
            ApiError: The exchange refuses a channel.
            StreamError: ``stream_ended``, where connecting again would not help.

        Example:
            >>> update = next(client.stream("book.1"))
            >>> update.channel, update.is_snapshot
            ('book.1', True)
        """
        from websockets.exceptions import ConnectionClosed
        from websockets.sync.client import connect

        state = StreamState(channels, self.calls.token, cancel_on_disconnect)
        while True:
            code, reason = None, ""
            try:
                with connect(stream_url(self.url), open_timeout=TIMEOUT) as socket:
                    for message in state.opening():
                        socket.send(message)
                    while True:
                        with suppress(TimeoutError):
                            yield from state.receive(socket.recv(LISTEN))
                        for message in state.outgoing():
                            socket.send(message)
            except ConnectionClosed as error:
                code, reason = closing(error)
            except (OSError, TimeoutError, StreamError) as error:
                reason = str(error)
            time.sleep(state.broken(code, reason))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        """Return the client, which is closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()

    def _answer(self, request: Request) -> Response | Failure:
        try:
            answer = self._http.request(
                request.method,
                request.path,
                params=request.query,
                headers=request.headers,
                content=request.content,
            )
        except httpx.TransportError as error:
            return Failure(f"{type(error).__name__}: {error}")
        return Response(answer.status_code, dict(answer.headers), answer.content)
