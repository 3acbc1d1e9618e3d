"""Serving the signer over HTTP, on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import uvicorn

from gavelbook.accounts.access_key import AccessKey
from gavelbook.accounts.app import create_app

if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket

    from gavelbook.accounts.service import SignerService

_SHUTDOWN_SECONDS = 10


def serve(service: SignerService, ready: Callable[[int], None] = lambda _port: None) -> None:
    """Serve until the process is asked to end; ``ready`` is told the port once it is there."""
    server(service, ready).run()


def server(service: SignerService, ready: Callable[[int], None]) -> uvicorn.Server:
    """Return a server of ``service``, not started yet."""
    settings = service.settings
    app = create_app(service, AccessKey(settings.access_key_file), settings.hosts)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        ws="none",
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
    return _Server(config, ready, service.stop)


class _Server(uvicorn.Server):
    """Tells the port once it is there, and when it is asked to end."""

    def __init__(
        self, config: uvicorn.Config, ready: Callable[[int], None], ending: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._ending = ending

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Open the port."""
        await super().startup(sockets)
        if self.started and self.servers:
            self._ready(self.servers[0].sockets[0].getsockname()[1])

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Answer what is under way, and close the port."""
        self._ending()
        await super().shutdown(sockets)
