"""`gavelbook pages`: the pages in a process of their own, beside the exchange and the signer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gavelbook.commands.terminal import end_on_sigterm

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_APPLICATION = "ui.server:create_app"
"""Named, not imported: nothing below the pages depends on them."""


@click.command("pages")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8501, show_default=True, help="Port to listen on; 0 for any.")
@click.option(
    "--public-url",
    metavar="URL",
    envvar="GAVELBOOK_PUBLIC_URL",
    help="Where browsers reach the pages: no other name and no page of another site is served.  "
    "[default: http://HOST:PORT]",
)
@click.option(
    "--trusted-proxies",
    metavar="ADDRESSES",
    default="",
    help="Proxies, with commas, whose X-Forwarded-For is believed.  [default: none]",
)
def pages_command(host: str, port: int, public_url: str | None, trusted_proxies: str) -> None:
    """Serve the pages.

    Where chain, exchange and signer are, they read from the environment or from secrets.toml
    (docs/operations.md). There is no TLS here: put a proxy in front for others than this machine.
    """
    from gavelbook.api.process import TellingServer, run, server_config
    from gavelbook.service.logs import log_to_stderr

    log_to_stderr()
    end_on_sigterm()
    port = port or _free_port(host)
    app = pages_app(public_url or f"http://{host}:{port}")
    server = TellingServer(
        server_config(app, host, port, trusted_proxies, whole=True),
        lambda opened: click.echo(f"serving the pages on {host}:{opened}"),
    )
    run(server.serve())


def pages_app(public_url: str, api: ASGIApp | None = None) -> ASGIApp:
    """Return the application of the pages; ``api`` is an exchange of the same process.

    Raises:
        GavelbookError: as `ui.server.create_app`.

    """
    from uvicorn.importer import import_from_string

    app: ASGIApp = import_from_string(_APPLICATION)(public_url, api)
    return app


def _free_port(host: str) -> int:
    """Return a free port: the pages have to know theirs before they open it."""
    import socket

    with socket.create_server((host, 0)) as found:
        port: int = found.getsockname()[1]
    return port
