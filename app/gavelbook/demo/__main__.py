"""`python -m gavelbook.demo`: a sale and a market, simulated on a local chain, and the pages."""

from __future__ import annotations

import logging
import signal
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click
import structlog

from gavelbook.demo.console import Console
from gavelbook.demo.exchange_scene import ExchangeScene
from gavelbook.demo.exchange_server import ExchangeServer
from gavelbook.demo.live_sale import LiveSales
from gavelbook.demo.live_trading import LiveTrading
from gavelbook.demo.local_chain import LocalChain, choose_port
from gavelbook.demo.pages import USUAL_PAGE_PORT, page_settings, what_to_try
from gavelbook.demo.scene import Cast, Scene
from gavelbook.demo.signer_server import SignerServer
from gavelbook.demo.story import SPAN_SECONDS, Story
from gavelbook.demo.trading_floor import TradingFloor
from gavelbook.demo.trading_story import TradingStory
from gavelbook.errors import GavelbookError
from gavelbook.wallet import DEVELOPMENT_MNEMONIC, HdWallet

if TYPE_CHECKING:
    from types import FrameType

EXIT_STOPPED = 130
_HEAD_START_SECONDS = 15 * 60


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--serve/--no-serve", default=True, help="Stay up and serve the pages, or exit.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the pages.  [default: 8501]")
@click.option("--rpc-port", type=click.IntRange(1, 65535), help="Port of the chain.")
@click.option("--bidders", type=click.IntRange(20, 2000), default=240, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Same seed, same bids.")
@click.option(
    "--minutes",
    type=click.IntRange(2, 24 * 60),
    default=20,
    show_default=True,
    help="How long each live sale stays open.",
)
def main(  # noqa: PLR0913 -- one for each option
    *, serve: bool, port: int | None, rpc_port: int | None, bidders: int, seed: int, minutes: int
) -> None:
    """Play three sales and a market through, check every number, and keep both going.

    Everything runs on this machine: a chain of its own, accounts whose keys are public. Nothing of
    it is worth anything, and nothing is left behind.
    """
    signal.signal(signal.SIGTERM, _stop)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    console = Console()
    began = time.monotonic()
    try:
        # Asked before the play, so that nobody waits for it in vain.
        page_port = choose_port(port, USUAL_PAGE_PORT) if serve else None
        with tempfile.TemporaryDirectory(prefix="gavelbook-demo-") as name:
            folder = Path(name)
            genesis = int(time.time()) - SPAN_SECONDS - _HEAD_START_SECONDS
            with LocalChain(
                DEVELOPMENT_MNEMONIC, folder, genesis_time=genesis, port=rpc_port
            ) as chain:
                scene = _sell(console, chain, folder, bidders, seed)
                with (
                    ExchangeServer(scene, page_port) as server,
                    closing(TradingFloor(scene, server.url, seed)) as floor,
                ):
                    TradingStory(scene, server, floor, console).run()
                    console.line()
                    console.line(f"Done in {time.monotonic() - began:.0f} seconds.")
                    if serve:
                        live = LiveTrading(floor, server, seed)
                        _serve(console, LiveSales(scene.scene, seed, minutes * 60), live)
    except KeyboardInterrupt:
        click.echo("\nStopped; chain, exchange and pages are gone.")
        sys.exit(0 if serve else EXIT_STOPPED)
    except GavelbookError as error:
        click.echo(f"error: {error.code}: {error.message}", err=True)
        sys.exit(1)


def _sell(
    console: Console, chain: LocalChain, folder: Path, bidders: int, seed: int
) -> ExchangeScene:
    console.title(f"Gavelbook demo: a token sale to {bidders} simulated bidders, then trading")
    console.line(f"chain {chain.url}, started three days in the past so that nobody has to wait")
    cast = Cast.from_wallet(HdWallet(DEVELOPMENT_MNEMONIC), bidders)
    scene = ExchangeScene(Scene(chain, cast, folder))
    Story(scene, console, seed).run()
    return scene


def _serve(console: Console, sales: LiveSales, trading: LiveTrading) -> None:
    console.step("A live sale, live trading, and the pages")
    # It starts while the sale opens.
    with SignerServer(sales.scene, trading.url) as signer:
        sales.open()
        signer.wait_until_up()
        trading.start(page_settings(sales.scene, signer))
        for line in what_to_try(trading.url, sales.scene):
            console.line(line)

        def watch() -> None:
            signer.check()
            trading.step()

        sales.run(watch)


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
