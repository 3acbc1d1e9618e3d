"""The Streamlit pages as a process of the demo."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

import requests

import gavelbook
from gavelbook.demo.errors import DemoError
from gavelbook.demo.local_chain import end_process

USUAL_PAGE_PORT = 8501

_LOOPBACK = "127.0.0.1"
_START_SECONDS = 60
_PAGES = Path(gavelbook.__file__).parent.parent / "ui"


class PageServer:
    """The pages over the chain at ``rpc_url``. Use it as a context to end the process."""

    def __init__(self, rpc_url: str, deployments: Path, port: int) -> None:
        """Serve on ``port``."""
        self.url = f"http://{_LOOPBACK}:{port}"
        options = {"server.port": port, "server.address": _LOOPBACK}
        command = [sys.executable, "-m", "streamlit", "run", str(_PAGES / "streamlit_app.py")]
        command += [f"--{name}={value}" for name, value in options.items()]
        environment = {
            **os.environ,
            "GAVELBOOK_RPC_URL": rpc_url,
            "GAVELBOOK_DEPLOYMENTS": str(deployments),
            "GAVELBOOK_DEMO_ACCOUNTS": "1",
        }
        self._log = (deployments / "pages.log").open("wb")
        self.process = subprocess.Popen(  # noqa: S603 -- our own pages
            command,
            # Streamlit reads its theme from here.
            cwd=_PAGES,
            env=environment,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        """Wait until the pages answer."""
        try:
            self._wait_until_up()
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
            DemoError: ``pages_failed`` with what it said last.

        """
        if self.process.poll() is not None:
            said = Path(self._log.name).read_text(errors="replace").strip().splitlines()[-3:]
            raise DemoError("pages_failed", f"Expected the pages to run, was: {' / '.join(said)}")

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            self.check()
            with suppress(requests.RequestException):
                if requests.get(f"{self.url}/_stcore/health", timeout=1).ok:
                    return
            time.sleep(0.1)
        raise DemoError("pages_failed", f"Expected the pages at {self.url}, was no answer")

    def close(self) -> None:
        """End the process, by force if it does not go."""
        end_process(self.process)
        self._log.close()
