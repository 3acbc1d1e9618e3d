"""A shorter way for orders through uvicorn: from its parser to the intake and back, no task.

As an ASGI application an order costs the event loop about three times as much, and all orders
share one loop. Everything else, and whatever is unusual about a request, goes the usual way: the
answers are the same.
"""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gavelbook.api.endpoint import HEADERS, Reply, too_slow
from gavelbook.api.operations import Call

if TYPE_CHECKING:
    from asyncio import Future, TimerHandle
    from collections.abc import Iterable, Mapping

    from gavelbook.api.endpoint import Endpoint
    from gavelbook.api.operations import Halves

_UNUSUAL = frozenset(
    {b"expect", b"transfer-encoding", b"upgrade", b"origin", b"x-forwarded-for", b"forwarded"}
)
_JSON = b"application/json"
_HEAD_END = b"\r\n\r\n"
_LONGEST_KNOWN = 1_024
_MOST_KNOWN = 4_096
_FIXED = b"".join(b"%s: %s\r\n" % header for header in HEADERS)
_STATUS_LINES = {
    status.value: b"HTTP/1.1 %d %s\r\n" % (status.value, status.phrase.encode())
    for status in HTTPStatus
}


class _Nobody:
    """In the place of an event that uvicorn sets when a connection is lost: nobody waits here."""

    def set(self) -> None:
        """Be told that something has happened."""


_NOBODY = _Nobody()


class _Cycle:
    """One request and its answer, in the place of uvicorn's own; whole once its body is."""

    __slots__ = (
        "body",
        "call",
        "disconnected",
        "endpoint",
        "halves",
        "keep_alive",
        "message_event",
        "more_body",
        "response_complete",
        "timer",
    )

    def __init__(self, endpoint: Endpoint, halves: Halves, *, keep_alive: bool) -> None:
        self.endpoint = endpoint
        self.halves = halves
        self.keep_alive = keep_alive
        self.body = b""
        self.call = Call("")
        self.more_body = True
        self.disconnected = False
        self.response_complete = False
        self.timer: TimerHandle | None = None
        self.message_event = _NOBODY


class _Head(NamedTuple):
    """What the parser made of the head of a request that went the short way."""

    endpoint: Endpoint
    halves: Halves
    length: int
    keep_alive: bool


class _Date:
    """Uvicorn's own headers, which change once a second, as bytes."""

    def __init__(self) -> None:
        self._given: object = None
        self._joined = b""

    def joined(self, headers: list[tuple[bytes, bytes]]) -> bytes:
        """Return ``headers`` as they are sent."""
        if headers is not self._given:
            self._given = headers
            self._joined = b"".join(b"%s: %s\r\n" % header for header in headers)
        return self._joined


