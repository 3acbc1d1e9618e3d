"""Following the stream without a network: resuming, gaps, and when to give up."""

from __future__ import annotations

import json

import pytest

from gavelbook.client import AnswerError, ApiError, StreamError
from gavelbook.client.streaming import StreamState, stream_url
from tests.hand_clock import HandClock


def snapshot(seq: int, channel: str = "book.1") -> str:
    data = {"bids": [["5", "1"]], "asks": []}
    return json.dumps({"op": "snapshot", "channel": channel, "seq": str(seq), "data": data})


def delta(prev: int, seq: int, channel: str = "book.1") -> str:
    data = {"bids": [["5", "2"]], "asks": []}
    message = {"op": "delta", "channel": channel, "prev": str(prev), "seq": str(seq), "data": data}
    return json.dumps(message)


@pytest.fixture
def clock() -> HandClock:
    return HandClock(100.0)


@pytest.fixture
def state(clock: HandClock) -> StreamState:
    return StreamState(("book.1", "book.2"), None, None, clock)


def opening(state: StreamState) -> list[dict[str, object]]:
    return [json.loads(message) for message in state.opening()]


def test_it_asks_for_all_channels_and_resumes_later(state: StreamState) -> None:
    assert [each["resumeFrom"] for each in opening(state)] == [None, None]
    (first,) = state.receive(snapshot(10))
    (second,) = state.receive(delta(10, 12))
    assert (first.is_snapshot, second.is_snapshot, second.prev) == (True, False, 10)
    state.broken(None, "gone")
    assert [each["resumeFrom"] for each in opening(state)] == ["12", None]


def test_a_gap_asks_for_a_snapshot_and_tells_nothing_until_then(state: StreamState) -> None:
    opening(state)
    state.receive(snapshot(10))
    assert state.receive(delta(12, 14)) == []
    (asked,) = state.outgoing()
    assert json.loads(asked)["channel"] == "book.1"
    assert json.loads(asked)["resumeFrom"] is None
    assert state.outgoing() == []
    assert state.receive(delta(14, 15)) == []
    (again,) = state.receive(snapshot(15))
    assert again.is_snapshot
    assert len(state.receive(delta(15, 16))) == 1


def test_signed_in_it_authenticates_first_and_keeps_talking(clock: HandClock) -> None:
    state = StreamState(("account",), "token", 30, clock)
    assert [each["op"] for each in opening(state)] == [
        "authenticate",
        "cancelOnDisconnect",
        "subscribe",
    ]
    assert state.outgoing() == []
    clock.now += 11
    assert [json.loads(each)["op"] for each in state.outgoing()] == ["ping"]
    assert state.outgoing() == []


def test_silence_is_a_dead_connection(state: StreamState, clock: HandClock) -> None:
    opening(state)
    clock.now += 44
    assert state.outgoing() == []
    state.receive('{"op":"heartbeat","time":"1","position":"1"}')
    clock.now += 46
    with pytest.raises(StreamError) as caught:
        state.outgoing()
    assert caught.value.code == "stream_quiet"


@pytest.mark.parametrize("code", [1007, 4001, 4029])
def test_what_coming_back_does_not_cure(state: StreamState, code: int) -> None:
    with pytest.raises(StreamError) as caught:
        state.broken(code, "why")
    assert caught.value.details["close_code"] == code


def test_pauses_grow_and_a_message_forgets_them(state: StreamState) -> None:
    opening(state)
    pauses = [state.broken(4008, "slow consumer") for _ in range(12)]
    assert pauses[0] < 0.5 < pauses[6] <= 10
    assert max(pauses) <= 10
    state.receive(snapshot(10))
    assert state.broken(None, "gone") < 0.5


def test_a_refusal_is_raised(state: StreamState) -> None:
    with pytest.raises(ApiError) as caught:
        state.receive('{"op":"error","problem":{"code":"unknown_channel","detail":"x"}}')
    assert caught.value.code == "unknown_channel"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"op":"delta","channel":"what.1","data":{}}',
        snapshot(1).replace("bids", "b"),
    ],
)
def test_a_message_that_makes_no_sense(state: StreamState, text: str) -> None:
    with pytest.raises(AnswerError):
        state.receive(text)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8100", "ws://127.0.0.1:8100/v1/stream"),
        ("https://trade.example/api/", "wss://trade.example/api/v1/stream"),
    ],
)
def test_where_the_stream_is(url: str, expected: str) -> None:
    assert stream_url(url) == expected
