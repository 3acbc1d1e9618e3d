import os

import pytest

from tests.browser.demo_process import BROWSER_ARGUMENTS, find_browser, running_demo

REQUIRED = os.environ.get("GAVELBOOK_REQUIRE_BROWSER") == "1"
WIDTH, HEIGHT = 1280, 1800
SECONDS = 1000


@pytest.fixture(scope="session")
def browser_path():
    path = find_browser()
    if path is None:
        message = "no Chrome or Chromium: put one on PATH or name it in GAVELBOOK_BROWSER"
        if REQUIRED:
            pytest.fail(message)
        pytest.skip(message)
    return path


@pytest.fixture(scope="module")
def chrome(browser_path):
    """A browser for one module: while Playwright is open, its event loop runs in this thread."""
    from playwright.sync_api import expect, sync_playwright

    # A machine that does many things at once answers late.
    expect.set_options(timeout=30 * SECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=BROWSER_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def demo(browser_path):
    with running_demo("--bidders=30", "--minutes=60", "--seed=5") as running:
        yield running


class Visit:
    """A page of the browser that remembers what went wrong in it."""

    def __init__(self, page, demo):
        self.page = page
        self.demo = demo
        self.errors = []
        self.foreign = []
        page.set_default_timeout(30 * SECONDS)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._note)

    def _note(self, request):
        own = (self.demo.url, self.demo.url.replace("http", "ws", 1), "data:", "blob:")
        if not request.url.startswith(own):
            self.foreign.append(request.url)

    def open(self, path=""):
        self.page.goto(f"{self.demo.url}/{path}")
        self.page.get_by_test_id("stMetric").first.wait_for()
        return self

    def metric(self, label):
        return (
            self.page.get_by_test_id("stMetric")
            .filter(has_text=label)
            .get_by_test_id("stMetricValue")
        )

    def cells(self, table=0, count=8):
        """The first row of a table, by what screen readers are told."""
        grid = self.page.get_by_test_id("stDataFrame").nth(table)
        grid.locator("[role=gridcell]").nth(count - 1).wait_for(state="attached")
        return grid.locator("[role=gridcell]").all_inner_texts()[:count]

    def assert_clean(self):
        """No page failed, and nobody else was asked."""
        assert self.errors == []
        assert self.foreign == []
        assert self.page.get_by_test_id("stException").count() == 0

    def scrolls_sideways(self):
        return self.page.evaluate(
            "Math.max(document.documentElement.scrollWidth,"
            " document.querySelector('[data-testid=stMain]').scrollWidth) > innerWidth"
        )


@pytest.fixture(scope="module")
def desktop(chrome):
    with chrome.new_context(viewport={"width": WIDTH, "height": HEIGHT}) as context:
        yield context


@pytest.fixture
def visit(desktop, demo):
    """A visit on a desktop; whatever it does, no page fails and nobody else is asked."""
    visit = Visit(desktop.new_page(), demo)
    yield visit
    visit.assert_clean()
    visit.page.close()
