"""A running exchange for each module, and traders that have something in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from gavelbook.client import Client
from gavelbook.wire.scalars import ENCODER
from tests.api.running import RunningExchange, trader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from msgspec import Struct


def body_of(value: Struct) -> dict[str, Any]:
    """Return what a client would send, to be spoilt."""
    return json.loads(ENCODER.encode(value))


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExchange]:
    with RunningExchange(tmp_path_factory.mktemp("exchange")) as running:
        yield running


@pytest.fixture(scope="module")
def http(exchange: RunningExchange) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=exchange.url, timeout=20) as client:
        yield client


@pytest.fixture
def maker(exchange: RunningExchange, request: pytest.FixtureRequest) -> Iterator[Client]:
    yield from _funded(exchange, f"maker of {request.node.nodeid}")


@pytest.fixture
def taker(exchange: RunningExchange, request: pytest.FixtureRequest) -> Iterator[Client]:
    yield from _funded(exchange, f"taker of {request.node.nodeid}")


@pytest.fixture
def attacker(exchange: RunningExchange, request: pytest.FixtureRequest) -> Iterator[Client]:
    yield from _funded(exchange, f"attacker of {request.node.nodeid}")


def _funded(exchange: RunningExchange, name: str) -> Iterator[Client]:
    account = trader(name)
    exchange.fund(account)
    with Client(exchange.url, account=account) as client:
        yield client
        # The book is everybody's: leave it as it was.
        client.cancel_all()
