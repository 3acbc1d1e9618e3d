"""The client for programs of asyncio."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self, TypeVar

import httpx

from gavelbook.client.base import TIMEOUT, ClientBase
from gavelbook.client.errors import StreamError
from gavelbook.client.steps import Failure, Pause, Response
from gavelbook.client.streaming import LISTEN, StreamState, closing, stream_url

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gavelbook.client.steps import Flow, Request
    from gavelbook.client.streaming import Update

T = TypeVar("T")


class AsyncClient(ClientBase[httpx.AsyncBaseTransport]):
    """The exchange at ``url``; with ``account`` it signs orders, here.

    ``chain_id`` and ``contract`` pin what is signed for; without them the exchange is asked, and
    believed. ``timeout`` is in seconds and holds for each attempt. Belongs to one event loop.

    Example:
        >>> import asyncio
        >>> from gavelbook.client import AsyncClient
        >>> async def status():
        ...     async with AsyncClient(url, account=account) as trader:
        ...         return (await trader.status()).status
        >>> asyncio.run(status())
        'open'
    """

    def _open(self, timeout: float, transport: httpx.AsyncBaseTransport | None) -> None:
        self._http = httpx.AsyncClient(base_url=self.url, timeout=timeout, transport=transport)

    async def run(self, flow: Flow[T]) -> T:
        """Do what ``flow`` asks, and return its result."""
        reply: Response | Failure | None = None
        while True:
            try:
                step = flow.send(reply)
            except StopIteration as done:
                result: T = done.value
                return result
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
                reply = None
            else:
                reply = await self._answer(step)

    async def stream(
        self, *channels: str, cancel_on_disconnect: int | None = None
    ) -> AsyncIterator[Update]:
        """Follow channels for ever: a snapshot of each, then what changes, without a gap.

        Connects again by itself and resumes. Channels: `book.1`, `trades.1`, `candles.1.5m` and,
        after `sign_in`, `account`. With ``cancel_on_disconnect`` the exchange cancels all orders
        of the account when nothing is heard from here for so many seconds.

        Raises:
            ApiError: The exchange refuses a channel.
            StreamError: ``stream_ended``, where connecting again would not help.

        Example:
            >>> import asyncio
            >>> async def first():
            ...     async with AsyncClient(url) as reader:
            ...         async for update in reader.stream("book.1"):
            ...             return update.is_snapshot
            >>> asyncio.run(first())
            True
        """
        from websockets.asyncio.client import connect
        from websockets.exceptions import ConnectionClosed

        state = StreamState(channels, self.calls.token, cancel_on_disconnect)
        while True:
            code, reason = None, ""
            try:
                async with connect(stream_url(self.url), open_timeout=TIMEOUT) as socket:
                    for message in state.opening():
                        await socket.send(message)
                    while True:
                        try:
                            async with asyncio.timeout(LISTEN):
                                text = await socket.recv()
                        except TimeoutError:
                            text = None
                        for update in [] if text is None else state.receive(text):
                            yield update
                        for message in state.outgoing():
                            await socket.send(message)
            except ConnectionClosed as error:
                code, reason = closing(error)
            except (OSError, TimeoutError, StreamError) as error:
                reason = str(error)
            await asyncio.sleep(state.broken(code, reason))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        """Return the client, which is closed at the end of the block."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self.close()

    async def _answer(self, request: Request) -> Response | Failure:
        try:
            answer = await self._http.request(
                request.method,
                request.path,
                params=request.query,
                headers=request.headers,
                content=request.content,
            )
        except httpx.TransportError as error:
            return Failure(f"{type(error).__name__}: {error}")
        return Response(answer.status_code, dict(answer.headers), answer.content)
