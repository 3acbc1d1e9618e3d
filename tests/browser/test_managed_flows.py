"""What people do with an account of the site, from the click to the state of the chain.

It never has ether of its own but what the site lends it for the next transaction.
"""

import time
from types import SimpleNamespace

import pytest
from eth_account import Account
from playwright.sync_api import expect

from gavelbook.service.session_tickets import COOKIE
from tests.browser.conftest import Visit
from tests.browser.flow_steps import (
    ONE,
    SECONDS,
    TRANSACTION,
    World,
    button,
    fill,
    get_demo_money,
    go_to,
    open_account,
    place_bid,
    sale_of,
    shown_code,
    tab,
)
from ui.wording import short

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PASSWORD = "plum tree garden"


@pytest.fixture(scope="module")
def world(demo):
    return World(demo)


@pytest.fixture(scope="module")
def context(chrome):
    with chrome.new_context(viewport={"width": 1280, "height": 1800}) as context:
        yield context


@pytest.fixture(scope="module")
def visit(context, demo):
    """A browser of somebody who has never been here; no page fails, nobody else is asked."""
    visit = Visit(context.new_page(), demo)
    yield visit
    visit.assert_clean()


@pytest.fixture(scope="module")
def newcomer(visit):
    """Somebody with an account of the site that was opened a moment ago."""
    name = f"newcomer{time.time_ns() % 10**9}"
    return SimpleNamespace(name=name, address=open_account(visit, name, PASSWORD))


@pytest.fixture
def page(visit, newcomer):
    assert newcomer.address
    return visit.page


def ether(world, newcomer):
    return world.web3.eth.get_balance(newcomer.address)


def sent(world, newcomer):
    """How many transactions the account has sent."""
    return world.web3.eth.get_transaction_count(newcomer.address)


class TestBeginning:
    def test_an_account_is_opened_with_nothing_in_it(self, page, newcomer, world):
        expect(page.get_by_role("button", name=f"{newcomer.name} · ")).to_be_visible()
        assert (ether(world, newcomer), sent(world, newcomer)) == (0, 0)
        assert world.money.balance_of(newcomer.address) == 0

    def test_demo_money_comes_without_ether(self, page, newcomer, world):
        get_demo_money(page)
        assert world.money.balance_of(newcomer.address) == 10_000 * ONE
        assert world.sold.balance_of(newcomer.address) == 1_000 * ONE
        expect(page.get_by_text("You need no ether")).to_be_visible()
        assert ether(world, newcomer) == 0


class TestSale:
    def test_a_bid_is_placed_and_seen(self, page, newcomer, world):
        go_to(page, "Sale")
        place_bid(page, "90", 20)
        expect(page.get_by_text("Bid placed: 20 lots at 90 DUSD")).to_be_visible()
        [bid] = sale_of(page, world).bids_of(newcomer.address)
        assert bid.lots == 20
        assert world.money.balance_of(newcomer.address) == 8_200 * ONE
        assert sent(world, newcomer) > 0
        row = page.get_by_test_id("stDataFrame").locator("[role=gridcell]")
        expect(row.filter(has_text=short(newcomer.address)).first).to_be_attached()

    def test_a_bid_is_cancelled(self, page, newcomer, world):
        go_to(page, "Sale")
        button(page, "Cancel").click()
        expect(page.get_by_text("Bid cancelled, 1,800 DUSD paid back.")).to_be_visible()
        assert sale_of(page, world).bids_of(newcomer.address) == []
        assert world.money.balance_of(newcomer.address) == 10_000 * ONE


