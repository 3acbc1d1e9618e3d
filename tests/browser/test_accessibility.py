"""Everybody can use the pages: axe-core finds no breach of WCAG 2 A and AA, and what it cannot see.

Nothing is excused: what axe finds in Streamlit's own markup fails here, too.
"""

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.demo_process import KEY_FIGURES
from tests.browser.flow_steps import SECONDS, button, fill, go_to, open_account, tab

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
PAGES = ("start", "sale", "results", "market", "portfolio", "operator", "account")
SCREENS = {"desktop": {"width": 1280, "height": 1800}, "phone": {"width": 390, "height": 844}}
SCHEMES = {"desktop": ("light", "dark"), "phone": ("light",)}
BACKGROUNDS = {"light": "rgb(255, 255, 255)", "dark": "rgb(16, 23, 22)"}
CONFORMANCE = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
BESIDES = (
    "aria-dialog-name",
    "empty-heading",
    "empty-table-header",
    "heading-order",
    "landmark-one-main",
    "landmark-unique",
    "page-has-heading-one",
    "region",
    "skip-link",
)
"""Good practice that the levels do not ask for: headings in order, landmarks, ways past."""

SETTLED_MS = 2_500
FADED_MS = 500
PRESSES_TO_PRICE = 12
LIVE_PLACES = """() => {
  const found = [];
  const walk = (root) => {
    for (const each of root.querySelectorAll("*")) {
      const role = each.getAttribute("role");
      const live = each.getAttribute("aria-live");
      if ((live && live !== "off") || ["status", "alert", "log"].includes(role)) {
        found.push(each.querySelector("table, svg, button, [role=timer]") ? "holds more" : "text");
      }
      if (each.shadowRoot) walk(each.shadowRoot);
    }
  };
  walk(document);
  return found;
}"""


def breaches(page):
    """What axe finds on the page as it is now: rule, place and reason of each."""
    page.evaluate(f"{AXE.read_text()}; 0")
    options = {
        "runOnly": {"type": "tag", "values": CONFORMANCE},
        "rules": {rule: {"enabled": True} for rule in BESIDES},
        "resultTypes": ["violations"],
    }
    found = page.evaluate(f"axe.run(document, {json.dumps(options)})")
    assert found["passes"], "axe looked at nothing"
    return [
        (each["id"], node["target"], node["html"][:200], node.get("failureSummary"))
        for each in found["violations"]
        for node in each["nodes"]
    ]


@pytest.fixture
def light(chrome, demo):
    with chrome.new_context(viewport=SCREENS["desktop"], color_scheme="light") as context:
        visit = Visit(context.new_page(), demo)
        yield visit
        visit.assert_clean()


def open_page(visit, name, account=None):
    page = visit.page
    page.goto(f"{visit.demo.url}/{'' if name == 'start' else name}")
    page.locator(KEY_FIGURES[name]).first.wait_for()
    if account:
        act_as(page, account)
    page.wait_for_timeout(SETTLED_MS)
    return page


def act_as(page, account):
    page.get_by_role("button", name="Try a demo account").click()
    button(page, account).click()
    page.get_by_role("button", name=f"{account} ·").wait_for()
    page.keyboard.press("Escape")


def breaches_in(page, schemes):
    found = {}
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        expect(page.get_by_test_id("stApp")).to_have_css("background-color", BACKGROUNDS[scheme])
        page.wait_for_timeout(FADED_MS)
        found[scheme] = breaches(page)
    return found


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("screen", SCREENS)
def test_no_page_breaches_wcag(chrome, demo, screen, name):
    clean = {scheme: [] for scheme in SCHEMES[screen]}
    with chrome.new_context(viewport=SCREENS[screen]) as context:
        visit = Visit(context.new_page(), demo)
        page = open_page(visit, name)
        assert breaches_in(page, clean) == clean, "signed out"
        act_as(page, "Ada")
        page.wait_for_timeout(SETTLED_MS)
        assert breaches_in(page, clean) == clean, "signed in"
        visit.assert_clean()


