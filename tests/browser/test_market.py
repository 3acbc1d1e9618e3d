import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SECONDS = 1000
DIGITS = r"[\d,]+(?:\.\d+)?"


def open_market(visit, account=None):
    visit.open("market")
    page = visit.page
    page.get_by_role("heading", name="GVL / DUSD").wait_for()
    if account:
        page.get_by_role("radio", name=account).click()
        page.get_by_role("heading", name=f"Trading of {account}").wait_for()
    page.get_by_role("button", name=re.compile("^Buy ")).wait_for()
    return page


def levels(page, word):
    """The prices of the ladder, from its top; ``word`` is asked or bid."""
    return page.get_by_role("button", name=re.compile(f"^Use .* {word}"))


def fill_size(page, lots):
    size = page.get_by_role("textbox", name="Size, GVL")
    size.fill(str(lots))
    size.press("Enter")
    page.get_by_role("button", name=re.compile(f"^(Buy|Sell) {lots:,} GVL$")).wait_for()


def balance(page, line):
    """The amounts of a line of the balances: DUSD and GVL."""
    row = page.get_by_role("row").filter(has_text=line)
    return [cell.replace(",", "") for cell in row.get_by_role("cell").all_inner_texts()[1:]]


def test_the_market_shows_a_book_that_moves(visit):
    page = open_market(visit)
    expect(page.get_by_text("Prices per GVL in steps of 0.001 DUSD")).to_be_visible()
    expect(page.get_by_role("table", name="Order book of GVL / DUSD")).to_be_visible()
    assert levels(page, "asked").count() > 3
    assert levels(page, "bid").count() > 3
    for chart in ("Prices of GVL / DUSD over time", "GVL bid and asked up to each price"):
        expect(page.get_by_label(chart).first).to_be_visible()
    newest = page.get_by_role("row").filter(has_text=re.compile(r"\d\d:\d\d:\d\d")).first
    expect(newest).not_to_have_text(newest.inner_text(), timeout=60 * SECONDS)


def test_a_click_on_a_price_fills_the_form(visit):
    page = open_market(visit)
    page.get_by_role("radio", name="Market", exact=True).click()
    page.get_by_text("Go at most this far beyond the price shown").wait_for()
    label = levels(page, "asked").first.get_attribute("aria-label")
    price = re.match(f"Use ({DIGITS}) as the price", label)[1]
    page.get_by_role("button", name=f"Use {price} as the price").click()
    expect(page.get_by_role("textbox", name="Price per GVL, DUSD")).to_have_value(price)


def test_an_order_is_placed_marked_in_the_ladder_and_cancelled(visit):
    page = open_market(visit, "Ben")
    wanted = page.get_by_role("textbox", name="Price per GVL, DUSD")
    wanted.fill("0.7")
    wanted.press("Enter")
    page.get_by_text("0.700 DUSD").wait_for()
    fill_size(page, 70)
    page.get_by_text("What you sign").click()
    expect(page.get_by_text("Buy 70 GVL for at most 49 DUSD, fee up to 0.1 %")).to_be_visible()
    page.get_by_role("button", name="Buy 70 GVL").click()
    expect(page.get_by_text("Order accepted: 70 GVL in the book at 0.700.")).to_be_visible()
    expect(page.get_by_text("Buy 70 GVL at 0.700")).to_be_visible()
    # It is too far from the market to be among the best prices; the maker's fee is set aside, too.
    assert balance(page, "Reserved")[0] == "49.0098"
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.get_by_text("Order cancelled: 70 GVL at 0.700 left the book.")).to_be_visible()
    expect(page.get_by_text("Ben has no order in the book.")).to_be_visible()


def test_an_own_price_is_marked_in_the_ladder(visit):
    page = open_market(visit, "Eva")
    label = levels(page, "bid").nth(2).get_attribute("aria-label")
    price = re.match(f"Use ({DIGITS}) as the price", label)[1]
    wanted = page.get_by_role("textbox", name="Price per GVL, DUSD")
    wanted.fill(price)
    wanted.press("Enter")
    page.get_by_role("checkbox", name="Post-only").click(force=True)
    page.get_by_role("button", name="Buy 10 GVL").click()
    expect(page.get_by_text("Order accepted: 10 GVL in the book at")).to_be_visible()
    mine = page.get_by_role("button", name=re.compile("yours among them$"))
    expect(mine).to_have_count(1)
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(mine).to_have_count(0)


def test_a_market_order_fills_and_settles_on_the_chain(visit, demo):
    page = open_market(visit, "Cleo")
    before = balance(page, "Free for orders")[1]
    page.get_by_role("radio", name="Market", exact=True).click()
    page.get_by_text("Go at most this far beyond the price shown").wait_for()
    fill_size(page, 25)
    page.get_by_role("button", name="Buy 25 GVL").click()
    expect(page.get_by_text("Order accepted: bought 25 GVL for")).to_be_visible()
    assert int(balance(page, "Free for orders")[1]) == int(before) + 25
    page.get_by_role("tab", name="Fills").click()
    grid = page.get_by_test_id("stDataFrame").first
    settled = grid.locator("[role=gridcell]").filter(has_text="Settled").first
    expect(settled).to_be_attached(timeout=90 * SECONDS)
    [transaction, *_] = [
        text
        for text in grid.locator("[role=gridcell]").all_inner_texts()
        if re.fullmatch("0x[0-9a-f]{64}", text)
    ]
    assert demo.call("eth_getTransactionReceipt", transaction)["status"] == "0x1"


def test_money_goes_in_and_out(visit):
    page = open_market(visit, "Dan")
    wallet, free = balance(page, "In the wallet")[0], balance(page, "Free for orders")[0]
    page.get_by_role("tab", name="Deposit and withdraw").click()
    amount = page.get_by_role("textbox", name="Amount, DUSD")
    amount.fill("500.25")
    amount.press("Enter")
    page.get_by_role("button", name="Deposit", exact=True).click()
    expect(page.get_by_text("500.25 DUSD paid in.")).to_be_visible()
    more = f"{float(free) + 500.25:,.2f}".rstrip("0").rstrip(".")
    line = page.get_by_role("row").filter(has_text="Free for orders")
    expect(line).to_contain_text(more, timeout=60 * SECONDS)

    page.get_by_role("radio", name="Withdraw", exact=True).click()
    page.get_by_text("can be withdrawn now").wait_for()
    page.get_by_role("button", name="Withdraw", exact=True).click()
    expect(page.get_by_text("500.25 DUSD withdrawn to the wallet of Dan.")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="In the wallet")).to_contain_text(
        f"{int(wallet):,}"
    )


def test_a_refused_order_is_explained(visit):
    page = open_market(visit, "Ada")
    page.get_by_role("radio", name="Sell", exact=True).click()
    page.get_by_role("button", name="Sell 10 GVL").wait_for()
    fill_size(page, 9_000_000)
    expect(page.get_by_text("more would be needed, and the wallet has only")).to_be_visible()
    page.get_by_role("button", name="Sell 9,000,000 GVL").click()
    expect(
        page.get_by_text("Refused. The order needs 9,000,000 GVL free in escrow")
    ).to_be_visible()
    expect(page.get_by_text("insufficient_balance")).to_be_visible()


def test_a_phone_needs_no_sideways_scrolling(visit):
    visit.page.set_viewport_size({"width": 390, "height": 844})
    open_market(visit)
    visit.page.wait_for_timeout(SECONDS)
    assert not visit.scrolls_sideways()
