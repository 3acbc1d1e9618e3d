"""`gavelbook bot`: trade with an example bot."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from gavelbook.commands.terminal import ask_passphrase

if TYPE_CHECKING:
    from gavelbook.client import Client

url_option = click.option(
    "--url",
    metavar="URL",
    envvar="GAVELBOOK_API",
    default="http://127.0.0.1:8100",
    show_default=True,
    help="Where the API is; also GAVELBOOK_API.",
)
account_option = click.option(
    "--account", required=True, metavar="ALIAS", help="Account in ape's keystore."
)
market_option = click.option(
    "--market", type=click.IntRange(min=1), default=1, show_default=True, help="Market to trade in."
)
lots_option = click.option(
    "--lots", type=click.IntRange(min=1), default=10, show_default=True, help="Lots of an order."
)


@click.group("bot")
def bot_command() -> None:
    """Trade with an example bot.

    They show how the client is used, and know nothing of what a token is worth.
    """


@bot_command.command("maker")
@url_option
@account_option
@market_option
@lots_option
@click.option(
    "--reference",
    type=click.IntRange(min=1),
    required=True,
    help="Price in ticks to quote around while the book is empty.",
)
@click.option(
    "--half-spread", type=click.IntRange(min=1), default=2, show_default=True, help="In ticks."
)
@click.option(
    "--levels",
    type=click.IntRange(min=1, max=25),
    default=5,
    show_default=True,
    help="Quotes a side.",
)
@click.option("--pause", default=1.0, show_default=True, help="Seconds between two looks.")
@click.option("--steps", type=click.IntRange(min=1), help="Looks to take.  [default: for ever]")
def maker_command(  # noqa: PLR0913
    *,
    url: str,
    account: str,
    market: int,
    lots: int,
    reference: int,
    half_spread: int,
    levels: int,
    pause: float,
    steps: int | None,
) -> None:
    """Quote both sides of a market until interrupted; then take all quotes back."""
    from gavelbook.bots.maker import MakerSettings, MarketMaker

    settings = MakerSettings(
        market=market, reference=reference, half_spread=half_spread, levels=levels, lots=lots
    )
    with _client(url, account) as client:
        client.sign_in()
        maker = MarketMaker(client, settings)
        taken = 0
        try:
            while steps is None or taken < steps:
                taken += 1
                click.echo(f"placed {maker.step()} quotes")
                time.sleep(pause)
                maker.refresh()
        except KeyboardInterrupt:
            click.echo("taking all quotes back")
        finally:
            maker.stop()


@bot_command.command("taker")
@url_option
@account_option
@market_option
@lots_option
@click.option("--buy-below", type=click.IntRange(min=0), default=0, help="In ticks; 0: never.")
@click.option("--sell-above", type=click.IntRange(min=0), default=0, help="In ticks; 0: never.")
@click.option("--trades", type=click.IntRange(min=1), help="Trades to make.  [default: for ever]")
def taker_command(  # noqa: PLR0913
    *,
    url: str,
    account: str,
    market: int,
    lots: int,
    buy_below: int,
    sell_above: int,
    trades: int | None,
) -> None:
    """Take prices within given limits until interrupted."""
    from gavelbook.bots.taker import Taker, TakerSettings

    settings = TakerSettings(market, buy_below, sell_above, lots)
    with _client(url, account) as client:
        try:
            for number, traded in enumerate(Taker(client, settings).run(), start=1):
                click.echo(f"{traded.state} {traded.filled_lots} lots")
                if number == trades:
                    return
        except KeyboardInterrupt:
            return


def _client(url: str, alias: str) -> Client:
    from gavelbook.chain.keystore import load_account
    from gavelbook.client import Client

    return Client(url, account=load_account(alias, ask=ask_passphrase))
