"""The Operator page in a browser: what everybody sees, and the switch of whoever owns it all."""

import re

import pytest
from playwright.sync_api import expect

from gavelbook.chain.sender import Sender
from gavelbook.service.demo_signer import DemoSigner
from gavelbook.wallet import DEVELOPMENT_MNEMONIC, HdWallet
from tests.browser.conftest import Visit
from tests.browser.flow_steps import SECONDS, World, button, fill, tab

pytestmark = [pytest.mark.browser, pytest.mark.slow]

OWNER = 4
PAUSED = "The operator has paused deposits and settlement."


@pytest.fixture(scope="module")
def world(demo):
    return World(demo)


@pytest.fixture
def restored(world):
    """The exchange goes on afterwards, whatever happens."""
    yield
    if world.exchange.paused():
        owner = HdWallet(DEVELOPMENT_MNEMONIC).account(OWNER)
        Sender(world.web3, owner).send_and_wait(world.exchange.unpause())


@pytest.fixture
def trader(desktop, demo):
    """The Market page of a demo account in another tab."""
    visit = Visit(desktop.new_page(), demo)
    page = visit.page
    page.goto(f"{demo.url}/market")
    button(page, "Try a demo account").click()
    button(page, "Ada").click()
    page.get_by_role("heading", name="Trading of Ada").wait_for()
    yield page
    visit.assert_clean()
    page.close()


def as_operator(page):
    button(page, "Look as the operator of this demo").click()
    expect(page.get_by_role("button", name=re.compile("^Operator · "))).to_be_visible()


def part(page, name):
    """The line of one part of the site."""
    return page.get_by_role("row").filter(has=page.get_by_role("cell", name=name, exact=True))


def test_everybody_sees_figures_that_the_chain_confirms(visit, world):
    before = world.exchange.last_batch()
    page = visit.open("operator").page
    expect(page.get_by_role("heading", name="Services")).to_be_visible()
    shown = int(visit.metric("Batches").inner_text().replace(",", ""))
    assert 0 < before <= shown <= world.exchange.last_batch()
    for label in ("Fills to settle", "Gas per fill", "Fees paid, ETH"):
        expect(visit.metric(label)).to_have_text(re.compile(r"^[\d,]+(\.\d+)?…?$"))
    expect(part(page, "Exchange API")).to_contain_text("Open")
    expect(page.get_by_text(world.exchange.matcher(), exact=True)).to_be_visible()
    expect(page.get_by_text("Only the owner of the exchange")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Pause|go on"))).to_have_count(0)
    expect(page.get_by_text("Watcher", exact=True)).to_have_count(0)


def test_the_owner_pauses_and_lets_it_go_on(visit, world, trader, restored):
    owner = DemoSigner(world.web3, enabled=True).operator
    assert world.exchange.owner() == owner.address
    expect(trader.get_by_text(PAUSED)).to_have_count(0)
    page = visit.open("operator").page
    as_operator(page)
    expect(part(page, "Watcher")).to_be_visible()
    pause = button(page, "Pause the exchange")
    expect(pause).to_be_disabled()
    page.get_by_text("Nobody can pay in, and nothing settles, until I undo it").click()
    expect(pause).to_be_enabled()
    pause.click()
    expect(page.get_by_text("The exchange is paused.", exact=True)).to_be_visible()
    assert world.exchange.paused()
    expect(part(page, "Settlement")).to_contain_text("Paused")

    expect(trader.get_by_text(PAUSED)).to_be_visible(timeout=60 * SECONDS)
    panel = tab(trader, "Deposit and withdraw")
    fill(panel, "Amount, DUSD", "5")
    button(panel, "Deposit").click()
    expect(panel.get_by_text("Deposits are paused for now.")).to_be_visible()

    button(page, "Let the exchange go on").click()
    expect(page.get_by_text("The exchange goes on.", exact=True)).to_be_visible()
    assert not world.exchange.paused()
    settled = world.exchange.last_batch()
    button(panel, "Deposit").click()
    expect(trader.get_by_text("5 DUSD paid in.")).to_be_visible()
    expect(trader.get_by_text(PAUSED)).to_have_count(0)
    expect(part(page, "Settlement")).to_contain_text("Works")
    for _ in range(90):
        if world.exchange.last_batch() > settled:
            break
        page.wait_for_timeout(SECONDS)
    assert world.exchange.last_batch() > settled


def test_a_phone_needs_no_sideways_scrolling(visit):
    visit.page.set_viewport_size({"width": 390, "height": 844})
    page = visit.open("operator").page
    expect(page.get_by_role("heading", name="Controls")).to_be_visible()
    assert not visit.scrolls_sideways()
    as_operator(page)
    expect(part(page, "Watcher")).to_be_visible()
    page.get_by_text("What a pause does, and what else there is").click()
    expect(page.get_by_text("stops deposits and settlement at the contract")).to_be_visible()
    assert not visit.scrolls_sideways()
