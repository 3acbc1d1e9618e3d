"""The exchange service as a process of the demo, and in the end the pages with it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

from gavelbook.chain.keystore import FOLDER_VARIABLE, passphrase_variable
from gavelbook.demo.child_server import LOOPBACK, ChildServer
from gavelbook.demo.errors import DemoError
from gavelbook.demo.local_chain import free_port
from gavelbook.exchange.engine import Engine
from gavelbook.service.exchange.snapshots import SnapshotFolder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gavelbook.demo.exchange_scene import ExchangeScene

GAVELBOOK = Path(sys.executable).with_name("gavelbook")
"""The command line beside this interpreter."""

_MATCHER, _RELAYER = "matcher", "relayer"
_PASSPHRASE = "demo"  # noqa: S105 -- of keys that everybody knows
_BATCH_FILLS = 40
_BATCH_SECONDS = 2
_STOP_SECONDS = 15
"""It answers what it has taken, and writes its state down."""


class ExchangeServer:
    """`gavelbook serve` over the exchange of ``scene``. Use it as a context to end the process.

    It can be started and stopped several times; what it knows is in its folder.
    """

    def __init__(self, scene: ExchangeScene, port: int | None = None) -> None:
        """Prepare; `start` starts it, on ``port`` or any free one."""
        self._scene = scene
        self._port = port or free_port()
        folder = scene.scene.store.folder
        self._folder, self._keys = folder / "exchange", folder / "keys"
        self._environment = self._locked_away()
        self._process: ChildServer | None = None
        self.url = f"http://{LOOPBACK}:{self._port}"

    def __enter__(self) -> Self:
        """Return the server, not started yet."""
        return self

    def __exit__(self, *error: object) -> None:
        """End the process, if there is one."""
        self.stop()

    def start(self, pages: Mapping[str, str] | None = None) -> None:
        """Start the process and wait until it answers.

        It serves the pages as well where ``pages`` says what is in their environment.

        Raises:
            DemoError: ``exchange_failed``.

        """
        options = {
            "matcher": _MATCHER,
            "relayer": _RELAYER,
            "rpc": self._scene.scene.chain.url,
            "from-block": self._scene.block,
            "state": self._folder,
            "port": self._port,
            # The blocks of the demo's own chain are final at once.
            "confirmations": 0,
            # A real exchange waits for more fills, which makes each cheaper.
            "batch-fills": _BATCH_FILLS,
            "batch-seconds": _BATCH_SECONDS,
        }
        command = [str(GAVELBOOK), "serve", self._scene.exchange.address]
        command += [f"--{name}={value}" for name, value in options.items()]
        if pages is not None:
            # Whoever opens the pages by this name is at home as well.
            command += ["--pages", f"--origin=http://localhost:{self._port}"]
        self._process = ChildServer(
            "exchange",
            command,
            health=f"{self.url}/v1/status",
            log=self._keys.parent / "exchange.log",
            folder=self._keys.parent,
            environment={**self._environment, **(pages or {})},
            stop_seconds=_STOP_SECONDS,
        )
        self._process.wait_until_up()

    def check(self) -> None:
        """Make sure that the process is still there; errors as `start`."""
        if self._process is not None:
            self._process.check()

    def stop(self) -> None:
        """Ask the process to end, and wait until it has."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def kill(self) -> None:
        """End the process at once, in the middle of whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def stopped_state_hash(self) -> bytes:
        """Return the hash of the state that the stopped exchange left on its disk.

        Raises:
            DemoError: ``no_snapshot``.

        """
        snapshot = next(SnapshotFolder(self._folder / "snapshots").newest_first(), None)
        if snapshot is None:
            raise DemoError("no_snapshot", "Expected a stopped exchange to leave a snapshot")
        return Engine.restore(snapshot.state).state_hash()

    def _locked_away(self) -> dict[str, str]:
        """Write the operator's keys as ape keeps them; return where they are and what opens them.

        They are the demo's, known to all, so that the passphrase need not hold anybody up.
        """
        accounts = self._keys / "accounts"
        accounts.mkdir(parents=True)
        environment = {FOLDER_VARIABLE: str(self._keys)}
        cast = self._scene.scene.cast
        for alias, account in ((_MATCHER, cast.matcher), (_RELAYER, cast.relayer)):
            content = account.encrypt(_PASSPHRASE, kdf="pbkdf2", iterations=1)
            (accounts / f"{alias}.json").write_text(json.dumps(content))
            environment[passphrase_variable(alias)] = _PASSPHRASE
        return environment
