"""`gavelbook allocator`: clear a sale when it closes, and pay it out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gavelbook.commands.chain_options import (
    confirmations_option,
    from_block_option,
    max_fee_option,
    rpc_option,
)
from gavelbook.commands.terminal import ask_passphrase

if TYPE_CHECKING:
    from gavelbook.service.allocator import AllocatorOutcome, AllocatorService

STATE_VARIABLE = "GAVELBOOK_STATE"

_SENTENCES = {
    "cleared": "cleared: {sold:,} lots sold for {raised:,} base units",
    "failed": "failed: bids come to less than the minimum raise; everybody is refunded",
    "aborted": "aborted: nobody cleared in time; everybody is refunded",
    "not_closed": "not closed yet: nothing to do",
    "not_allocator_yet": "waiting: until allocator_until only the allocator clears this sale",
    "expired": "expired: nobody cleared in time; anybody can abort the sale now (--keeper does)",
}


@click.command("allocator")
@click.argument("sale", metavar="SALE")
@click.option("--account", required=True, metavar="ALIAS", help="Account in ape's keystore.")
@rpc_option
@from_block_option
@click.option(
    "--state",
    metavar="FOLDER",
    envvar=STATE_VARIABLE,
    type=click.Path(path_type=Path, file_okay=False),
    help="Where events, outbox and allocation file are kept.  [default: ~/.gavelbook]",
)
@confirmations_option
@click.option("--keeper", is_flag=True, help="Then pay bidders and issuer; abort if too late.")
@click.option("--once", is_flag=True, help="Do what can be done now and do not wait for a time.")
@click.option(
    "--keys-per-transaction",
    type=click.IntRange(min=1),
    default=4_000,
    show_default=True,
    help="Most bids of the margin shown in one transaction.",
)
@max_fee_option
def allocator_command(  # noqa: PLR0913, PLR0917
    sale: str,
    account: str,
    rpc: str,
    from_block: int | None,
    state: Path | None,
    confirmations: int,
    *,
    keeper: bool,
    once: bool,
    keys_per_transaction: int,
    max_fee_gwei: int | None,
) -> None:
    """Clear the sale at address SALE with the account ALIAS.

    Waits until the sale closes, computes its result, publishes the allocation file, posts the
    result signed, and checks it. May be killed and started again at any time. The passphrase comes
    from APE_ACCOUNTS_<ALIAS>_PASSPHRASE, or is asked for.
    """
    from gavelbook.chain.addresses import checksummed
    from gavelbook.chain.connection import connect
    from gavelbook.chain.creation import first_block_of
    from gavelbook.chain.fees import GWEI, FeePolicy
    from gavelbook.chain.keystore import load_account
    from gavelbook.service.allocator_state import DEFAULT_FOLDER, allocator_in
    from gavelbook.service.logs import log_to_stderr

    log_to_stderr()
    address = checksummed(sale)
    web3 = connect(rpc)
    with allocator_in(
        state or DEFAULT_FOLDER,
        web3,
        address,
        load_account(account, ask=ask_passphrase),
        first_block=first_block_of(web3, address) if from_block is None else from_block,
        confirmations=confirmations,
        policy=FeePolicy(max_fee_per_gas=max_fee_gwei * GWEI if max_fee_gwei else None),
        keys_per_transaction=keys_per_transaction,
        abort_expired=keeper,
        show_progress=click.get_text_stream("stderr").isatty(),
    ) as service:
        outcome = service.run(wait=not once)
        click.echo(_sentence(outcome))
        if keeper:
            _keep(service, outcome)


def _keep(service: AllocatorService, outcome: AllocatorOutcome) -> None:
    """Pay out the sale, where it has a result."""
    from gavelbook.service.keeper import Keeper

    if outcome.plan is None or outcome.caller is None:
        return
    shown = service.settings.show_progress
    keeper = Keeper(service.sale, service.sender, service.reader, show_progress=shown)
    report = keeper.run(outcome.plan)
    click.echo(f"paid {report.paid:,} bidders, {report.skipped:,} refused by a token")


def _sentence(outcome: AllocatorOutcome) -> str:
    allocation = outcome.plan.allocation if outcome.plan else None
    sold = allocation.sold_lots if allocation else 0
    raised = allocation.raised if allocation else 0
    return _SENTENCES[outcome.status].format(sold=sold, raised=raised)
