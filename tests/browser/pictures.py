"""Take the pictures of the documents: `make pictures`, or with names of pages after the module.

Every page on a desktop, in the dark and on a phone, small enough to keep in docs/pictures.
"""

import sys
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.browser.demo_process import (
    BROWSER_ARGUMENTS,
    KEY_FIGURES,
    find_browser,
    running_demo,
)
from tests.browser.flow_steps import button, fill

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
COLORS = 96
# For some minutes' candles on the market.
TRADING_SECONDS = 240
WAIT_MS = 60_000
DRAWING_MS = 4_000
HIGHEST = 2_600
PAGES = ("start", "sale", "results", "market", "portfolio", "operator", "account")
# The demo account that looks; nobody elsewhere.
ACTORS = {"sale": "Ada", "market": "Ada", "portfolio": "Ada"}
# Name, width, height at least, color scheme.
LOOKS = (("", 1280, 900, "light"), ("-dark", 1280, 900, "dark"), ("-phone", 390, 844, "light"))


def trade(browser, url):
    """Have the demo account that looks buy something, and leave an order in the book."""
    with browser.new_context() as context:
        page = context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.goto(f"{url}/market")
        page.locator(KEY_FIGURES["market"]).wait_for()
        choose(page, ACTORS["market"])
        for kind, price, size in (("Market", None, "250"), ("Limit", "0.77", "400")):
            page.get_by_role("radio", name=kind, exact=True).click()
            if price:
                fill(page, "Price per GVL, DUSD", price)
            fill(page, "Size, GVL", size)
            button(page, f"Buy {size} GVL").click()
            page.get_by_text("Order accepted").wait_for()


def choose(page, actor):
    page.get_by_role("button", name="Try a demo account").click()
    button(page, actor).click()
    page.get_by_role("button", name=f"{actor} ·").wait_for(timeout=WAIT_MS)
    page.keyboard.press("Escape")


def take(browser, url, page_name, look):
    suffix, width, height, scheme = look
    with browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme
    ) as context:
        page = context.new_page()
        page.goto(url if page_name == "start" else f"{url}/{page_name}")
        page.locator(KEY_FIGURES[page_name]).first.wait_for(timeout=WAIT_MS)
        actor = ACTORS.get(page_name)
        if actor is not None:
            choose(page, actor)
        page.wait_for_timeout(DRAWING_MS)
        whole = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        page.set_viewport_size({"width": width, "height": min(max(whole, height), HIGHEST)})
        page.wait_for_timeout(DRAWING_MS)
        path = FOLDER / f"{page_name}{suffix}.png"
        page.screenshot(path=path)
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(COLORS, dither=Image.Dither.NONE)
    small.save(path, optimize=True)
    print(path, f"{path.stat().st_size // 1024} kB")


def main():
    browser_path = find_browser()
    if browser_path is None:
        sys.exit("No Chrome or Chromium: put one on PATH or name it in GAVELBOOK_BROWSER")
    wanted = [name for name in PAGES if name in (sys.argv[1:] or PAGES)]
    FOLDER.mkdir(parents=True, exist_ok=True)
    with running_demo("--seed=1", "--minutes=60") as demo, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=BROWSER_ARGUMENTS)
        if ACTORS.keys() & set(wanted):
            trade(browser, demo.url)
        if "market" in wanted:
            time.sleep(TRADING_SECONDS)
        for name in wanted:
            for look in LOOKS:
                take(browser, demo.url, name, look)
        browser.close()


if __name__ == "__main__":
    main()
