import re
import time
from html import escape

import pytest
from eth_account import Account
from eth_utils.crypto import keccak
from streamlit.testing.v1 import AppTest

from gavelbook.service.acting import AccountKind, Actor
from gavelbook.service.amounts import base_units, decimal_text
from tests.ui.conftest import APP, act_as
from tests.ui.market_world import IN_ESCROW, IN_WALLET, WHOLE
from tests.ui.portfolio_world import HOSTILE, HOSTILE_NAME, HOSTILE_SYMBOL, portfolio_world
from tests.ui.test_sale_page import button
from tests.ui.test_sale_page import texts as marked_texts
from ui.identity_state import Identity
from ui.panels.portfolio_addresses import qr_picture

TABS = "portfolio.tabs"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with portfolio_world(tmp_path_factory.mktemp("portfolio")) as world:
        yield world


@pytest.fixture
def start(world, monkeypatch):
    """A session that has not said who it is, on the start page."""
    monkeypatch.setenv("GAVELBOOK_RPC_URL", world.chain.url)
    monkeypatch.setenv("GAVELBOOK_EXCHANGE_API", world.url)
    monkeypatch.setenv("GAVELBOOK_DEPLOYMENTS", str(world.folder))
    monkeypatch.setenv("GAVELBOOK_DEMO_ACCOUNTS", "1")
    return AppTest.from_file(str(APP), default_timeout=60).run()


@pytest.fixture
def page(start):
    """The portfolio of nobody yet."""
    return start.switch_page("app_pages/portfolio.py").run()


def fresh(page):
    """Run the page again once what it shares with others is old."""
    time.sleep(1.2)
    return page.run()


def tab(page, name):
    """Open a tab; in a browser only the one in front is made."""
    page.session_state[TABS] = name
    return page.run()


def choose(page, way, token):
    page.segmented_control(key=f"portfolio.{way}.token").set_value(token.address).run()


def html(page):
    return "\n".join(element.proto.body for element in page.get("html"))


def row_of(page, symbol):
    """The cells of a token in the overview, by their labels: the whole text of each."""
    [row] = [
        row
        for row in re.findall(r"<tr>(.*?)</tr>", html(page), re.DOTALL)
        if f"<bdi>{symbol}</bdi>" in row
    ]
    cells = re.findall(r'<td class="[^"]*" data-label="([^"]*)">(.*?)</td>', row, re.DOTALL)
    return {label: re.sub(r"<[^>]*>", " ", cell).split() for label, cell in cells}


def failures(page):
    return [each.message for each in page.exception]


def texts(page):
    """All that is said, as it is read: without the marks that make letters of letters."""
    return marked_texts(page).replace("\\", "")


def messages(page):
    found = (*page.success, *page.error, *page.info, *page.warning)
    return [element.value.replace("\\", "") for element in found]


def test_nobody_is_invited(page):
    assert [each.message for each in page.exception] == []
    assert page.title[0].value == "Portfolio"
    assert any("To see what is yours and move it" in each for each in messages(page))
    assert [field.key for field in page.text_input] == ["portfolio.look.address"]


def test_anybody_can_be_looked_up(page, world):
    page.text_input(key="portfolio.look.address").set_value(world.address("Ben"))
    page.button[-1].click().run()
    assert page.title[0].value == "What is public of an account"
    assert world.address("Ben") in [code.value for code in page.code]
    button(page, "portfolio.back").click().run()
    assert page.title[0].value == "Portfolio"


def test_the_table_shows_every_place(page, world):
    act_as(page, "Ada")
    assert [each.message for each in page.exception] == []
    row = row_of(page, "DUSD")
    locked = decimal_text(7 * world.open.price(3), 18)
    assert row["In sale bids"][0].startswith(locked[:8])
    assert row["Free in escrow"] == ["10,000"]
    assert row["Reserved in escrow"] == row["Leaving escrow"] == ["0"]
    assert "later" in row_of(page, "SLD")["To claim"]
    exact = "\n".join(code.value for code in page.code)
    assert f"In sale bids{' ' * 12}" in exact
    assert re.search(rf"In sale bids +{locked}\n", exact)
    now, later = (
        base_units(re.search(rf"To claim {word} +(0\.\d+)\n", exact)[1], 18)
        for word in ("now", "later")
    )
    assert now + later == 60 * 10**15
    assert re.search(r"\+ being booked +0\n= the contract holds +10,000", exact)


