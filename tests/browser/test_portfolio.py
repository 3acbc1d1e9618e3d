import csv
import io
import re
import time

import pytest
import segno
from PIL import Image
from playwright.sync_api import expect

from gavelbook.service.portfolio_csv import COLUMNS
from tests.browser.flow_steps import TRANSACTION, shown_code, tab
from tests.browser.injected_wallet import InjectedWallet, fresh_accounts, inject

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SECONDS = 1000
DIGITS = r"[\d,]+(?:\.\d+)?"


def open_portfolio(visit, account=None, query=""):
    page = visit.page
    page.goto(f"{visit.demo.url}/portfolio{query}")
    if account:
        page.get_by_role("button", name="Try a demo account").click()
        page.get_by_role("button", name=account, exact=True).click()
        page.get_by_text(re.compile(f"^{account} at the end of block")).wait_for()
        page.keyboard.press("Escape")
        page.locator("table.pots").wait_for()
    return page


def cell(page, symbol, column):
    """A cell of the overview; numbers as they stand there."""
    row = page.locator("table.pots tbody tr").filter(has=page.get_by_role("rowheader", name=symbol))
    return row.locator(f'td[data-label="{column}"]')


def number(place):
    return place.locator("span").nth(1).inner_text().replace(",", "")


def enter(panel, text):
    amount = panel.get_by_role("textbox", name=re.compile("^Amount"))
    amount.fill(text)
    amount.press("Enter")


def test_nobody_is_invited_to_come_in(visit):
    page = open_portfolio(visit)
    expect(page.get_by_text("To see what is yours and move it, say who you are.")).to_be_visible()
    expect(page.get_by_label("Or look at what is public of any account")).to_be_visible()


def test_money_goes_into_escrow_and_back(visit):
    page = open_portfolio(visit, "Dan")
    wallet = int(number(cell(page, "DUSD", "In the wallet")).split(".")[0])
    panel = tab(page, "Deposit")
    enter(panel, "1,500.25")
    panel.get_by_role("button", name="Deposit 1,500.25 DUSD").click()
    expect(page.get_by_text("1,500.25 DUSD paid in.")).to_be_visible()
    transaction = shown_code(panel, TRANSACTION)
    receipt = visit.demo.call("eth_getTransactionReceipt", transaction)
    assert receipt["status"] == "0x1"
    expect(cell(page, "DUSD", "In the wallet")).to_contain_text(f"{wallet - 1_501:,}.75")
    expect(cell(page, "DUSD", "Free in escrow")).to_contain_text(".25", timeout=60 * SECONDS)

    panel = tab(page, "Withdraw")
    expect(panel.get_by_text("can be withdrawn now")).to_be_visible()
    enter(panel, "1500.25")
    panel.get_by_role("button", name="Withdraw 1,500.25 DUSD").click()
    expect(page.get_by_text("1,500.25 DUSD withdrawn to the wallet")).to_be_visible()
    expect(cell(page, "DUSD", "In the wallet")).to_contain_text(f"{wallet:,}")


def test_the_code_on_the_screen_is_the_deposit_address(visit):
    page = open_portfolio(visit, "Dan")
    panel = tab(page, "Addresses")
    for title in ("wallet", "deposit"):
        picture = panel.get_by_role("img", name=re.compile(f"QR code of the {title} address"))
        address = picture.get_attribute("alt").split()[-1]
        expect(panel.get_by_text(address, exact=True)).to_be_visible()
        seen = Image.open(io.BytesIO(picture.screenshot())).convert("L")
        code = segno.make(address, error="m", micro=False)
        modules = list(code.matrix_iter(border=3))
        step = seen.width / len(modules)
        shown = [
            [seen.getpixel((int((x + 0.5) * step), int((y + 0.5) * step))) < 128 for x in each]
            for y, each in enumerate(range(len(modules)) for _ in modules)
        ]
        assert shown == [[bool(dark) for dark in row] for row in modules]


def test_tokens_sent_to_the_deposit_address_are_booked(visit):
    page = open_portfolio(visit, "Cleo")
    panel = tab(page, "Addresses")
    picture = panel.get_by_role("img", name=re.compile("QR code of the deposit address"))
    address = picture.get_attribute("alt").split()[-1]
    page.get_by_text("Every digit, and checked against the chain").click()
    exact = page.get_by_test_id("stExpander")
    expect(exact).to_contain_text(re.compile(r"GVL +0x\w{40}"))
    token = re.search(r"GVL +(0x\w{40})", exact.inner_text())[1]
    sender = re.search(r"0x\w{40}", panel.get_by_role("img").first.get_attribute("alt"))[0]
    units = 3 * 10**18
    data = f"0xa9059cbb{address[2:].lower():0>64}{units:064x}"
    visit.demo.call("anvil_impersonateAccount", sender)
    visit.demo.call("eth_sendTransaction", {"from": sender, "to": token, "data": data})
    page.get_by_role("button", name="Book it now").click(timeout=60 * SECONDS)
    expect(page.get_by_text("3 GVL is in escrow.")).to_be_visible()


