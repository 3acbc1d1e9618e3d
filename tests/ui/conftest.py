"""A small real demo, played once, that the pages look at; nothing is replaced by fakes."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gavelbook.demo.console import Console
from gavelbook.demo.exchange_scene import ExchangeScene
from gavelbook.demo.live_sale import LiveSales
from gavelbook.demo.local_chain import LocalChain, free_port
from gavelbook.demo.scene import Cast, Scene
from gavelbook.demo.story import SPAN_SECONDS, Story
from gavelbook.service.desk_settings import DeskSettings
from gavelbook.service.sale_desk import SaleDesk
from gavelbook.wallet import DEVELOPMENT_MNEMONIC, HdWallet

APP = Path(__file__).resolve().parents[2] / "app" / "ui" / "streamlit_app.py"
BIDDERS = 24
SEED = 3
LIVE_SECONDS = 60 * 60


@dataclass
class PlayedDemo:
    scene: Scene
    finished: list[str]
    live: str
    live_sales: LiveSales
    desk: SaleDesk

    def view(self, address):
        """The sale as it is, whatever was read a moment ago."""
        self.desk._reader(address).expire()
        return self.desk.view(address)

    def pass_time(self, seconds: int) -> None:
        self.scene.chain.call("evm_increaseTime", seconds)
        self.scene.chain.call("evm_mine")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("demo")
    genesis = int(time.time()) - SPAN_SECONDS - 60 * 60
    with (
        pytest.MonkeyPatch.context() as patch,
        LocalChain(DEVELOPMENT_MNEMONIC, folder, genesis_time=genesis, port=free_port()) as chain,
    ):
        scene = Scene(chain, Cast.from_wallet(HdWallet(DEVELOPMENT_MNEMONIC), BIDDERS), folder)
        story = Story(ExchangeScene(scene), Console(), SEED)
        story.run()
        live_sales = LiveSales(scene, SEED, LIVE_SECONDS)
        live_sales.open()
        patch.setenv("GAVELBOOK_RPC_URL", chain.url)
        patch.setenv("GAVELBOOK_DEPLOYMENTS", str(folder))
        patch.setenv("GAVELBOOK_DEMO_ACCOUNTS", "1")
        desk = SaleDesk(DeskSettings())
        live = desk.sales()[0].address
        finished = [opened.sale.address for opened in story.sales]
        yield PlayedDemo(scene, finished, live, live_sales, desk)


@pytest.fixture
def app(demo):
    """A session on the sale page, not yet run, of a visitor who has not said who they are."""
    assert os.environ["GAVELBOOK_RPC_URL"] == demo.scene.chain.url
    return AppTest.from_file(str(APP), default_timeout=60).run().switch_page("app_pages/sale.py")


def act_as(app, name):
    """Act as an account of the demo from now on, chosen in the bar above the page."""
    chosen = next(each for each in app.button if each.key == f"identity.demo.{name}")
    return chosen.click().run()


@pytest.fixture
def results(app):
    """A session on the results page, not yet run."""
    return app.run().switch_page("app_pages/results.py")