@pytest.mark.parametrize("name", ["sale", "results", "market", "portfolio"])
def test_no_tab_of_a_page_breaches_wcag(light, name):
    page = open_page(light, name, "Dan")
    expect(page.get_by_role("tab").nth(2)).to_be_visible()
    names = page.get_by_role("tab").all_inner_texts()
    for each in names:
        tab(page, each)
        page.wait_for_timeout(SETTLED_MS)
        assert breaches(page) == [], each


def test_nothing_that_opens_breaches_wcag(light):
    page = open_page(light, "operator")
    page.get_by_text("What a pause does, and what else there is").click()
    page.get_by_text("Every digit of the keys' ether").click()
    page.get_by_role("button", name="Try a demo account").click()
    page.wait_for_timeout(SETTLED_MS)
    assert breaches(page) == []


def test_no_part_of_a_managed_account_breaches_wcag(light):
    open_account(light, "axel", "plum tree garden")
    page = light.page
    expect(page.get_by_role("tab", name="What was signed")).to_be_visible()
    names = page.get_by_role("tab").all_inner_texts()
    for each in names:
        tab(page, each)
        page.wait_for_timeout(SETTLED_MS)
        assert breaches(page) == [], each
    go_to(page, "Portfolio")
    page.wait_for_timeout(SETTLED_MS)
    assert breaches(page) == []


def test_an_order_is_written_and_placed_without_a_breach_and_its_fate_is_said(light):
    page = open_page(light, "market", "Eva")
    page.get_by_role("radio", name="Market", exact=True).click()
    fill(page, "Size, GVL", "10")
    buy = button(page, "Buy 10 GVL")
    expect(buy).to_be_enabled()
    page.wait_for_timeout(SETTLED_MS)
    assert breaches(page) == []
    buy.click()
    accepted = page.get_by_text("Order accepted: bought 10 GVL")
    expect(accepted).to_be_visible()
    assert accepted.evaluate("each => each.closest('[role=status], [role=alert]') !== null")
    said = page.locator(".st-key-announcer [role=status]")
    expect(said).to_contain_text("Bought 10 GVL")
    expect(said).to_contain_text("Settled on the chain: 10 GVL", timeout=60 * SECONDS)
    assert breaches(page) == []


def test_what_moves_at_every_tick_is_not_read_out(light):
    page = open_page(light, "market", "Ada")
    places = page.evaluate(LIVE_PLACES)
    assert places
    assert set(places) == {"text"}
    book = page.locator("section.market .book")
    assert book.get_by_role("row").count() > 10
    live = "each => each.closest('[aria-live], [role=status], [role=alert], [role=log]')"
    assert book.evaluate(live) is None
    expect(page.locator("section.market .state")).to_have_attribute("role", "status")


def focused(page):
    return page.evaluate(
        "document.activeElement.getAttribute('aria-label') || document.activeElement.innerText"
    )


def test_the_order_form_is_a_few_presses_from_the_top(light):
    page = open_page(light, "market", "Ada")
    price = page.get_by_label("Price per GVL, DUSD", exact=True)
    presses = 0
    while not price.evaluate("each => each === document.activeElement"):
        page.keyboard.press("Tab")
        presses += 1
        assert presses <= PRESSES_TO_PRICE, focused(page)
        if focused(page) in {"Skip to main content", "Skip to the order form"}:
            page.keyboard.press("Enter")
            presses += 1
    assert "market" in page.url
    page.keyboard.type("1")
    assert price.input_value() != ""


def test_the_focus_stays_while_the_page_draws_itself_anew(light):
    page = open_page(light, "sale", "Ada")
    lots = page.get_by_role("spinbutton", name="Lots of 100 GVL")
    lots.focus()
    bids = light.metric("Bids").first
    before = bids.inner_text()
    expect(bids).not_to_have_text(before, timeout=60 * SECONDS)
    page.wait_for_timeout(SECONDS)
    assert lots.evaluate("each => each === document.activeElement")

    page = open_page(light, "market")
    level = page.locator("section.market .bids button").nth(3)
    level.focus()
    # Several ticks of the live book, and a run of what is around it.
    last = page.locator("section.market .tape tbody tr").first
    before = last.inner_text()
    expect(last).not_to_have_text(before, timeout=60 * SECONDS)
    assert level.evaluate("each => each === each.getRootNode().activeElement")
