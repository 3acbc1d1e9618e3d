"""The start page: what it says, and what it offers to whom."""

from __future__ import annotations

import re
from base64 import b64decode

import pytest
from streamlit.testing.v1 import AppTest

from gavelbook.service.sale_view import Stage
from tests.ui.conftest import APP, act_as
from tests.ui.sale_world import sale_world
from tests.ui.test_sale_page import button, live_data, metrics, problems, texts


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with (
        pytest.MonkeyPatch.context() as patch,
        sale_world(tmp_path_factory.mktemp("sales"), patch) as world,
    ):
        patch.setenv("GAVELBOOK_EXCHANGE_API", "http://127.0.0.1:9")
        yield world


@pytest.fixture
def start(world):
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    assert problems(app) == []
    return app


def keys(app):
    return {each.key for each in app.button}


def test_it_says_what_this_is_and_shows_the_open_sale(start, world):
    said = texts(start)
    assert start.title[0].value == "Gavelbook"
    assert "**New tokens are sold by auction here, and then traded.**" in said
    assert "can neither take money nor change who gets what" in said
    assert "Network: Local chain, chain 31337" in said
    view = world.desk.view(world.address("open"))
    assert view.stage(world.desk.now()) is Stage.OPEN
    assert metrics(start)["Price of a lot, if it closed now"] == "1.25 PAY"
    assert metrics(start)["Lots bid for"] == "130"
    data = live_data(start, "start.chain")
    assert (data["label"], data["until"]) == ("Closes in", view.terms.end)
    assert len(data["versions"]) == len(world.sales)
    assert data["every_sale"]


def test_a_silent_exchange_leaves_the_rest_of_the_page(start):
    assert "The exchange does not answer at the moment." in texts(start)
    assert button(start, "start.to_sale").label == "Bid"


def test_its_buttons_lead_on(start, world):
    button(start, "start.to_sale").click().run()
    assert start.query_params["sale"] in (world.address("open"), [world.address("open")])
    assert start.selectbox(key="sale.sale").value == world.address("open")


def test_nobody_is_told_how_to_come_in(start):
    assert "Try a demo account at the top of the page" in texts(start)
    assert not keys(start) & {"start.bid", "start.claim", "start.trade", "start.fund"}


def test_who_won_is_sent_to_claim(start, world):
    act_as(start, "Ben")
    assert "You act as **Ben**." in texts(start)
    button(start, "start.claim").click().run()
    assert start.title[0].value == "Sold (SLD)"
    view = world.desk.view(start.selectbox(key="sale.sale").value)
    assert view.decision is not None
    assert view.bids_of(world.visitor("Ben").address)


def test_who_has_money_and_no_bid_is_sent_to_bid(start):
    act_as(start, "Eva")
    button(start, "start.bid").click().run()
    assert start.title[0].value == "Sold (SLD)"


def test_the_addresses_are_there_to_copy(start, world):
    start.session_state["start.addresses"] = True
    start.run()
    assert {sale.address for sale in world.sales.values()} <= {code.value for code in start.code}


def test_a_chain_without_sales_says_so(start, monkeypatch, tmp_path):
    monkeypatch.setenv("GAVELBOOK_DEPLOYMENTS", str(tmp_path))
    monkeypatch.setenv("GAVELBOOK_DEMO_ACCOUNTS", "0")
    start.run()
    assert problems(start) == []
    assert "No sale yet" in texts(start)
    assert "No contract is recorded" not in texts(start)


def test_a_chain_that_does_not_answer_is_a_sentence(start, monkeypatch):
    monkeypatch.setenv("GAVELBOOK_RPC_URL", "http://127.0.0.1:9")
    start.run()
    assert problems(start) == []
    assert "cannot be read right now" in start.error[0].value


def test_the_course_of_prices_is_drawn_and_said():
    def draw():
        from ui.panels.price_course import price_course

        price_course([50, 40, 90, 60], "Price of <all>", lambda price: f"{price} PAY")
        price_course([7, 7], "Nothing moved", str)
        price_course([], "Nothing at all", str)

    [picture] = [each.proto.body for each in AppTest.from_function(draw).run().get("html")]
    assert 'alt="Price of &lt;all&gt;: between 40 PAY and 90 PAY, now 60 PAY"' in picture
    drawn = b64decode(re.search('base64,([^"]+)', picture)[1]).decode()
    line = re.search('d="M0 ([^"]*)" fill="none"', drawn)[1]
    assert [int(each) for each in re.findall(r"(?:^|V)(\d+)", line)] == [47, 57, 3, 36]
    assert [int(each) for each in re.findall(r"H(\d+)", line)] == [150, 300, 450, 600]
