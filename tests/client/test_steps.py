"""Retries without a network: the same bytes again, and never longer than asked."""

from __future__ import annotations

import json

import msgspec
import pytest

from gavelbook.client import AnswerError, ApiError, NetworkError, Patience
from gavelbook.client.steps import Failure, Pause, Request, Response, ask
from gavelbook.wire.markets import Time

REQUEST = Request("POST", "/v1/orders", {}, {}, b"signed bytes")
GOOD = Response(200, {}, b'{"time":"5","logTime":"4"}')
PATIENCE = Patience(attempts=3, first_pause=0.1, longest_pause=2.0)


def problem(status: int, code: str, **headers: str) -> Response:
    body = {"status": status, "code": code, "detail": "Expected", "type": "", "title": ""}
    return Response(status, headers, json.dumps(body).encode())


def play(*replies: Response | Failure) -> tuple[Time, list[object]]:
    """Return the result of a flow that gets ``replies``, and all it asked for."""
    flow = ask(REQUEST, Time, PATIENCE)
    waiting = list(replies)
    steps: list[object] = []
    step = next(flow)
    while True:
        steps.append(step)
        try:
            step = flow.send(None if isinstance(step, Pause) else waiting.pop(0))
        except StopIteration as done:
            assert not waiting
            return done.value, steps


def test_an_answer_at_once() -> None:
    answer, steps = play(GOOD)
    assert answer == Time(5, 4)
    assert steps == [REQUEST]


@pytest.mark.parametrize(
    "trouble", [Failure("timeout"), problem(503, "overloaded"), problem(504, "outcome_unknown")]
)
def test_the_same_bytes_go_again(trouble: Response | Failure) -> None:
    answer, steps = play(trouble, trouble, GOOD)
    assert answer.time == 5
    requests = [step for step in steps if isinstance(step, Request)]
    assert requests == [REQUEST] * 3
    assert all(step.seconds < 2 for step in steps if isinstance(step, Pause))


def test_a_busy_exchange_says_how_long() -> None:
    _, steps = play(problem(429, "rate_limited", **{"retry-after": "2"}), GOOD)
    assert steps[1] == Pause(2.0)


def test_too_long_is_not_waited_for() -> None:
    with pytest.raises(ApiError) as caught:
        play(problem(429, "rate_limited", **{"retry-after": "60"}))
    assert caught.value.code == "rate_limited"


def test_the_end_of_patience() -> None:
    with pytest.raises(NetworkError) as caught:
        play(*[Failure("timeout")] * 3)
    assert "timeout" in caught.value.message
    with pytest.raises(ApiError) as busy:
        play(*[problem(503, "overloaded")] * 3)
    assert busy.value.code == "overloaded"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 500])
def test_a_refusal_is_final(status: int) -> None:
    with pytest.raises(ApiError) as caught:
        play(problem(status, "some_code"))
    assert (caught.value.code, caught.value.status) == ("some_code", status)


@pytest.mark.parametrize("content", [b"", b"<html>", b"{}", b'{"time":5,"logTime":4}', b"\xff"])
def test_an_answer_that_makes_no_sense(content: bytes) -> None:
    with pytest.raises(AnswerError):
        play(Response(200, {}, content))


def test_a_refusal_that_makes_no_sense() -> None:
    with pytest.raises(AnswerError):
        play(Response(418, {}, b"<html>"))


def test_details_of_a_problem_are_kept() -> None:
    content = msgspec.json.encode({"status": 422, "code": "x", "detail": "d", "needed": "5"})
    with pytest.raises(ApiError) as caught:
        play(Response(422, {}, content))
    assert caught.value.details["needed"] == "5"
