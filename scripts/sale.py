"""A sale from its terms to the last claim: ``ape run sale COMMAND``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from ape.cli import account_option, network_option

from scripts._clearing import clear_sale, read_book
from scripts._command import ScriptCommand, confirm, show, yes_option
from scripts._ledger import Ledger
from scripts._sale_facts import amounts, bid_price, price_tick, sale_facts, term_values
from scripts._signer import Signer

CLAIM_BATCH = 50


@click.group(name="sale")
def cli() -> None:
    """Create a sale from a terms file, and bid, cancel, clear, claim, collect and abort.

    SALE is an address, or the label of a sale recorded in scripts/deployments.
    """


@cli.command(cls=ScriptCommand)
@network_option()
@account_option()
@click.argument("terms_path", metavar="TERMS.yaml", type=click.Path(path_type=Path))
@click.option("--label", help="What the sale is called in records.  [default: the file's name]")
@yes_option
def create(provider: Any, account: Any, terms_path: Path, label: str | None, *, yes: bool) -> None:
    """Open a sale with the terms in TERMS.yaml and fund it from the account."""
    from gavelbook.chain.deployments import SaleRecord
    from gavelbook.chain.errors import ChainError
    from gavelbook.chain.token import Token
    from gavelbook.files import read_terms

    ledger = Ledger(provider)
    terms = ledger.resolve(read_terms(terms_path))
    factory = ledger.factory()
    sale_token = Token(ledger.web3, str(terms.sale_token))
    payment_token = Token(ledger.web3, str(terms.payment_token))
    supply = terms.auction.supply_lots * terms.auction.lot_size
    held = sale_token.balance_of(account.address)
    if held < supply:
        message = f"Expected {supply} base units of the sale token at {account.address}, was {held}"
        raise ChainError("supply_short", message, expected=supply, held=held)
    title = label or terms_path.stem
    confirm(
        f"Create the sale {title} with the factory {factory.address}",
        {"account": account.address, **term_values(terms)},
        yes=yes,
    )

    signer = Signer(provider, account)
    if sale_token.allowance(signer.address, factory.address) < supply:
        signer.send("Supply allowed", sale_token.approve(factory.address, supply))
    receipt = signer.send("Sale created", factory.create_sale(terms))
    record = SaleRecord(
        address=factory.created_sale(receipt),
        label=title,
        block=receipt["blockNumber"],
        sale_symbol=sale_token.symbol(),
        payment_symbol=payment_token.symbol(),
        sale_decimals=sale_token.decimals(),
        payment_decimals=payment_token.decimals(),
        transaction=receipt["transactionHash"].to_0x_hex(),
    )
    if ledger.lasting:
        ledger.store.record_sale(ledger.chain_id, record)
    click.echo(f"Sale {title}: {record.address}")


@cli.command("show", cls=ScriptCommand)
@network_option()
@click.argument("sale_name", metavar="SALE")
def show_sale(provider: Any, sale_name: str) -> None:
    """Print the terms of SALE, where it stands, and its result."""
    show(sale_facts(Ledger(provider).sale(sale_name)))


@cli.command(cls=ScriptCommand)
@network_option()
@account_option()
@click.argument("sale_name", metavar="SALE")
@click.option("--tick", type=click.IntRange(min=0), help="The price, in ticks.")
@click.option("--price", help="The price, in whole payment tokens a lot; must be on a tick.")
@click.option("--lots", type=click.IntRange(min=1), required=True, help="How many lots.")
@click.option("--permit", is_flag=True, help="Allow the payment by signature (ERC-2612).")
@click.option("--ether", is_flag=True, help="Pay in ether, where wrapped ether is asked.")
@yes_option
def bid(  # noqa: PLR0913, PLR0917 -- one for each option
    provider: Any,
    account: Any,
    sale_name: str,
    tick: int | None,
    price: str | None,
    lots: int,
    *,
    permit: bool,
    ether: bool,
    yes: bool,
) -> None:
    """Bid for lots at a price; the payment goes into escrow at once."""
    from gavelbook.chain.token import Token

    if (tick is None) == (price is None):
        raise click.UsageError("Give the price as --tick or as --price.")
    if permit and ether:
        raise click.UsageError("A bid in ether needs no --permit.")
    ledger = Ledger(provider)
    sale = ledger.sale(sale_name)
    terms = sale.terms()
    token = Token(ledger.web3, str(terms.payment_token))
    if price is not None:
        tick = price_tick(terms, price, token.decimals())
    at = int(tick or 0)
    payment = lots * bid_price(terms, at)
    confirm(
        f"Bid in the sale {sale.address}",
        {
            "account": account.address,
            "price": f"tick {at}, {bid_price(terms, at):,} base units a lot",
            "lots": f"{lots:,}",
            "payment": amounts(payment, token),
            "paid by": "ether" if ether else "permit" if permit else "allowance",
        },
        yes=yes,
    )

    signer = Signer(provider, account)
    call = sale.bid(at, lots)
    if permit:
        permitted = signer.permit(token, sale.address, payment)
        call = sale.bid_with_permit(at, lots, permitted)
    elif not ether and token.allowance(signer.address, sale.address) < payment:
        signer.send("Payment allowed", token.approve(sale.address, payment))
    signer.send("Bid placed", call, payment if ether else 0)
    for live in sale.bids_of(signer.address):
        click.echo(f"  bid {live.index}: {live.lots:,} lots at tick {live.tick}")


@cli.command(cls=ScriptCommand)
@network_option()
@account_option()
@click.argument("sale_name", metavar="SALE")
@click.argument("index", type=click.IntRange(min=0))
@yes_option
def cancel(provider: Any, account: Any, sale_name: str, index: int, *, yes: bool) -> None:
    """Cancel the account's bid INDEX in SALE and get its escrow back."""
    sale = Ledger(provider).sale(sale_name)
    plan = {"account": account.address, "bid": index}
    confirm(f"Cancel a bid in the sale {sale.address}", plan, yes=yes)
    Signer(provider, account).send("Bid cancelled", sale.cancel(index))


