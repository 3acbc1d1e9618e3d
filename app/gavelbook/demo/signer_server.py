"""The signer of managed accounts as a process of the demo, with fresh keys of its own."""

from __future__ import annotations

import json
import os
import secrets
from typing import TYPE_CHECKING, Self

from gavelbook.demo.child_server import LOOPBACK, ChildServer
from gavelbook.demo.exchange_server import GAVELBOOK
from gavelbook.demo.local_chain import free_port
from gavelbook.wallet import Keystore, Role, fresh_words

if TYPE_CHECKING:
    from pathlib import Path

    from gavelbook.demo.scene import Scene

_ETHER = 10**18
_GAS = 1_000 * _ETHER
_WORK_FACTOR = 2**12
"""The keys are gone with the demo: nobody has the time to guess the passphrase."""
_DAILY_LIMIT = 100_000
_STOP_SECONDS = 15


class SignerServer(ChildServer):
    """`gavelbook signer` over the chain of ``scene``. Use it as a context to end the process."""

    def __enter__(self) -> Self:
        """Return the server, which may not answer yet."""
        return self

    def __init__(self, scene: Scene, api_url: str) -> None:
        """Make keys and start; accounts may sign in to the exchange at ``api_url``."""
        folder = scene.store.folder / "signer"
        folder.mkdir(mode=0o700)
        passphrase, keystore = folder / "passphrase", Keystore(folder / "keystore.json")
        write_private(passphrase, secrets.token_urlsafe(24))
        wallet = keystore.create(
            fresh_words(), passphrase.read_text().strip(), work_factor=_WORK_FACTOR
        )
        scene.chain.call("anvil_setBalance", wallet.operator(Role.GAS).address, hex(_GAS))
        port = free_port()
        self.url = f"http://{LOOPBACK}:{port}"
        self.key_file = folder / "access-key"
        super().__init__(
            "signer",
            [str(GAVELBOOK), "signer"],
            health=f"{self.url}/health",
            log=scene.store.folder / "signer.log",
            folder=folder,
            environment={
                "GAVELBOOK_DEPLOYMENTS": str(scene.store.folder),
                "GAVELBOOK_SIGNER_KEYSTORE": str(keystore.path),
                "GAVELBOOK_SIGNER_PASSPHRASE_FILE": str(passphrase),
                "GAVELBOOK_SIGNER_RPC_URL": scene.chain.url,
                "GAVELBOOK_SIGNER_SIGN_IN": json.dumps([api_url]),
                "GAVELBOOK_SIGNER_STATE": str(folder),
                "GAVELBOOK_SIGNER_KEY_FILE": str(self.key_file),
                "GAVELBOOK_SIGNER_PORT": str(port),
                "GAVELBOOK_SIGNER_DAILY_LIMIT": str(_DAILY_LIMIT),
            },
            stop_seconds=_STOP_SECONDS,
        )


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone can read."""
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(f"{text}\n")