def test_no_name_of_a_token_does_harm(page, world):
    act_as(page, "Ada")
    shown = html(page)
    assert escape(HOSTILE_NAME[:24]) in shown
    assert f"<bdi>{escape(HOSTILE_SYMBOL)}</bdi>" in shown
    assert "<img src=x" not in shown
    assert "<b>" not in shown
    options = page.segmented_control(key="portfolio.in.token").options
    assert any("\\<b\\>\\*D\\*" in str(option) for option in options), options
    tab(page, "History")
    [table] = [each.value for each in page.dataframe if "What" in each.value]
    assert HOSTILE in set(table["Where"])
    page.query_params["tx"] = table["Transaction"].iloc[-1]
    page.run()
    assert HOSTILE not in marked_texts(page)
    assert "**[a](" not in marked_texts(page)


def test_a_deposit_is_made_and_counted(page, world):
    act_as(page, "Ben")
    tab(page, "Deposit")
    choose(page, "in", world.dusd)
    field = f"portfolio.in.amount.{world.dusd.address}"
    page.text_input(key=field).set_value("1,250.5").run()
    go = button(page, "portfolio.in.go")
    assert go.label.replace("\\", "") == "Deposit 1,250.5 DUSD"
    before = world.exchange.balance_of(world.address("Ben"), world.dusd.address).amount
    go.click().run()
    assert [each.message for each in page.exception] == []
    assert any(each.startswith("1,250.5 DUSD paid in.") for each in messages(page)), messages(page)
    held = world.exchange.balance_of(world.address("Ben"), world.dusd.address).amount
    assert held - before == 1_250 * WHOLE + WHOLE // 2
    exact = "\n".join(code.value for code in page.code)
    assert re.search(r"\+ being booked +1,250.5\n", exact)
    assert row_of(page, "DUSD")["Free in escrow"][1:] == ["1,250.5", "more", "to", "be", "booked"]
    world.deposit(world.visitors[1], world.dusd, held - before)
    exact = "\n".join(code.value for code in fresh(page).code)
    assert re.search(r"\+ being booked +0\n= the contract holds +11,250.5", exact)


def test_all_fills_the_whole_wallet_in(page, world):
    act_as(page, "Cleo")
    choose(page, "in", world.gvl)
    button(page, "portfolio.in.all").click().run()
    field = page.text_input(key=f"portfolio.in.amount.{world.gvl.address}")
    assert field.value == decimal_text(IN_WALLET, 18)


@pytest.mark.parametrize("wrong", ["ten", "-1", "0", "1e3", "0.0000000000000000001", "9999999999"])
def test_what_is_no_amount_cannot_be_paid_in(page, world, wrong):
    act_as(page, "Cleo")
    choose(page, "in", world.gvl)
    page.text_input(key=f"portfolio.in.amount.{world.gvl.address}").set_value(wrong).run()
    assert button(page, "portfolio.in.go").disabled
    assert [each.message for each in page.exception] == []


def test_what_orders_reserve_stays(page, world):
    with world.visitor(3) as dan:
        dan.limit(1, "buy", lots=100, ticks=1_000)
    world.settle_down()
    act_as(page, "Dan")
    reserved = row_of(fresh(page), "DUSD")["Reserved in escrow"]
    # 100 * 10, and as it waits in the book, the maker's 0.1 % of it.
    assert reserved == ["1,001"]
    tab(page, "Withdraw")
    choose(page, "out", world.dusd)
    said = texts(page)
    assert "8,999 DUSD can be withdrawn now." in said
    assert "1,001 DUSD is reserved by your open orders" in said
    field = f"portfolio.out.amount.{world.dusd.address}"
    page.text_input(key=field).set_value("8,999").run()
    before = world.dusd.balance_of(world.address("Dan"))
    button(page, "portfolio.out.go").click().run()
    assert any("8,999 DUSD withdrawn" in each for each in messages(page)), messages(page)
    assert world.dusd.balance_of(world.address("Dan")) == before + 8_999 * WHOLE
    assert page.text_input(key=field).value == ""
    assert not [each.key for each in page.button if each.key.startswith("portfolio.consent")]
    assert "is being withdrawn already" not in texts(page)
    tab(page, "Leave without consent")
    [cancel] = [each for each in page.button if re.match(r"portfolio\.lane\.\d+\.\d+", each.key)]
    cancel.click().run()
    assert any("will be void after the notice" in each for each in messages(page))