@cli.command(cls=ScriptCommand)
@network_option()
@account_option()
@click.argument("sale_name", metavar="SALE")
@click.option("--allocator", help="Alias of the account that signs.  [default: the account]")
@click.option("--unsigned", is_flag=True, help="Clear without a signature, after the window.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Where the allocation file goes.  [default: build/allocations/CHAIN_ID/SALE.csv]",
)
@yes_option
def clear(  # noqa: PLR0913 -- one for each option
    provider: Any,
    account: Any,
    sale_name: str,
    allocator: str | None,
    output: Path | None,
    *,
    unsigned: bool,
    yes: bool,
) -> None:
    """Compute the result of SALE from its bids and post it, in as many parts as it needs."""
    ledger = Ledger(provider)
    sale = ledger.sale(sale_name)
    clear_sale(ledger, sale, account, allocator, output, signed=not unsigned, yes=yes)


@cli.command(cls=ScriptCommand)
@network_option()
@account_option()
@click.argument("sale_name", metavar="SALE")
@click.option("--for", "bidders", multiple=True, help="Whose claim to pay. Repeatable.")
@click.option("--all", "everybody", is_flag=True, help="Pay everybody, 50 a transaction.")
@yes_option
def claim(  # noqa: PLR0913 -- one for each option
    provider: Any,
    account: Any,
    sale_name: str,
    bidders: tuple[str, ...],
    *,
    everybody: bool,
    yes: bool,
) -> None:
    """Pay out what the account, or others, have coming from SALE: tokens won and refunds."""
    from gavelbook.chain.errors import ContractRefused

    if bidders and everybody:
        raise click.UsageError("Give --for or --all, not both.")
    ledger = Ledger(provider)
    sale = ledger.sale(sale_name)
    people = [ledger.account(name) for name in bidders] or [str(account.address)]
    if everybody:
        book = read_book(ledger, sale)
        people = [each for each in book.bidders if any(_now(sale.owed(each)))]
    if not people:
        raise ContractRefused("nothing_to_claim", "Nothing is owed to anybody now")
    owed = {each: _now(sale.owed(each)) for each in people}
    confirm(
        f"Claim from the sale {sale.address}",
        {
            "account": account.address,
            **{each: f"{won:,} sale, {back:,} payment" for each, (won, back) in owed.items()},
        },
        yes=yes,
    )
    signer = Signer(provider, account)
    if len(people) == 1:
        signer.send("Claimed", sale.claim(people[0]))
        return
    for start in range(0, len(people), CLAIM_BATCH):
        signer.send("Claimed", sale.claim_many(people[start : start + CLAIM_BATCH]))


def _now(owed: Any) -> tuple[int, int]:
    return owed.tokens_now, owed.refund


@cli.command(cls=ScriptCommand)
@network_option()
@account_option()
@click.argument("sale_name", metavar="SALE")
@yes_option
def collect(provider: Any, account: Any, sale_name: str, *, yes: bool) -> None:
    """Send the proceeds and the unsold tokens of SALE to their recipients."""
    from gavelbook.chain.errors import ContractRefused

    sale = Ledger(provider).sale(sale_name)
    terms, result = sale.terms(), sale.result()
    if not result.decided:
        raise ContractRefused("not_decided", "Expected a cleared or failed sale, was neither yet")
    calls = {}
    if sale.raised() and not result.proceeds_collected:
        calls["Proceeds collected"] = sale.collect_proceeds()
    if result.sold_lots < terms.auction.supply_lots and not result.unsold_collected:
        calls["Unsold collected"] = sale.collect_unsold()
    if not calls:
        raise ContractRefused("nothing_to_collect", "Expected something to collect, was nothing")
    plan = {
        "account": account.address,
        "proceeds": f"{sale.raised():,} base units to {terms.proceeds_recipient}",
        "unsold": f"{terms.auction.supply_lots - result.sold_lots:,} lots to "
        f"{terms.unsold_recipient}",
    }
    confirm(f"Collect from the sale {sale.address}", plan, yes=yes)
    signer = Signer(provider, account)
    for what, call in calls.items():
        signer.send(what, call)


@cli.command(cls=ScriptCommand)
@network_option()
@account_option()
@click.argument("sale_name", metavar="SALE")
@yes_option
def abort(provider: Any, account: Any, sale_name: str, *, yes: bool) -> None:
    """Declare SALE failed, which nobody cleared in time: every bid is refunded."""
    sale = Ledger(provider).sale(sale_name)
    plan = {"account": account.address, "abort time": sale.terms().abort_time}
    confirm(f"Abort the sale {sale.address}", plan, yes=yes)
    Signer(provider, account).send("Sale aborted", sale.abort())