class DirectProtocol(HttpToolsProtocol):
    """Uvicorn's protocol for HTTP/1.1, with the short way for the endpoints in ``direct``.

    A client's requests mostly have the same head, so the parser need not see it again: where all
    of a head's bytes are in ``known`` and its body came with it, that is the request.
    """

    direct: Mapping[bytes, tuple[Endpoint, Halves]]
    known: dict[bytes, _Head]
    date = _Date()
    between_requests = True
    """Whether the parser has seen the last request whole, and nothing after it."""
    idle_since = 0.0

    def on_message_begin(self) -> None:
        """Begin with a request."""
        self.between_requests = False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Take the short way if there is one for this request."""
        found = self.direct.get(self.url)
        before: Any = self.cycle
        if (
            found is not None
            and (before is None or before.response_complete)
            and self.parser.get_method() == b"POST"
            and self._is_usual(found[0])
        ):
            cycle: Any = _Cycle(*found, keep_alive=self.parser.should_keep_alive())
            self.cycle = cycle
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        cycle: Any = self.cycle
        if type(cycle) is _Cycle:
            cycle.body = cycle.body + body if cycle.body else body
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Answer, now that the request is whole."""
        self.between_requests = True
        cycle: Any = self.cycle
        if type(cycle) is not _Cycle:
            super().on_message_complete()
        elif not cycle.response_complete:
            cycle.more_body = False
            if cycle.timer is not None:
                cycle.timer.cancel()
            self._answer(cycle)

    def data_received(self, data: bytes) -> None:
        """Take what arrived; a body that is not whole yet has its time."""
        before: Any = self.cycle
        end = 0
        if self.between_requests and (before is None or before.response_complete):
            end = data.find(_HEAD_END) + len(_HEAD_END)
            head = self.known.get(data[:end])
            if head is not None and head.length == len(data) - end:
                self._take(head, data[end:])
                return
        super().data_received(data)
        cycle: Any = self.cycle
        if type(cycle) is not _Cycle or cycle is before:
            return
        if cycle.more_body and cycle.timer is None:
            timeout = cycle.endpoint.desk.settings.body_timeout
            cycle.timer = self.loop.call_later(timeout, self._too_slow, cycle)
        elif self.between_requests and end and len(cycle.body) == len(data) - end:
            self._learn(data[:end], cycle)

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection if nothing has come for so long; not every request sets a timer."""
        cycle: Any = self.cycle
        left = self.idle_since + self.timeout_keep_alive - self.loop.time()
        if self.transport.is_closing() or (left <= 0 and cycle.response_complete):
            super().timeout_keep_alive_handler()
        else:
            self._watch_idleness(max(left, 1.0))

    def _take(self, head: _Head, body: bytes) -> None:
        """Answer a request with a head that is known."""
        cycle: Any = _Cycle(head.endpoint, head.halves, keep_alive=head.keep_alive)
        cycle.body = body
        cycle.more_body = False
        self.cycle = cycle
        self._answer(cycle)

    def _learn(self, head: bytes, cycle: _Cycle) -> None:
        """Know ``head`` when it comes again; ``cycle`` is of the request that was all there was."""
        if len(head) <= _LONGEST_KNOWN:
            if len(self.known) >= _MOST_KNOWN:
                self.known.clear()
            length = len(cycle.body)
            self.known[head] = _Head(cycle.endpoint, cycle.halves, length, cycle.keep_alive)

    def _watch_idleness(self, seconds: float) -> None:
        handler = self.timeout_keep_alive_handler
        self.timeout_keep_alive_task = self.loop.call_later(seconds, handler)

    def _is_usual(self, endpoint: Endpoint) -> bool:
        """Return whether everything is as with most requests."""
        if self.parser.get_http_version() != "1.1":
            return False
        kind, length = b"", b""
        for name, value in self.headers:
            if name in _UNUSUAL:
                return False
            if name == b"content-type":
                kind = value
            elif name == b"content-length":
                length = value
        most = endpoint.desk.settings.max_body
        return (
            kind == _JSON
            and length.isdigit()
            # Digits are counted first: int() refuses thousands of them.
            and len(length) <= len(str(most))
            and int(length) <= most
        )

    def _answer(self, cycle: _Cycle) -> None:
        endpoint = cycle.endpoint
        try:
            cycle.call = endpoint.admit(self.client[0] if self.client else "", {})
            endpoint.load(cycle.call, cycle.body)
            future = cycle.halves.submit(endpoint.desk, cycle.call)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the client gets an answer
            self._reply(cycle, endpoint.refusal(cycle.call, error))
        else:
            future.add_done_callback(partial(self._finish, cycle))

    def _finish(self, cycle: _Cycle, future: Future[Any]) -> None:
        endpoint, call = cycle.endpoint, cycle.call
        try:
            answer = cycle.halves.finish(endpoint.desk, call, future)
            reply = endpoint.reply(call, answer)
        except Exception as error:  # noqa: BLE001 -- as above
            reply = endpoint.refusal(call, error)
        self._reply(cycle, reply)

    def _too_slow(self, cycle: _Cycle) -> None:
        if cycle.more_body and not cycle.disconnected:
            cycle.keep_alive = False
            self._reply(cycle, cycle.endpoint.refusal(None, too_slow(cycle.endpoint.desk.settings)))

    def _reply(self, cycle: _Cycle, reply: Reply) -> None:
        if cycle.disconnected or cycle.response_complete:
            return
        cycle.response_complete = True
        own = self.date.joined(self.server_state.default_headers)
        lines = [_STATUS_LINES[reply.status], own, _FIXED]
        lines += [b"%s: %s\r\n" % header for header in reply.headers]
        if not cycle.keep_alive:
            lines.append(b"connection: close\r\n")
        length = len(reply.content)
        lines.append(b"content-type: %s\r\ncontent-length: %d\r\n\r\n" % (reply.kind, length))
        lines.append(reply.content)
        self.transport.write(b"".join(lines))
        if not cycle.keep_alive:
            self.transport.close()
        elif self.pipeline or self.flow.read_paused:
            self.on_response_complete()
        else:
            self.server_state.total_requests += 1
            self.idle_since = self.loop.time()
            if self.timeout_keep_alive_task is None:
                self._watch_idleness(self.timeout_keep_alive)


def direct_protocol(endpoints: Iterable[Endpoint]) -> type[DirectProtocol]:
    """Return the protocol that knows the short way to those of ``endpoints`` that have one."""
    table = {
        endpoint.operation.path.encode(): (endpoint, endpoint.operation.halves)
        for endpoint in endpoints
        if endpoint.operation.halves is not None
    }
    return type("DirectProtocol", (DirectProtocol,), {"direct": table, "known": {}})