def test_a_withdrawal_agreed_before_is_sent_to_the_chain(page, world):
    with world.visitor(1) as ben:
        agreed = ben.withdraw(world.dusd.address, 30 * WHOLE)
    world.settle_down()
    act_as(page, "Ben")
    fresh(page)
    assert "A withdrawal of **30 DUSD** is agreed and not on the chain yet." in texts(page)
    address = world.address("Ben")
    before = world.dusd.balance_of(address), world.exchange.withdrawal_nonce(address)
    [send] = [each for each in page.button if each.label == "Send it"]
    send.click().run()
    assert "30 DUSD withdrawn to the wallet." in messages(page), messages(page)
    assert world.dusd.balance_of(address) == before[0] + 30 * WHOLE
    assert world.exchange.withdrawal_nonce(address) == int(agreed.nonce) > before[1]
    assert not [each for each in page.button if each.label == "Send it"]


def test_trades_in_flight_are_told_apart(page, world):
    world.quote(bids=[(8_000, 5)])
    with world.visitor(2) as cleo:
        cleo.market_order(1, "sell", lots=5, room_bps=100)
    world.settle_down()
    act_as(page, "Cleo")
    row = row_of(fresh(page), "DUSD")
    # 5 * 80, less the taker's 0.3 %.
    assert row["Free in escrow"] == ["10,398.8", "398.8", "of", "it", "in", "flight"]
    exact = "\n".join(code.value for code in page.code)
    assert re.search(
        r"- in flight, coming +-398.8\n\+ in flight, going +0\n\+ being booked +0\n"
        r"= the contract holds +10,000",
        exact,
    )
    assert re.search(
        r"\+ in flight, going +5\n\+ being booked +0\n= the contract holds +10,000", exact
    )
    tab(page, "History")
    [table] = [each.value for each in page.dataframe if "What" in each.value]
    sold = table[table["What"] == "Sold"].iloc[0]
    assert list(sold[["Amount", "Paid", "Fee", "State"]]) == [
        "400 DUSD",
        "5 GVL",
        "1.2 DUSD",
        "Matched",
    ]


def test_tokens_at_the_deposit_address_are_booked(page, world):
    address = world.exchange.forwarder_of(world.address("Eva"))
    world._do(world.dusd.transfer(address, 3 * WHOLE))
    act_as(page, "Eva")
    assert "3 more to be booked" in " ".join(row_of(page, "DUSD")["Free in escrow"])
    button(page, f"portfolio.book.{world.dusd.address}").click().run()
    assert any(each == "3 DUSD is in escrow." for each in messages(page)), messages(page)
    held = world.exchange.balance_of(world.address("Eva"), world.dusd.address).amount
    assert held == IN_ESCROW + 3 * WHOLE
    world.deposit(world.visitors[4], world.dusd, 3 * WHOLE)


def test_the_deposit_address_is_shown_with_its_code(page, world):
    act_as(page, "Eva")
    tab(page, "Addresses")
    address = world.exchange.forwarder_of(world.address("Eva"))
    codes = [code.value for code in page.code]
    assert world.address("Eva") in codes
    assert address in codes
    assert escape(qr_picture(address)) in html(page)
    assert f'alt="QR code of the deposit address {address}"' in html(page)


