"""The Streamlit pages as a process of the demo."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import gavelbook
from gavelbook.demo.child_server import LOOPBACK, ChildServer

if TYPE_CHECKING:
    from gavelbook.demo.scene import Scene

USUAL_PAGE_PORT = 8501

_PAGES = Path(gavelbook.__file__).parent.parent / "ui"


class PageServer(ChildServer):
    """The pages over a chain and an exchange. Use it as a context to end the process."""

    def __init__(self, scene: Scene, exchange_url: str, port: int) -> None:
        """Serve on ``port``."""
        deployments = scene.store.folder
        self.url = f"http://{LOOPBACK}:{port}"
        options = {"server.port": port, "server.address": LOOPBACK}
        command = [sys.executable, "-m", "streamlit", "run", str(_PAGES / "streamlit_app.py")]
        super().__init__(
            "pages",
            [*command, *(f"--{name}={value}" for name, value in options.items())],
            health=f"{self.url}/_stcore/health",
            log=deployments / "pages.log",
            # Streamlit reads its theme from here.
            folder=_PAGES,
            environment={
                "GAVELBOOK_RPC_URL": scene.chain.url,
                "GAVELBOOK_EXCHANGE_API": exchange_url,
                "GAVELBOOK_DEPLOYMENTS": str(deployments),
                "GAVELBOOK_DEMO_ACCOUNTS": "1",
            },
        )
