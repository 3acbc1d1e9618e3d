"""Requests, answers and retries without any network: what both clients run on.

A flow is a generator that yields what is to be done next, a `Request` or a `Pause`, and is sent
the `Response`. So each call is written once, and a client is a loop that does what flows ask.
"""

from __future__ import annotations

import random
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from gavelbook.client.errors import AnswerError, ApiError, NetworkError
from gavelbook.wire.scalars import ENCODER, decode_scalar, encode_scalar

T = TypeVar("T")

_TRY_AGAIN = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request to send."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    content: bytes | None


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to a request, read to its end."""

    status: int
    headers: dict[str, str]
    content: bytes


@dataclass(frozen=True, slots=True)
class Pause:
    """A time to wait, in seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Failure:
    """No answer came: a timeout or a broken connection."""

    reason: str


Step = Request | Pause
Flow = Generator[Step, "Response | Failure | None", T]
"""What a client has to do for a result of type T."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to go on when the exchange does not answer or is busy."""

    attempts: int = 4
    first_pause: float = 0.2
    longest_pause: float = 10.0

    def pause(self, attempt: int, asked: float | None) -> Pause:
        """Return how long to wait after the attempt numbered ``attempt``, from 1."""
        doubled = self.first_pause * 2 ** (attempt - 1)
        # Clients that failed together should not come back together.
        drawn = doubled * random.uniform(0.5, 1.5)  # noqa: S311  # no secret
        return Pause(min(max(drawn, asked or 0.0), self.longest_pause))


def ask(request: Request, answer: type[T], patience: Patience) -> Flow[T]:
    """Send ``request`` until it is answered, and return the answer.

    The same bytes each time: an order keeps its hash, so it cannot be placed twice.

    Raises:
        ApiError: The exchange refused it.
        NetworkError: No answer came, or it stayed busy.
        AnswerError: The answer makes no sense.
    """
    failure = ""
    for attempt in range(1, patience.attempts + 1):
        reply = yield request
        asked = None
        if isinstance(reply, Response):
            if reply.status not in _TRY_AGAIN:
                return _result(reply, answer)
            asked = _retry_after(reply)
            failure = f"status {reply.status}"
            if asked is not None and asked > patience.longest_pause:
                return _result(reply, answer)
        elif isinstance(reply, Failure):
            failure = reply.reason
        if attempt == patience.attempts:
            if isinstance(reply, Response):
                return _result(reply, answer)
            break
        yield patience.pause(attempt, asked)
    message = f"Expected an answer within {patience.attempts} attempts, was {failure}"
    raise NetworkError("no_answer", message, path=request.path)


def body_of(value: msgspec.Struct) -> bytes:
    """Return ``value`` as the body of a request."""
    return ENCODER.encode(value)


def query_of(values: dict[str, Any]) -> dict[str, str]:
    """Return the parameters that are given, as text."""
    return {
        key: value if isinstance(value, str) else _text(value)
        for key, value in values.items()
        if value is not None
    }


def _text(value: object) -> str:
    return str(value) if type(value) is int else encode_scalar(value)


def _result(response: Response, answer: type[T]) -> T:
    if response.status >= 400:  # noqa: PLR2004
        raise _problem(response)
    try:
        content = response.content or b"null"
        return msgspec.json.decode(content, type=answer, dec_hook=decode_scalar)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        message = f"Expected {answer.__name__}, was otherwise: {error}"
        raise AnswerError("answer_malformed", message) from error


def _problem(response: Response) -> ApiError | AnswerError:
    try:
        problem = msgspec.json.decode(response.content, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        message = f"Expected a problem with status {response.status}, was something else"
        return AnswerError("answer_malformed", message, status=response.status)
    return ApiError.of(problem)


def _retry_after(response: Response) -> float | None:
    text = response.headers.get("retry-after", "")
    return float(text) if text.isdecimal() and text.isascii() else None
