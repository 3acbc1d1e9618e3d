import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SECONDS = 1000


def wish(visit, account, price, lots):
    page = visit.page
    page.get_by_role("button", name="Try a demo account").click()
    page.get_by_role("button", name=account, exact=True).click()
    page.get_by_role("heading", name=f"Bids of {account}").wait_for()
    page.keyboard.press("Escape")
    wanted = page.get_by_role("textbox", name="Price per lot, DUSD")
    wanted.fill(price)
    wanted.press("Enter")
    size = page.get_by_role("spinbutton", name="Lots of 100 GVL")
    size.fill(str(lots))
    size.press("Enter")
    page.get_by_text(f"You lock {int(price) * lots:,} DUSD now").wait_for()


def test_the_start_shows_the_open_sale_and_the_market(visit):
    visit.open()
    page = visit.page
    expect(page.get_by_role("heading", name="Sale of Gavel (GVL)")).to_be_visible()
    expect(page.get_by_role("heading", name="Market GVL / DUSD")).to_be_visible()
    expect(visit.metric("Last price of GVL")).to_have_text(re.compile(r"^[\d.]+ DUSD$"))
    expect(visit.metric("Lots bid for")).to_have_text(re.compile(r"^[\d,]+$"))
    page.get_by_role("button", name="Trade", exact=True).click()
    expect(page.get_by_role("heading", name="GVL / DUSD")).to_be_visible()


def test_the_sale_page_shows_a_live_sale(visit):
    visit.open("sale")
    page = visit.page
    expect(page).to_have_title("Gavelbook")
    expect(page.get_by_role("heading", name="Gavel (GVL)")).to_be_visible()
    expect(page.get_by_text("Open for bids")).to_be_visible()
    expect(page.get_by_text("Closes in")).to_be_visible()
    expect(page.get_by_test_id("stVegaLiteChart").locator("canvas, svg").first).to_be_visible()
    assert re.fullmatch(r"\d\.\d\d×", visit.metric("Demand to supply").inner_text())
    assert len(visit.cells()) == 8


def test_the_bids_of_others_appear_by_themselves(visit):
    visit.open("sale")
    before = int(visit.metric("Bids").first.inner_text())
    expect(visit.metric("Bids").first).not_to_have_text(str(before), timeout=30 * SECONDS)
    assert int(visit.metric("Bids").first.inner_text()) > before


def test_a_bid_is_placed_seen_and_cancelled(visit):
    visit.open("sale")
    demand = visit.metric("Demand to supply").inner_text()
    wish(visit, "Ben", "115", 900)
    page = visit.page
    page.get_by_role("button", name="Place bid").click()
    expect(page.get_by_text("Bid placed: 900 lots at 115 DUSD per lot (tick 150)")).to_be_visible()
    expect(page.get_by_text("900 lots at 115 DUSD", exact=True)).to_be_visible()
    expect(visit.metric("Demand to supply")).not_to_have_text(demand)
    grid = page.get_by_test_id("stDataFrame").first
    expect(grid.locator("[role=gridcell]").filter(has_text="Ben").first).to_be_attached()
    assert float(visit.metric("Demand to supply").inner_text()[:-1]) >= float(demand[:-1]) + 0.08

    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Bid cancelled, 103,500 DUSD paid back.")).to_be_visible()
    expect(page.get_by_text("No live bid in this sale.")).to_be_visible()


def test_what_speaks_against_a_bid_is_said_first(visit):
    visit.open("sale")
    wish(visit, "Cleo", "80", 1_201)
    page = visit.page
    expect(page.get_by_text("One bidder may bid for 1,200 lots at most.")).to_be_visible()
    expect(page.get_by_role("button", name="Place bid")).to_be_disabled()
    expect(page.get_by_text("No live bid in this sale.")).to_be_visible()


def test_the_results_add_up(visit):
    visit.open("results")
    page = visit.page
    expect(page.get_by_text("All 7 sums agree")).to_be_visible()
    rows = page.get_by_role("row").filter(has_text="✓")
    expect(rows).to_have_count(7)
    for row in range(7):
        _, computed, on_chain, _ = rows.nth(row).get_by_role("cell").all_inner_texts()
        assert computed == on_chain
    page.get_by_role("button", name="Audit this sale").click()
    expect(page.get_by_text("Yes: ")).to_be_visible(timeout=60 * SECONDS)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the allocation (CSV)").click()
    header = download.value.path().read_text().splitlines()[0]
    assert header == "bidder,tick,lots,filled,payment"


def test_a_link_leads_to_its_sale(visit):
    visit.open("results")
    visit.page.get_by_text("All 7 sums agree").wait_for()
    address = re.search(r"sale=(0x[0-9a-fA-F]{40})", visit.page.url)[1]
    visit.open(f"sale?sale={address}")
    expect(visit.page.get_by_text("The sale takes no more bids.")).to_be_visible()
    expect(visit.page.get_by_text("Cleared", exact=True)).to_be_visible()
    visit.page.get_by_role("link", name="Results").click()
    expect(visit.page.get_by_role("heading", name="Results")).to_be_visible()
    visit.page.get_by_text("All 7 sums agree").wait_for()
    assert address in visit.page.url


@pytest.mark.parametrize("path", ["", "sale", "results"])
def test_a_phone_needs_no_sideways_scrolling(visit, path):
    visit.page.set_viewport_size({"width": 390, "height": 844})
    visit.open(path)
    visit.page.wait_for_timeout(2 * SECONDS)
    assert not visit.scrolls_sideways()
    expect(visit.page.get_by_role("heading").first).to_be_visible()


def test_the_page_follows_the_sale_to_its_end(visit, demo):
    """Comes last: the live sale is over afterwards."""
    visit.open("sale")
    wish(visit, "Eva", "119", 50)
    page = visit.page
    page.get_by_role("button", name="Place bid").click()
    expect(page.get_by_text("Bid placed: 50 lots")).to_be_visible()
    address = re.search(r"sale=(0x[0-9a-fA-F]{40})", page.url)[1]
    demo.call("evm_increaseTime", 60 * 60)
    demo.call("evm_mine")
    expect(page.get_by_text("Cleared", exact=True)).to_be_visible(timeout=60 * SECONDS)
    expect(page.get_by_text("Decided")).to_be_visible()
    assert address in page.url
    # The chosen account is kept while the page runs again.
    page.get_by_role("button", name=re.compile("^Claim 5,000 GVL and ")).click()
    expect(page.get_by_text(re.compile("^Claimed 5,000 GVL and "))).to_be_visible()
    expect(page.get_by_text("Everything is claimed.")).to_be_visible()
