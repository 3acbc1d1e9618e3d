"""The wallet component and the steps of actions, on a small page over a chain of its own."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from playwright.sync_api import expect

from gavelbook.chain.connection import connect
from gavelbook.demo.local_chain import free_port
from tests.browser.conftest import Visit
from tests.browser.flow_steps import TRANSACTION, shown_code
from tests.browser.injected_wallet import InjectedWallet, fresh_accounts, inject
from tests.chain.anvil_chain import running_anvil
from tests.chain.stage import Stage, people

pytestmark = [pytest.mark.browser, pytest.mark.slow]

APP = Path(__file__).resolve().parents[2] / "app"
PAGE = Path(__file__).with_name("wallet_page.py")
CONFIG = {"STREAMLIT_SERVER_HEADLESS": "true", "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false"}
SECONDS = 1000
START_SECONDS = 60


@pytest.fixture(scope="module")
def site(browser_path):
    """The page's address, the node's, and a chain with a token."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running_anvil() as rpc_url:
        stage = Stage(connect(rpc_url), people(5))
        world = {"token": stage.paid.address, "host": f"127.0.0.1:{port}"}
        environment = {
            **os.environ,
            **CONFIG,
            "GAVELBOOK_RPC_URL": rpc_url,
            "GAVELBOOK_CHAIN_NAME": "Test chain",
            "GAVELBOOK_EXPLORER_URL": f"{url}/explorer",
            "WALLET_PAGE_WORLD": json.dumps(world),
            "PYTHONPATH": str(APP),
        }
        command = [sys.executable, "-m", "streamlit", "run", str(PAGE), f"--server.port={port}"]
        process = subprocess.Popen(
            [*command, "--server.address=127.0.0.1", "--server.fileWatcherType=none"],
            env=environment,
        )
        try:
            wait_until_up(process, url)
            yield SimpleNamespace(url=url, rpc_url=rpc_url, stage=stage)
        finally:
            process.terminate()
            process.wait(10)


def wait_until_up(process, url):
    for _ in range(START_SECONDS * 10):
        assert process.poll() is None
        try:
            if requests.get(f"{url}/_stcore/health", timeout=1).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    pytest.fail("the page does not come up")


@pytest.fixture
def fox(site, request):
    """A wallet with two accounts of this test alone."""
    return made_wallet(site, request.node.name)


def made_wallet(site, word, **options):
    wallet = InjectedWallet(site.rpc_url, fresh_accounts(word), **options)
    for account in wallet.accounts:
        site.stage.request("anvil_setBalance", [account.address, hex(10**20)])
        site.stage.do(site.stage.issuer, site.stage.paid.transfer(account.address, 10**6))
    return wallet


@pytest.fixture
def tab(chrome, site):
    """Opens the page with wallets in it; no page fails, and nobody else is asked."""
    visits = []

    def open_tab(*wallets, connect_to="Fox", relay=None, **context):
        browser = chrome.new_context(viewport={"width": 1000, "height": 1400}, **context)
        visit = Visit(browser.new_page(), SimpleNamespace(url=site.url))
        visits.append(visit)
        page = visit.page
        inject(page, *wallets)
        if relay:
            page.route_web_socket(re.compile("/_stcore/stream"), relay)
        page.goto(site.url)
        page.get_by_role("heading", name="Work").wait_for()
        if connect_to:
            page.get_by_role("button", name="Connect wallet").click()
            page.get_by_role("button", name=connect_to, exact=True).click()
            expect(page.get_by_text(f"Actor: {connect_to}")).to_be_visible()
        return page

    yield open_tab
    for visit in visits:
        assert visit.errors == []
        assert visit.foreign == []
        assert visit.page.get_by_test_id("stException").count() == 0
        visit.page.context.close()


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


