"""Watcher and settler at work in a thread, next to an exchange that runs in the same process."""

from __future__ import annotations

import threading
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import structlog

from gavelbook.chain.errors import ChainError, ChainUnreachable
from gavelbook.chain.outbox import SqliteOutbox
from gavelbook.chain.sender import Sender
from gavelbook.service.exchange.batch_maker import BatchMaker
from gavelbook.service.exchange.batch_store import BatchStore
from gavelbook.service.exchange.errors import IntakeError, OutcomeUnknownError
from gavelbook.service.exchange.sequencer import end_process
from gavelbook.service.exchange.settlement_status import SettlerSettings, SettleStatus
from gavelbook.service.exchange.settler import Settler
from gavelbook.service.exchange.watch_store import WatchStore
from gavelbook.service.exchange.watcher import Watcher, WatchStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from eth_account.signers.local import LocalAccount

    from gavelbook.chain.exchange import Exchange
    from gavelbook.chain.fees import FeePolicy
    from gavelbook.exchange.markets import Market
    from gavelbook.service.exchange.embedded import EmbeddedExchange
    from gavelbook.service.exchange.matcher_key import MatcherKey
    from gavelbook.service.exchange.verification import Approves

_log = structlog.get_logger("gavelbook.chain_worker")

_FOR_EVER = 2**256 - 1
_LONGEST_PAUSE = 15.0


class ChainStatus(NamedTuple):
    """How watcher and settler are doing.

    ``unreachable`` is why the node does not answer, "" if it does. ``gas_used`` is the gas of all
    batches settled, and of how many fills these are.
    """

    watch: WatchStatus
    settle: SettleStatus
    unreachable: str
    gas_used: int
    settled_fills: int


@dataclass(frozen=True, slots=True)
class ChainSettings:
    """How the exchange follows its chain.

    Attributes:
        from_block: where the exchange was deployed.
        confirmations: blocks on top of one that counts as final.
        poll_seconds: how often to look when nothing is to do.
        fees: what transactions may cost; None for the defaults.
        settler: when to settle.

    """

    from_block: int
    confirmations: int = 3
    poll_seconds: float = 1.0
    fees: FeePolicy | None = None
    settler: SettlerSettings = field(default_factory=SettlerSettings)


class ChainWorker:
    """Steps ``watcher`` and ``settler`` in turn until it is stopped.

    An outage of the node is waited for. ``on_failure`` is called where something breaks that a
    person has to look at; by default it ends the process.
    """

    def __init__(
        self,
        watcher: Watcher,
        settler: Settler,
        *,
        poll_seconds: float = 1.0,
        on_failure: Callable[[BaseException], None] = end_process,
    ) -> None:
        self.watcher = watcher
        self.settler = settler
        self._poll_seconds = poll_seconds
        self._on_failure = on_failure
        self._stopping = threading.Event()
        self._unreachable = ""
        self._thread = threading.Thread(target=self._run, name="chain", daemon=True)

    @property
    def status(self) -> ChainStatus:
        """How it goes."""
        gas_used, fills = self.settler.batches.gas_used()
        return ChainStatus(
            self.watcher.status, self.settler.status, self._unreachable, gas_used, fills
        )

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the step under way and end; what is on its way is taken up at the next start."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def step(self) -> None:
        """Do what can be done now.

        Raises:
            ChainUnreachable: the node does not answer; step again.

        """
        self.watcher.step()
        self.settler.step()

    def _run(self) -> None:
        pause = self._poll_seconds
        while not self._stopping.is_set():
            try:
                self.step()
            except ChainUnreachable as error:
                pause = min(max(pause, 0.1) * 2, _LONGEST_PAUSE)
                self._note_unreachable(error, pause)
            except ChainError as error:
                # Of the watcher: a node that contradicts itself, for instance.
                pause = _LONGEST_PAUSE
                self._note_unreachable(error, pause)
            except (OutcomeUnknownError, IntakeError) as error:
                _log.info("ended", code=error.code)
                return
            except BaseException as error:  # noqa: BLE001 -- whatever it is, nobody else sees it
                self._on_failure(error)
                return
            else:
                pause = self._poll_seconds
                self._unreachable = ""
                if self.settler.status.in_flight or not self.settler.status.resting:
                    continue
            self._stopping.wait(pause)

    def _note_unreachable(self, error: ChainError, pause: float) -> None:
        self._unreachable = f"{error.code}: {error.message}"
        _log.warning("node_unreachable", code=error.code, again_in_seconds=pause)


@contextmanager
def chain_worker_in(  # noqa: PLR0913
    folder: Path,
    exchange: Exchange,
    running: EmbeddedExchange,
    key: MatcherKey,
    relayer: LocalAccount,
    *,
    settings: ChainSettings,
    on_failure: Callable[[BaseException], None] = end_process,
) -> Iterator[ChainWorker]:
    """Open the worker with its state in ``folder``, and stop it in the end; `start` starts it.

    ``relayer`` pays for the batches; nobody else may send with its account.

    Raises:
        StoreError: ``store_in_use`` by another process, ``store_of_another_exchange`` or
            ``store_unusable``.
        ChainUnreachable: the node does not answer.

    """
    web3 = exchange.web3
    chain_id = web3.eth.chain_id
    outbox_path = folder / f"outbox-{chain_id}-{relayer.address}.sqlite"
    with (
        closing(WatchStore(folder / "watcher.sqlite")) as watched,
        closing(BatchStore(folder / "batches.sqlite")) as batches,
        closing(SqliteOutbox(outbox_path, chain_id, relayer.address)) as outbox,
    ):
        watcher = Watcher(
            exchange,
            watched,
            batches,
            running.sequencer,
            log=running.log,
            views=running.views,
            from_block=settings.from_block,
            confirmations=settings.confirmations,
        )

        def market(number: int) -> Market:
            with running.sequencer.reading() as engine:
                return engine.market(number)

        settler = Settler(
            exchange,
            Sender(web3, relayer, policy=settings.fees, outbox=outbox),
            batches,
            BatchMaker(key),
            sequencer=running.sequencer,
            views=running.views,
            watcher=watcher,
            markets=market,
            settings=settings.settler,
        )
        worker = ChainWorker(
            watcher, settler, poll_seconds=settings.poll_seconds, on_failure=on_failure
        )
        try:
            yield worker
        finally:
            worker.stop()


def approved_on_chain(exchange: Exchange, confirmations: int) -> Approves:
    """Return what says whether a maker vouches on chain for an order, for good and without end."""

    def approves(maker: bytes, order_hash: bytes) -> bool:
        block = max(0, exchange.web3.eth.block_number - confirmations)
        return exchange.approval_of(maker, order_hash, block) == _FOR_EVER

    return approves
