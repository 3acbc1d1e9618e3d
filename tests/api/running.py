"""An exchange with its API on a port of this machine, without a chain, for tests."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Self

from eth_account import Account
from tiny_keccak import keccak256

from gavelbook.api.serving import serve
from gavelbook.api.settings import ApiSettings, Rates
from gavelbook.exchange.commands import Deposit, ListMarket
from gavelbook.exchange.engine import EngineTerms
from gavelbook.exchange.markets import Market
from gavelbook.exchange.signing import Domain
from gavelbook.rates import Rate
from gavelbook.service.exchange.embedded import EmbeddedExchange

if TYPE_CHECKING:
    from pathlib import Path

    from eth_account.signers.local import LocalAccount

    from gavelbook.api.operating import Operating
    from gavelbook.api.settlements import Batches
    from gavelbook.exchange.commands import Command
    from gavelbook.service.exchange.entries import Applied

CHAIN_ID = 31_337
CONTRACT = bytes.fromhex("e7f1725e7734ce288f8367e1bb143e90bb3f0512")
BASE = bytes.fromhex("0b" * 20)
QUOTE = bytes.fromhex("0a" * 20)
FEES = bytes.fromhex("fe" * 20)
MATCHER_KEY = bytes(keccak256(b"matcher"))
FUNDS = 10**30
MARKET = Market(1, BASE, QUOTE, 10**16, 10**12, 20, 10)
PLENTY = Rate(1e9, 10**9)
NO_LIMITS = Rates(*[PLENTY] * 7)


def trader(name: str) -> LocalAccount:
    """Return the account of a name."""
    return Account.from_key(bytes(keccak256(name.encode())))


class RunningExchange:
    """Serves until the end of the ``with`` block; one market, nobody has anything."""

    def __init__(
        self,
        folder: Path,
        settings: ApiSettings | None = None,
        batches: Batches | None = None,
        operating: Operating | None = None,
    ) -> None:
        self.settings = settings or ApiSettings(rates=NO_LIMITS)
        self.folder = folder
        self._batches = batches
        self._operating = operating
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="api", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.exchange = EmbeddedExchange(
            self.folder, Domain(CHAIN_ID, CONTRACT), EngineTerms(FEES), MATCHER_KEY
        )
        self.exchange.start()
        if not self.exchange.sequencer.tail.position:
            self.submit(ListMarket(MARKET))
        self._thread.start()
        assert self._ready.wait(20), "the API did not start"
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(self, *_: object) -> None:
        if self._task is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(20)
        self.exchange.stop()

    def submit(self, command: Command) -> Applied:
        return self.exchange.sequencer.submit(command).result(20)

    def fund(self, *accounts: LocalAccount | bytes, amount: int = FUNDS) -> None:
        for account in accounts:
            address = account if isinstance(account, bytes) else bytes.fromhex(account.address[2:])
            for token in (BASE, QUOTE):
                self.submit(Deposit(address, token, amount))

    def wait_for_views(self) -> None:
        assert self.exchange.views.wait_for(self.exchange.sequencer.tail.position, 20)

    def _serve(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:  # noqa: BLE001
            self._failure = error
        finally:
            self._ready.set()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()

        def ready(port: int) -> None:
            self.port = port
            self._ready.set()

        serving: Any = serve(
            self.exchange,
            self.settings,
            host="127.0.0.1",
            port=0,
            batches=self._batches,
            operating=self._operating,
            ready=ready,
        )
        try:
            await serving
        except asyncio.CancelledError:
            return
