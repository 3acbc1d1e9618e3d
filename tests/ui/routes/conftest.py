"""What the server of the pages answers, without a Streamlit behind it."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute

from gavelbook.api.process import TellingServer, server_config
from gavelbook.service.session_tickets import SessionTickets
from ui.routes.edge import HEALTH, Edge
from ui.routes.live_chain import PATH as LIVE_CHAIN
from ui.routes.session import SessionCookie
from ui.routes.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.requests import Request
    from starlette.types import ASGIApp

ORIGIN = "https://gavel.example"


async def page(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("a page")


def application(
    site: Site | None = None,
    tickets: SessionTickets | None = None,
    live: ASGIApp | None = None,
) -> ASGIApp:
    """Return the edge with all routes, over a page that says nothing."""
    site = site or Site(ORIGIN)
    routes: list[Route | WebSocketRoute] = [
        *SessionCookie(tickets or SessionTickets(), site).routes(),
        Route(HEALTH, page),
        Route("/", page, methods=["GET", "POST"]),
    ]
    if live is not None:
        routes.append(WebSocketRoute(LIVE_CHAIN, live))
    return Edge(Starlette(routes=routes), site)


@contextmanager
def served(make: Callable[[int], ASGIApp], port: int) -> Iterator[str]:
    """Serve what ``make`` makes for ``port`` until the end of the block."""
    opened = threading.Event()
    config = server_config(make(port), "127.0.0.1", port, "", whole=False)
    server = TellingServer(config, lambda _port: opened.set())
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    assert opened.wait(20)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)
