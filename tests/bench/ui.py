"""The pages in a real browser over the demo: how soon they help, and what open tabs cost."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from tests.browser.demo_process import BROWSER_ARGUMENTS, KEY_FIGURES, find_browser, running_demo

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.browser.demo_process import RunningDemo

TABS = 20
_VISITS = 5
_QUIET_SECONDS = 20
_SETTLE_SECONDS = 20
_SECONDS = 60
_WAIT_MS = 240_000
_VIEWPORT = {"width": 1280, "height": 900}


def measure() -> dict[str, float]:
    """Return the metrics of the pages; none where there is no browser."""
    path = find_browser()
    if path is None:
        print("no Chrome or Chromium: the pages were not measured")
        return {}
    with running_demo("--seed=1", "--minutes=60") as demo, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=BROWSER_ARGUMENTS)
        paints = {page: _first_paint(browser, demo, page) for page in ("sale", "market")}
        alone = _cores(demo, _QUIET_SECONDS)
        pages = [_open(browser, demo, ("sale", "market")[n % 2]) for n in range(TABS)]
        time.sleep(_SETTLE_SECONDS)
        with_tabs = _cores(demo, _SECONDS)
        broken = [page for page in pages if page.get_by_test_id("stException").count()]
        browser.close()
    if broken:
        raise RuntimeError(f"{len(broken)} of {TABS} pages failed")
    return {
        "ui.first_paint_s": max(paints.values()),
        "ui.first_paint_sale_s": paints["sale"],
        "ui.first_paint_market_s": paints["market"],
        "ui.cores_20_tabs": with_tabs,
        "ui.cores_no_tab": alone,
    }


def _first_paint(browser: Browser, demo: RunningDemo, name: str) -> float:
    """Return the median of the seconds until a visitor with nothing cached sees the figures."""
    seconds = []
    for _ in range(_VISITS):
        with browser.new_context(viewport=_VIEWPORT) as context:
            page = context.new_page()
            started = time.perf_counter()
            page.goto(f"{demo.url}/{name}", wait_until="commit")
            page.locator(KEY_FIGURES[name]).first.wait_for(timeout=_WAIT_MS)
            seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def _open(browser: Browser, demo: RunningDemo, name: str) -> Page:
    page = browser.new_context(viewport=_VIEWPORT).new_page()
    page.goto(f"{demo.url}/{name}")
    page.locator(KEY_FIGURES[name]).first.wait_for(timeout=_WAIT_MS)
    return page


def _cores(demo: RunningDemo, seconds: float) -> float:
    """Return the cores that the process of pages, API and matcher keeps busy; bots trade."""
    before, started = demo.page_cpu_seconds(), time.perf_counter()
    time.sleep(seconds)
    return (demo.page_cpu_seconds() - before) / (time.perf_counter() - started)


if __name__ == "__main__":
    for metric, value in measure().items():
        print(f"{metric:<28}{value:8.3f}")
