"""One operation as an ASGI application: limits, session, body, handler, answer."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec
import structlog

from gavelbook.api.errors import RequestError, status_of
from gavelbook.api.operations import Call
from gavelbook.api.problems import MEDIA_TYPE, problem_of
from gavelbook.errors import GavelbookError, shown
from gavelbook.rates import address_key
from gavelbook.wire.scalars import ENCODER, decode_scalar, decoder

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from gavelbook.api.desk import Desk
    from gavelbook.api.operations import Operation
    from gavelbook.api.settings import ApiSettings

_PLACE = re.compile(r" - at `\$\.?([^`]*)`$")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_JSON = b"application/json"
HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
]
_MOST_BRACKETS = 1_000
_CLOSE = ((b"connection", b"close"),)


class Reply(NamedTuple):
    """What is sent."""

    status: int
    kind: bytes
    content: bytes
    headers: list[tuple[bytes, bytes]]


class Endpoint:
    """Answers one operation; every error becomes a problem with a code."""

    def __init__(self, operation: Operation, desk: Desk) -> None:
        self.operation = operation
        self.desk = desk
        self._bucket = desk.limits.ip[operation.bucket]
        self._decoder = None if operation.body is None else decoder(operation.body)
        self._status = 204 if operation.answer is None else 200

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        call = None
        try:
            client = scope["client"]
            headers = dict(scope["headers"])
            call = self.admit(client[0] if client else "", headers)
            self._parameters(call, scope)
            if self._decoder is not None:
                self.load(call, await self._body(headers, receive))
            answer = await self.operation.handle(self.desk, call)
            reply = self.reply(call, answer)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the client gets an answer
            reply = self.refusal(call, error)
        await respond(send, reply)

    def admit(self, host: str, headers: dict[bytes, bytes]) -> Call:
        """Return the call of a client that may make it.

        Raises:
            RequestError: ``rate_limited``, ``session_required``, ``unknown_session`` or
                ``operator_required``.
        """
        call = Call(address_key(host))
        call.left = self._bucket.take(call.address)
        if self.operation.access != "public":
            self._authenticate(call, headers)
        return call

    def load(self, call: Call, body: bytes) -> None:
        """Put what ``body`` says into ``call``, and count what it holds.

        Raises:
            RequestError: ``malformed_json``, ``malformed_body`` or ``rate_limited``.
        """
        if self._decoder is not None:
            call.body = self._decoded(self._decoder, body)
        cost = self.operation.cost
        if cost is not None and (more := cost(call.body) - 1):
            call.left = self._bucket.take(call.address, more)

    def reply(self, call: Call, answer: msgspec.Struct | None) -> Reply:
        """Return what is sent for ``answer``."""
        content = b"" if answer is None else ENCODER.encode(answer)
        return Reply(self._status, _JSON, content, self._bucket.headers(call.left))

    def refusal(self, call: Call | None, error: Exception) -> Reply:
        """Return what is sent where ``error`` came up."""
        if not isinstance(error, GavelbookError):
            log = structlog.get_logger()
            log.error("request_failed", operation=self.operation.name, exc_info=error)
            message = "Expected to answer, but something broke here"
            error = RequestError("internal_error", message)
        headers = [*getattr(error, "headers", ())]
        if call is not None and error.code != "rate_limited":
            headers += self._bucket.headers(call.left)
        return reply_of(error, headers)

    def _authenticate(self, call: Call, headers: dict[bytes, bytes]) -> None:
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        if self.operation.access == "operator":
            if scheme.lower() != b"bearer" or not self.desk.operating.admits(
                token.decode("latin-1")
            ):
                raise _unauthorized("operator_required", "the operator's token", "none or another")
            return
        if scheme.lower() == b"bearer":
            call.token = token.decode("latin-1")
            call.account = self.desk.sessions.account_of(call.token)
        # Where a signature does as well, a session that has ended is no obstacle.
        if self.operation.access == "session" and call.account is None:
            if call.token is None:
                raise _unauthorized("session_required", "Authorization: Bearer TOKEN", "missing")
            raise _unauthorized("unknown_session", "the token of a session", "unknown or expired")

    def _parameters(self, call: Call, scope: Scope) -> None:
        if self.operation.path_type is not None:
            call.path = _converted(scope["path_params"], self.operation.path_type, "malformed_path")
        if self.operation.query_type is not None:
            call.query = _converted(
                _query(scope["query_string"]), self.operation.query_type, "malformed_query"
            )
        elif scope["query_string"]:
            text = scope["query_string"].decode("latin-1")
            raise RequestError("malformed_query", f"Expected no query, was {shown(text)}")

    async def _body(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        kind = headers.get(b"content-type", b"")
        if kind != _JSON and kind.partition(b";")[0].strip().lower() != _JSON:
            given = shown(kind.decode("latin-1"))
            message = f"Expected Content-Type application/json, was {given}"
            raise RequestError("unsupported_media_type", message, headers=_CLOSE)
        most = self.desk.settings.max_body
        length = headers.get(b"content-length", b"0")
        # Digits are counted first: int() refuses thousands of them.
        if len(length) > len(str(most)) or int(length) > most:
            raise _too_large(most)
        try:
            async with asyncio.timeout(self.desk.settings.body_timeout):
                return await _read(receive, most)
        except TimeoutError:
            raise too_slow(self.desk.settings) from None

    @staticmethod
    def _decoded(body_decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
        # Decoders recurse, and libraries raise the limit to where the stack ends first.
        if body.count(b"{") + body.count(b"[") > _MOST_BRACKETS:
            message = f"Expected at most {_MOST_BRACKETS} objects and arrays, was more"
            raise RequestError("malformed_json", message)
        try:
            return body_decoder.decode(body)
        except msgspec.ValidationError as error:
            raise _malformed("malformed_body", error, body) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            message = f"Expected JSON in UTF-8, was otherwise: {error}"
            raise RequestError("malformed_json", message) from None


async def refuse(send: Send, error: RequestError) -> None:
    """Send a problem."""
    await respond(send, reply_of(error, [*error.headers]))


async def respond(send: Send, reply: Reply) -> None:
    """Send one answer with the headers every answer has."""
    content = reply.content
    headers = [*HEADERS, *reply.headers]
    if content:
        headers += [(b"content-type", reply.kind), (b"content-length", b"%d" % len(content))]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def reply_of(error: GavelbookError, headers: list[tuple[bytes, bytes]]) -> Reply:
    """Return the problem that ``error`` is."""
    content = msgspec.json.encode(problem_of(error))
    return Reply(status_of(error.code), MEDIA_TYPE, content, headers)


async def _read(receive: Receive, most: int) -> bytes:
    """Return the body; the client may leave its length out."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body") and len(body) <= most:
        return body
    chunks = [body]
    size = len(body)
    while message.get("more_body"):
        message = await receive()
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > most:
            break
    if size > most:
        raise _too_large(most)
    return b"".join(chunks)


