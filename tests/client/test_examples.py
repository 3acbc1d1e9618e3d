"""Every example in the client's documentation runs, each on an exchange in the same state."""

from __future__ import annotations

import doctest
import inspect
from typing import TYPE_CHECKING

import pytest

from gavelbook.client import AsyncClient, Client, Lanes, LocalBook
from gavelbook.client.calls import Calls
from tests.api.running import RunningExchange, trader

if TYPE_CHECKING:
    from collections.abc import Iterator

PUBLIC = [
    name
    for name, member in inspect.getmembers(Client)
    if not name.startswith("_") and callable(member) and name not in {"run", "close"}
]
_finder = doctest.DocTestFinder(recurse=False)


def examples() -> Iterator[doctest.DocTest]:
    for owner in (Calls, Client, AsyncClient):
        for name in PUBLIC:
            member = inspect.getattr_static(owner, name, None)
            if owner is Calls or name == "stream":
                yield from _finder.find(member, f"{owner.__name__}.{name}") if member else ()
    for kind in (Client, AsyncClient, LocalBook, Lanes):
        yield from _finder.find(kind, kind.__name__)


EXAMPLES = {example.name: example for example in examples() if example.examples}


@pytest.mark.parametrize("name", PUBLIC)
def test_every_call_has_an_example_and_both_clients_have_it(name: str) -> None:
    assert f"Calls.{name}" in EXAMPLES or name == "stream"
    assert hasattr(AsyncClient, name)
    assert getattr(Client, name).__doc__


@pytest.mark.parametrize("name", list(EXAMPLES))
def test_example(exchange: RunningExchange, name: str) -> None:
    maker, taker = trader(f"maker of {name}"), trader(f"taker of {name}")
    exchange.fund(maker, taker)
    with (
        Client(exchange.url, account=maker) as client,
        Client(exchange.url, account=taker) as other,
    ):
        client.sign_in()
        call = name.rpartition(".")[2]
        resting = None
        if call != "cancel_all":
            # An account does not trade with itself.
            resting = (other if call == "market_order" else client).limit(
                1, "buy", lots=10, ticks=99
            )
        if call in {"trades", "candles", "fills"}:
            client.limit(1, "sell", lots=1, ticks=101)
            other.market_order(1, "buy", lots=1)
        own = EXAMPLES[name]
        own.globs = {
            "client": client,
            "resting": resting,
            "url": exchange.url,
            "account": maker,
            "AsyncClient": AsyncClient,
            "Client": Client,
        }
        said: list[str] = []
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
        try:
            failed, attempted = runner.run(own, out=said.append, clear_globs=False)
            assert attempted
            assert not failed, "".join(said)
        finally:
            client.cancel_all()
            other.cancel_all()
