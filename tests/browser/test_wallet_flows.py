"""What people do with a wallet of their own, from the click to the state of the chain.

The last test moves the chain's clock to the end of the sale; by its name this module comes last.
"""

import re
import time
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from gavelbook.service.amounts import decimal_text
from tests.browser.conftest import Visit
from tests.browser.flow_steps import (
    ONE,
    SECONDS,
    World,
    button,
    fill,
    get_demo_money,
    go_to,
    open_account,
    place_bid,
    sale_of,
    tab,
)
from tests.browser.injected_wallet import InjectedWallet, fresh_accounts, inject

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def world(demo):
    return World(demo)


@pytest.fixture(scope="module")
def fox(world):
    wallet = InjectedWallet(world.demo.rpc_url, fresh_accounts(f"flows {time.time_ns()}"))
    world.fund(wallet.address)
    return wallet


@pytest.fixture(scope="module")
def visit(chrome, demo, fox):
    """A browser with the wallet in it; no page fails, and nobody else is asked."""
    with chrome.new_context(viewport={"width": 1280, "height": 1800}) as context:
        visit = Visit(context.new_page(), demo)
        inject(visit.page, fox)
        visit.page.goto(f"{demo.url}/sale")
        button(visit.page, "Connect wallet").click()
        button(visit.page, "Fox").click()
        visit.page.get_by_label(f"Account {fox.address}").wait_for()
        yield visit
        visit.assert_clean()


@pytest.fixture
def page(visit, fox):
    fox.refuse_next = fox.silent = False
    return visit.page


def sign_in(page):
    """Prove to the exchange whose wallet it is, where that was not done."""
    unlock = button(page, "Sign in to the exchange")
    expect(unlock.or_(page.get_by_text("Free for orders")).first).to_be_visible()
    if unlock.count():
        unlock.click()
        expect(unlock).to_have_count(0)


class TestSale:
    def test_a_refused_signature_can_be_asked_for_again(self, page, fox, world):
        go_to(page, "Sale")
        fox.refuse_next = True
        place_bid(page, "90", 20)
        expect(page.get_by_text("You refused in Fox.")).to_be_visible()
        expect(page.get_by_text("You lock: 1,800 DUSD")).to_be_visible()
        button(page, "Ask again").click()
        expect(page.get_by_text("Bid placed: 20 lots at 90 DUSD")).to_be_visible()
        [bid] = sale_of(page, world).bids_of(fox.address)
        assert bid.lots == 20
        permit, calldata = fox.signed[-1]["message"], fox.sent[-1]
        assert (permit["owner"], permit["value"]) == (fox.address, str(1_800 * ONE))
        assert world.succeeded(calldata)
        expect(page.get_by_text(calldata)).to_be_visible()

    def test_a_bid_is_cancelled(self, page, fox, world):
        go_to(page, "Sale")
        before = world.money.balance_of(fox.address)
        button(page, "Cancel").click()
        expect(page.get_by_text("Bid cancelled, 1,800 DUSD paid back.")).to_be_visible()
        assert sale_of(page, world).bids_of(fox.address) == []
        assert world.money.balance_of(fox.address) == before + 1_800 * ONE

    def test_a_wrong_network_is_refused_and_switched(self, page, fox):
        go_to(page, "Sale")
        asked = len(fox.signed)
        fox.chain_id = 1
        fox.known_chains.discard(31337)
        place_bid(page, "85", 10)
        expect(page.get_by_text("Fox is on another network. Switch it at the top")).to_be_visible()
        assert len(fox.signed) == asked
        page.get_by_role("button", name=re.compile("^Switch to ")).click()
        button(page, "Ask again").click()
        expect(page.get_by_text("Bid placed: 10 lots at 85 DUSD")).to_be_visible()
        assert fox.added[-1]["rpcUrls"] == [fox.rpc_url]


