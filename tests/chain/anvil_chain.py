"""An anvil of one's own: loopback, a free port, ended by its process in any case."""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ape_gavelbook.paths import anvil_folder
from gavelbook.chain.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

_MNEMONIC = "test test test test test test test test test test test junk"
_PORT = re.compile(r"Listening on 127\.0\.0\.1:(\d+)")
_START_SECONDS = 20
_STOP_SECONDS = 10


def anvil_binary() -> Path:
    """Return where the pinned anvil is, whether or not it is installed."""
    return anvil_folder() / "anvil"


@contextmanager
def launched(*options: str) -> Iterator[str]:
    """Yield the address of a fresh anvil; ``options`` go to its command line."""
    with tempfile.TemporaryDirectory(prefix="gavelbook-anvil-") as folder:
        log = Path(folder, "anvil.log")
        command = [anvil_binary(), "--host", "127.0.0.1", "--port", "0", *options]
        # Else it leaves its states, which can be gigabytes, in the user's folder.
        command += ["--cache-path", str(Path(folder, "states"))]
        # Into a file: a pipe that nobody reads fills up and stops the chain.
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield _address(process, log)
        finally:
            process.kill()
            process.wait(_STOP_SECONDS)


@contextmanager
def running_anvil(*options: str) -> Iterator[str]:
    """Yield the address of an anvil with rich accounts; ``options`` go to its command line."""
    if not anvil_binary().exists():
        pytest.skip("anvil is not installed")
    accounts = ("--mnemonic", _MNEMONIC, "--accounts", "20", "--balance", "1000000")
    with launched("--hardfork", "cancun", *accounts, *options) as url:
        connect(url)
        yield url


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        found = _PORT.search(log.read_text())
        if found:
            return f"http://127.0.0.1:{found.group(1)}"
        time.sleep(0.02)
    raise RuntimeError(f"anvil did not start: {log.read_text()[-500:]}")
