"""What stands before everything: who may ask, and what a browser is told to keep to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

from ui.routes.session import PATH as SESSION

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from ui.routes.site import Site

HEALTH = "/health"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FOREIGN = frozenset({"cross-site", "same-site"})
_POLICY_VIOLATION = 1008


class Edge:
    """Lets nobody ask under a foreign name, and no page of another site act through a browser.

    A browser says in `Host` by which name it came, and in `Origin` and `Sec-Fetch-Site` which page
    asks; programs say neither of the latter, and have no cookies that were not theirs.

    Nothing is taken but what a session needs: Streamlit would keep whatever is uploaded in memory.
    """

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app = app
        self._hosts = site.hosts()
        self._origins = site.origins()
        self._headers = {
            "content-security-policy": site.content_policy(),
            "x-content-type-options": "nosniff",
            "x-frame-options": "DENY",
            "referrer-policy": "no-referrer",
            "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
            # A wallet may open a window of its own.
            "cross-origin-opener-policy": "same-origin-allow-popups",
            "cross-origin-resource-policy": "same-origin",
        }
        if site.encrypted:
            self._headers["strict-transport-security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may be asked."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refused = self._refusal(scope)
        if scope["type"] == "websocket":
            if refused:
                await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            else:
                await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
            await send(message)

        answer = PlainTextResponse(f"{refused}\n", 403) if refused else self._app
        await answer(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> str:
        """Return why this may not be asked; "" if it may."""
        headers = Headers(scope=scope)
        if headers.get("host", "").lower() not in self._hosts and scope["path"] != HEALTH:
            return "Expected the name of this site in Host, was another"
        if scope["type"] == "http" and scope["method"] in _SAFE:
            return ""
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in self._origins:
            return "Expected a page of this site to ask, was one of another"
        if headers.get("sec-fetch-site") in _FOREIGN:
            return "Expected a page of this site to ask, was one of another"
        if scope["type"] == "http" and scope["path"] != SESSION:
            return "Expected to be asked for something, was handed something"
        return ""
