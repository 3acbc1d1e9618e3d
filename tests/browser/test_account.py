"""The account page in a browser: what only a browser does, such as clearing forms and saving."""

import csv
import json
from pathlib import Path

import pytest
from eth_account import Account
from playwright.sync_api import expect

from tests.accounts.conftest import anvil_url, chain, shared_stage, stage, world
from tests.browser.flow_steps import ADDRESS, shown_code, tab
from tests.browser.test_identity import context, site, visit

__all__ = ["anvil_url", "chain", "context", "shared_stage", "site", "stage", "visit", "world"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PASSWORD = "plum tree garden"
PASSPHRASE = "eleven yellow boats"
PHONE = {"width": 390, "height": 844}


def fill(page, **fields):
    for label, text in fields.items():
        page.get_by_label(label.replace("_", " "), exact=True).fill(text)


def saved(page, button):
    """The text of the file that ``button`` saves."""
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return download.value.suggested_filename, Path(download.value.path()).read_text()


def test_an_account_from_its_opening_to_its_end(visit):
    page = visit.page
    page.goto(f"{visit.demo.url}/account")
    tab(page, "Open an account")
    chosen = {"Choose_a_name": "hermit", "Choose_a_password": PASSWORD}
    fill(page, **chosen, The_password_again=f"{PASSWORD}s")
    page.get_by_role("button", name="Open the account").click()
    expect(page.get_by_text("Expected the same password twice")).to_be_visible()
    tab(page, "Open an account")
    # The name stays for another try, the passwords go.
    expect(page.get_by_label("Choose a name", exact=True)).to_have_value("hermit")
    expect(page.get_by_label("Choose a password", exact=True)).to_have_value("")
    fill(page, **chosen, The_password_again=PASSWORD)
    page.get_by_role("button", name="Open the account").click()
    expect(page.get_by_text("Your account is open")).to_be_visible()
    address = shown_code(page.locator("[data-testid=stMain]"), ADDRESS)

    tab(page, "Take the key along")
    page.get_by_text("I have read this and understand it").click()
    fill(
        page,
        Your_password=PASSWORD,
        A_passphrase_for_the_file=PASSPHRASE,
        The_passphrase_again=PASSPHRASE,
    )
    page.get_by_role("button", name="Export the key").click()
    name, keystore = saved(page, "Save the encrypted key")
    assert name == "gavelbook-hermit-key.json"
    assert Account.from_key(Account.decrypt(json.loads(keystore), PASSPHRASE)).address == address
    page.get_by_role("button", name="I have saved it").click()
    expect(page.get_by_role("button", name="Save the encrypted key")).to_have_count(0)

    tab(page, "What was signed")
    _, text = saved(page, "All of it as CSV")
    assert [row["What"] for row in csv.DictReader(text.splitlines())] == [
        "key exported",
        "registered",
    ]

    page.set_viewport_size(PHONE)
    for each in ("Daily limits", "Password", "Sessions", "Take the key along", "Close"):
        tab(page, each)
        assert not visit.scrolls_sideways()

    fill(page, Your_password=PASSWORD)
    page.get_by_label("Type the name of the account").fill("hermit")
    page.get_by_role("button", name="Close the account for good").click()
    expect(page.get_by_text("The account is closed.")).to_be_visible()
    fill(page, Name="hermit", Password=PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).last.click()
    expect(page.get_by_text("Name and password do not go together")).to_be_visible()
    page.reload()
    expect(page.get_by_role("tab", name="Open an account")).to_be_visible()
