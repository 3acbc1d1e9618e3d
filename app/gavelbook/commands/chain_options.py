"""Options that commands about a chain share."""

from __future__ import annotations

import click

DEFAULT_RPC = "http://127.0.0.1:8545"

rpc_option = click.option(
    "--rpc",
    metavar="URL",
    envvar="GAVELBOOK_RPC",
    default=DEFAULT_RPC,
    show_default=True,
    help="Where the node answers; also GAVELBOOK_RPC.",
)

from_block_option = click.option(
    "--from-block",
    type=click.IntRange(min=0),
    help="Block to read events from.  [default: the contract's own, as recorded or searched]",
)

confirmations_option = click.option(
    "--confirmations",
    type=click.IntRange(min=0),
    default=3,
    show_default=True,
    help="Blocks on top of one that counts.",
)

max_fee_option = click.option(
    "--max-fee-gwei", type=click.IntRange(min=1), help="Never offer more for gas.  [default: any]"
)
