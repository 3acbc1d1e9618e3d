"""An anvil of the demo's own, and its clock."""

from __future__ import annotations

import itertools
import shutil
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any, Self

import requests

from ape_gavelbook import paths
from gavelbook.demo.errors import DemoError

if TYPE_CHECKING:
    from pathlib import Path

CHAIN_ID = 31337
USUAL_PORT = 8545

_LOOPBACK = "127.0.0.1"
_START_SECONDS = 20
_STOP_SECONDS = 5
_ANSWER_SECONDS = 30
_FUNDED_ACCOUNTS = 10
_STATES_KEPT = 256
_BLOCK_GAS_LIMIT = 1_000_000_000


class LocalChain:
    """A running anvil on the loopback. Close it, or use it as a context, to end its process.

    Blocks come one by one as transactions arrive. The clock starts at ``genesis_time`` and goes on
    by itself; it can be set forward.
    """

    def __init__(
        self, mnemonic: str, folder: Path, *, genesis_time: int, port: int | None = None
    ) -> None:
        """Start anvil on ``port``, or on 8545 or else any free port; it keeps files in ``folder``.

        Raises:
            DemoError: ``anvil_missing``, ``anvil_failed``, ``port_taken``.

        """
        self.port = choose_port(port, USUAL_PORT)
        self.url = f"http://{_LOOPBACK}:{self.port}"
        self._session = requests.Session()
        # A proxy of the environment has no business between two processes of one machine.
        self._session.trust_env = False
        self._ids = itertools.count()
        options = {
            "host": _LOOPBACK,
            "port": self.port,
            "chain-id": CHAIN_ID,
            "mnemonic": mnemonic,
            "accounts": _FUNDED_ACCOUNTS,
            "timestamp": genesis_time,
            "gas-limit": _BLOCK_GAS_LIMIT,
            # Bids of one block arrive in the order in which they were sent.
            "order": "fifo",
            "cache-path": folder / "anvil",
            # All states there ever were would fill memory and disk of a demo that stays up.
            "prune-history": _STATES_KEPT,
        }
        command = [_anvil(), "--quiet", *(f"--{name}={value}" for name, value in options.items())]
        self._log = (folder / "anvil.log").open("wb")
        # A session of its own: Ctrl-C reaches the demo alone, which then ends its children.
        self.process = subprocess.Popen(  # noqa: S603 -- a binary of ours with options of ours
            command, stdout=self._log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            self._wait_until_up()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        """Return the running chain."""
        return self

    def __exit__(self, *error: object) -> None:
        """End the process."""
        self.close()

    def close(self) -> None:
        """End the process, by force if it does not go."""
        end_process(self.process)
        self._session.close()
        self._log.close()

    def call(self, method: str, *params: Any) -> Any:
        """Return the answer to one JSON-RPC request.

        Raises:
            DemoError: ``rpc_refused`` with the chain's own message, or ``chain_gone``.

        """
        request = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        return _result(self._post(request), method)

    def batch(self, method: str, params: list[tuple[Any, ...]]) -> list[Any]:
        """Return the answers to many requests sent together; the chain may reorder them.

        Raises:
            DemoError: ``rpc_refused`` with the first message of the chain.

        """
        requests_ = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": param}
            for number, param in enumerate(params)
        ]
        if not requests_:
            return []
        answers = sorted(self._post(requests_), key=lambda answer: int(answer["id"]))
        return [_result(answer, method) for answer in answers]

    def now(self) -> int:
        """Return the time of the latest block."""
        return int(self.call("eth_getBlockByNumber", "latest", *[False])["timestamp"], 16)

    def mine_at(self, timestamp: int) -> None:
        """Mine what is pending into one block of this time."""
        self.call("evm_mine", {"timestamp": timestamp})

    def set_automine(self, *, on: bool) -> None:
        """Mine each transaction as it comes, or only when told."""
        self.call("evm_setAutomine", on)

    def _post(self, content: Any) -> Any:
        try:
            return self._session.post(self.url, json=content, timeout=_ANSWER_SECONDS).json()
        except requests.RequestException as error:
            message = f"Expected an answer of {self.url}, was {type(error).__name__}"
            raise DemoError("chain_gone", message) from error

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                self.call("eth_chainId")
            except DemoError:
                time.sleep(0.05)
            else:
                return
        raise DemoError("anvil_failed", f"Expected anvil to start on {self.url}, did not")


def choose_port(asked: int | None, usual: int) -> int:
    """Return the port asked for, else the usual one if it is free, else any free one.

    Raises:
        DemoError: ``port_taken``, of the one asked for.

    """
    if asked is None:
        return usual if is_free(usual) else free_port()
    if not is_free(asked):
        raise DemoError("port_taken", f"Expected port {asked} free, was taken: choose another")
    return asked


def free_port() -> int:
    """Return a port of the loopback that nobody listens on."""
    with socket.socket() as found:
        found.bind((_LOOPBACK, 0))
        port: int = found.getsockname()[1]
    return port


def end_process(process: subprocess.Popen[bytes], seconds: float = _STOP_SECONDS) -> None:
    """Ask ``process`` to end, and force it if it has not after ``seconds``."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def is_free(port: int) -> bool:
    """Return whether nobody listens on ``port`` of the loopback."""
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((_LOOPBACK, port))
        except OSError:
            return False
    return True


def _anvil() -> str:
    pinned = paths.anvil_folder() / "anvil"
    found = str(pinned) if pinned.is_file() else shutil.which("anvil")
    if found is None:
        raise DemoError(
            "anvil_missing", "Expected anvil to be installed, was not: run `make setup`"
        )
    return found


def _result(answer: dict[str, Any], method: str) -> Any:
    if "error" in answer:
        error = answer["error"]
        message = f"{method}: {error.get('message', error)}"
        raise DemoError("rpc_refused", message, data=error.get("data"))
    return answer["result"]