def _query(raw: bytes) -> dict[str, str]:
    pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True, errors="replace")
    query = dict(pairs)
    if len(query) < len(pairs):
        message = "Expected each query parameter once, was one of them twice"
        raise RequestError("malformed_query", message)
    return query


def _converted(values: dict[str, Any], kind: type[msgspec.Struct], code: str) -> Any:
    try:
        return msgspec.convert(values, kind, strict=False, dec_hook=decode_scalar)
    except msgspec.ValidationError as error:
        raise _malformed(code, error, msgspec.json.encode(values)) from None


def _malformed(code: str, error: msgspec.ValidationError, body: bytes) -> RequestError:
    """Return the error about one value of ``body``, with the value."""
    text = str(error).replace(", got ", ", was ")
    match = _PLACE.search(text)
    if match is None:
        return RequestError(code, text)
    place, said = match[1], text[: match.start()]
    return RequestError(code, f"{place}: {said}", path=place, value=shown(_value(body, place)))


def _value(body: bytes, place: str) -> Any:
    try:
        value = msgspec.json.decode(body)
        for name, index in _STEP.findall(place):
            value = value[int(index)] if index else value[name]
    except (msgspec.DecodeError, UnicodeDecodeError, LookupError, TypeError):
        # A number too large for JSON readers, for one.
        return None
    return value


def too_slow(settings: ApiSettings) -> RequestError:
    """Return the error of a body that does not come."""
    message = f"Expected the whole body within {settings.body_timeout:g} s, was still incomplete"
    return RequestError("body_timeout", message, headers=_CLOSE)


def _too_large(most: int) -> RequestError:
    message = f"Expected a body of at most {most:,} bytes, was larger"
    return RequestError("body_too_large", message, headers=_CLOSE, max_bytes=most)


def _unauthorized(code: str, expected: str, was: str) -> RequestError:
    return RequestError(
        code, f"Expected {expected}, was {was}", headers=((b"www-authenticate", b"Bearer"),)
    )
