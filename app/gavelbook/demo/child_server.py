"""A server of ours as a process of the demo."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import requests

from gavelbook.demo.errors import DemoError
from gavelbook.demo.local_chain import end_process

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

LOOPBACK = "127.0.0.1"

_START_SECONDS = 60
_LINES_SHOWN = 3


class ChildServer:
    """A running server. Close it, or use it as a context, to end its process.

    Errors about it have the code ``<name>_failed``.
    """

    def __init__(  # noqa: PLR0913 -- what a process is made of
        self,
        name: str,
        command: Sequence[str],
        *,
        health: str,
        log: Path,
        folder: Path,
        environment: Mapping[str, str],
        stop_seconds: float = 5,
    ) -> None:
        """Run ``command`` in ``folder``; it is up when the URL ``health`` answers.

        It is given ``stop_seconds`` to end in order.
        """
        self._stop_seconds = stop_seconds
        self._name = name
        self._health = health
        self._log_path = log
        self._log = log.open("ab")
        # A session of its own: Ctrl-C reaches the demo alone, which then ends its children.
        self.process = subprocess.Popen(  # noqa: S603 -- our own programs
            list(command),
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        """Wait until the server answers."""
        try:
            self.wait_until_up()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        """End the process."""
        self.close()

    def check(self) -> None:
        """Make sure that the process is still there.

        Raises:
            DemoError: ``<name>_failed`` with what it said last.

        """
        if self.process.poll() is not None:
            said = self._log_path.read_text(errors="replace").strip().splitlines()[-_LINES_SHOWN:]
            message = f"Expected the {self._name} to run, was: {' / '.join(said)}"
            raise DemoError(f"{self._name}_failed", message)

    def wait_until_up(self) -> None:
        """Wait until the server answers.

        Raises:
            DemoError: ``<name>_failed``.

        """
        deadline = time.monotonic() + _START_SECONDS
        with requests.Session() as session:
            # A proxy of the environment has no business between two processes of one machine.
            session.trust_env = False
            while time.monotonic() < deadline:
                self.check()
                with suppress(requests.RequestException):
                    if session.get(self._health, timeout=1).ok:
                        return
                time.sleep(0.05)
        message = f"Expected the {self._name} at {self._health}, was no answer"
        raise DemoError(f"{self._name}_failed", message)

    def close(self) -> None:
        """End the process, by force if it does not go."""
        end_process(self.process, self._stop_seconds)
        self._log.close()

    def kill(self) -> None:
        """End the process at once."""
        self.process.kill()
        self.close()
