"""`gavelbook audit-sale`: recompute a sale from public data, and say yes or no."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gavelbook.commands.chain_options import from_block_option, rpc_option
from gavelbook.errors import FileError

if TYPE_CHECKING:
    from gavelbook.chain.audit import AuditReport

EXIT_DIFFERENT = 1
_FILE = click.Path(path_type=Path)


@click.command("audit-sale")
@click.argument("sale", metavar="ADDRESS")
@rpc_option
@from_block_option
@click.option(
    "--allocation",
    "allocation_path",
    metavar="FILE",
    type=_FILE,
    help="An allocation file to compare with the bids and with the signed digest.",
)
@click.option(
    "--store", "store_path", metavar="FILE", type=_FILE, help="Keep events read here, to resume."
)
def audit_sale_command(
    sale: str,
    rpc: str,
    from_block: int | None,
    allocation_path: Path | None,
    store_path: Path | None,
) -> None:
    """Audit the sale at ADDRESS: bids, result, claims, balances.

    Reads the sale's events and nothing of ours, computes who gets what, and compares it with the
    result, with every payment made and with what the sale holds. Exit code 0 and "yes" where all
    is right, 1 and the first difference where something is not, 2 where it could not be told.
    """
    from gavelbook.chain.addresses import checksummed
    from gavelbook.chain.audit import audit
    from gavelbook.chain.audit_facts import collect_facts
    from gavelbook.chain.connection import connect
    from gavelbook.chain.creation import first_block_of
    from gavelbook.chain.event_store import EventStore
    from gavelbook.service.progress import Bars

    address = checksummed(sale)
    allocation = None if allocation_path is None else _content(allocation_path)
    web3 = connect(rpc)
    first = first_block_of(web3, address) if from_block is None else from_block
    with Bars(shown=click.get_text_stream("stderr").isatty()) as bars:
        facts = collect_facts(web3, address, first, EventStore(store_path), bars.update)
    report = audit(facts, allocation)
    click.echo(_verdict(report))
    if not report.right:
        click.get_current_context().exit(EXIT_DIFFERENT)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"Expected a file that can be read, was {path} ({error.strerror})"
        raise FileError("file_unreadable", message, file=str(path)) from error


def _verdict(report: AuditReport) -> str:
    if report.difference is not None:
        return f"no: {report.difference.code}: {report.difference.message}"
    counted = f"{report.bids:,} bids of {report.bidders:,} bidders"
    if report.phase.name == "CLEARED":
        result = f"{report.sold_lots:,} lots sold for {report.raised:,} base units"
    elif report.phase.name == "FAILED":
        result = "the sale failed and everybody is refunded"
    else:
        result = "no result yet"
    return f"yes: {counted}, {result}; all as it has to be at block {report.block:,}"
