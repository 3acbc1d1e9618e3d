"""Take the pictures of the README: `.venv/bin/python -m tests.browser.pictures [NAME ...]`."""

import sys
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.browser.demo_process import find_browser, running_demo

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
COLORS = 160
# For some minutes' candles on the market.
TRADING_SECONDS = 300
# Name, path, width, height, color scheme.
PICTURES = (
    ("sale", "", 1280, 1500, "light"),
    ("results", "results", 1280, 1480, "light"),
    ("sale-dark", "", 1280, 1000, "dark"),
    ("sale-phone", "", 390, 1500, "light"),
    ("market", "market", 1280, 1480, "light"),
    ("market-dark", "market", 1280, 1080, "dark"),
    ("market-phone", "market", 390, 2500, "light"),
)


def take(browser, url, name, width, height, scheme):
    viewport = {"width": width, "height": height}
    with browser.new_context(viewport=viewport, color_scheme=scheme) as context:
        page = context.new_page()
        page.goto(url)
        page.get_by_test_id("stVegaLiteChart").first.wait_for(timeout=60_000)
        page.wait_for_timeout(4_000)
        path = FOLDER / f"{name}.png"
        page.screenshot(path=path)
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(COLORS)
    small.save(path, optimize=True)
    print(path, f"{path.stat().st_size // 1024} kB")


def main():
    browser_path = find_browser()
    if browser_path is None:
        sys.exit("No Chrome or Chromium: put one on PATH or name it in GAVELBOOK_BROWSER")
    wanted = set(sys.argv[1:] or (name for name, *_ in PICTURES))
    FOLDER.mkdir(parents=True, exist_ok=True)
    with running_demo("--seed=1") as demo, sync_playwright() as playwright:
        if wanted & {name for name, path, *_ in PICTURES if path == "market"}:
            time.sleep(TRADING_SECONDS)
        browser = playwright.chromium.launch(
            executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"]
        )
        for name, path, width, height, scheme in PICTURES:
            if name in wanted:
                take(browser, f"{demo.url}/{path}", name, width, height, scheme)
        browser.close()


if __name__ == "__main__":
    main()
