"""The client for programs that wait for each answer."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self, TypeVar

import httpx

from gavelbook.client.base import TIMEOUT, ClientBase
from gavelbook.client.errors import StreamError
from gavelbook.client.steps import Failure, Pause, Response
from gavelbook.client.streaming import LISTEN, StreamState, closing, stream_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gavelbook.client.steps import Flow, Request
    from gavelbook.client.streaming import Update

T = TypeVar("T")


class Client(ClientBase[httpx.BaseTransport]):
    """The exchange at ``url``; with ``account`` it signs orders, here.

    ``chain_id`` and ``contract`` pin what is signed for; without them the exchange is asked, and
    believed. ``timeout`` is in seconds and holds for each attempt. Not thread-safe.

    Example:
        >>> from gavelbook.client import Client
        >>> with Client(url, account=account) as trader:
        ...     trader.status().status
        'open'
    """

    def _open(self, timeout: float, transport: httpx.BaseTransport | None) -> None:
        self._http = httpx.Client(base_url=self.url, timeout=timeout, transport=transport)

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
