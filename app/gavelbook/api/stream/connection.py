"""One WebSocket: what its client asks, what it is sent, and what happens when it ends."""

from __future__ import annotations

import asyncio
from time import time
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from starlette.websockets import WebSocketDisconnect

from gavelbook.api.errors import RequestError
from gavelbook.api.limits import Buckets
from gavelbook.api.problems import problem_of
from gavelbook.errors import GavelbookError
from gavelbook.exchange.commands import CancelAll
from gavelbook.exchange.reports import DoneReason
from gavelbook.wire.scalars import ENCODER, Uint64, decoder
from gavelbook.wire.stream import (
    Authenticate,
    CancelOnDisconnect,
    ClientMessage,
    Done,
    Heartbeat,
    Ping,
    Pong,
    Refusal,
    Subscribe,
    Unsubscribe,
)

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from gavelbook.api.desk import Desk
    from gavelbook.api.stream.channel import Channel

SLOW_CONSUMER = 4008
"""Close code: messages were not read fast enough."""
SILENT = 4009
"""Close code: cancel-on-disconnect was on and no message came in time."""
TOO_MANY_MESSAGES = 4029
"""Close code: the client sent more messages than it may."""
SESSION_ENDED = 4001
"""Close code: the session signed in with has ended."""
BAD_DATA = 1007
MOST_CHANNELS = 200
_CLOSE_SECONDS = 1.0
_AGAIN_SECONDS = 0.25
"""How soon orders are cancelled after all, where the exchange was too busy to."""
_MOST_BYTES = 16 * 1024 * 1024
"""What may wait for a slow consumer besides one message."""
_BYTES_AS_A_MESSAGE = 32 * 1024
"""So much of a snapshot counts like one message more of the client that asked for it."""

_DECODER: msgspec.json.Decoder[ClientMessage] = decoder(ClientMessage)  # type: ignore[arg-type]


