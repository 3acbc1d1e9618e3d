"""Start, sale and results in a browser, over sales in every state."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.sale_pages import serving
from tests.ui.sale_world import HOSTILE_NAME

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SECONDS = 1000
PHONE = {"width": 390, "height": 844}
RUNS = """
    window.runs = 0;
    new MutationObserver(() => (window.runs += 1)).observe(
        document.querySelector("[data-testid=stApp]"),
        { attributes: true, attributeFilter: ["data-test-script-state"] });
"""


@pytest.fixture(scope="module")
def world(browser_path, tmp_path_factory):
    with serving(tmp_path_factory.mktemp("sales")) as world:
        yield world


@pytest.fixture
def visit(desktop, world):
    """A visit on a desktop; whatever it does, no page fails and nobody else is asked."""
    visit = Visit(desktop.new_page(), world)
    yield visit
    assert visit.errors == []
    assert visit.foreign == []
    assert visit.page.get_by_test_id("stException").count() == 0
    visit.page.close()


def choose(page, name):
    page.get_by_role("button", name="Try a demo account").click()
    page.get_by_role("button", name=name, exact=True).click()
    page.get_by_role("button", name=re.compile(f"^{name} · 0x")).wait_for()
    page.keyboard.press("Escape")


def countdown(page):
    return page.get_by_role("timer").first


def test_the_countdown_ticks_without_running_the_page_again(visit, world):
    visit.open(f"sale?sale={world.address('open')}")
    page = visit.page
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    shown = countdown(page).inner_text()
    assert re.fullmatch(r"\d+ d \d\d:\d\d:\d\d", shown)
    page.wait_for_timeout(2 * SECONDS)
    page.evaluate(RUNS)
    before = countdown(page).inner_text()
    expect(countdown(page)).not_to_have_text(before, timeout=5 * SECONDS)
    page.wait_for_timeout(3 * SECONDS)
    assert page.evaluate("window.runs") == 0


def test_a_bid_of_somebody_else_appears_by_itself(visit, world):
    visit.open(f"sale?sale={world.address('open')}")
    page = visit.page
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    before = int(visit.metric("Bids").first.inner_text())
    world.stage.place(world.sales["open"], [(4, 3, 7)])
    expect(visit.metric("Bids").first).to_have_text(str(before + 1), timeout=20 * SECONDS)
    grid = page.get_by_test_id("stDataFrame").first
    expect(grid.locator("[role=gridcell]").filter(has_text="Eva").first).to_be_attached()
    # What is being written stays as it is.
    assert page.get_by_role("textbox", name="Price per lot, PAY").input_value() == "1.25"


def test_without_the_live_route_the_page_still_follows(visit, world):
    visit.page.route_web_socket(re.compile("/live/chain$"), lambda socket: socket.close())
    visit.open(f"sale?sale={world.address('open')}")
    expect(visit.page.get_by_text("Updates every 15 s")).to_be_visible()
    before = int(visit.metric("Bids").first.inner_text())
    world.stage.place(world.sales["open"], [(4, 2, 3)])
    expect(visit.metric("Bids").first).to_have_text(str(before + 1), timeout=40 * SECONDS)


def test_the_start_leads_on_by_keyboard(visit, world):
    visit.open()
    page = visit.page
    expect(page.get_by_role("heading", name="Gavelbook", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="Sale of Sold (SLD)")).to_be_visible()
    expect(page.get_by_text("Closes in")).to_be_visible()
    bid = page.get_by_role("button", name="Bid", exact=True)
    for _ in range(40):
        page.keyboard.press("Tab")
        if bid.evaluate("node => node === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Place a bid")).to_be_visible()
    assert world.address("open") in page.url


def test_a_visitor_is_told_the_next_step(visit):
    visit.open()
    page = visit.page
    choose(page, "Ben")
    expect(page.get_by_text("You act as Ben.")).to_be_visible()
    page.get_by_role("button", name="Claim", exact=True).click()
    expect(page.get_by_role("heading", name="Bids of Ben")).to_be_visible()


def test_vested_tokens_are_shown_and_claimed(visit, world):
    visit.open(f"sale?sale={world.address('vesting')}")
    page = visit.page
    choose(page, "Ada")
    expect(page.get_by_label(re.compile("^Tokens free over time")).first).to_be_visible()
    page.get_by_role("button", name="Claim 1,500 SLD and 12 PAY").click()
    expect(page.get_by_text("Claimed 1,500 SLD and 12 PAY.")).to_be_visible()
    expect(page.get_by_text("4,500 SLD become free later")).to_be_visible()


def test_a_chart_has_words_and_a_table(visit, world):
    visit.open(f"sale?sale={world.address('failed')}")
    page = visit.page
    expect(
        page.get_by_label(re.compile("^Lots wanted at each price or above")).first
    ).to_be_visible()
    page.get_by_text("The chart as a table").first.click()
    grid = page.get_by_test_id("stDataFrame").first
    expect(grid.locator("[role=columnheader]").filter(has_text="Supply").first).to_be_attached()


def test_names_of_strangers_are_text(visit, world):
    visit.open(f"sale?sale={world.address('hostile')}")
    page = visit.page
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("(=S|*D*)")
    # A sign without width keeps the colour from being one.
    assert heading.inner_text().replace("\u2060", "").strip() == f"{HOSTILE_NAME} (=S|*D*)"
    expect(page).to_have_title("Gavelbook")
    assert page.locator("h1 i, h1 a, h1 strong, img[src='x']").count() == 0
    assert page.locator("a[href*='b.c'], a[href^='javascript']").count() == 0


@pytest.mark.parametrize("path", ["", "sale", "results"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_a_phone_in_light_and_dark(chrome, world, path, scheme):
    with chrome.new_context(viewport=PHONE, color_scheme=scheme) as context:
        visit = Visit(context.new_page(), world).open(path)
        visit.page.wait_for_timeout(2 * SECONDS)
        assert not visit.scrolls_sideways()
        dark = visit.page.evaluate(
            "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
        )
        assert (sum(map(int, re.findall(r"\d+", dark)[:3])) < 200) is (scheme == "dark")
        assert visit.errors == []
        assert visit.foreign == []