class TestConnecting:
    def test_one_of_two_wallets_is_chosen(self, tab, site, fox):
        owl = made_wallet(site, "owl", name="Owl", rdns="example.owl")
        page = tab(fox, owl, connect_to="Owl")
        expect(page.get_by_text(f"Address: {owl.address}")).to_be_visible()
        shown = page.get_by_label(f"Account {owl.address}")
        expect(shown).to_have_text(f"{owl.address[:6]}…{owl.address[-4:]}")
        assert fox.calls == []

    def test_the_whole_address_is_copied(self, tab, fox):
        page = tab(fox, permissions=["clipboard-read", "clipboard-write"])
        button(page, "Copy address").click()
        expect(page.get_by_text("Address copied.")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == fox.address

    def test_keys_alone_connect_and_leave(self, tab, fox):
        page = tab(fox, connect_to=None)
        choose = button(page, "Connect wallet")
        choose.focus()
        expect(choose).to_have_attribute("aria-expanded", "false")
        page.keyboard.press("Enter")
        expect(button(page, "Fox")).to_be_focused()
        page.keyboard.press("Escape")
        expect(choose).to_be_focused()
        expect(button(page, "Fox")).to_be_hidden()
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Actor: Fox")).to_be_visible()
        expect(button(page, "Copy address")).to_be_focused()
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        expect(button(page, "Disconnect")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_text("Actor: nobody")).to_be_visible()
        expect(choose).to_be_focused()

    def test_a_reload_connects_again_without_asking(self, tab, fox):
        page = tab(fox)
        page.reload()
        expect(page.get_by_text("Actor: Fox")).to_be_visible()
        assert fox.asked("eth_requestAccounts") == 1

    def test_after_disconnecting_a_reload_connects_nobody(self, tab, fox):
        page = tab(fox)
        button(page, "Disconnect").click()
        expect(page.get_by_text("Actor: nobody")).to_be_visible()
        page.reload()
        button(page, "Connect wallet").wait_for()
        page.wait_for_timeout(600)
        expect(page.get_by_text("Actor: nobody")).to_be_visible()

    def test_a_refusal_is_said_and_changes_nothing(self, tab, fox):
        fox.refuse_next = True
        page = tab(fox, connect_to=None)
        button(page, "Connect wallet").click()
        button(page, "Fox").click()
        expect(page.get_by_role("alert").get_by_text("You refused in the wallet")).to_be_visible()
        button(page, "Fox").click()
        expect(page.get_by_text("Actor: Fox")).to_be_visible()

    def test_a_wallet_of_before_eip_6963_is_found(self, tab, site):
        old = made_wallet(site, "old", name="Old", legacy=True)
        page = tab(old, connect_to="Browser wallet")
        expect(page.get_by_text(f"Address: {old.address}")).to_be_visible()

    def test_no_wallet_is_said(self, tab):
        page = tab(connect_to=None)
        button(page, "Connect wallet").click()
        expect(page.get_by_text("This browser has no wallet")).to_be_visible()

    def test_an_icon_from_elsewhere_is_not_shown(self, tab, fox):
        fox.icon = "https://icons.example/fox.svg"
        page = tab(fox)
        expect(page.locator("section.wallet img.icon")).to_be_hidden()

    def test_another_account_of_the_wallet_is_another_actor(self, tab, fox):
        page = tab(fox)
        secret = page.get_by_text("Secret: ").inner_text()
        first = fox.address
        fox.choose(page, 1)
        expect(page.get_by_text(f"Address: {fox.address}")).to_be_visible()
        shown = page.get_by_text("Secret: ")
        expect(shown).not_to_have_text(secret)
        of_the_second = shown.inner_text()
        button(page, "Change account").click()
        expect(page.get_by_text(f"Address: {first}")).to_be_visible()
        expect(shown).not_to_have_text(of_the_second)
        assert shown.inner_text() != secret
        fox.revoke(page)
        expect(page.get_by_text("Actor: nobody")).to_be_visible()

    def test_a_wrong_network_is_switched_and_an_unknown_one_added(self, tab, site, fox):
        fox.chain_id = 1
        page = tab(fox)
        expect(page.get_by_text("Fox is on another network")).to_be_visible()
        button(page, "Switch to Test chain").click()
        expect(button(page, "Switch to Test chain")).to_be_hidden()
        fox.go_to(page, 1)
        fox.known_chains.discard(31337)
        button(page, "Switch to Test chain").click()
        expect(page.get_by_text("Fox is on another network")).to_be_hidden()
        [added] = fox.added
        assert (added["chainId"], added["rpcUrls"]) == ("0x7a69", [site.rpc_url])
        assert (added["chainName"], fox.chain_id) == ("Test chain", 31337)

    def test_it_fits_a_phone(self, tab, fox):
        page = tab(fox)
        page.set_viewport_size({"width": 390, "height": 800})
        button(page, "Sign").click()
        expect(page.get_by_text("Done with 0x")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


class TestSigning:
    def test_what_is_signed_is_shown_and_the_answer_taken_once(self, tab, fox):
        fox.silent = True
        page = tab(fox, connect_to=None)
        fox.silent = False
        page.get_by_role("button", name="Connect wallet").click()
        button(page, "Fox").click()
        button(page, "Sign").wait_for()
        fox.silent = True
        button(page, "Sign").click()
        expect(page.get_by_text("Step 1: Sign the note")).to_be_visible()
        # What a token calls itself makes no link.
        expect(page.get_by_text(f"{2**70:,} [notes](")).to_be_visible()
        expect(page.locator("a[href*=evil]")).to_have_count(0)
        expect(page.get_by_text("Waiting for you in Fox: Sign the note (step 1)")).to_be_visible()
        page.get_by_text("Exactly what you sign").click()
        expect(page.get_by_text(f'"amount": "{2**70}"')).to_be_visible()
        page.get_by_role("link", name="Elsewhere").click()
        page.get_by_role("heading", name="Elsewhere").wait_for()
        expect(page.get_by_text("Waiting for you in Fox: Sign the note (step 1)")).to_be_visible()
        page.get_by_role("link", name="Work").click()
        page.get_by_role("heading", name="Work").wait_for()
        expect(page.get_by_text("Step 1: Sign the note")).to_be_visible()
        assert fox.asked("eth_signTypedData_v4") == 1
        button(page, "Forget it").click()
        expect(page.get_by_text("Step 1: Sign the note")).to_be_hidden()
        fox.silent = False
        button(page, "Sign").click()
        expect(page.get_by_text("Done with 0x")).to_be_visible()
        assert fox.signed[0]["message"] == {"amount": str(2**70)}

    def test_an_answer_that_the_connection_lost_is_told_again(self, tab, fox):
        lost = []

        def relay(socket):
            server = socket.connect_to_server()

            def pass_on(message):
                if fox.signed and b'"value"' in message and not lost:
                    lost.append(message)
                else:
                    server.send(message)

            socket.on_message(pass_on)

        page = tab(fox, relay=relay)
        button(page, "Sign").click()
        expect(page.get_by_text("Done with 0x")).to_be_visible()
        assert len(lost) == len(fox.signed) == 1

    def test_a_refusal_can_be_thought_over(self, tab, fox):
        page = tab(fox)
        fox.refuse_next = True
        button(page, "Sign").click()
        expect(page.get_by_text("You refused in Fox.")).to_be_visible()
        button(page, "Ask again").click()
        expect(page.get_by_text("Done with 0x")).to_be_visible()

    def test_a_signature_of_another_account_does_not_count(self, tab, fox):
        page = tab(fox)
        fox.sign_as = fox.accounts[1]
        button(page, "Sign").click()
        expect(page.get_by_text("The signature is not one of")).to_be_visible()

    def test_a_wrong_network_is_refused_before_the_wallet_opens(self, tab, fox):
        page = tab(fox)
        fox.chain_id = 1
        button(page, "Sign").click()
        expect(page.get_by_text("Fox is on another network. Switch it at the top")).to_be_visible()
        assert fox.asked("eth_signTypedData_v4") == 0
        button(page, "Switch to Test chain").click()
        button(page, "Ask again").click()
        expect(page.get_by_text("Done with 0x")).to_be_visible()

    def test_a_switched_account_is_refused_before_the_wallet_opens(self, tab, fox):
        page = tab(fox)
        fox.refuse_next = True
        button(page, "Sign").click()
        button(page, "Ask again").wait_for()
        fox.choose(page, 1)
        expect(page.get_by_text(f"Address: {fox.address}")).to_be_visible()
        button(page, "Ask again").click()
        expect(page.get_by_text("Fox now uses another account.")).to_be_visible()
        assert fox.asked("eth_signTypedData_v4") == 1

    def test_a_sign_in_is_signed_for_this_page_only(self, tab, fox):
        page = tab(fox)
        button(page, "Sign in elsewhere").click()
        expect(page.get_by_text("The message is for evil.example.")).to_be_visible()
        assert fox.asked("personal_sign") == 0
        button(page, "Sign in").click()
        expect(page.get_by_text("Done with 0x")).to_be_visible()

    def test_two_at_once_are_kept_apart(self, tab, fox):
        page = tab(fox)
        fox.silent = True
        button(page, "Sign").click()
        page.get_by_text("Step 1: Sign the note").wait_for()
        for _ in range(600):
            if fox.asked("eth_signTypedData_v4"):
                break
            page.wait_for_timeout(50)
        fox.silent = False
        button(page, "Sign at the side").click()
        expect(page.get_by_text("Done with 0x")).to_be_visible()
        assert fox.signed[0]["message"] == {"amount": "7"}
        expect(page.get_by_text("Step 1: Sign the note")).to_be_visible()


class TestTransactions:
    def test_a_refusal_of_the_contract_opens_no_wallet(self, tab, fox):
        page = tab(fox)
        button(page, "Pay too much").click()
        expect(page.get_by_text("erc20_insufficient_balance")).to_be_visible()
        assert fox.asked("eth_sendTransaction") == 0

    def test_two_steps_follow_each_other(self, tab, site, fox):
        page = tab(fox)
        button(page, "Agree and pay").click()
        expect(page.get_by_text(re.compile("Done with 0x[0-9a-f]{64}"))).to_be_visible()
        assert fox.signed == ["I agree"]
        [sent] = fox.sent
        receipt = site.stage.request("eth_getTransactionReceipt", [sent])
        assert receipt["status"] == "0x1"

    def test_a_pending_transaction_is_followed_on_any_page(self, tab, site, fox):
        page = tab(fox)
        site.stage.request("evm_setAutomine", [False])
        try:
            button(page, "Pay").click()
            expect(page.get_by_text("Sent. Waiting for the block")).to_be_visible()
            assert shown_code(page, TRANSACTION) == fox.sent[0]
            link = page.get_by_role("link", name="Show it in the explorer")
            expect(link).to_have_attribute("href", f"{site.url}/explorer/tx/{fox.sent[0]}")
            page.get_by_role("link", name="Elsewhere").click()
            page.get_by_role("heading", name="Elsewhere").wait_for()
            expect(page.get_by_text("Waiting for the block: Pay (step 1)")).to_be_visible()
            site.stage.request("anvil_mine", [1])
            expect(page.get_by_text("Done: Pay")).to_be_visible()
            expect(page.get_by_text("Waiting for the block: Pay (step 1)")).to_be_hidden()
            page.get_by_role("link", name="Work").click()
            expect(page.get_by_text(f"Done with {fox.sent[0]}")).to_be_visible()
        finally:
            site.stage.request("evm_setAutomine", [True])

    def test_what_was_sped_up_is_followed(self, tab, fox):
        page = tab(fox)
        fox.hold = True
        button(page, "Pay").click()
        expect(page.get_by_text("Sent. Waiting for the block")).to_be_visible()
        fast = fox.speed_up()
        expect(page.get_by_text(f"Done with {fast}")).to_be_visible()

    def test_what_was_replaced_is_told(self, tab, site, fox):
        page = tab(fox)
        site.stage.request("evm_setAutomine", [False])
        try:
            button(page, "Pay").click()
            expect(page.get_by_text("Sent. Waiting for the block")).to_be_visible()
            page.wait_for_timeout(1500)
            other = fox.cancel_pending()
            site.stage.request("anvil_mine", [1])
            expect(page.get_by_text(f"was replaced in the wallet by {other}")).to_be_visible()
        finally:
            site.stage.request("evm_setAutomine", [True])

    def test_what_was_dropped_is_told_and_can_be_forgotten(self, tab, site, fox):
        page = tab(fox)
        site.stage.request("evm_setAutomine", [False])
        try:
            button(page, "Pay").click()
            expect(page.get_by_text("Sent. Waiting for the block")).to_be_visible()
            site.stage.request("anvil_removePoolTransactions", [fox.address])
            told = page.get_by_text("The chain does not know this transaction any more")
            expect(told).to_be_visible(timeout=20 * SECONDS)
            button(page, "Forget it").click()
            expect(told).to_be_hidden()
        finally:
            site.stage.request("evm_setAutomine", [True])

    def test_what_was_forgotten_and_confirmed_after_all_is_told(self, tab, fox):
        page = tab(fox)
        fox.silent = True
        button(page, "Pay").click()
        button(page, "Forget it").click()
        expect(page.get_by_text("refuse it there")).to_be_visible()
        expect(page.get_by_text("Step 1: Pay")).to_be_hidden()
        sent = fox.confirm(page)
        expect(page.get_by_text(f"Done with {sent}")).to_be_visible()

    def test_an_answer_that_comes_while_the_wallet_is_not_drawn_is_taken_later(self, tab, fox):
        page = tab(fox)
        fox.silent = True
        button(page, "Pay").click()
        page.get_by_text("Step 1: Pay").wait_for()
        page.get_by_text("Without the wallet").click()
        expect(page.locator("section.wallet")).to_have_count(0)
        sent = fox.confirm(page)
        page.get_by_text("Without the wallet").click()
        expect(page.get_by_text(f"Done with {sent}")).to_be_visible()
        assert fox.asked("eth_sendTransaction") == 1