class Connection:
    """A client of the stream; messages wait in a bounded queue while it is slow."""

    def __init__(self, desk: Desk, socket: WebSocket) -> None:
        self._desk = desk
        self._socket = socket
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(desk.settings.stream_buffer)
        self._waiting = 0
        self._posted = 0
        """Bytes in the queue, and all that ever were."""
        self._channels: dict[str, Channel] = {}
        self._account: bytes | None = None
        self._token = ""
        self._silence: float | None = None
        """Seconds of silence after which orders are cancelled; None while that is off."""
        self._messages: Buckets[str] = Buckets("messages", desk.settings.rates.messages_per_stream)
        self._closing: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()

    def post(self, message: bytes) -> None:
        """Queue ``message``; a client that leaves the queue full is disconnected."""
        if self._closing.done():
            return
        if self._queue.full() or self._waiting > _MOST_BYTES:
            self.close(SLOW_CONSUMER, "slow consumer")
            return
        self._queue.put_nowait(message)
        self._waiting += len(message)
        self._posted += len(message)

    def close(self, code: int, reason: str) -> None:
        """End the connection."""
        if not self._closing.done():
            self._closing.set_result((code, reason))

    async def run(self) -> None:
        """Serve until either side ends it."""
        await self._socket.accept()
        tasks = [asyncio.create_task(work) for work in (self._read(), self._write(), self._beat())]
        try:
            ends: list[asyncio.Future[Any]] = [*tasks, self._closing]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for channel in self._channels.values():
                channel.unsubscribe(self)
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            await self._cancel_orders()
        for result in results:
            if isinstance(result, Exception) and not isinstance(result, WebSocketDisconnect):
                structlog.get_logger().error("stream failed", error=repr(result))
        if self._closing.done():
            await self._say_goodbye(*self._closing.result())

    async def _say_goodbye(self, code: int, reason: str) -> None:
        try:
            # One who reads nothing would not let the close frame through either.
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._socket.close(code, reason)
        except (TimeoutError, RuntimeError, WebSocketDisconnect):
            return

    async def _read(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._silence):
                    message = await self._socket.receive()
            except TimeoutError:
                self.close(SILENT, "no message in time")
                return
            if message["type"] == "websocket.disconnect":
                return
            try:
                self._messages.take("")
            except RequestError:
                self.close(TOO_MANY_MESSAGES, "too many messages")
                return
            text = message.get("text")
            if text is None:
                self.close(BAD_DATA, "text expected")
                return
            self._answer(text)
            if self._closing.done():
                return

    async def _write(self) -> None:
        while True:
            message = await self._queue.get()
            self._waiting -= len(message)
            await self._socket.send({"type": "websocket.send", "text": message.decode()})

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._desk.settings.heartbeat)
            position = Uint64(self._desk.feed.position)
            self.post(ENCODER.encode(Heartbeat(_now(), position)))
            if self._account is not None and not self._desk.sessions.account_of(self._token):
                self.close(SESSION_ENDED, "session ended")

    def _answer(self, text: str) -> None:
        request = None
        try:
            request = _decoded(text)
            answer: msgspec.Struct = self._done(request)
        except GavelbookError as error:
            answer = Refusal(problem_of(error), getattr(request, "id", None))
        self.post(ENCODER.encode(answer))

    def _done(self, request: ClientMessage) -> msgspec.Struct:
        if isinstance(request, Ping):
            return Pong(_now(), request.id)
        if isinstance(request, Subscribe):
            self._subscribe(request)
        elif isinstance(request, Unsubscribe):
            channel = self._channels.pop(request.channel, None)
            if channel is not None:
                channel.unsubscribe(self)
        elif isinstance(request, Authenticate):
            self._authenticate(request.token)
        else:
            self._set_cancel_on_disconnect(request)
        return Done(request.id)

    def _subscribe(self, request: Subscribe) -> None:
        if len(self._channels) >= MOST_CHANNELS:
            message = f"Expected at most {MOST_CHANNELS} channels, was one more"
            raise RequestError("too_many_channels", message)
        channel = self._desk.feed.channel(request.channel, self._account)
        self._channels[request.channel] = channel
        before = self._posted
        channel.subscribe(self, request.resume_from)
        cost = (self._posted - before) // _BYTES_AS_A_MESSAGE
        try:
            self._messages.take("", min(cost, self._messages.rate.burst // 2))
        except RequestError:
            self.close(TOO_MANY_MESSAGES, "too many large snapshots")

    def _authenticate(self, token: str) -> None:
        account = self._desk.sessions.account_of(token)
        if account is None:
            message = "Expected the token of a session, was unknown or expired"
            raise RequestError("unknown_session", message)
        if self._account not in {None, account}:
            message = "Expected the account signed in already, was another"
            raise RequestError("foreign_account", message)
        self._account, self._token = account, token

    def _set_cancel_on_disconnect(self, request: CancelOnDisconnect) -> None:
        if self._account is None:
            message = "Expected to be signed in for cancel-on-disconnect, was not"
            raise RequestError("session_required", message)
        self._silence = request.timeout_seconds if request.enabled else None

    async def _cancel_orders(self) -> None:
        if self._silence is None or self._account is None:
            return
        command = CancelAll(self._account, DoneReason.DISCONNECTED)
        log = structlog.get_logger()
        while True:
            try:
                await self._desk.intake.cancel(command)
            except GavelbookError as error:
                log.warning("orders_not_cancelled", code=error.code)
                if error.code != "overloaded":
                    return
                await asyncio.sleep(_AGAIN_SECONDS)
            else:
                return


def _decoded(text: str) -> ClientMessage:
    try:
        return _DECODER.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        message = f"Expected a message as docs/api.md has it, was otherwise: {error}"
        raise RequestError("malformed_message", message) from None


def _now() -> Uint64:
    return Uint64(int(time() * 1000))
