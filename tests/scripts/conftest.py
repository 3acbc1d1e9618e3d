"""Chains and ape processes for the scripts' tests: loopback only, ended by their process id."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest
import requests
from eth_account import Account
from eth_utils.crypto import keccak

from ape_gavelbook.paths import project_root
from tests.chain.anvil_chain import launched

if TYPE_CHECKING:
    from pathlib import Path

PASSPHRASE = "a passphrase of the tests"
ALIAS = "issuer"
APE = project_root() / ".venv" / "bin" / "ape"
_RUN_SECONDS = 240


class Chain:
    """A running anvil."""

    def __init__(self, url: str) -> None:
        self.url = url

    def request(self, method: str, *params: object):
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = requests.post(self.url, json=message, timeout=30).json()
        assert "error" not in answer, answer
        return answer["result"]

    def now(self) -> int:
        latest = self.request("eth_getBlockByNumber", "latest", False)  # noqa: FBT003
        return int(latest["timestamp"], 16)

    def go_to(self, seconds: int) -> None:
        self.request("evm_setNextBlockTimestamp", seconds)
        self.request("evm_mine")

    def call(self, to: str, signature: str, *words: str) -> int:
        data = "0x" + keccak(text=signature)[:4].hex() + "".join(map(_word, words))
        return int(self.request("eth_call", {"to": to, "data": data}, "latest"), 16)

    def send(self, sender: str, to: str, signature: str, *words: str) -> None:
        data = "0x" + keccak(text=signature)[:4].hex() + "".join(map(_word, words))
        self.request("eth_sendTransaction", {"from": sender, "to": to, "data": data})


class Scripts:
    """``ape run`` and ``ape console`` on one chain, with records of their own and no terminal."""

    def __init__(self, network: str, folder: Path, variables: dict[str, str]) -> None:
        self.network = network
        self.folder = folder
        self.variables = {
            **os.environ,
            "GAVELBOOK_DEPLOYMENTS": str(folder / "deployments"),
            **variables,
        }

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run a script and return what it printed; ``code`` is how it should end."""
        return self._ape("run", *arguments, code=code)

    def console(self, program: str) -> str:
        return self._ape("console", "--code", program)

    def records(self, chain_id: int) -> dict:
        return json.loads((self.folder / "deployments" / f"{chain_id}.json").read_text())

    def _ape(self, command: str, *arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [str(APE), command, *arguments, "--network", self.network],
            cwd=project_root(),
            env=self.variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_RUN_SECONDS,
            check=False,
        )
        printed = done.stdout + done.stderr
        assert done.returncode == code, printed
        return printed


@pytest.fixture
def local(tmp_path):
    """Scripts on a shared anvil, as ``ethereum:local:foundry`` sees it."""
    with launched() as url:
        chain = Chain(url)
        variables = {"APE_FOUNDRY_HOST": chain.url}
        yield chain, Scripts("ethereum:local:foundry", tmp_path, variables)


@pytest.fixture
def sepolia(tmp_path):
    """Scripts configured for Sepolia, on an anvil with its chain id that mines by the clock.

    The account is in a keystore of its own, unlocked by the environment.
    """
    accounts = tmp_path / "ape" / "accounts"
    accounts.mkdir(parents=True)
    account = Account.create()
    # A cheap key derivation: the keystore lives as long as the test.
    keyfile = Account.encrypt(account.key, PASSPHRASE, kdf="pbkdf2", iterations=2)
    (accounts / f"{ALIAS}.json").write_text(json.dumps(keyfile))
    with launched("--chain-id", "11155111", "--block-time", "1") as url:
        chain = Chain(url)
        chain.request("anvil_setBalance", account.address, hex(10**21))
        variables = {
            "SEPOLIA_RPC_URL": chain.url,
            # ape sleeps for half a block before it looks again; Sepolia's blocks take longer.
            "APE_ETHEREUM_SEPOLIA": json.dumps({"block_time": 1}),
            "APE_DATA_FOLDER": str(tmp_path / "ape"),
            f"APE_ACCOUNTS_{ALIAS}_PASSPHRASE": PASSPHRASE,
        }
        yield chain, Scripts("ethereum:sepolia:node", tmp_path, variables), account.address


def write_terms(path: Path, now: int, **changes: object) -> Path:
    """Write terms of a sale of 20 lots that is open now."""
    hour = 3600
    terms = {
        "rule": "GROUP_ROUND_ROBIN",
        "pricing": "PAY_AS_BID",
        "lot_size": 10**18,
        "supply_lots": 20,
        "floor_price": 10**18,
        "tick_value": 5 * 10**16,
        "tick_count": 8,
        "min_bid_lots": 1,
        "cap_bps": 10_000,
        "sale_token": "GVL",
        "payment_token": "USD",
        "allocator": "TEST::1",
        "proceeds_recipient": "TEST::2",
        "unsold_recipient": "TEST::0",
        "start": now - hour,
        "end": now + hour,
        "cancel_until": now + hour,
        "allocator_until": now + 2 * hour,
        "abort_time": now + 30 * hour,
        **changes,
    }
    path.write_text("".join(f"{key}: {value}\n" for key, value in terms.items()))
    return path


def _word(value: str) -> str:
    return value.removeprefix("0x").rjust(64, "0").lower()
