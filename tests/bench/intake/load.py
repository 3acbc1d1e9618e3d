"""The load generator: raw connections that send requests made beforehand and count answers.

It costs a few microseconds a request, so that what is measured is the service.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, NamedTuple

import uvloop

if TYPE_CHECKING:
    from collections.abc import Sequence

_LENGTH = b"content-length: "
_END = b"\r\n\r\n"
_SECONDS_TO_CONNECT = 1.0


class Outcome(NamedTuple):
    """What a run came to; latencies in seconds, of every request, unsorted."""

    seconds: float
    requests: int
    failed: int
    accepted_orders: int
    latencies: list[float]

    def percentile(self, share: float) -> float:
        """Return the latency that ``share`` of the requests stay within, in milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1_000


class _Connection(asyncio.Protocol):
    """Sends its requests one after the other, each when the one before is answered.

    With ``gap`` (seconds) no sooner than its time, and latencies count from that time: a service
    that falls behind does not slow its clients down.
    """

    def __init__(self, requests: Sequence[bytes], first: float, gap: float) -> None:
        self._requests = requests
        self._next = 0
        self._due = first
        self._gap = gap
        self._buffer = b""
        self._loop = asyncio.get_running_loop()
        self.finished = self._loop.create_future()
        self.latencies: list[float] = []
        self.failed = 0
        self.accepted = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; the run starts the sending."""
        self._transport = transport

    def begin(self) -> None:
        """Send the first request at its time."""
        self._loop.call_at(self._due, self._send)

    def data_received(self, data: bytes) -> None:
        """Count an answer, and go on."""
        buffer = self._buffer + data if self._buffer else data
        end = buffer.find(_END)
        at = buffer.find(_LENGTH)
        if end < 0 or at < 0:
            self._buffer = buffer
            return
        length = int(buffer[at + len(_LENGTH) : buffer.index(b"\r", at)])
        if len(buffer) < end + len(_END) + length:
            self._buffer = buffer
            return
        self._buffer = b""
        self.latencies.append(self._loop.time() - self._due)
        self.accepted += buffer.count(b'"position":"')
        if buffer[9:12] != b"200":
            self.failed += 1
        if self._next == len(self._requests):
            self.finished.set_result(None)
            return
        now = self._loop.time()
        self._due = self._due + self._gap if self._gap else now
        if self._due > now:
            self._loop.call_at(self._due, self._send)
        else:
            self._send()

    def connection_lost(self, error: Exception | None) -> None:
        """Fail a run that the service ends."""
        if not self.finished.done():
            self.finished.set_exception(error or ConnectionError("the service closed"))

    def _send(self) -> None:
        request = self._requests[self._next]
        self._next += 1
        self._transport.write(request)  # type: ignore[attr-defined]


async def _run(port: int, requests: Sequence[Sequence[bytes]], rate: float) -> Outcome:
    loop = asyncio.get_running_loop()
    gap = len(requests) / rate if rate else 0.0
    connections = []
    for number, each in enumerate(requests):
        # Spread over the first gap, or each would send at the same moment.
        first = gap * number / len(requests)
        _, connection = await loop.create_connection(
            lambda each=each, first=first: _Connection(each, first, gap), "127.0.0.1", port
        )
        connections.append(connection)
    started = loop.time() + _SECONDS_TO_CONNECT
    for connection in connections:
        connection._due += started
        connection.begin()
    await asyncio.gather(*(connection.finished for connection in connections))
    ended = loop.time()
    return Outcome(
        ended - started,
        sum(len(each) for each in requests),
        sum(connection.failed for connection in connections),
        sum(connection.accepted for connection in connections),
        [latency for connection in connections for latency in connection.latencies],
    )


def run(port: int, requests: Sequence[Sequence[bytes]], rate: float = 0.0) -> Outcome:
    """Send each list of ``requests`` over a connection of its own.

    As fast as answers come, or at ``rate`` requests a second over all connections.
    """
    time.sleep(0.2)
    return uvloop.run(_run(port, requests, rate))
