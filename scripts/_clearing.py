"""Reading the bids of a sale, computing its result and posting it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scripts._command import confirm
from scripts._signer import Signer

if TYPE_CHECKING:
    from gavelbook.chain.clearing_plan import ClearingPlan
    from gavelbook.chain.sale import Sale
    from gavelbook.chain.sale_book import SaleBook
    from scripts._ledger import Ledger

ALLOCATIONS = Path("build", "allocations")


def read_book(ledger: Ledger, sale: Sale) -> SaleBook:
    """Return all bids of a sale from its events.

    Raises:
        ChainError: ``bids_incomplete`` where the node leaves out events.

    """
    from gavelbook.chain.bid_reader import BidReader
    from gavelbook.chain.creation import first_block_of
    from gavelbook.chain.errors import ChainError

    first = first_block_of(ledger.web3, sale.address, ledger.store)
    reader = BidReader(ledger.web3, sale.address, first)
    reader.sync()
    book = reader.book()
    ticks = sale.terms().auction.tick_count
    # Claimed bids stay in these totals, so they add up at any time.
    if book.lots_by_tick(ticks) != sale.lots_at(0, ticks):
        raise ChainError("bids_incomplete", "Expected the bids to add up to the sale's totals")
    return book


def clear_sale(  # noqa: PLR0913 -- one for each option of the command
    ledger: Ledger,
    sale: Sale,
    account: Any,
    allocator: str | None,
    output: Path | None,
    *,
    signed: bool,
    yes: bool,
) -> None:
    """Compute the result, write the allocation file, ask, and post.

    Raises:
        ChainError: ``not_the_allocator`` where another account would sign.
        ContractRefused: ``not_closed``, or as the contract refuses the clearing.

    """
    from gavelbook.chain.clearing_plan import plan_clearing
    from gavelbook.chain.errors import ChainError, ContractRefused
    from gavelbook.chain.sale_types import Phase

    terms = sale.terms()
    if sale.phase() in {Phase.FUNDED, Phase.OPEN}:
        raise ContractRefused("not_closed", f"The sale clears from {terms.end}: it is not closed")
    signing = _account(allocator) if allocator else account
    if signed and signing.address != terms.allocator:
        message = f"Expected the allocator {terms.allocator} to sign, was {signing.address}"
        raise ChainError("not_the_allocator", message)
    plan = plan_clearing(terms.auction, read_book(ledger, sale))
    path = output or ALLOCATIONS / str(ledger.chain_id) / f"{sale.address}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    plan.write(path)
    clearing = plan.allocation.clearing
    confirm(
        f"Clear the sale {sale.address}",
        {
            "account": account.address,
            "signed by": signing.address if signed else "nobody",
            "bids": f"{len(plan.book.live):,}, of them {len(plan.margin):,} in the margin",
            "sold": f"{clearing.sold_lots:,} lots",
            "raised": f"{clearing.raised:,} base units",
            "outcome": "FAILED: under the minimum raise" if clearing.failed else "cleared",
            "marginal tick": clearing.marginal_tick,
            "allocation file": path,
            "digest": f"0x{plan.digest.hex()}",
        },
        yes=yes,
    )
    signer = Signer(ledger.provider, account)
    attest = signer if signing is account else Signer(ledger.provider, signing)
    _post(ledger, sale, plan, signer, attest if signed else None)
    click.echo(f"Phase: {sale.phase().name}")


def _post(
    ledger: Ledger, sale: Sale, plan: ClearingPlan, signer: Signer, attest: Signer | None
) -> None:
    """Show the margin from where this account left off, and clear with the last part."""
    from gavelbook.chain.clearing_plan import chunked
    from gavelbook.chain.signing import clearing_message

    hint, signature = plan.unsigned_hint, b""
    if attest is not None:
        hint = plan.hint
        signature = attest.sign(clearing_message(ledger.chain_id, sale.address, hint))
    shown = sale.progress_of(signer.address, hint).last_arrival
    parts = list(chunked(plan.margin_after(shown))) or [[]]
    for part in parts[:-1]:
        signer.send(f"Margin shown, {len(part):,} bids", sale.advance(hint, part))
    signer.send("Sale cleared", sale.clear(hint, parts[-1], signature))


def _account(name: str) -> Any:
    import ape

    if name.startswith("TEST::"):
        return ape.accounts.test_accounts[int(name.removeprefix("TEST::"))]
    return ape.accounts.load(name)
