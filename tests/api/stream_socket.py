"""A raw connection to the stream, for tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

    from tests.api.running import RunningExchange


class Socket:
    """A raw connection to the stream."""

    def __init__(self, exchange: RunningExchange, **options: Any) -> None:
        self._url = f"ws://127.0.0.1:{exchange.port}/v1/stream"
        self._options = options

    def __enter__(self) -> Self:
        self.raw: ClientConnection = connect(self._url, **self._options)
        return self

    def __exit__(self, *_: object) -> None:
        self.raw.close()

    def say(self, op: str, **values: object) -> None:
        self.raw.send(json.dumps({"op": op, **values}))

    def hear(self, *ops: str, seconds: float = 10) -> dict[str, Any]:
        """Return the next message of one of ``ops``; heartbeats are passed over."""
        while True:
            message = json.loads(self.raw.recv(seconds))
            if message["op"] in ops or (not ops and message["op"] != "heartbeat"):
                return message

    def ask(self, op: str, **values: object) -> dict[str, Any]:
        self.say(op, id="asked", **values)
        while (message := self.hear()).get("id") != "asked":
            pass
        return message

    def closed(self) -> int:
        code = None
        while code is None:
            try:
                self.raw.recv(10)
            except ConnectionClosed as error:
                code = 0 if error.rcvd is None else error.rcvd.code
        return code
