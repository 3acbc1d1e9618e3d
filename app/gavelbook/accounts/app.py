"""The signer's HTTP interface: for web processes of this machine that have its access key."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gavelbook.accounts.client import ACCESS_KEY_HEADER
from gavelbook.accounts.errors import AccountsError, status_of
from gavelbook.accounts.operations import OPERATIONS, Call
from gavelbook.errors import GavelbookError
from gavelbook.wire.scalars import ENCODER, decoder

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Receive, Scope, Send

    from gavelbook.accounts.access_key import AccessKey
    from gavelbook.accounts.operations import Operation
    from gavelbook.accounts.service import SignerService

HEALTH = "/health"
"""Answers without the key, and says only that somebody is there."""

_MOST_BYTES = 65_536
_BODY_SECONDS = 10.0
_THREADS = 24
_SLOW_THREADS = 64
"""For what waits for blocks, or seconds, so that nobody has to wait for these to sign in."""
_MOST_BRACKETS = 200
_DETAIL_LENGTH = 1_000
_MEMBERS = frozenset({"type", "title", "status", "code", "detail"})
_HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
}


def create_app(service: SignerService, key: AccessKey, hosts: Collection[str]) -> ASGIApp:
    """Return the application that answers for ``service``, asked under one of the ``hosts``."""
    quick, slow = CapacityLimiter(_THREADS), CapacityLimiter(_SLOW_THREADS)
    routes = [
        Route(
            each.path,
            _Endpoint(service, each, slow if each.slow else quick),
            methods=[each.method],
        )
        for each in OPERATIONS
    ]
    handlers: Any = {HTTPException: _no_such_thing}
    return _Gate(Starlette(routes=routes, exception_handlers=handlers), key, frozenset(hosts))


class _Gate:
    """Lets nobody through but web processes with the key; browsers never."""

    def __init__(self, app: ASGIApp, key: AccessKey, hosts: frozenset[str]) -> None:
        self._app = app
        self._key = key
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = dict(scope["headers"])
        refusal = self._refusal(headers)
        if refusal is None and scope["path"] == HEALTH:
            await Response(status_code=204, headers=_HEADERS)(scope, receive, send)
            return
        if refusal is None and not self._key.matches(headers.get(ACCESS_KEY_HEADER.encode(), b"")):
            message = "Expected the access key of a web process, was missing or another"
            refusal = AccountsError("access_key_required", message)
        if refusal is not None:
            await problem(refusal)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, headers: dict[bytes, bytes]) -> AccountsError | None:
        # Browsers tell where a page comes from, and nothing else does.
        if b"origin" in headers or b"sec-fetch-site" in headers:
            message = "Expected a request of a program, was one of a page in a browser"
            return AccountsError("foreign_origin", message)
        host = headers.get(b"host", b"").decode("latin-1")
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if name not in self._hosts:
            return AccountsError("foreign_host", "Expected a known host name, was another")
        return None


class _Endpoint:
    """Answers one operation; every error becomes a problem with a code."""

    def __init__(
        self, service: SignerService, operation: Operation, limiter: CapacityLimiter
    ) -> None:
        self._service = service
        self._operation = operation
        self._limiter = limiter
        self._decoder = None if operation.body is None else decoder(operation.body)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            body = await self._body(request)
            call = Call(self._service, body, request.path_params, dict(request.query_params))
            answer = await to_thread.run_sync(
                self._answer, call, request, limiter=self._limiter, abandon_on_cancel=True
            )
            response = _response(answer)
        except GavelbookError as error:
            response = problem(error)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the client gets an answer
            response = problem(self._broken(error))
        await response(scope, receive, send)

    def _answer(self, call: Call, request: Request) -> msgspec.Struct | None:
        if self._operation.open_to_all is not None:
            return self._operation.open_to_all(call)
        assert self._operation.of_session is not None  # noqa: S101 -- one of both is there
        visit = self._service.doorkeeper.visit(_token(request))
        if self._operation.method == "POST":
            self._service.actions.take(visit.account.id)
        return self._operation.of_session(call, visit)

    async def _body(self, request: Request) -> Any:
        if self._decoder is None:
            return None
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            message = "Expected Content-Type application/json, was another"
            raise AccountsError("unsupported_media_type", message)
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                content = await _read(request)
        except TimeoutError:
            message = f"Expected the whole body within {_BODY_SECONDS:g} s, was still incomplete"
            raise AccountsError("body_timeout", message) from None
        # Decoders recurse, and libraries raise the limit to where the stack ends first.
        if content.count(b"{") + content.count(b"[") > _MOST_BRACKETS:
            message = f"Expected at most {_MOST_BRACKETS} objects and arrays, was more"
            raise AccountsError("malformed_json", message)
        try:
            return self._decoder.decode(content)
        except msgspec.ValidationError as error:
            # Its text names places and types, never values, which may be passwords.
            raise AccountsError("malformed_body", str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise AccountsError("malformed_json", "Expected JSON, was otherwise") from None

    def _broken(self, error: Exception) -> AccountsError:
        # Neither text nor locals of the error are logged: they may hold what is secret.
        trace, place = error.__traceback__, ""
        while trace is not None:
            place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
            trace = trace.tb_next
        structlog.get_logger().error(
            "request_failed", path=self._operation.path, error=type(error).__name__, at=place
        )
        return AccountsError("internal_error", "Expected to answer, but something broke here")


def problem(error: GavelbookError) -> Response:
    """Return ``error`` as problem details (RFC 9457)."""
    status = status_of(error.code)
    content: dict[str, Any] = {
        "type": f"urn:gavelbook:problem:{error.code}",
        "title": error.code.replace("_", " ").capitalize(),
        "status": status,
        "code": error.code,
        "detail": error.message[:_DETAIL_LENGTH],
    }
    details = {name: _plain(each) for name, each in error.details.items() if name not in _MEMBERS}
    headers = dict(_HEADERS)
    if "retry_after" in error.details:
        headers["retry-after"] = str(error.details["retry_after"])
    return Response(
        msgspec.json.encode({**details, **content}),
        status,
        headers,
        media_type="application/problem+json",
    )


async def _no_such_thing(_request: Request, error: HTTPException) -> Response:
    code = "method_not_allowed" if error.status_code == 405 else "not_found"  # noqa: PLR2004
    return problem(AccountsError(code, "Expected an operation of the signer, was none"))


def _response(answer: msgspec.Struct | None) -> Response:
    if answer is None:
        return Response(status_code=204, headers=_HEADERS)
    content = ENCODER.encode(answer)
    return Response(content, headers=_HEADERS, media_type="application/json")


def _token(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        message = "Expected the token of a session (Authorization: Bearer), was none"
        raise AccountsError("session_required", message)
    return token


async def _read(request: Request) -> bytes:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > _MOST_BYTES:
            message = f"Expected a body of at most {_MOST_BYTES:,} bytes, was larger"
            raise AccountsError("body_too_large", message)
        chunks.append(chunk)
    return b"".join(chunks)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | str):
        return value[:_DETAIL_LENGTH] if isinstance(value, str) else value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return str(value)[:_DETAIL_LENGTH]
