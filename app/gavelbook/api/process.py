"""How a process that serves is set up."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Any

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from socket import socket

    from starlette.types import ASGIApp

STREAM_MESSAGE_BYTES = 4_096
"""A client of the API's stream has no more than this to say at once."""

_GC_THRESHOLDS = (20_000, 20, 100)
_BACKLOG = 2_048
_PAGE_MESSAGE_BYTES = 1_048_576
_KEEP_ALIVE_SECONDS = 75
_SHUTDOWN_SECONDS = 10


class TellingServer(uvicorn.Server):
    """Tells the port once it is there."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[int], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Open the port."""
        await super().startup(sockets)
        if self.started:
            self._ready(self.servers[0].sockets[0].getsockname()[1])


def server_config(
    app: ASGIApp, host: str, port: int, trusted_proxies: str, *, whole: bool
) -> uvicorn.Config:
    """Return how ``app`` is served at ``host`` and ``port``.

    ``trusted_proxies`` are the addresses, with commas, whose `X-Forwarded-For` is believed. A
    ``whole`` application has a lifespan and pages, which say more over a WebSocket than a stream's
    clients do.
    """
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        ws="websockets-sansio",
        ws_max_size=_PAGE_MESSAGE_BYTES if whole else STREAM_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        lifespan="on" if whole else "off",
        access_log=False,
        log_level="warning",
        server_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=trusted_proxies or None,
    )


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run ``main`` on the fastest event loop there is."""
    # What lives now stays: looking through it again would stop every thread for milliseconds.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    if sys.platform == "win32":
        import asyncio

        asyncio.run(main)
    else:
        import uvloop

        uvloop.run(main)
