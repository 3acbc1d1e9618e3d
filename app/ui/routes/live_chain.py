"""`WS /live/chain`: tells pages when the chain has changed, with one look for all of them."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from typing import TYPE_CHECKING

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from gavelbook.errors import GavelbookError
from gavelbook.rates import address_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

    from gavelbook.service.chain_pulse import Pulse

PATH = "/live/chain"
MOST_PER_ADDRESS = 64
_MOST = 1_000
_LOOK_SECONDS = 1.0
_PAUSE_SECONDS = 5.0
"""After a look that failed."""
_SEND_SECONDS = 10.0
_POLICY_VIOLATION = 1008


class _Listener:
    """One socket and whether there is news for it."""

    def __init__(self, socket: WebSocket) -> None:
        self.socket = socket
        self.news = asyncio.Event()


class LiveChain:
    """Looks at the chain while anybody listens, and sends what ``look`` says when it changes.

    Listeners have nothing to say: whoever says something is disconnected. One who is slow gets the
    newest and misses what was before.
    """

    def __init__(self, look: Callable[[], Pulse], *, seconds: float = _LOOK_SECONDS) -> None:
        """Look every ``seconds``; ``look`` runs in a thread, never twice at a time."""
        self._look = look
        # A look that nobody waits for any more may still be under way.
        self._lock = threading.Lock()
        self._seconds = seconds
        self._listeners: set[_Listener] = set()
        self._open: Counter[str] = Counter()
        self._text = ""
        self._looking: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket; refused before the handshake it sees HTTP 403."""
        socket = WebSocket(scope, receive, send)
        address = address_key(socket.client.host if socket.client else "")
        if self._open.total() >= _MOST or self._open[address] >= MOST_PER_ADDRESS:
            await socket.close(_POLICY_VIOLATION)
            return
        self._open[address] += 1
        listener = _Listener(socket)
        try:
            await socket.accept()
            await self._serve(listener)
        finally:
            self._listeners.discard(listener)
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]
            if not self._listeners and self._looking is not None:
                self._looking.cancel()
                self._looking = None
                self._text = ""

    @property
    def looking(self) -> bool:
        """Whether anybody looks at the chain now."""
        return self._looking is not None

    async def _serve(self, listener: _Listener) -> None:
        self._listeners.add(listener)
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_again_and_again())
        elif self._text:
            listener.news.set()
        tasks = [asyncio.create_task(self._write(listener)), asyncio.create_task(_read(listener))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _write(self, listener: _Listener) -> None:
        while True:
            await listener.news.wait()
            listener.news.clear()
            async with asyncio.timeout(_SEND_SECONDS):
                await listener.socket.send_text(self._text)

    def _look_alone(self) -> Pulse:
        with self._lock:
            return self._look()

    async def _look_again_and_again(self) -> None:
        last = None
        while True:
            pause = self._seconds
            try:
                pulse = await asyncio.to_thread(self._look_alone)
            except Exception as error:  # noqa: BLE001 -- whatever it was, people still listen
                code = error.code if isinstance(error, GavelbookError) else type(error).__name__
                structlog.get_logger().warning("chain_not_seen", code=code)
                pause = _PAUSE_SECONDS
            else:
                if pulse != last:
                    last = pulse
                    self._text = json.dumps(pulse._asdict(), separators=(",", ":"))
                    for listener in self._listeners:
                        listener.news.set()
            await asyncio.sleep(pause)


async def _read(listener: _Listener) -> None:
    try:
        message = await listener.socket.receive()
        if message["type"] != "websocket.disconnect":
            await listener.socket.close(_POLICY_VIOLATION)
    except (RuntimeError, WebSocketDisconnect):
        return
