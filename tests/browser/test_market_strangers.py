"""The market page where strangers chose the names, and the exchange is another site that fails."""

import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect

from gavelbook.demo.child_server import ChildServer
from gavelbook.demo.local_chain import LocalChain, free_port
from gavelbook.wallet import DEVELOPMENT_MNEMONIC
from tests.browser.flow_steps import tab
from tests.ui.market_world import open_world

pytestmark = [pytest.mark.browser, pytest.mark.slow]

BASE = "<img src=x onerror=alert(1)>"
QUOTE = "**[$x$](/x)** =1+1"
GAVELBOOK = Path(sys.executable).with_name("gavelbook")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A market of tokens with hostile symbols; pages and exchange are sites of their own."""
    folder = tmp_path_factory.mktemp("strangers")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    genesis = int(time.time()) - 60
    with (
        LocalChain(DEVELOPMENT_MNEMONIC, folder, genesis_time=genesis, port=free_port()) as chain,
        ExitStack() as exchange,
    ):
        world = open_world(chain, symbols=(BASE, QUOTE))
        exchange.enter_context(world.serving(folder / "service", origins=(url,)))
        world.quote(bids=[(8_300, 20), (8_290, 30)], asks=[(8_350, 10), (8_360, 40)])
        environment = {
            "GAVELBOOK_RPC_URL": chain.url,
            "GAVELBOOK_EXCHANGE_API": world.url,
            "GAVELBOOK_EXCHANGE_PUBLIC_URL": world.url,
            "GAVELBOOK_DEPLOYMENTS": str(folder),
            "GAVELBOOK_DEMO_ACCOUNTS": "1",
        }
        with ChildServer(
            "pages",
            [str(GAVELBOOK), "pages", f"--port={port}"],
            health=f"{url}/_stcore/health",
            log=folder / "pages.log",
            folder=folder,
            environment=environment,
        ):
            yield SimpleNamespace(url=url, exchange=exchange, market=world)


@pytest.fixture
def page(chrome, world):
    """The market page with a trade on it; no script of a name runs, nobody else is asked."""
    with chrome.new_context() as context:
        page = context.new_page()
        page.set_default_timeout(60_000)
        wrong = []
        page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        own = (world.url, world.market.url, "data:", "blob:")
        page.on(
            "request",
            lambda request: None if request.url.startswith(own) else wrong.append(request.url),
        )
        page.goto(f"{world.url}/market")
        expect(page.locator("section.market")).to_have_attribute("data-state", "live")
        yield page
        assert wrong == []
        assert page.locator("img[src=x]").count() == 0


def choose(page, account):
    page.get_by_role("button", name="Try a demo account").click()
    page.get_by_role("button", name=account, exact=True).click()
    # The order form is another one then.
    page.get_by_role("heading", name=f"Trading of {account}").wait_for()


def test_names_are_shown_letter_by_letter(page, world):
    expect(page.get_by_role("heading", name=f"{BASE} / {QUOTE}", exact=True)).to_be_visible()
    asked = page.get_by_role("button", name=f"Use 83.50 as the price: 10 {BASE} asked")
    expect(asked).to_be_visible()
    world.market.maker.limit(1, "buy", 1, 8_290)
    choose(page, "Ben")
    asked.click()
    page.get_by_role("textbox", name="Size, ").fill("2")
    page.get_by_role("button", name=f"Buy 2 {BASE}").click()
    expect(page.get_by_text(f"Order accepted: bought 2 {BASE} for 167 {QUOTE}")).to_be_visible()
    expect(page.locator(".tape tbody tr").first).to_contain_text("83.50")
    expect(page.locator(".candle-readout")).to_contain_text(f"Volume 2 {BASE}")
    expect(page.locator(".last")).to_have_text(f"83.50 {QUOTE}")
    for name in ("Fills", "All orders", "Deposit and withdraw"):
        tab(page, name)
    expect(page.get_by_role("textbox", name="Amount, ")).to_be_visible()
    assert page.get_by_role("link", name="$x$").count() == 0


def test_when_the_exchange_goes_the_contract_is_offered(page, world):
    """The last of this file: the exchange is gone afterwards."""
    choose(page, "Eva")
    page.get_by_role("textbox", name="Price per").fill("80")
    page.get_by_role("textbox", name="Size, ").fill("3")
    page.get_by_role("button", name="Buy 3 ").click()
    expect(page.get_by_text("Order accepted: 3 ")).to_be_visible()
    world.exchange.close()
    expect(page.get_by_text("Connection lost, trying again.")).to_be_visible()
    silent = page.get_by_text("The exchange cannot be read right now.")
    expect(silent).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Cancel on the chain").click()
    cancelled = page.get_by_text("Cancelled on the chain: Buy 3 ")
    expect(cancelled).to_be_visible(timeout=60_000)
    lane = world.market.exchange.lane_of(world.market.visitors[4].address, 0)
    assert lane.cancelled_sequence > 0
