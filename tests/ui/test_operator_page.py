"""The operator page over a real exchange, a real chain, and a status of our own making."""

import time

import pytest
from streamlit.testing.v1 import AppTest

from gavelbook.api.operating import Operating
from gavelbook.demo.local_chain import free_port
from gavelbook.service.amounts import decimal_text
from gavelbook.service.demo_signer import DemoSigner
from gavelbook.service.exchange.chain_worker import ChainStatus
from gavelbook.service.exchange.settlement_status import Alarm, SettleStatus
from gavelbook.service.exchange.watcher import WatchStatus
from tests.ui.conftest import APP, act_as
from tests.ui.portfolio_world import portfolio_world
from tests.ui.test_sale_page import texts
from ui.panels.operator_settlement import short_ether

TOKEN = "the operator's token, longer than thirty-two characters"
OWNER = 4


def status():
    alarm = Alarm("batch_too_dear", "Expected gas below the limit")
    watch = WatchStatus(50, 47, 1_800_000_000, 2, ("a deposit of 3",))
    return ChainStatus(watch, SettleStatus(alarm=alarm), "", 0, 0)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("operator")
    with portfolio_world(folder, OWNER, Operating(TOKEN, status)) as world:
        token = folder / "token"
        token.touch(0o600)
        token.write_text(TOKEN)
        yield world


@pytest.fixture
def page(world, monkeypatch):
    monkeypatch.setenv("GAVELBOOK_RPC_URL", world.chain.url)
    monkeypatch.setenv("GAVELBOOK_EXCHANGE_API", world.url)
    monkeypatch.setenv("GAVELBOOK_DEPLOYMENTS", str(world.folder))
    monkeypatch.setenv("GAVELBOOK_DEMO_ACCOUNTS", "1")
    monkeypatch.setenv("GAVELBOOK_OPERATOR_TOKEN_FILE", str(world.folder / "token"))
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    return app.switch_page("app_pages/operator.py").run()


def as_operator(page):
    return page.button(key="operator.demo").click().run()


def again(page):
    """Run the page again once what it shares with others is old."""
    time.sleep(2.1)
    return page.run()


def said(page):
    return texts(page)


def test_the_account_of_the_demos_operator_owns_the_exchange(world):
    operator = DemoSigner(world.web3, enabled=True).operator
    assert operator.address == world.exchange.owner() == world.owner.address


def test_everybody_sees_what_is_public(page):
    assert [each.message for each in page.exception] == []
    shown = said(page)
    assert "| Exchange API | :green-badge[Open]" in shown
    assert "| Settlement | :green-badge[Ready]" in shown
    assert "Matcher" in shown
    assert {metric.label for metric in page.metric} >= {"Fills to settle", "Batches"}


def test_nobody_else_sees_what_the_exchange_tells_its_operator(page):
    for visitor in (page, act_as(page, "Ada")):
        shown = said(visitor)
        assert "Watcher" not in shown
        assert "batch" not in shown.lower().replace("batches", "")
        assert not [each for each in visitor.button if each.key == "operator.pause"]
        assert "Only the owner" in shown


def test_the_operator_sees_alarms_and_refused_inputs(page):
    shown = said(as_operator(page))
    assert ":red-badge[Act now]" in shown
    assert "batch\\_too\\_dear" in shown
    assert "a deposit of 3" in shown
    assert "3 blocks behind the head, 2 inputs waiting" in shown
    assert TOKEN not in shown


def test_the_owner_pauses_and_lets_it_go_on(page, world):
    page = as_operator(page)
    assert page.button(key="operator.pause").disabled
    page = page.checkbox(key="operator.sure").check().run()
    page = page.button(key="operator.pause").click().run()
    assert [each.message for each in page.exception] == []
    assert world.exchange.paused()
    page = again(page)
    assert "The exchange is paused" in said(page)
    assert "| Settlement | :red-badge[Paused]" in said(page)
    page = page.button(key="operator.pause").click().run()
    assert not world.exchange.paused()


def test_an_exchange_that_is_silent_is_told_of(page, monkeypatch):
    monkeypatch.setenv("GAVELBOOK_EXCHANGE_API", f"http://127.0.0.1:{free_port()}")
    page = page.run()
    assert [each.message for each in page.exception] == []
    assert "The exchange does not answer" in said(page)


@pytest.mark.parametrize(
    ("wei", "text"),
    [
        (0, "0"),
        (1, "<0.000001"),
        (10**12, "0.000001"),
        (10**12 + 1, "0.000001…"),
        (10**18, "1"),
        (99_990_829_530_935_806_717, "99.990829…"),
        (1_234 * 10**18, "1,234"),
    ],
)
def test_ether_is_short_and_never_more_than_it_is(wei, text):
    assert short_ether(wei) == text


def test_every_digit_of_the_keys_ether_can_be_copied(page, world):
    matcher = next(each for each in page.code if "Matcher" in each.value)
    account = next(each.value for each in page.code if each.value.startswith("0x"))
    wei = world.web3.eth.get_balance(account)
    assert f"{decimal_text(wei, 18)} ETH" in matcher.value