def test_what_was_won_is_claimed(page, world):
    act_as(page, "Ben")
    key = f"portfolio.claim.{world.won.address}"
    said = texts(page)
    assert "more is released bit by bit until" in said
    before = world.stage.sold.balance_of(world.address("Ben"))
    button(page, f"{key}.in").click().run()
    assert any("claimed into escrow" in each for each in messages(page)), messages(page)
    held = world.exchange.balance_of(world.address("Ben"), world.stage.sold.address).amount
    assert held > 0
    world.pass_time(2 * 24 * 60 * 60)
    fresh(page)
    button(page, key).click().run()
    assert any(each.startswith("Claimed ") for each in messages(page)), messages(page)
    assert world.stage.sold.balance_of(world.address("Ben")) > before


def test_leaving_without_consent_waits_and_then_takes_all(page, world):
    act_as(page, "Eva")
    tab(page, "Leave without consent")
    page.multiselect(key="portfolio.exit.tokens").set_value([world.gvl.address]).run()
    button(page, "portfolio.exit.ask").click().run()
    assert any(each == "Announced: GVL can be taken out in 1 hour." for each in messages(page))
    take = f"portfolio.exit.take.{world.gvl.address}"
    assert button(page, take).disabled
    assert row_of(page, "GVL")["Leaving escrow"] == ["10,000"]
    button(page, f"portfolio.exit.stay.{world.gvl.address}").click().run()
    assert any(each == "GVL stays in escrow." for each in messages(page))

    page.multiselect(key="portfolio.exit.tokens").set_value([world.gvl.address]).run()
    button(page, "portfolio.exit.ask").click().run()
    world.pass_time(3_600)
    fresh(page)
    before = world.gvl.balance_of(world.address("Eva"))
    button(page, take).click().run()
    assert any(each == "All GVL is in your wallet." for each in messages(page)), messages(page)
    assert world.gvl.balance_of(world.address("Eva")) == before + IN_ESCROW
    tab(page, "History")
    [table] = [each.value for each in page.dataframe if "What" in each.value]
    assert list(table["What"][:3]) == ["Exit", "Exit announced", "Exit taken back"]


def test_a_link_shows_what_is_public_of_anybody(start, world):
    start.query_params["account"] = world.address("Ada").lower()
    page = start.switch_page("app_pages/portfolio.py").run()
    assert [each.message for each in page.exception] == []
    assert page.title[0].value == "What is public of an account"
    assert any("an account that is not yours here" in each for each in messages(page))
    row = row_of(page, "DUSD")
    assert "Reserved in escrow" not in row
    assert row["In escrow"] == ["10,000"]
    assert not [each for each in page.button if each.key and ".go" in each.key]


def test_a_link_to_no_account_says_so(start):
    start.query_params["account"] = "0xada"
    page = start.switch_page("app_pages/portfolio.py").run()
    assert [each.message for each in page.exception] == []
    assert any("The link names no account" in each for each in messages(page))


def test_a_link_tells_what_a_transaction_did(start, world):
    page = start.switch_page("app_pages/portfolio.py").run()
    act_as(page, "Ada")
    tab(page, "History")
    [table] = [each.value for each in page.dataframe if "What" in each.value]
    bid = table[table["What"] == "Bid"].iloc[0]
    page.query_params["tx"] = bid["Transaction"].upper().replace("0X", "0x")
    page.run()
    assert "What this transaction did to the account" in texts(page)
    page.query_params["tx"] = "<script>" + "0x" + 64 * "9"
    page.run()
    assert "Nothing that is known here." in texts(page)
    assert [each.message for each in page.exception] == []


def test_a_newcomer_gets_demo_money(start, world):
    newcomer = Account.from_key(keccak(text="newcomer")).address
    actor = Actor("Newcomer", newcomer, AccountKind.MANAGED, "session")
    start.session_state["identity"] = Identity(
        actor=actor, cookie_seen=True, checked_at=time.monotonic()
    )
    page = start.switch_page("app_pages/portfolio.py").run()
    assert [each.message for each in page.exception] == []
    assert "You need no ether: transactions are paid for you." in texts(page)
    button(page, "portfolio.gift").click().run()
    assert any(each.startswith("Demo money is in your wallet.") for each in messages(page))
    assert world.dusd.balance_of(newcomer) > 0
    assert row_of(page, "DUSD")["In the wallet"] == ["10,000"]
