"""An exchange from its deployment to leaving it: ``ape run exchange COMMAND``."""

from __future__ import annotations

from typing import Any

import click
from ape.cli import account_option, network_option

from scripts._command import ScriptCommand, confirm, show, yes_option
from scripts._exchange_api import book, cancel, order, withdraw
from scripts._exchange_desk import Desk, Seconds
from scripts._ledger import Ledger
from scripts._signer import Signer

DAY, HOUR = 86_400, 3600
_BPS = click.IntRange(0, 1_000)


@click.group(name="exchange")
def cli() -> None:
    """Deploy an exchange, list markets, deposit, trade, withdraw and leave.

    The exchange is the one recorded in scripts/deployments. MARKET is its number or BASE/QUOTE,
    TOKEN an address or a recorded symbol, amounts are in whole tokens.
    """


for _command in (order, cancel, book, withdraw):
    cli.add_command(_command)


@cli.command(cls=ScriptCommand)
@network_option()
@account_option()
@click.option("--matcher", required=True, help="Account that signs batches and withdrawals.")
@click.option("--fee-recipient", required=True, help="Account whose balance the fees go to.")
@click.option("--owner", help="Account that lists markets.  [default: the account]")
@click.option("--exit-delay", type=Seconds(), default=DAY, help="From request to exit.  [24h]")
@click.option("--cancel-notice", type=Seconds(), default=HOUR, help="Until a cancel counts.  [1h]")
@click.option("--key-delay", type=Seconds(), default=2 * DAY, help="Until a key counts.  [48h]")
@click.option("--again", is_flag=True, help="Deploy another where one is recorded.")
@yes_option
def deploy(  # noqa: PLR0913 -- one for each option
    provider: Any,
    account: Any,
    matcher: str,
    fee_recipient: str,
    owner: str | None,
    *,
    exit_delay: int,
    cancel_notice: int,
    key_delay: int,
    again: bool,
    yes: bool,
) -> None:
    """Deploy an exchange and record it; only matcher and fee recipient can ever be changed."""
    from gavelbook.chain.deployments import EXCHANGE
    from gavelbook.chain.errors import DeploymentsError
    from gavelbook.chain.exchange_factory import deploy_exchange
    from gavelbook.chain.exchange_types import Delays

    ledger = Ledger(provider)
    record = ledger.store.exchange(ledger.chain_id)
    if record is not None and not again and ledger.web3.eth.get_code(record.address):
        message = f"Expected --again: an exchange is at {record.address}"
        raise DeploymentsError("nothing_to_deploy", message)
    people = {
        "owner": ledger.account(owner) if owner else str(account.address),
        "matcher": ledger.account(matcher),
        "fee_recipient": ledger.account(fee_recipient),
    }
    delays = Delays(exit_delay, cancel_notice, key_delay)
    plan = {
        "chain": f"{ledger.chain_id} ({provider.network_choice})",
        "account": account.address,
        **{name.replace("_", " "): address for name, address in people.items()},
        "exit delay": f"{delays.exit:,} s",
        "cancel notice": f"{delays.cancel_notice:,} s",
        "key delay": f"{delays.key:,} s",
    }
    confirm("Deploy an exchange", plan, yes=yes)
    receipt = Signer(provider, account).send(
        "Exchange deployed", deploy_exchange(ledger.web3, **people, delays=delays)
    )
    address = str(receipt["contractAddress"])
    click.echo(f"Exchange: {address}")
    if ledger.lasting:
        ledger.store.record_contract(
            ledger.chain_id,
            EXCHANGE,
            address,
            receipt["blockNumber"],
            receipt["transactionHash"].to_0x_hex(),
            [*people.values(), *delays],
        )


