"""What people do on the pages of the demo, and the chain beside them, for tests from end to end."""

import re
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

import requests
from playwright.sync_api import expect

from gavelbook.chain.connection import connect
from gavelbook.chain.exchange import Exchange
from gavelbook.chain.sale import Sale
from gavelbook.chain.sender import Sender
from gavelbook.chain.token import Token
from gavelbook.service.faucet import faucet_account

SECONDS = 1000
ONE = 10**18
ADDRESS, TRANSACTION = "0x[0-9a-fA-F]{40}", "0x[0-9a-f]{64}"


class World:
    """The chain of the demo and what is on it, beside the pages."""

    def __init__(self, demo):
        self.demo = demo
        self.web3 = connect(demo.rpc_url)
        [market] = requests.get(f"{demo.url}/v1/markets", timeout=10).json()["markets"]
        status = requests.get(f"{demo.url}/v1/status", timeout=10).json()
        self.money = Token(self.web3, market["quoteToken"])
        self.sold = Token(self.web3, market["baseToken"])
        self.exchange = Exchange(self.web3, status["exchange"])

    def fund(self, address):
        payer = Sender(self.web3, faucet_account())
        for token, amount in ((self.money, 20_000), (self.sold, 500)):
            payer.send_and_wait(token.transfer(address, amount * ONE))
        self.demo.call("anvil_setBalance", address, hex(ONE))

    def escrow(self, address, token):
        return self.exchange.balance_of(address, token.address)

    def succeeded(self, transaction):
        return self.demo.call("eth_getTransactionReceipt", transaction)["status"] == "0x1"

    def lots_bid_at(self, ticks):
        """What the public book has at a price, in lots."""
        book = requests.get(f"{self.demo.url}/v1/markets/1/book", timeout=10).json()
        return next((int(lots) for each, lots in book["bids"] if int(each) == ticks), 0)

    def settled(self, page, address, amount):
        """Wait until ``address`` has ``amount`` of the sold token in escrow on the chain."""
        for _ in range(90):
            if self.escrow(address, self.sold).amount == amount:
                return True
            page.wait_for_timeout(SECONDS)
        return False

    def end_of(self, sale):
        """Move the clock to just after the end of a sale."""
        left = sale.terms().end - self.web3.eth.get_block("latest")["timestamp"]
        self.demo.call("evm_increaseTime", left + 1)
        self.demo.call("evm_mine")


def button(place, name):
    return place.get_by_role("button", name=name, exact=True)


def fill(place, label, text, *, role="textbox"):
    field = place.get_by_role(role, name=label, exact=True)
    field.fill(text)
    field.press("Enter")


def go_to(page, name):
    """Change the page as people do: the session goes on."""
    page.get_by_test_id("stTopNavLink").filter(has_text=name).click()
    page.wait_for_url(f"**/{name.lower()}*")


def tab(page, name):
    """Turn to a tab, as people do: what is pressed while the page draws itself may be lost."""
    wanted = page.get_by_role("tab", name=name, exact=True)
    for _ in range(3):
        wanted.click()
        with suppress(AssertionError):
            expect(wanted).to_have_attribute("aria-selected", "true", timeout=10 * SECONDS)
            break
    expect(wanted).to_have_attribute("aria-selected", "true")
    return page.get_by_role("tabpanel", name=name)


def sale_of(page, world):
    """The sale that the page's address names."""
    page.wait_for_url(re.compile("sale="))
    [address] = parse_qs(urlsplit(page.url).query)["sale"]
    return Sale(world.web3, address)


def place_bid(page, price, lots):
    fill(page, "Price per lot, DUSD", price)
    fill(page, "Lots of 100 GVL", str(lots), role="spinbutton")
    page.get_by_text(f"of {lots} lots").first.wait_for()
    button(page, "Place bid").click()


def open_account(visit, name, password):
    """Open a managed account; return its address."""
    page = visit.page
    page.goto(f"{visit.demo.url}/account")
    tab(page, "Open an account")
    for label, text in (
        ("Choose a name", name),
        ("Choose a password", password),
        ("The password again", password),
    ):
        page.get_by_label(label, exact=True).fill(text)
    button(page, "Open the account").click()
    expect(page.get_by_text("Your account is open")).to_be_visible()
    return shown_code(page.locator("[data-testid=stMain]"), ADDRESS)


def shown_code(place, pattern):
    """Return the first code in ``place`` that is ``pattern``: what is in its frame comes later."""
    shown = place.get_by_test_id("stCode").filter(has_text=re.compile(f"^\\s*{pattern}\\s*$"))
    return shown.first.inner_text().strip()


def get_demo_money(page):
    go_to(page, "Portfolio")
    button(page, "Get demo money").click()
    expect(page.get_by_text("Demo money is in your wallet.")).to_be_visible()
