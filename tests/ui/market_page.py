"""The page Market over a real exchange, and what people do and read there."""

import json
import re
import time

import pytest
from streamlit.testing.v1 import AppTest

from gavelbook.demo.local_chain import LocalChain, free_port
from gavelbook.wallet import DEVELOPMENT_MNEMONIC
from tests.ui.conftest import APP
from tests.ui.market_world import WHOLE, open_world
from tests.ui.test_sale_page import button, texts


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("market")
    with LocalChain(
        DEVELOPMENT_MNEMONIC, folder, genesis_time=int(time.time()) - 60, port=free_port()
    ) as chain:
        world = open_world(chain)
        world.chain = chain
        world.folder = folder
        with world.serving(folder / "service"):
            yield world


@pytest.fixture
def page(world, monkeypatch):
    """A session on the market page, not yet run; the book is as the maker leaves it."""
    monkeypatch.setenv("GAVELBOOK_RPC_URL", world.chain.url)
    monkeypatch.setenv("GAVELBOOK_EXCHANGE_API", world.url)
    monkeypatch.setenv("GAVELBOOK_DEPLOYMENTS", str(world.folder))
    monkeypatch.setenv("GAVELBOOK_DEMO_ACCOUNTS", "1")
    world.clear()
    world.quote(bids=[(8_300, 20), (8_290, 30)], asks=[(8_350, 10), (8_360, 40)])
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    return app.switch_page("app_pages/market.py")


def fresh(page):
    """Run the page again once what it shares with others is old."""
    time.sleep(1.6)
    return page.run()


def write(page, *, side="Buy", kind="Limit", price=None, lots=None):
    page.segmented_control(key="ticket.1.side").set_value(side).run()
    page.segmented_control(key="ticket.1.kind").set_value(kind).run()
    if price is not None:
        page.text_input(key="ticket.1.price").set_value(price).run()
    if lots is not None:
        page.text_input(key="ticket.1.size").set_value(str(lots)).run()
    return page


def place(page, **ticket):
    write(page, **ticket)
    return button(page, "order.place").click().run()


def tables(page):
    """All that is said, without the marks of small print."""
    return re.sub(r":small\[([^\]]*)\]", r"\1", texts(page))


def live(page):
    """What the live part is told."""
    [data] = [
        json.loads(component.proto.json)
        for component in page.get("bidi_component")
        if "live_market" in component.proto.component_name
    ]
    return data


def lines(page):
    """What the form says of the order, line by line."""
    return {row["Name"]: row["Value"] for table in page.table for _, row in table.value.iterrows()}


def wallet_row(world, visitor):
    """The row of the balances that the chain gives; other tests of the world move money."""
    wholes = []
    for token in (world.dusd, world.gvl):
        whole, rest = divmod(token.balance_of(visitor.address), WHOLE)
        assert rest == 0
        wholes.append(f"{whole:,}")
    return f"| In the wallet | {' | '.join(wholes)} |"