@cli.command("list-market", cls=ScriptCommand)
@network_option()
@account_option()
@click.argument("base")
@click.argument("quote")
@click.option("--lot-size", required=True, help="What a lot is, in whole base tokens.")
@click.option("--tick-value", required=True, help="What a lot costs a tick, in whole quote tokens.")
@click.option("--taker-fee", type=_BPS, default=0, show_default=True, help="In 1/10,000 of quote.")
@click.option("--maker-fee", type=_BPS, default=0, show_default=True, help="In 1/10,000 of quote.")
@yes_option
def list_market(  # noqa: PLR0913, PLR0917 -- one for each option
    provider: Any,
    account: Any,
    base: str,
    quote: str,
    lot_size: str,
    tick_value: str,
    taker_fee: int,
    maker_fee: int,
    *,
    yes: bool,
) -> None:
    """List the market BASE/QUOTE; the account is the owner."""
    from gavelbook.chain.exchange_factory import listed_market

    desk = Desk(provider)
    base_token, quote_token = desk.token(base), desk.token(quote)
    lot, tick = desk.amount(base_token, lot_size), desk.amount(quote_token, tick_value)
    plan = {
        "account": account.address,
        "exchange": desk.exchange.address,
        "base": base_token.address,
        "quote": quote_token.address,
        "a lot": desk.shown(base_token, lot),
        "a tick": f"{desk.shown(quote_token, tick)} a lot",
        "fees": f"{taker_fee} for takers, {maker_fee} for makers, in 1/10,000",
    }
    confirm(f"List {base_token.symbol()}/{quote_token.symbol()}", plan, yes=yes)
    call = desk.exchange.list_market(
        base_token.address,
        quote_token.address,
        lot_size=lot,
        tick_value=tick,
        taker_fee_bps=taker_fee,
        maker_fee_bps=maker_fee,
    )
    receipt = Signer(provider, account).send("Market listed", call)
    click.echo(f"Market: {listed_market(receipt)}")


@cli.command(cls=ScriptCommand)
@network_option()
@account_option()
@click.argument("token_name", metavar="TOKEN")
@click.argument("amount")
@click.option("--for", "owner", help="Whose balance it goes to.  [default: the account's]")
@click.option("--permit", is_flag=True, help="Allow it by signature (ERC-2612).")
@yes_option
def deposit(  # noqa: PLR0913 -- one for each option
    provider: Any,
    account: Any,
    token_name: str,
    amount: str,
    owner: str | None,
    *,
    permit: bool,
    yes: bool,
) -> None:
    """Pay AMOUNT of TOKEN into escrow."""
    if permit and owner:
        raise click.UsageError("A permit pays in for the account itself: leave out --for.")
    desk = Desk(provider)
    token = desk.token(token_name)
    units = desk.amount(token, amount)
    plan = {
        "account": account.address,
        "exchange": desk.exchange.address,
        "amount": desk.shown(token, units),
        "for": desk.ledger.account(owner) if owner else account.address,
        "paid by": "permit" if permit else "allowance",
    }
    confirm("Deposit", plan, yes=yes)
    signer = Signer(provider, account)
    if permit:
        permitted = signer.permit(token, desk.exchange.address, units)
        call = desk.exchange.deposit_with_permit(signer.address, token.address, permitted)
    else:
        if token.allowance(signer.address, desk.exchange.address) < units:
            signer.send("Deposit allowed", token.approve(desk.exchange.address, units))
        call = desk.exchange.deposit_for(str(plan["for"]), token.address, units)
    signer.send("Deposited", call)


@cli.command(cls=ScriptCommand)
@network_option()
@account_option()
@click.argument("token_name", metavar="TOKEN")
@click.option("--for", "owner", help="Whose deposit address.  [default: the account's]")
@yes_option
def sweep(provider: Any, account: Any, token_name: str, owner: str | None, *, yes: bool) -> None:
    """Book what arrived at a deposit address (`status` shows it); anybody may."""
    desk = Desk(provider)
    token = desk.token(token_name)
    whose = desk.ledger.account(owner) if owner else str(account.address)
    address = desk.exchange.forwarder_of(whose)
    plan = {
        "account": account.address,
        "deposit address": address,
        "of": whose,
        "there": desk.shown(token, token.balance_of(address)),
    }
    confirm("Sweep a deposit address", plan, yes=yes)
    Signer(provider, account).send("Swept", desk.exchange.sweep(whose, token.address))


