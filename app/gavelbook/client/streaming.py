"""The stream without any network: what to say, what was missed, and when to give up."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import msgspec

from gavelbook.client.errors import AnswerError, ApiError, StreamError
from gavelbook.client.steps import Patience
from gavelbook.wire.scalars import ENCODER, Uint64, decode_scalar
from gavelbook.wire.stream import (
    AccountUpdate,
    Authenticate,
    BookLevels,
    CancelOnDisconnect,
    Candles,
    Ping,
    Subscribe,
    Trades,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from websockets.exceptions import ConnectionClosed

Data = BookLevels | Trades | Candles | AccountUpdate
_DATA: dict[str, type[Data]] = {
    "book": BookLevels,
    "trades": Trades,
    "candles": Candles,
    "account": AccountUpdate,
}
LISTEN = 5.0
"""Seconds to wait for a message before seeing to the connection."""
_QUIET = 45.0
"""Seconds without a heartbeat after which a connection counts as dead."""
_FINAL_CODES = frozenset({1007, 4001, 4029})
"""Close codes that coming back would not cure: bad data, session ended, too many messages."""


class Update(NamedTuple):
    """What a channel says: all of it, or with ``prev`` what changed since then."""

    channel: str
    seq: int
    prev: int | None
    data: Data

    @property
    def is_snapshot(self) -> bool:
        """Whether it replaces everything said before."""
        return self.prev is None


class _Message(msgspec.Struct):
    op: str
    channel: str = ""
    seq: Uint64 = Uint64(0)
    prev: Uint64 | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")
    problem: dict[str, Any] | None = None


_DECODER = msgspec.json.Decoder(_Message, dec_hook=decode_scalar)


class StreamState:
    """Follows channels over any number of connections.

    After a broken connection it resumes where it was; where that is no longer possible, or a
    message is missing, a snapshot comes again.
    """

    def __init__(
        self,
        channels: tuple[str, ...],
        token: str | None,
        cancel_on_disconnect: int | None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._seqs: dict[str, int | None] = dict.fromkeys(channels)
        self._token = token
        self._cancel_seconds = cancel_on_disconnect
        self._clock = clock
        self._outgoing: list[str] = []
        self._heard = clock()
        self._said = clock()
        self._failures = 0
        self._patience = Patience()

    def opening(self) -> list[str]:
        """Return what to send once connected."""
        self._heard = self._said = self._clock()
        messages: list[msgspec.Struct] = []
        if self._token is not None:
            messages.append(Authenticate(self._token))
        if self._cancel_seconds is not None:
            messages.append(CancelOnDisconnect(enabled=True, timeout_seconds=self._cancel_seconds))
        for channel, seq in self._seqs.items():
            messages.append(Subscribe(channel, None if seq is None else Uint64(seq)))
        return [_text(message) for message in messages]

    def receive(self, text: str | bytes) -> list[Update]:
        """Take one message; return what it says of a channel, if anything.

        Raises:
            ApiError: The exchange refuses what was asked.
            AnswerError: It makes no sense.
        """
        self._heard = self._clock()
        try:
            message = _DECODER.decode(text)
            if message.op == "error":
                raise ApiError.of(message.problem or {})
            if message.op not in {"snapshot", "delta"}:
                return []
            self._failures = 0
            kind = _DATA[message.channel.split(".")[0]]
            data = msgspec.json.decode(message.data, type=kind, dec_hook=decode_scalar)
        except (msgspec.MsgspecError, KeyError, UnicodeError) as error:
            text = f"Expected a message as docs/api.md has it, was otherwise: {error}"
            raise AnswerError("answer_malformed", text) from error
        return self._follow(message, data)

    def outgoing(self) -> list[str]:
        """Return what to send now.

        Raises:
            StreamError: ``stream_quiet``, where no heartbeat came: connect again.
        """
        now = self._clock()
        if now - self._heard > _QUIET:
            message = f"Expected a heartbeat within {_QUIET:g} s, was none"
            raise StreamError("stream_quiet", message)
        messages, self._outgoing = self._outgoing, []
        if self._cancel_seconds is not None and now - self._said > self._cancel_seconds / 3:
            messages.append(_text(Ping()))
        if messages:
            self._said = now
        return messages

    def broken(self, code: int | None, reason: str) -> float:
        """Return how long to wait before connecting again.

        Raises:
            StreamError: ``stream_ended``, where that would not help.
        """
        if code in _FINAL_CODES:
            message = f"Expected the stream to go on, was closed with {code}: {reason}"
            raise StreamError("stream_ended", message, close_code=code)
        self._failures += 1
        return self._patience.pause(min(self._failures, 8), None).seconds

    def _follow(self, message: _Message, data: Data) -> list[Update]:
        known = self._seqs.get(message.channel)
        if message.prev is not None and (known is None or message.prev > known):
            if known is not None:
                self._seqs[message.channel] = None
                self._outgoing.append(_text(Subscribe(message.channel)))
            return []
        if message.prev is not None and known is not None and message.prev < known:
            return []
        self._seqs[message.channel] = int(message.seq)
        prev = None if message.prev is None else int(message.prev)
        return [Update(message.channel, int(message.seq), prev, data)]


def closing(error: ConnectionClosed) -> tuple[int | None, str]:
    """Return code and reason with which the other side closed; None where it just went."""
    frame = error.rcvd
    return (None, str(error)) if frame is None else (frame.code, frame.reason)


def stream_url(url: str) -> str:
    """Return the WebSocket of the exchange at ``url``."""
    parts = urlsplit(url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    return urlunsplit((scheme, parts.netloc, f"{parts.path.rstrip('/')}/v1/stream", "", ""))


def _text(message: msgspec.Struct) -> str:
    return ENCODER.encode(message).decode()
