"""Who may open a WebSocket."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from starlette.websockets import WebSocket

from gavelbook.api.stream.connection import Connection
from gavelbook.rates import address_key

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from gavelbook.api.desk import Desk

POLICY_VIOLATION = 1008


class Streams:
    """Opens connections: none from pages of other sites, and a bounded number.

    A browser tells in `Origin` which site a page is from; programs send none. Without cookies there
    is nothing a foreign page could use, and this keeps it so.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._origins = {desk.settings.origin, *desk.settings.origins}
        self._open: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one WebSocket; refused before the handshake it sees HTTP 403."""
        socket = WebSocket(scope, receive, send)
        address = address_key(socket.client.host if socket.client else "")
        origin = socket.headers.get("origin")
        settings = self._desk.settings
        if (
            (origin is not None and origin not in self._origins)
            or self._open.total() >= settings.streams
            or self._open[address] >= settings.streams_per_ip
        ):
            await socket.close(POLICY_VIOLATION)
            return
        self._open[address] += 1
        try:
            await Connection(self._desk, socket).run()
        finally:
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]