@cli.command("exit", cls=ScriptCommand)
@network_option()
@account_option()
@click.argument("token_names", metavar="TOKEN...", nargs=-1, required=True)
@click.option("--finish", is_flag=True, help="Take the money: the delay is over.")
@click.option("--cancel", "stay", is_flag=True, help="Take the announcement back.")
@click.option("--to", "recipient", help="With --finish: where it goes.  [default: the account]")
@yes_option
def leave(  # noqa: PLR0913 -- one for each option
    provider: Any,
    account: Any,
    token_names: tuple[str, ...],
    recipient: str | None,
    *,
    finish: bool,
    stay: bool,
    yes: bool,
) -> None:
    """Announce to take all of TOKENs out without anybody's consent, and do it after the delay."""
    if finish and stay:
        raise click.UsageError("Give --finish or --cancel, not both.")
    desk = Desk(provider)
    tokens = [desk.token(name) for name in token_names]
    to = desk.ledger.account(recipient) if recipient else str(account.address)
    held = {t: desk.exchange.balance_of(account.address, t.address) for t in tokens}
    what = "Finish an exit" if finish else "Cancel an exit" if stay else "Request an exit"
    plan = {"account": account.address}
    plan |= {t.symbol(): desk.shown(t, held[t].amount) for t in tokens}
    if finish:
        plan["to"] = to
    elif not stay:
        plan["to be had in"] = f"{desk.exchange.delays().exit:,} s"
    confirm(what, plan, yes=yes)
    signer = Signer(provider, account)
    addresses = [token.address for token in tokens]
    if finish:
        for token in tokens:
            signer.send(f"{token.symbol()} taken out", desk.exchange.exit(token.address, to))
    elif stay:
        signer.send("Exit cancelled", desk.exchange.cancel_exit(addresses))
    else:
        signer.send("Exit requested", desk.exchange.request_exit(addresses))


@cli.command(cls=ScriptCommand)
@network_option()
@click.argument("owner", metavar="[ACCOUNT]", required=False)
def status(provider: Any, owner: str | None) -> None:
    """Print what the contract says of itself and its markets, and what ACCOUNT has in escrow."""
    desk = Desk(provider)
    exchange = desk.exchange
    delays = exchange.delays()
    show(
        {
            "exchange": exchange.address,
            "owner": exchange.owner() or "nobody",
            "matcher": exchange.matcher() or "nobody",
            "fees go to": exchange.fee_recipient(),
            "state": "paused" if exchange.paused() else "open",
            "batches": f"{exchange.last_batch():,}",
            "exit delay": f"{delays.exit:,} s",
            "cancel notice": f"{delays.cancel_notice:,} s",
            "key delay": f"{delays.key:,} s",
        }
    )
    markets = [desk.market_names(n) for n in range(1, exchange.market_count() + 1)]
    for names in markets:
        terms = names.terms
        click.echo(
            f"  market {terms.id} {names.title}: a lot is "
            f"{desk.shown(names.base, terms.lot_size)}, a tick "
            f"{desk.shown(names.quote, terms.tick_value)} a lot, fees {terms.taker_fee_bps} and "
            f"{terms.maker_fee_bps} in 1/10,000"
        )
    if owner is None:
        return
    address = desk.ledger.account(owner)
    click.echo(f"  deposit address of {address}: {exchange.forwarder_of(address)}")
    tokens = {t.address: t for names in markets for t in (names.base, names.quote)}
    for token in tokens.values():
        held = exchange.balance_of(address, token.address)
        leaving = f", leaves from {held.exit_at}" if held.exit_at else ""
        click.echo(f"  {desk.shown(token, held.amount)} in escrow{leaving}")
