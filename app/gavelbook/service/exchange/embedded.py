"""The exchange on one machine: log, views and snapshots in one folder, and what works on them."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol, Self

from gavelbook.errors import FileError
from gavelbook.service.exchange.intake import Intake
from gavelbook.service.exchange.matcher_key import MatcherKey
from gavelbook.service.exchange.recovery import recover
from gavelbook.service.exchange.recovery_processes import RecoveryProcesses
from gavelbook.service.exchange.sequencer import SNAPSHOT_EVERY, Sequencer, end_process, now_ms
from gavelbook.service.exchange.snapshots import SnapshotFolder
from gavelbook.service.exchange.sqlite_log import SqliteLog, origin_of
from gavelbook.service.exchange.verification import Verifier, nothing_approved
from gavelbook.service.exchange.view_writer import ViewWriter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gavelbook.exchange.engine import EngineTerms
    from gavelbook.exchange.signing import Domain
    from gavelbook.service.exchange.verification import Approves


class Worker(Protocol):
    """Something that works beside the exchange, as watcher and settler do."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End; returns when it has."""


class EmbeddedExchange:
    """Log, views, sequencer and intake of the exchange ``domain`` in ``folder``.

    Everything is recovered when it is made; ``start`` takes commands. What works on it, such as the
    chain's watcher and settler, is given to ``add`` before, and is stopped before it.

    Raises:
        LogError: the log cannot be used, or was begun under another domain or other terms.
        ViewError: the views cannot be used.
        FileError: ``folder_unusable``.

    """

    def __init__(  # noqa: PLR0913 -- what it is of, and how it is run
        self,
        folder: Path,
        domain: Domain,
        terms: EngineTerms,
        matcher: bytes,
        approves: Approves = nothing_approved,
        *,
        clock_ms: Callable[[], int] = now_ms,
        snapshot_every: int = SNAPSHOT_EVERY,
        recovery_processes: int = 0,
        on_failure: Callable[[BaseException], None] = end_process,
    ) -> None:
        """Open what is in ``folder``; ``matcher`` is the 32 bytes of the matcher's key.

        Signatures of orders are checked in ``recovery_processes``, or in this one if there are 0.

        ``clock_ms`` is the time in unix milliseconds; a snapshot is taken every so many entries of
        the log; what ``on_failure`` is for, `Sequencer` says.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            message = f"Expected a folder for the exchange, was {folder} ({error.strerror})"
            raise FileError("folder_unusable", message, file=str(folder)) from error
        self.folder = folder
        self.domain = domain
        self.terms = terms
        self.key = MatcherKey(domain, matcher)
        self.origin = origin_of(domain, terms)
        self._workers: list[Worker] = []
        with ExitStack() as opened:
            self.log = SqliteLog(folder / "log.sqlite", self.origin)
            opened.callback(self.log.close)
            writer = ViewWriter(folder / "views.sqlite")
            opened.callback(writer.close)
            snapshots = SnapshotFolder(folder / "snapshots")
            engine = recover(self.log, terms, snapshots, writer)
            self.views = writer.views
            self.sequencer = Sequencer(
                engine,
                self.log,
                writer,
                snapshots,
                self.key,
                clock_ms=clock_ms,
                snapshot_every=snapshot_every,
                on_failure=on_failure,
            )
            recoverers = RecoveryProcesses(recovery_processes)
            opened.callback(recoverers.close)
            verifier = Verifier(domain, engine.markets(), approves, recoverers.recover_all)
            self.sequencer.subscribe(verifier.follow)
            self.intake = Intake(self.sequencer, verifier)
            self._opened = opened.pop_all()

    def add(self, worker: Worker) -> None:
        """Have ``worker`` start and stop with the exchange."""
        self._workers.append(worker)

    def start(self) -> None:
        """Begin to take commands, and start the workers."""
        self.sequencer.start()
        self._opened.callback(self.sequencer.stop)
        self.intake.start()
        self._opened.callback(self.intake.stop)
        for worker in self._workers:
            worker.start()
            self._opened.callback(worker.stop)

    def stop(self) -> None:
        """Stop the workers, answer what was taken, and close everything."""
        self._opened.close()

    def __enter__(self) -> Self:
        """Return the exchange, which is stopped at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()
