"""What the exchange tells its operator, and nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from gavelbook.api.operating import Operating
from gavelbook.errors import GavelbookError
from gavelbook.exchange.typed_data import checksum_address
from gavelbook.service.exchange.batch_store import BatchStore, SignedBatch
from gavelbook.service.exchange.chain_worker import ChainStatus
from gavelbook.service.exchange.settlement_status import Alarm, SettleStatus
from gavelbook.service.exchange.watcher import WatchStatus
from tests.api.running import RunningExchange

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "an operator's token of thirty-two characters or more"
RELAYER = bytes.fromhex("5e" * 20)


def status() -> ChainStatus:
    return ChainStatus(
        WatchStatus(120, 117, 1_800_000_000, 2, ("a deposit of an unknown token",)),
        SettleStatus(
            last_batch=2,
            open_fills=5,
            in_flight=1,
            busted=1,
            reverted=1,
            resting="in_flight",
            alarm=Alarm("bust_unsafe", "Expected a fill that may be undone"),
        ),
        "",
        450_000,
        9,
    )


@pytest.fixture(scope="module")
def operated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExchange]:
    batches = BatchStore()
    for number, attempt in ((1, 1), (2, 1), (2, 2)):
        content = bytes([number, attempt])
        batch = SignedBatch(number, attempt, 1, 1, 9, 9, content, content * 16, b"s" * 65, 10)
        batches.add(batch)
        batches.note_receipt(batch, b"t" * 32, 200_000 + attempt)
    operating = Operating(TOKEN, status, batches, RELAYER)
    folder = tmp_path_factory.mktemp("operated")
    with RunningExchange(folder, operating=operating) as running:
        yield running
    batches.close()


def ask(running: RunningExchange, authorization: str | None) -> httpx.Response:
    headers = {} if authorization is None else {"authorization": authorization}
    return httpx.get(f"{running.url}/v1/operator", headers=headers, timeout=20)


def test_the_operator_sees_how_watcher_and_settler_do(operated: RunningExchange) -> None:
    answer = ask(operated, f"Bearer {TOKEN}")
    assert answer.status_code == 200
    seen = answer.json()
    assert seen["watcher"] == {
        "headBlock": "120",
        "confirmedBlock": "117",
        "confirmedTime": "1800000000",
        "waiting": "2",
        "refused": ["a deposit of an unknown token"],
    }
    assert seen["settler"]["alarm"] == {
        "code": "bust_unsafe",
        "message": "Expected a fill that may be undone",
    }
    assert seen["settler"]["relayer"] == checksum_address(RELAYER)
    assert (seen["settler"]["gasUsed"], seen["settler"]["settledFills"]) == ("450000", "9")
    assert seen["position"] == seen["viewsPosition"] == "1"
    assert seen["oldestUnsettled"] is None
    assert not seen["cancelOnly"]


def test_batches_come_newest_first_with_their_latest_content(operated: RunningExchange) -> None:
    batches = ask(operated, f"Bearer {TOKEN}").json()["batches"]
    assert [(each["batch"], each["gasUsed"]) for each in batches] == [
        ("2", "200002"),
        ("1", "200001"),
    ]


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}"],
)
def test_nobody_else_does(operated: RunningExchange, authorization: str | None) -> None:
    answer = ask(operated, authorization)
    assert answer.status_code == 401
    assert answer.json()["code"] == "operator_required"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert TOKEN not in answer.text


@pytest.mark.parametrize("authorization", ["Bearer", "Bearer anything"])
def test_without_a_token_nobody_is_the_operator(
    exchange: RunningExchange, authorization: str
) -> None:
    assert ask(exchange, authorization).json()["code"] == "operator_required"


def test_a_session_is_no_operator(operated: RunningExchange) -> None:
    from gavelbook.client import Client
    from tests.api.running import trader

    with Client(operated.url, account=trader("somebody")) as client:
        client.sign_in()
        answer = ask(operated, f"Bearer {client.calls.token}")
    assert answer.json()["code"] == "operator_required"


def test_a_token_that_can_be_guessed_is_refused_and_not_repeated() -> None:
    with pytest.raises(GavelbookError, match="at least 32 characters") as error:
        Operating("hunter2")
    assert error.value.code == "operator_token_weak"
    assert "hunter2" not in error.value.message
    assert TOKEN not in repr(Operating(TOKEN))
