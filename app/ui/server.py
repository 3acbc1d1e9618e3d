"""The server of the pages: Streamlit, and beside it what a script cannot do.

Nothing imports this module: `gavelbook pages` and `gavelbook serve --pages` name it.
"""

from __future__ import annotations

import asyncio
import os
import pkgutil
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st
import structlog
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from streamlit import config

import ui.panels
from gavelbook.api.process import STREAM_MESSAGE_BYTES
from gavelbook.errors import GavelbookError
from gavelbook.service.chain_pulse import ChainPulse
from gavelbook.service.desk_settings import DeskSettings
from gavelbook.service.session_tickets import TICKETS
from gavelbook.wallet import refuse_words_in_environment
from ui.desk import open_desk
from ui.routes.edge import HEALTH, Edge
from ui.routes.live_chain import PATH as LIVE_CHAIN
from ui.routes.live_chain import LiveChain
from ui.routes.session import SessionCookie
from ui.routes.site import Site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from gavelbook.service.chain_pulse import Pulse

_SCRIPT = Path(__file__).parent / "streamlit_app.py"
_PREFIX = "GAVELBOOK_"
_TABLE = "gavelbook"
_TOO_LONG = 1009
_OPTIONS = {
    "server.enableCORS": True,
    "server.enableXsrfProtection": True,
    "server.xsrfCookieSameSite": "strict",
    "server.enableStaticServing": False,
    "server.fileWatcherType": "none",
    "server.headless": True,
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
}


def create_app(public_url: str, api: ASGIApp | None = None) -> ASGIApp:
    """Return the application behind ``public_url``; ``api`` is an exchange of the same process.

    Raises:
        GavelbookError: ``bad_url``, ``mnemonic_in_environment``, ``setting_misplaced``.

    """
    # Streamlit looks for its files beside the first application that is made.
    pages = st.App(_SCRIPT)
    _adopt_secrets()
    settings = DeskSettings()
    site = Site(public_url, settings.exchange_public_url)
    for name, value in _OPTIONS.items():
        config.set_option(name, value, "gavelbook")
    live = LiveChain(_Look(settings.rpc_url))
    pages = st.App(
        _SCRIPT,
        lifespan=_warm,
        routes=[
            *SessionCookie(TICKETS, site).routes(),
            Route(HEALTH, _health),
            WebSocketRoute(LIVE_CHAIN, live),
        ],
    )
    edge = Edge(pages, site)
    return edge if api is None else _Beside(edge, api)


class _Beside:
    """An API on the port of the pages; it answers for itself alone."""

    def __init__(self, pages: ASGIApp, api: ASGIApp) -> None:
        self._pages = pages
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on by the path."""
        path = scope.get("path", "")
        if not path.startswith("/v1/") and path != "/openapi.json":
            await self._pages(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._api(scope, _short(receive, send), send)
        else:
            await self._api(scope, receive, send)


def _short(receive: Receive, send: Send) -> Receive:
    """Return what ends a WebSocket whose client says more at once than the API's clients do.

    The port is open to the pages' sockets as well, which may say more.
    """

    async def receive_short() -> Message:
        message = await receive()
        said = message.get("text") or message.get("bytes") or ""
        if len(said) <= STREAM_MESSAGE_BYTES:
            return message
        await send({"type": "websocket.close", "code": _TOO_LONG})
        return {"type": "websocket.disconnect", "code": _TOO_LONG}

    return receive_short


class _Look:
    """Looks at the chain with the desk that the pages share; connects when it is first asked."""

    def __init__(self, rpc_url: str) -> None:
        self._rpc_url = rpc_url
        self._pulse: ChainPulse | None = None

    def __call__(self) -> Pulse:
        """Return what is new; errors as `ChainPulse.look`."""
        if self._pulse is None:
            self._pulse = ChainPulse(self._rpc_url, open_desk())
        return self._pulse.look()


async def _health(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("ok\n", headers={"cache-control": "no-store"})


@asynccontextmanager
async def _warm(_app: st.App) -> AsyncIterator[None]:
    """Load what pages need before the first visitor comes."""
    await asyncio.to_thread(_load)
    yield


def _load() -> None:
    names = ["altair", "pandas", "pyarrow", "streamlit.elements.vega_charts"]
    names += [found.name for found in pkgutil.iter_modules(ui.panels.__path__, "ui.panels.")]
    for name in names:
        try:
            import_module(name)
        except ImportError as error:
            # The page that needs it says so; the others are served.
            structlog.get_logger().error("not_loaded", module=name, error=str(error))


def _adopt_secrets() -> None:
    """Put the table [gavelbook] of secrets.toml where the environment does not say otherwise.

    Raises:
        WalletError: ``mnemonic_in_environment``: words of a wallet are where pages could read them.
        GavelbookError: ``setting_misplaced``, where Streamlit would overrule the environment.

    """
    table: Mapping[str, Any] = {}
    if st.secrets.load_if_toml_exists():
        stray = next((name for name in st.secrets if name.upper().startswith(_PREFIX)), None)
        if stray is not None:
            message = f"Expected {stray} in the table [{_TABLE}] of secrets.toml, was outside"
            raise GavelbookError("setting_misplaced", message, name=stray)
        table = st.secrets.get(_TABLE, {})
    found = {f"{_PREFIX}{name.upper()}": str(value) for name, value in table.items()}
    refuse_words_in_environment(found)
    refuse_words_in_environment()
    for name, text in found.items():
        os.environ.setdefault(name, text)
