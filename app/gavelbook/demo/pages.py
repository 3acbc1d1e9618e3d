"""What the pages of the demo are told, and what a visitor is."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import click

from gavelbook.demo.signer_server import write_private

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gavelbook.demo.scene import Scene
    from gavelbook.demo.signer_server import SignerServer

USUAL_PAGE_PORT = 8501


def page_settings(scene: Scene, signer: SignerServer) -> dict[str, str]:
    """Return the environment of pages over ``scene``, with accounts that ``signer`` holds."""
    token = scene.store.folder / "operator-token"
    write_private(token, secrets.token_urlsafe(32))
    return {
        "GAVELBOOK_RPC_URL": scene.chain.url,
        "GAVELBOOK_PUBLIC_RPC_URL": scene.chain.url,
        "GAVELBOOK_CHAIN_NAME": "Gavelbook demo",
        "GAVELBOOK_DEPLOYMENTS": str(scene.store.folder),
        "GAVELBOOK_DEMO_ACCOUNTS": "1",
        "GAVELBOOK_SIGNER_URL": signer.url,
        "GAVELBOOK_SIGNER_KEY_FILE": str(signer.key_file),
        "GAVELBOOK_OPERATOR_TOKEN_FILE": str(token),
        "GAVELBOOK_OPERATORS": str(scene.cast.owner.address),
    }


def what_to_try(url: str, scene: Scene) -> Iterator[str]:
    """Yield the lines that greet whoever started the demo."""
    yield f"Open {click.style(url, bold=True)} in a browser. Ctrl-C ends everything."
    yield "Try: bid in the live sale as Ada, Ben, Cleo, Dan or Eva; the accounts need no key."
    yield "Try: trade on the Market page; click a price to fill the order form."
    yield "Try: register an account of your own with a name and a password."
    yield "Try: connect a wallet of your browser; Portfolio gives it play money."
    yield f"     Its network: {scene.chain.url}, chain 31337"
