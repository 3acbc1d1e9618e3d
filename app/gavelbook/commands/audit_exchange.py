"""`gavelbook audit`: replay an exchange's public log, compare it with the chain, say yes or no."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gavelbook.commands.chain_options import from_block_option, rpc_option
from gavelbook.errors import FileError

if TYPE_CHECKING:
    from gavelbook.service.exchange.audit import ExchangeAudit
    from gavelbook.service.exchange.receipts import Receipt

EXIT_DIFFERENT = 1
_SHOWN_EVERY = 1_000


@click.command("audit")
@click.argument("exchange", metavar="ADDRESS")
@click.option(
    "--log",
    "log_source",
    metavar="URL|FILE",
    required=True,
    help="The public log: address of the exchange's API, or a copy of its log.sqlite.",
)
@click.option(
    "--receipt",
    "receipt_paths",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A receipt as /v1/receipts answers it, that the log has to bear out. Repeatable.",
)
@rpc_option
@from_block_option
def audit_exchange_command(
    exchange: str,
    log_source: str,
    receipt_paths: tuple[Path, ...],
    rpc: str,
    from_block: int | None,
) -> None:
    """Audit the exchange at ADDRESS: order of matches, receipts, settlement.

    Replays the public log with an engine of its own, checks that every order is signed, that every
    fill was with the best price's oldest order, that the log has every receipt, and that the chain
    has settled just these fills in this order. Exit code 0 and "yes" where all is right, 1 and the
    first difference where something is not, 2 where it could not be told.
    """
    from gavelbook.chain.addresses import checksummed
    from gavelbook.chain.connection import connect
    from gavelbook.chain.creation import creation_block
    from gavelbook.chain.deployments import DeploymentStore
    from gavelbook.chain.exchange_facts import collect_exchange_facts
    from gavelbook.service.exchange.audit import audit_exchange
    from gavelbook.service.exchange.public_log import open_public_log
    from gavelbook.service.progress import Bars

    address = checksummed(exchange)
    receipts = [_receipt(path) for path in receipt_paths]
    web3 = connect(rpc)
    if from_block is None:
        recorded = DeploymentStore().exchange(web3.eth.chain_id)
        known = recorded is not None and recorded.address == address
        from_block = recorded.block if recorded and known else creation_block(web3, address)
    log = open_public_log(log_source)
    with Bars(shown=click.get_text_stream("stderr").isatty()) as bars:

        def blocks(done: int, total: int) -> None:
            bars.update("blocks", done, total)

        facts = collect_exchange_facts(web3, address, from_block, blocks)

        def entries(position: int) -> None:
            if position % _SHOWN_EVERY == 0:
                bars.update("the log", position, position)

        audit = audit_exchange(facts, log, receipts, entries)
    click.echo(_verdict(audit, facts.block))
    if not audit.right:
        click.get_current_context().exit(EXIT_DIFFERENT)


def _receipt(path: Path) -> Receipt:
    from gavelbook.service.exchange.receipts import Receipt

    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        return Receipt(
            order_hash=_octets(fields["orderHash"]),
            position=int(fields["position"]),
            time_ms=int(fields["time"]),
            content=_octets(fields["content"]),
            previous_head=_octets(fields["previousHead"]),
            digests=tuple(_octets(each) for each in fields["digests"]),
            head=_octets(fields["head"]),
            head_position=int(fields["headPosition"]),
            signature=_octets(fields["signature"]),
        )
    except OSError as error:
        message = f"Expected a file that can be read, was {path} ({error.strerror})"
        raise FileError("file_unreadable", message, file=str(path)) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"{path}: Expected a receipt in JSON, was malformed"
        raise FileError("receipt_malformed", message, file=str(path)) from error


def _octets(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _verdict(audit: ExchangeAudit, block: int) -> str:
    if audit.difference is not None:
        return f"no: {audit.difference.code}: {audit.difference.message}"
    return (
        f"yes: {audit.orders:,} orders and {audit.fills:,} fills in {audit.entries:,} entries, "
        f"each fill with the best price's oldest order; {audit.settled_fills:,} fills settled in "
        f"{audit.batches:,} batches up to block {block:,}; "
        f"{audit.untold:,} events on the chain that the log does not know yet"
    )
