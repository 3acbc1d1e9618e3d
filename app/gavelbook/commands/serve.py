"""`gavelbook serve`: API, matcher, watcher and settler of an exchange in one process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gavelbook.commands.chain_options import (
    confirmations_option,
    from_block_option,
    max_fee_option,
    rpc_option,
)
from gavelbook.commands.terminal import ask_passphrase, end_on_sigterm

if TYPE_CHECKING:
    from starlette.types import ASGIApp
    from web3 import Web3

_NOBODY = bytes(20)
"""Whose the fees are until the chain has told, with its very first event."""

_LOOPBACK = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 -- not bound here
"""Where a server that listens everywhere is found by its own machine."""


@click.command("serve")
@click.argument("exchange", metavar="[ADDRESS]", required=False)
@click.option("--matcher", metavar="ALIAS", required=True, help="Account that signs batches.")
@click.option("--relayer", metavar="ALIAS", required=True, help="Account that sends and pays.")
@rpc_option
@from_block_option
@click.option(
    "--state",
    metavar="FOLDER",
    envvar="GAVELBOOK_STATE",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where log, views and sessions are kept.  [default: ~/.gavelbook/exchange-ADDRESS]",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8100, show_default=True, help="Port to listen on; 0 for any.")
@click.option(
    "--public-url",
    metavar="URL",
    help="Where clients reach the API; sign-in messages name it.  [default: http://HOST:PORT]",
)
@click.option(
    "--origin",
    "origins",
    metavar="URL",
    multiple=True,
    help="A site whose pages may call the API (CORS) and stream. Repeatable.  [default: none]",
)
@click.option(
    "--trusted-proxies",
    metavar="ADDRESSES",
    default="",
    help="Proxies, with commas, whose X-Forwarded-For is believed.  [default: none]",
)
@click.option(
    "--limit",
    "limits",
    metavar="NAME=RATE/BURST",
    multiple=True,
    help="A rate limit: orders_per_account=500/2000 for instance. Repeatable.",
)
@confirmations_option
@click.option(
    "--batch-fills",
    type=click.IntRange(1, 400),
    default=200,
    show_default=True,
    help="Settle as soon as so many fills wait.",
)
@click.option(
    "--batch-seconds",
    type=click.FloatRange(0.1, 60),
    default=10,
    show_default=True,
    help="Settle what has waited so long. The more fills in a batch, the less gas for each.",
)
@max_fee_option
@click.option(
    "--operator-token-file",
    metavar="FILE",
    envvar="GAVELBOOK_OPERATOR_TOKEN_FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file open to its owner alone; whoever knows its first line sees GET /v1/operator.  "
    "[default: nobody]",
)
@click.option(
    "--pages", is_flag=True, help="Serve the pages on the same port, from the same process."
)
def serve_command(  # noqa: PLR0913
    exchange: str | None,
    *,
    matcher: str,
    relayer: str,
    rpc: str,
    from_block: int | None,
    state: Path | None,
    host: str,
    port: int,
    public_url: str | None,
    origins: tuple[str, ...],
    trusted_proxies: str,
    limits: tuple[str, ...],
    confirmations: int,
    batch_fills: int,
    batch_seconds: float,
    max_fee_gwei: int | None,
    operator_token_file: Path | None,
    pages: bool,
) -> None:
    """Serve the exchange at ADDRESS; by default the one recorded for the chain.

    May be killed and started again at any time: what was accepted is in the log and is taken up.
    Keys come from ape's accounts; their passphrases from APE_ACCOUNTS_<ALIAS>_PASSPHRASE, or they
    are asked for. There is no TLS here: put a proxy in front for others than this machine.
    """
    from functools import partial

    from gavelbook.api.operating import Operating
    from gavelbook.api.process import run
    from gavelbook.api.serving import serve
    from gavelbook.api.settings import ApiSettings, Rates
    from gavelbook.chain.connection import connect
    from gavelbook.chain.exchange import Exchange
    from gavelbook.chain.fees import GWEI, FeePolicy
    from gavelbook.chain.keystore import load_account
    from gavelbook.exchange.engine import EngineTerms
    from gavelbook.exchange.signing import Domain
    from gavelbook.service.exchange.chain_worker import (
        ChainSettings,
        approved_on_chain,
        chain_worker_in,
    )
    from gavelbook.service.exchange.embedded import EmbeddedExchange
    from gavelbook.service.exchange.recovery_processes import USUAL_COUNT
    from gavelbook.service.exchange.settlement_status import SettlerSettings
    from gavelbook.service.logs import log_to_stderr
    from gavelbook.wallet.passphrases import read_passphrase

    log_to_stderr()
    end_on_sigterm()
    web3 = connect(rpc)
    address, first_block = _place(web3, exchange, from_block)
    contract = Exchange(web3, address)
    settings = ApiSettings(
        public_url=public_url or f"http://{host}:{port}",
        origins=origins,
        rates=Rates().having(limits),
    )
    folder = state or Path.home() / ".gavelbook" / f"exchange-{address}"
    policy = FeePolicy(max_fee_per_gas=max_fee_gwei * GWEI if max_fee_gwei else None)
    embedded = EmbeddedExchange(
        folder,
        Domain(web3.eth.chain_id, bytes.fromhex(address[2:])),
        EngineTerms(_NOBODY),
        bytes(load_account(matcher, ask=ask_passphrase).key),
        approved_on_chain(contract, confirmations),
        recovery_processes=USUAL_COUNT,
    )
    sender = load_account(relayer, ask=ask_passphrase)
    chain = ChainSettings(
        first_block,
        confirmations=confirmations,
        fees=policy,
        settler=SettlerSettings(batch_fills=batch_fills, batch_seconds=batch_seconds),
    )
    operator_token = "" if operator_token_file is None else read_passphrase(operator_token_file)
    beside = partial(_with_pages, settings.public_url, rpc, host, port) if pages else None
    with embedded:
        embedded.start()
        with chain_worker_in(
            folder, contract, embedded, embedded.key, sender, settings=chain
        ) as worker:
            worker.start()
            run(
                serve(
                    embedded,
                    settings,
                    host=host,
                    port=port,
                    batches=worker.settler.batches,
                    operating=Operating(
                        operator_token,
                        lambda: worker.status,
                        worker.settler.batches,
                        bytes.fromhex(sender.address[2:]),
                    ),
                    trusted_proxies=trusted_proxies,
                    beside=beside,
                    ready=lambda opened: click.echo(f"serving {address} on {host}:{opened}"),
                )
            )


def _with_pages(public_url: str, rpc: str, host: str, port: int, api: ASGIApp) -> ASGIApp:
    """Return the API and, for all other paths, pages of the same chain and exchange."""
    from gavelbook.commands.pages import pages_app

    if not port:
        raise click.UsageError("Expected a port of your choice with --pages, was any")
    os.environ.setdefault("GAVELBOOK_RPC_URL", rpc)
    own = _LOOPBACK.get(host, f"[{host}]" if ":" in host else host)
    os.environ.setdefault("GAVELBOOK_EXCHANGE_API", f"http://{own}:{port}")
    return pages_app(public_url, api)


def _place(web3: Web3, exchange: str | None, from_block: int | None) -> tuple[str, int]:
    """Return the exchange's address and the block to read from."""
    from gavelbook.chain.addresses import checksummed
    from gavelbook.chain.creation import creation_block
    from gavelbook.chain.deployments import DeploymentStore

    recorded = DeploymentStore().exchange(web3.eth.chain_id)
    if exchange is None:
        if recorded is None:
            message = f"Expected ADDRESS, as no exchange is recorded for chain {web3.eth.chain_id}"
            raise click.UsageError(message)
        exchange = recorded.address
    address = checksummed(exchange)
    if from_block is None:
        known = recorded is not None and recorded.address == address
        from_block = recorded.block if recorded and known else creation_block(web3, address)
    return address, from_block
