"""Orders, book and withdrawals through the API of a running exchange."""

from __future__ import annotations

from typing import Any

import click
from ape.cli import account_option, network_option

from scripts._command import ScriptCommand, confirm, show, yes_option
from scripts._exchange_desk import Desk, Seconds, api_option, book_lines
from scripts._signer import Signer

DAY = 86_400


@click.command(cls=ScriptCommand)
@network_option()
@account_option()
@click.argument("market_name", metavar="MARKET")
@click.argument("side", type=click.Choice(["buy", "sell"]))
@click.option("--lots", type=click.IntRange(min=1), required=True, help="Size.")
@click.option("--ticks", type=click.IntRange(min=1), help="Limit price; none for a market order.")
@click.option("--time-in-force", type=click.Choice(["GTC", "IOC", "FOK"]), default="GTC")
@click.option("--post-only", is_flag=True, help="Do not trade at once; refused where it would.")
@click.option("--lifetime", type=Seconds(), default=DAY, help="How long it can settle.  [24h]")
@api_option
@yes_option
def order(  # noqa: PLR0913, PLR0917 -- one for each option
    provider: Any,
    account: Any,
    market_name: str,
    side: Any,
    lots: int,
    ticks: int | None,
    time_in_force: Any,
    lifetime: int,
    api_url: str,
    *,
    post_only: bool,
    yes: bool,
) -> None:
    """Sign an order and place it through the API, in a lane without an open order."""
    desk = Desk(provider)
    names = desk.market(market_name)
    terms = names.terms
    plan = {
        "account": account.address,
        "api": api_url,
        "market": f"{terms.id}, {names.title}",
        "side": side,
        "lots": f"{lots:,}: {desk.shown(names.base, terms.base_amount(lots))}",
    }
    if ticks is not None:
        quote = desk.shown(names.quote, terms.quote_amount(lots, ticks))
        plan["limit"] = f"{ticks:,} ticks: {quote} before fees"
    else:
        plan["limit"] = "the best price of the book and 1 % more"
    confirm("Place an order", plan, yes=yes)
    with desk.client(api_url, account) as client:
        # So that it takes a lane where nothing is replaced.
        client.sign_in()
        client.open_orders()
        options = {"lifetime": lifetime}
        if ticks is None:
            placed = client.market_order(terms.id, side, lots, **options)
        else:
            placed = client.limit(
                terms.id,
                side,
                lots,
                ticks,
                time_in_force=time_in_force,
                post_only=post_only,
                **options,
            )
    show(
        {
            "order": placed.order_hash.text(),
            "state": placed.state,
            "filled": f"{int(placed.filled_lots):,} lots",
            "in the book": f"{int(placed.remaining_lots):,} lots",
        }
    )


@click.command(cls=ScriptCommand)
@network_option()
@account_option()
@click.argument("order_hash", required=False)
@click.option("--all", "everything", is_flag=True, help="Cancel all open orders.")
@click.option("--lane", type=click.IntRange(min=0), help="On chain: the lane,")
@click.option("--sequence", type=click.IntRange(min=1), help="and the last sequence to void.")
@api_option
@yes_option
def cancel(  # noqa: PLR0913, PLR0917 -- one for each option
    provider: Any,
    account: Any,
    order_hash: str | None,
    lane: int | None,
    sequence: int | None,
    api_url: str,
    *,
    everything: bool,
    yes: bool,
) -> None:
    """Cancel ORDER_HASH through the API at once, or a lane on chain after the notice."""
    on_chain = lane is not None and sequence is not None
    if [bool(order_hash), everything, on_chain].count(True) != 1:
        raise click.UsageError("Give the hash of an order, --all, or --lane with --sequence.")
    desk = Desk(provider)
    if lane is not None and sequence is not None:
        notice = desk.exchange.delays().cancel_notice
        plan = {"account": account.address, "lane": lane, "up to sequence": sequence}
        confirm(f"Cancel on chain, from {notice:,} s from now", plan, yes=yes)
        Signer(provider, account).send("Cancelled", desk.exchange.cancel(lane, sequence))
        return
    plan = {"account": account.address, "api": api_url, "order": order_hash or "all"}
    confirm("Cancel", plan, yes=yes)
    with desk.client(api_url, account) as client:
        done = client.cancel_all() if everything else client.cancel(_hash(str(order_hash)))
    click.echo(f"Cancelled: {len(done.order_hashes):,}")


def _hash(text: str) -> bytes:
    from gavelbook.wire.scalars import Hash32

    try:
        return Hash32.parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command(cls=ScriptCommand)
@network_option()
@click.argument("market_name", metavar="MARKET")
@click.option("--depth", type=click.IntRange(1, 1000), default=10, show_default=True)
@api_option
def book(provider: Any, market_name: str, depth: int, api_url: str) -> None:
    """Print the best prices of MARKET."""
    desk = Desk(provider)
    names = desk.market(market_name)
    with desk.client(api_url) as client:
        found = client.book(names.terms.id, depth=depth)
    for line in book_lines(found, names):
        click.echo(line)


@click.command(cls=ScriptCommand)
@network_option()
@account_option()
@click.argument("token_name", metavar="TOKEN")
@click.argument("amount")
@click.option("--to", "recipient", help="Where it goes.  [default: the account]")
@api_option
@yes_option
def withdraw(  # noqa: PLR0913, PLR0917 -- one for each option
    provider: Any,
    account: Any,
    token_name: str,
    amount: str,
    recipient: str | None,
    api_url: str,
    *,
    yes: bool,
) -> None:
    """Take AMOUNT of TOKEN out of escrow at once, with the matcher's co-signature."""
    from gavelbook.chain.errors import ChainError
    from gavelbook.exchange.signing import Withdrawal

    desk = Desk(provider)
    token = desk.token(token_name)
    units = desk.amount(token, amount)
    to = desk.ledger.account(recipient) if recipient else str(account.address)
    plan = {
        "account": account.address,
        "api": api_url,
        "amount": desk.shown(token, units),
        "to": to,
    }
    confirm("Withdraw", plan, yes=yes)
    with desk.client(api_url, account) as client:
        signed = client.withdraw(token.address, units, to=to)
    if signed.matcher_signature is None:
        raise ChainError("not_co_signed", "Expected the matcher's signature, was none yet")
    terms = Withdrawal(
        bytes(signed.account),
        bytes(signed.token),
        int(signed.amount),
        bytes(signed.to),
        int(signed.nonce),
        int(signed.deadline),
    )
    call = desk.exchange.withdraw(terms, bytes(signed.matcher_signature))
    Signer(provider, account).send("Withdrawn", call)