class TestMarket:
    def test_signing_in_shows_the_account(self, page, fox, demo):
        go_to(page, "Market")
        sign_in(page)
        expect(page.get_by_role("heading", name="Trading of Fox")).to_be_visible()
        message = fox.signed[-1]
        host = urlsplit(demo.url).netloc
        assert message.startswith(f"{host} wants you to sign in with your Ethereum account:")
        assert fox.address in message

    def test_money_goes_in(self, page, fox, world):
        go_to(page, "Market")
        sign_in(page)
        tab(page, "Deposit and withdraw")
        before = world.escrow(fox.address, world.money).amount
        fill(page, "Amount, DUSD", "3000.5")
        button(page, "Deposit").last.click()
        expect(page.get_by_text("3,000.5 DUSD paid in.")).to_be_visible()
        escrow = world.escrow(fox.address, world.money).amount
        assert escrow == before + 30_005 * ONE // 10
        free = page.get_by_role("row").filter(has_text="Free for orders")
        expect(free).to_contain_text(decimal_text(escrow, 18), timeout=60 * SECONDS)

    def test_a_limit_order_is_placed_and_cancelled(self, page, fox):
        go_to(page, "Market")
        sign_in(page)
        fill(page, "Price per GVL, DUSD", "0.7")
        fill(page, "Size, GVL", "70")
        page.get_by_role("button", name="Buy 70 GVL").click()
        expect(page.get_by_text("Order accepted: 70 GVL in the book at 0.700")).to_be_visible()
        signed = fox.signed[-1]
        assert signed["primaryType"] == "Order"
        assert signed["message"]["quoteLimit"] == str(49 * ONE)
        tab(page, "Open orders")
        button(page, "Cancel").click()
        expect(page.get_by_text("Order cancelled: 70 GVL at 0.700 left the book")).to_be_visible()

    def test_a_market_order_trades_and_settles(self, page, fox, world):
        go_to(page, "Market")
        sign_in(page)
        page.get_by_role("radio", name="Market", exact=True).click()
        fill(page, "Size, GVL", "25")
        page.get_by_role("button", name="Buy 25 GVL").click()
        expect(page.get_by_text("Order accepted: bought 25 GVL for")).to_be_visible()
        assert world.settled(page, fox.address, 25 * ONE)

    def test_money_goes_out(self, page, fox, world):
        go_to(page, "Market")
        sign_in(page)
        before = world.money.balance_of(fox.address)
        tab(page, "Deposit and withdraw")
        page.get_by_role("radio", name="Withdraw", exact=True).click()
        page.get_by_text("can be withdrawn now").wait_for()
        fill(page, "Amount, DUSD", "100")
        button(page, "Withdraw").last.click()
        expect(page.get_by_text("100 DUSD withdrawn to the wallet of Fox.")).to_be_visible()
        assert world.money.balance_of(fox.address) == before + 100 * ONE
        assert fox.signed[-1]["message"]["to"] == fox.address

    def test_another_account_of_the_wallet_sees_nothing_of_the_first(self, page, fox):
        go_to(page, "Market")
        sign_in(page)
        fox.choose(page, 1)
        expect(button(page, "Sign in to the exchange")).to_be_visible()
        expect(page.get_by_role("heading", name="Trading of Fox")).to_have_count(0)
        fox.choose(page, 1)
        # What was signed in before counts no more.
        page.wait_for_timeout(2 * SECONDS)
        expect(page.get_by_label(f"Account {fox.address}")).to_be_visible()
        expect(button(page, "Sign in to the exchange")).to_be_visible()
        expect(page.get_by_role("heading", name="Trading of Fox")).to_have_count(0)


class TestPortfolio:
    def test_leaving_is_announced_and_taken_back(self, page, fox, world):
        go_to(page, "Portfolio")
        tab(page, "Leave without consent")
        page.get_by_label("Leave with everything of").click()
        page.get_by_role("option").filter(has_text="GVL").click()
        page.keyboard.press("Escape")
        button(page, "Announce that I leave").click()
        expect(page.get_by_text("Announced: GVL can be taken out in")).to_be_visible()
        assert world.escrow(fox.address, world.sold).exit_at > 0
        button(page, "Stay after all").click()
        expect(page.get_by_text("GVL stays in escrow.")).to_be_visible()
        assert world.escrow(fox.address, world.sold).exit_at == 0


@pytest.fixture(scope="module")
def newcomer(chrome, demo):
    """The page of somebody with an account of the site and its play money."""
    with chrome.new_context(viewport={"width": 1280, "height": 1800}) as context:
        visit = Visit(context.new_page(), demo)
        visit.address = open_account(visit, f"winner{time.time_ns() % 10**9}", "plum tree garden")
        get_demo_money(visit.page)
        yield visit
        visit.assert_clean()


@pytest.fixture(scope="module")
def ended(visit, newcomer, world):
    """The live sale after its end; a wallet and a managed account have won in it."""
    for page in (visit.page, newcomer.page):
        go_to(page, "Sale")
        sale = sale_of(page, world)
        place_bid(page, "119", 30)
        expect(page.get_by_text("Bid placed: 30 lots at 119 DUSD")).to_be_visible()
    world.end_of(sale)
    return sale


class TestAfterTheSale:
    def test_what_was_won_is_claimed(self, ended, page, fox, world):
        claim_all(page, ended, fox.address, world)

    def test_a_managed_account_claims_without_ether(self, ended, newcomer, world):
        claim_all(newcomer.page, ended, newcomer.address, world)


def claim_all(page, sale, address, world):
    claim = page.get_by_role("button", name=re.compile("^Claim "))
    expect(claim).to_be_visible(timeout=90 * SECONDS)
    before = world.sold.balance_of(address), world.money.balance_of(address)
    owed = sale.owed(address)
    claim.click()
    expect(page.get_by_text(re.compile("^Claimed "))).to_be_visible()
    assert owed.tokens_now > 0
    after = world.sold.balance_of(address), world.money.balance_of(address)
    assert after == (before[0] + owed.tokens_now, before[1] + owed.refund)
