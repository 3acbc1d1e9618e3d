"""An anvil of one's own: loopback, a free port, ended by its process in any case."""

import re
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from ape_gavelbook.paths import anvil_folder
from gavelbook.chain.connection import connect

_MNEMONIC = "test test test test test test test test test test test junk"
_PORT = re.compile(r"Listening on 127\.0\.0\.1:(\d+)")


def anvil_binary():
    return anvil_folder() / "anvil"


@contextmanager
def running_anvil(*options):
    """Yield the address of a fresh anvil; ``options`` go to its command line."""
    if not anvil_binary().exists():
        pytest.skip("anvil is not installed")
    command = [anvil_binary(), "--port", "0", "--host", "127.0.0.1", "--mnemonic", _MNEMONIC]
    command += ["--hardfork", "cancun", "--accounts", "20", "--balance", "1000000", *options]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "anvil.log")
        # Else it leaves its old states in the user's folder.
        command += ["--cache-path", str(Path(folder, "anvil"))]
        with log.open("w") as output:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield _address(process, log)
        finally:
            process.kill()
            process.wait(timeout=10)


def _address(process, log):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        found = _PORT.search(log.read_text())
        if found:
            url = f"http://127.0.0.1:{found.group(1)}"
            connect(url)
            return url
        time.sleep(0.02)
    raise RuntimeError(f"anvil did not start: {log.read_text()[-500:]}")