class TestEscrowAndMarket:
    def test_money_goes_in(self, page, newcomer, world):
        go_to(page, "Portfolio")
        panel = tab(page, "Deposit")
        fill(panel, "Amount, DUSD", "3000.5")
        button(panel, "Deposit 3,000.5 DUSD").click()
        expect(page.get_by_text("3,000.5 DUSD paid in.")).to_be_visible()
        assert world.succeeded(shown_code(panel, TRANSACTION))
        assert world.escrow(newcomer.address, world.money).amount == 30_005 * ONE // 10

    def test_a_limit_order_rests_and_is_cancelled(self, page, world):
        go_to(page, "Market")
        free = page.get_by_role("row").filter(has_text="Free for orders")
        expect(free).to_contain_text("3,000.5", timeout=60 * SECONDS)
        before = world.lots_bid_at(650)
        fill(page, "Price per GVL, DUSD", "0.65")
        fill(page, "Size, GVL", "70")
        page.get_by_role("button", name="Buy 70 GVL").click()
        expect(page.get_by_text("Order accepted: 70 GVL in the book at 0.650")).to_be_visible()
        assert world.lots_bid_at(650) == before + 70
        tab(page, "Open orders")
        button(page, "Cancel").click()
        expect(page.get_by_text("Order cancelled: 70 GVL at 0.650 left the book")).to_be_visible()
        assert world.lots_bid_at(650) == before

    def test_a_market_order_fills_and_settles(self, page, newcomer, world):
        go_to(page, "Market")
        page.get_by_role("radio", name="Market", exact=True).click()
        fill(page, "Size, GVL", "25")
        page.get_by_role("button", name="Buy 25 GVL").click()
        expect(page.get_by_text("Order accepted: bought 25 GVL for")).to_be_visible()
        assert world.settled(page, newcomer.address, 25 * ONE)
        assert world.escrow(newcomer.address, world.money).amount < 30_005 * ONE // 10

    def test_money_goes_out_to_the_own_wallet(self, page, newcomer, world):
        go_to(page, "Portfolio")
        before = world.money.balance_of(newcomer.address)
        panel = tab(page, "Withdraw")
        expect(panel.get_by_text("can be withdrawn now")).to_be_visible()
        fill(panel, "Amount, DUSD", "100")
        button(panel, "Withdraw 100 DUSD").click()
        expect(page.get_by_text("100 DUSD withdrawn to the wallet")).to_be_visible()
        assert world.succeeded(shown_code(panel, TRANSACTION))
        assert world.money.balance_of(newcomer.address) == before + 100 * ONE


class TestSending:
    def test_a_transfer_needs_the_password(self, page, newcomer, world):
        friend = Account.create().address
        go_to(page, "Portfolio")
        panel = tab(page, "Send")
        before, sends = world.money.balance_of(newcomer.address), sent(world, newcomer)
        fill(panel, "Amount, DUSD", "25.5")
        fill(panel, "To the address", friend)
        button(panel, "Go on").click()
        expect(panel.get_by_text(friend, exact=True)).to_be_visible()
        confirm(panel, "plum tree gardens")
        expect(panel.get_by_text("This is not the password of the account.")).to_be_visible()
        assert world.money.balance_of(friend) == 0
        assert sent(world, newcomer) == sends
        confirm(panel, PASSWORD)
        expect(panel.get_by_text("25.5 DUSD sent.")).to_be_visible()
        assert world.succeeded(shown_code(panel, TRANSACTION))
        assert world.money.balance_of(friend) == 255 * ONE // 10
        assert world.money.balance_of(newcomer.address) == before - 255 * ONE // 10


class TestSigningOut:
    def test_nothing_private_stays(self, page, context, newcomer):
        go_to(page, "Portfolio")
        expect(page.locator("table.pots")).to_be_visible()
        [before] = cookies(context)
        page.get_by_role("button", name=f"{newcomer.name} · ").click()
        button(page, "Sign out").click()
        expect(page.get_by_text("To see what is yours and move it")).to_be_visible()
        for _ in range(100):
            if not cookies(context):
                break
            page.wait_for_timeout(SECONDS // 10)
        assert cookies(context) == []
        nobody(page, newcomer)
        go_to(page, "Market")
        fill(page, "Size, GVL", "12")
        expect(page.get_by_text("To place it, say who you are.")).to_be_visible()
        nobody(page, newcomer)
        # What was a sign-in is none any more, whoever kept it.
        context.add_cookies([before])
        page.goto(page.url.replace("/market", "/account"))
        expect(page.get_by_role("tab", name="Open an account")).to_be_visible()
        nobody(page, newcomer)


def cookies(context):
    return [each for each in context.cookies() if each["name"] == COOKIE]


def confirm(panel, password):
    panel.get_by_label("Your password", exact=True).fill(password)
    button(panel, "Send it for good").click()


def nobody(page, newcomer):
    """Nothing on the page is of ``newcomer``."""
    seen = page.locator("body").inner_text()
    assert newcomer.name not in seen
    assert newcomer.address not in seen
    assert short(newcomer.address) not in seen
    assert page.locator("table.pots").count() == 0
    expect(page.get_by_role("heading", name="Trading of")).to_have_count(0)
