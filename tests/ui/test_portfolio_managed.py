"""The portfolio of managed accounts, over a signer that holds their keys."""

import re
import threading
import time
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from gavelbook.accounts.access_key import AccessKey
from gavelbook.accounts.client import AccountsClient
from gavelbook.accounts.service import SignerService
from gavelbook.accounts.serving import server
from gavelbook.accounts.settings import SignerSettings
from gavelbook.errors import GavelbookError
from gavelbook.service.acting import AccountKind, Actor
from gavelbook.service.demo_signer import DemoSigner
from gavelbook.service.managed_signer import ManagedSigner
from gavelbook.service.market_api import MarketApi
from gavelbook.service.signers import Signers
from gavelbook.wallet import DEVELOPMENT_MNEMONIC, HdWallet, Role
from tests.accounts.signer_world import cheap_passwords
from tests.ui.conftest import APP
from tests.ui.market_world import WHOLE
from tests.ui.portfolio_world import portfolio_world
from tests.ui.test_portfolio_page import choose, fresh, messages, row_of, tab, texts
from tests.ui.test_sale_page import button
from ui.identity_state import Identity

PASSWORD = "plum tree garden"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("managed")
    with portfolio_world(folder) as world, pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAVELBOOK_RPC_URL", world.chain.url)
        patch.setenv("GAVELBOOK_EXCHANGE_API", world.url)
        patch.setenv("GAVELBOOK_DEPLOYMENTS", str(folder))
        patch.setenv("GAVELBOOK_DEMO_ACCOUNTS", "1")
        wallet = HdWallet(DEVELOPMENT_MNEMONIC)
        gas = wallet.operator(Role.GAS)
        world.chain.call("anvil_setBalance", gas.address, hex(100 * WHOLE))
        settings = SignerSettings(
            state=folder / "signer",
            rpc_url=world.chain.url,
            port=0,
            daily_limit=100,
            registrations_per_client=100,
        )
        with SignerService(
            settings, world.web3, wallet, gas, passwords=cheap_passwords()
        ) as service:
            AccessKey(settings.access_key_file)
            ports = []
            running = server(service, ports.append)
            thread = threading.Thread(target=running.run, daemon=True)
            thread.start()
            end = time.monotonic() + 20
            while not ports:
                assert time.monotonic() < end, "the signer did not start"
                time.sleep(0.02)
            url = f"http://127.0.0.1:{ports[0]}"
            patch.setenv("GAVELBOOK_SIGNER_URL", url)
            patch.setenv("GAVELBOOK_SIGNER_KEY_FILE", str(settings.access_key_file))
            world.accounts = AccountsClient.with_key_file(url, settings.access_key_file)
            yield world
            world.accounts.close()
            running.should_exit = True
            thread.join(20)


@pytest.fixture(scope="module")
def mia(world):
    """Somebody with a managed account and the play money of the demo, but without ether."""
    signed_in = world.accounts.register("mia", PASSWORD)
    address = signed_in.account.address.text()
    for token in (world.dusd, world.gvl):
        world._do(token.transfer(address, 1_000 * WHOLE))
    return Actor("mia", address, AccountKind.MANAGED, signed_in.token)


@pytest.fixture
def page(world, mia):
    app = AppTest.from_file(str(APP), default_timeout=60)
    app.session_state["identity"] = Identity(
        actor=mia, cookie_seen=True, checked_at=time.monotonic()
    )
    page = app.run().switch_page("app_pages/portfolio.py").run()
    assert [each.message for each in page.exception] == []
    return page


def amount(page, way, token, text):
    choose(page, way, token)
    page.text_input(key=f"portfolio.{way}.amount.{token.address}").set_value(text).run()
    return button(page, f"portfolio.{way}.go").click().run()


def test_a_managed_account_pays_in_takes_out_and_leaves_without_ether(page, world, mia):
    assert "You need no ether: transactions are paid for you." in texts(page)
    amount(page, "in", world.dusd, "100")
    assert any(each.startswith("100 DUSD paid in.") for each in messages(page)), messages(page)
    world.deposit(SimpleNamespace(address=mia.address), world.dusd, 100 * WHOLE)
    assert row_of(fresh(page), "DUSD")["Free in escrow"] == ["100"]

    tab(page, "Withdraw")
    amount(page, "out", world.dusd, "40")
    assert any(each.startswith("40 DUSD withdrawn") for each in messages(page)), messages(page)
    assert world.dusd.balance_of(mia.address) == 940 * WHOLE

    tab(page, "Leave without consent")
    page.multiselect(key="portfolio.exit.tokens").set_value([world.dusd.address]).run()
    button(page, "portfolio.exit.ask").click().run()
    assert any(each.startswith("Announced: DUSD") for each in messages(page)), messages(page)
    world.pass_time(3_600)
    fresh(page)
    button(page, f"portfolio.exit.take.{world.dusd.address}").click().run()
    assert any(each == "All DUSD is in your wallet." for each in messages(page)), messages(page)
    assert world.dusd.balance_of(mia.address) == 1_000 * WHOLE


def test_a_transfer_is_asked_for_and_confirmed_with_the_password(page, world, mia):
    tab(page, "Send")
    assert "100 DUSD of 100 DUSD a day may still leave today." in texts(page)
    to = world.address("Ben")
    page.text_input(key="portfolio.send.to").set_value(to).run()
    before = world.dusd.balance_of(to)
    amount(page, "send", world.dusd, "25.5")
    assert to in [code.value for code in page.code]
    [password] = [each for each in page.text_input if each.label == "Your password"]
    password.set_value("wrong")
    send = next(each for each in page.button if each.label == "Send it for good")
    send.click().run()
    assert any(each.startswith("Refused.") for each in messages(page))
    assert world.dusd.balance_of(to) == before

    [password] = [each for each in page.text_input if each.label == "Your password"]
    password.set_value(PASSWORD)
    send = next(each for each in page.button if each.label == "Send it for good")
    send.click().run()
    assert any(each == "25.5 DUSD sent." for each in messages(page)), messages(page)
    assert world.dusd.balance_of(to) == before + 25 * WHOLE + WHOLE // 2
    assert any(re.fullmatch("0x[0-9a-f]{64}", code.value) for code in page.code)
    assert "74.5 DUSD of 100 DUSD a day may still leave today." in texts(page)


def test_more_than_the_daily_limit_stays(page, world, mia):
    tab(page, "Send")
    page.text_input(key="portfolio.send.to").set_value(world.address("Ben")).run()
    before = world.gvl.balance_of(mia.address)
    amount(page, "send", world.gvl, "101")
    assert any(each.startswith("Refused.") for each in messages(page)), messages(page)
    assert "Code `daily_limit`" in texts(page)
    assert world.gvl.balance_of(mia.address) == before


def test_an_open_tab_of_a_session_that_was_ended_reads_and_cancels_nothing(world):
    signed_in = world.accounts.register("nora", PASSWORD)
    address = signed_in.account.address.text()
    thief = Actor("nora", address, AccountKind.MANAGED, signed_in.token)
    signers = Signers(DemoSigner(world.web3, enabled=False), ManagedSigner(world.accounts))
    api = MarketApi(world.url, signers, check_seconds=0)
    api.ask_as(thief, lambda client: client.balances())
    world.accounts.sign_out_everywhere(signed_in.token)
    for _ in range(2):
        with pytest.raises(GavelbookError) as refused:
            api.ask_as(thief, lambda client: client.balances())
        assert refused.value.code == "unknown_session"
