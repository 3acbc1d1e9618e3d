"""Signing in with an account of the site, in a browser: the cookie, a reload, signing out."""

import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from playwright.sync_api import expect

from gavelbook.demo.local_chain import free_port
from gavelbook.service.session_tickets import COOKIE
from tests.accounts.conftest import anvil_url, chain, shared_stage, stage, world
from tests.accounts.signer_world import PASSWORD
from tests.browser.conftest import Visit

__all__ = ["anvil_url", "chain", "shared_stage", "stage", "world"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]

APP = Path(__file__).resolve().parents[2] / "app"
SECONDS = 1000
START_SECONDS = 60


@pytest.fixture(scope="module")
def site(browser_path, world, tmp_path_factory):
    """The pages over the signer's chain, in a process of their own."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "GAVELBOOK_RPC_URL": world.chain.stage.web3.provider.endpoint_uri,
        "GAVELBOOK_DEPLOYMENTS": str(world.chain.folder),
        "GAVELBOOK_SIGNER_URL": world.url,
        "GAVELBOOK_SIGNER_KEY_FILE": str(world.key_file),
        "GAVELBOOK_DEMO_ACCOUNTS": "1",
        "PYTHONPATH": str(APP),
    }
    command = [Path(sys.executable).with_name("gavelbook"), "pages", f"--port={port}"]
    log = tmp_path_factory.mktemp("pages") / "pages.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command, env=environment, cwd=APP / "ui", stdout=output, stderr=subprocess.STDOUT
        )
        try:
            _wait_until_up(process, url, log)
            yield SimpleNamespace(url=url, world=world)
        finally:
            process.terminate()
            process.wait(10)


def _wait_until_up(process, url, log):
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()[-2_000:]
        try:
            if requests.get(f"{url}/health", timeout=1).ok:
                return
        except requests.RequestException:
            time.sleep(0.2)
    raise AssertionError(log.read_text()[-2_000:])


@pytest.fixture
def context(chrome):
    with chrome.new_context(viewport={"width": 1280, "height": 900}) as context:
        yield context


@pytest.fixture
def visit(context, site):
    visit = Visit(context.new_page(), site)
    yield visit
    assert visit.errors == []
    assert visit.foreign == []


def card(visit, name):
    return visit.page.get_by_role("button", name=name)


def open_start(visit):
    visit.page.goto(visit.demo.url)
    visit.page.get_by_test_id("stPopover").first.wait_for()


def sign_in(visit, name):
    page = visit.page
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("Name").first.fill(name)
    page.get_by_label("Password").first.fill(PASSWORD)
    page.get_by_test_id("stFormSubmitButton").first.get_by_role("button").click()
    expect(card(visit, name)).to_be_visible(timeout=30 * SECONDS)


def cookie_of(context):
    return next((each for each in context.cookies() if each["name"] == COOKIE), None)


def wait_for_cookie(context, there):
    deadline = time.monotonic() + 15
    while (cookie_of(context) is not None) != there and time.monotonic() < deadline:
        time.sleep(0.1)
    return cookie_of(context)


def test_a_demo_account_is_chosen_at_the_top(visit):
    open_start(visit)
    page = visit.page
    page.get_by_role("button", name="Try a demo account").click()
    page.get_by_role("button", name="Ada", exact=True).click()
    expect(card(visit, "Ada ·")).to_be_visible()
    card(visit, "Ada ·").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Try a demo account")).to_be_visible()


def test_the_bar_fits_a_phone(context, site):
    page = context.new_page()
    page.set_viewport_size({"width": 390, "height": 844})
    visit = Visit(page, site)
    open_start(visit)
    assert not visit.scrolls_sideways()
    page.get_by_role("button", name="Try a demo account").click()
    page.get_by_role("button", name="Eva", exact=True).click()
    expect(card(visit, "Eva ·")).to_be_visible()
    assert not visit.scrolls_sideways()


def test_a_sign_in_lasts_over_a_reload_until_the_sign_out(visit, context, site):
    user = site.world.user(tokens=0)
    open_start(visit)
    sign_in(visit, user.name)
    kept = wait_for_cookie(context, there=True)
    assert kept is not None
    assert (kept["httpOnly"], kept["sameSite"], kept["path"]) == (True, "Strict", "/")
    assert COOKIE not in visit.page.evaluate("document.cookie")

    visit.page.reload()
    expect(card(visit, user.name)).to_be_visible(timeout=30 * SECONDS)

    card(visit, user.name).click()
    visit.page.get_by_role("button", name="Sign out").first.click()
    expect(visit.page.get_by_role("button", name="Try a demo account")).to_be_visible()
    assert wait_for_cookie(context, there=False) is None
    visit.page.reload()
    expect(visit.page.get_by_role("button", name="Try a demo account")).to_be_visible()


def test_who_signs_in_gets_a_session_of_their_own(visit, context, site):
    planted, mine = site.world.user(tokens=0), site.world.user(tokens=0)
    open_start(visit)
    context.add_cookies([{"name": COOKIE, "value": str(planted.token), "url": site.url}])
    sign_in(visit, mine.name)
    deadline = time.monotonic() + 15
    while cookie_of(context)["value"] == str(planted.token) and time.monotonic() < deadline:
        time.sleep(0.1)
    visit.page.reload()
    expect(card(visit, mine.name)).to_be_visible(timeout=30 * SECONDS)
