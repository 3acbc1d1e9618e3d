"""A small real demo, played once, that the pages look at; nothing is replaced by fakes."""

import time
from dataclasses import dataclass, field
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
    live_sales: LiveSales
    desk: SaleDesk = field(init=False)
    live: str = field(init=False)

    def view(self, address):
        """The sale as it is, whatever was read a moment ago."""
        self.desk._reader(address).expire()
        return self.desk.view(address)

    def point_pages_here(self, patch):
        """Point the pages at this demo."""
        patch.setenv("GAVELBOOK_RPC_URL", self.scene.chain.url)
        patch.setenv("GAVELBOOK_DEPLOYMENTS", str(self.scene.store.folder))
        patch.setenv("GAVELBOOK_DEMO_ACCOUNTS", "1")

    def pass_time(self, seconds: int) -> None:
        self.scene.chain.call("evm_increaseTime", seconds)
        self.scene.chain.call("evm_mine")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("demo")
    genesis = int(time.time()) - SPAN_SECONDS - 60 * 60
    with LocalChain(DEVELOPMENT_MNEMONIC, folder, genesis_time=genesis, port=free_port()) as chain:
        scene = Scene(chain, Cast.from_wallet(HdWallet(DEVELOPMENT_MNEMONIC), BIDDERS), folder)
        story = Story(ExchangeScene(scene), Console(), SEED)
        story.run()
        live_sales = LiveSales(scene, SEED, LIVE_SECONDS)
        live_sales.open()
        finished = [opened.sale.address for opened in story.sales]
        played = PlayedDemo(scene, finished, live_sales)
        with pytest.MonkeyPatch.context() as patch:
            played.point_pages_here(patch)
            played.desk = SaleDesk(DeskSettings())
        played.live = played.desk.sales()[0].address
        yield played


@pytest.fixture
def app(demo, monkeypatch):
    """A session on the sale page, not yet run, of a visitor who has not said who they are."""
    demo.point_pages_here(monkeypatch)
    return AppTest.from_file(str(APP), default_timeout=60).run().switch_page("app_pages/sale.py")


def act_as(app, name):
    """Act as an account of the demo from now on, chosen in the bar above the page."""
    chosen = next(each for each in app.button if each.key == f"identity.demo.{name}")
    return chosen.click().run()


@pytest.fixture
def results(app):
    """A session on the results page, not yet run."""
    return app.run().switch_page("app_pages/results.py")
