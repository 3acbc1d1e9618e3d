"""The API as one ASGI application."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route, Router, WebSocketRoute

from gavelbook.api.endpoint import Endpoint, Reply, refuse, respond
from gavelbook.api.errors import RequestError
from gavelbook.api.openapi import openapi_bytes
from gavelbook.api.routes import OPERATIONS
from gavelbook.api.stream.admission import Streams
from gavelbook.errors import shown

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from gavelbook.api.desk import Desk

DOCUMENT = "/openapi.json"
STREAM = "/v1/stream"
_RATE_HEADERS = ("retry-after", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")


def create_endpoints(desk: Desk) -> list[Endpoint]:
    """Return who answers each operation."""
    return [Endpoint(operation, desk) for operation in OPERATIONS]


def create_app(desk: Desk, endpoints: list[Endpoint]) -> ASGIApp:
    """Return the application that answers for ``desk``."""
    app: ASGIApp = _Paths(desk, endpoints)
    if desk.settings.origins:
        app = CORSMiddleware(
            app,
            allow_origins=desk.settings.origins,
            allow_methods=("GET", "POST", "DELETE"),
            allow_headers=("authorization", "content-type"),
            expose_headers=_RATE_HEADERS,
        )
    return app


class _Paths:
    """Finds who answers; paths without parameters, those of orders among them, by a table."""

    def __init__(self, desk: Desk, endpoints: list[Endpoint]) -> None:
        methods: dict[str, dict[str, ASGIApp]] = defaultdict(dict)
        for endpoint in endpoints:
            operation = endpoint.operation
            methods[operation.path][operation.method] = endpoint
        methods[DOCUMENT]["GET"] = _Document(openapi_bytes())
        paths = {path: _Path(by_method) for path, by_method in methods.items()}
        self._fixed = {path: each for path, each in paths.items() if "{" not in path}
        routes = [Route(path, each) for path, each in paths.items() if "{" in path]
        self._router = Router(
            [*routes, WebSocketRoute(STREAM, Streams(desk))],
            redirect_slashes=False,
            default=_not_found,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or serve one WebSocket."""
        found = self._fixed.get(scope["path"]) if scope["type"] == "http" else None
        await (found or self._router)(scope, receive, send)


class _Path:
    """Picks who answers by the method."""

    def __init__(self, by_method: dict[str, ASGIApp]) -> None:
        self._by_method = dict(by_method)
        if "GET" in by_method:
            self._by_method["HEAD"] = by_method["GET"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        found = self._by_method.get(scope["method"])
        if found is not None:
            await found(scope, receive, send)
            return
        allowed = ", ".join(self._by_method)
        message = f"Expected {allowed} at {scope['path']}, was {shown(scope['method'])}"
        headers = ((b"allow", allowed.encode()),)
        await refuse(send, RequestError("method_not_allowed", message, headers=headers))


class _Document:
    """Answers with the same bytes always."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        del scope, receive
        await respond(send, Reply(200, b"application/json", self._content, []))


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
    del receive
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 4004, "reason": "not found"})
        return
    message = f"Expected a path of the API, was {shown(scope['path'])}"
    await refuse(send, RequestError("not_found", message))