def test_leaving_counts_down_and_then_pays(visit):
    page = open_portfolio(visit, "Eva")
    before = int(number(cell(page, "GVL", "In the wallet")))
    escrow = int(number(cell(page, "GVL", "Free in escrow")))
    panel = tab(page, "Leave without consent")
    panel.get_by_label("Leave with everything of").click()
    page.get_by_role("option", name=re.compile("GVL$")).click()
    page.keyboard.press("Escape")
    panel.get_by_role("button", name="Announce that I leave").click()
    expect(page.get_by_text(re.compile("^Announced: GVL can be taken out in"))).to_be_visible()
    timer = panel.get_by_role("timer")
    expect(timer).to_have_text(re.compile(r"\d\d:\d\d:\d\d"))
    first = timer.inner_text()
    expect(timer).not_to_have_text(first)
    visit.demo.call("evm_increaseTime", 60)
    visit.demo.call("evm_mine")
    panel.get_by_role("button", name="Take out all GVL").click(timeout=60 * SECONDS)
    expect(page.get_by_text("All GVL is in your wallet.")).to_be_visible()
    expect(cell(page, "GVL", "In the wallet")).to_contain_text(f"{before + escrow:,}")


def test_the_history_is_a_file(visit):
    page = open_portfolio(visit, "Dan")
    panel = tab(page, "History")
    with page.expect_download() as download:
        panel.get_by_role("button", name="Download all as CSV").click()
    assert re.fullmatch(r"gavelbook-0x\w{40}\.csv", download.value.suggested_filename)
    text = download.value.path().read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert tuple(rows[0]) == COLUMNS
    assert ("withdrawal", "1500.25", "DUSD") in {
        (row["what"], row["amount"], row["token"]) for row in rows
    }
    assert [row["time"] for row in rows] == sorted((row["time"] for row in rows), reverse=True)
    newest = next(row for row in rows if row["what"] == "withdrawal")
    receipt = visit.demo.call("eth_getTransactionReceipt", newest["transaction"])
    assert int(receipt["blockNumber"], 16) == int(newest["block"])


def test_a_link_shows_what_is_public_of_an_account(visit):
    page = open_portfolio(visit, "Dan")
    panel = tab(page, "Addresses")
    address = panel.get_by_role("img").first.get_attribute("alt").split()[-1]
    open_portfolio(visit, query=f"?account={address}")
    expect(page.get_by_role("heading", name="What is public of an account")).to_be_visible()
    expect(cell(page, "DUSD", "In escrow")).to_contain_text("20,000")
    expect(page.get_by_role("button", name=re.compile("Deposit|Withdraw"))).to_have_count(0)
    page.get_by_role("button", name="Back to my own portfolio").click()
    expect(page.get_by_role("heading", name="Portfolio")).to_be_visible()


@pytest.mark.parametrize("name", ["Deposit", "Withdraw", "Leave without consent", "History"])
def test_a_phone_needs_no_sideways_scrolling(visit, name):
    visit.page.set_viewport_size({"width": 390, "height": 844})
    page = open_portfolio(visit, "Ada")
    tab(page, name)
    page.wait_for_timeout(SECONDS)
    assert not visit.scrolls_sideways()
    expect(cell(page, "DUSD", "In the wallet")).to_be_visible()


def test_dark_codes_can_be_scanned(visit):
    """A code is dark on light in every theme: most scanners want that."""
    visit.page.emulate_media(color_scheme="dark")
    page = open_portfolio(visit, "Ada")
    picture = page.get_by_role("img", name=re.compile("QR code")).first
    seen = Image.open(io.BytesIO(picture.screenshot())).convert("L")
    assert seen.getpixel((seen.width // 2, 3)) > 240


def test_a_newcomer_with_an_empty_wallet_can_begin(visit):
    """From nothing to money in escrow and back, with a wallet that asks for each step."""
    wallet = InjectedWallet(visit.demo.rpc_url, fresh_accounts(f"newcomer {time.time_ns()}"))
    inject(visit.page, wallet)
    page = open_portfolio(visit)
    page.get_by_role("button", name="Connect wallet", exact=True).click()
    page.get_by_role("button", name="Fox", exact=True).click()
    page.get_by_role("button", name="Get demo money").click()
    expect(page.get_by_text("Demo money is in your wallet.")).to_be_visible(timeout=30 * SECONDS)
    expect(cell(page, "DUSD", "In the wallet")).to_contain_text("10,000")
    expect(page.get_by_text("1 ETH in the wallet for gas.")).to_be_visible()

    page.get_by_role("button", name="Sign in to the exchange").click()
    expect(cell(page, "DUSD", "Free in escrow")).to_be_attached(timeout=30 * SECONDS)
    panel = tab(page, "Deposit")
    enter(panel, "250")
    panel.get_by_role("button", name="Deposit 250 DUSD").click()
    expect(page.get_by_text("250 DUSD paid in.")).to_be_visible(timeout=30 * SECONDS)
    permit = wallet.signed[-1]
    assert permit["primaryType"] == "Permit"
    assert permit["message"]["value"] == str(250 * 10**18)
    expect(cell(page, "DUSD", "Free in escrow")).to_contain_text("250")

    panel = tab(page, "Withdraw")
    withdrawable = panel.get_by_text("250 DUSD can be withdrawn now.")
    expect(withdrawable).to_be_visible(timeout=60 * SECONDS)
    panel.get_by_role("button", name="All").click()
    panel.get_by_role("button", name="Withdraw 250 DUSD").click()
    expect(page.get_by_text("250 DUSD withdrawn to the wallet")).to_be_visible(timeout=30 * SECONDS)
    expect(cell(page, "DUSD", "In the wallet")).to_contain_text("10,000")
