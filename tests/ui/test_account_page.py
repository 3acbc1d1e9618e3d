"""The account page over a signer that runs, with its own database and keys, on the demo's chain."""

import csv
import io
import json
import threading
import time
from dataclasses import dataclass

import pytest
from argon2 import PasswordHasher
from eth_account import Account
from streamlit.testing.v1 import AppTest

from gavelbook.accounts.client import AccountsClient
from gavelbook.accounts.passwords import Passwords
from gavelbook.accounts.service import SignerService
from gavelbook.accounts.serving import server
from gavelbook.accounts.settings import SignerSettings
from gavelbook.chain.connection import connect
from gavelbook.chain.token import Token
from gavelbook.wallet import HdWallet
from tests.ui.conftest import APP, act_as

PASSWORD = "plum tree garden"
NEW_PASSWORD = "winter coat button"
PASSPHRASE = "eleven yellow boats"


@dataclass
class Signer:
    url: str
    key_file: str
    service: SignerService
    client: AccountsClient

    def token(self, name, password=PASSWORD):
        return self.client.sign_in(name, password).token


@pytest.fixture(scope="module")
def signer(demo, tmp_path_factory):
    folder = tmp_path_factory.mktemp("signer")
    settings = SignerSettings(
        state=folder / "state",
        rpc_url=demo.scene.chain.url,
        port=0,
        export_work_factor=2,
        registrations_per_client=100,
    )
    with pytest.MonkeyPatch.context() as patch:
        demo.point_pages_here(patch)
        service = SignerService(
            settings,
            connect(settings.rpc_url),
            HdWallet.random(),
            demo.scene.cast.relayer,
            passwords=Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)),
        )
    ports = []
    running = server(service, ports.append)
    thread = threading.Thread(target=running.run)
    thread.start()
    end = time.monotonic() + 20
    while not ports:
        assert time.monotonic() < end
        time.sleep(0.02)
    url = f"http://127.0.0.1:{ports[0]}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAVELBOOK_SIGNER_URL", url)
        patch.setenv("GAVELBOOK_SIGNER_KEY_FILE", str(settings.access_key_file))
        client = AccountsClient.with_key_file(url, settings.access_key_file)
        yield Signer(url, str(settings.access_key_file), service, client)
        client.close()
    running.should_exit = True
    thread.join(20)
    service.close()


@pytest.fixture
def account(signer, demo, monkeypatch):
    """The page as a visitor finds it who has not said who they are."""
    demo.point_pages_here(monkeypatch)
    # AppTest has no browser to ask for its cookies and its address.
    monkeypatch.setattr("streamlit.runtime.context._get_client_context", lambda: None)
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    return app.switch_page("app_pages/account.py").run()


def field(app, label):
    (found,) = [each for each in app.text_input if each.label == label]
    return found


def press(app, label):
    (found,) = [each for each in app.button if each.label == label]
    return found.click().run()


def open_tab(app, name):
    app.session_state["account.tabs"] = name
    return app.run()


def register(app, name, password=PASSWORD, again=None):
    field(app, "Choose a name").input(name)
    field(app, "Choose a password").input(password)
    field(app, "The password again").input(password if again is None else again)
    return press(app, "Open the account")


def sign_in(app, name, password=PASSWORD):
    field(app, "Name").input(name)
    field(app, "Password").input(password)
    return press(app, "Sign in")


def texts(app):
    kinds = (app.markdown, app.caption, app.info, app.error, app.success, app.warning)
    return "\n".join(each.value for kind in kinds for each in kind)


def errors(app):
    # Without pytest's look into the elements, each of which holds the whole page.
    failed = [each.message for each in app.exception]
    assert failed == []
    return [each.value for each in app.error]


def test_opening_an_account(account, signer):
    register(account, "Ada.L")
    assert not errors(account)
    assert "Your account is open" in texts(account)
    assert "ada.l" in texts(account)
    shown = [each.value for each in account.code]
    known = signer.client.whoami(signer.token("ada.l"))
    assert known.address.text() in shown
    assert known.deposit_address.text() in shown
    assert not [each for each in account.text_input if each.value == PASSWORD]


@pytest.mark.parametrize(
    ("name", "password", "again", "said"),
    [
        ("x", PASSWORD, None, "Expected a name of 3 to 32 letters"),
        ("maker", "short", None, "Expected a password of 10 to 256"),
        ("maker", "aaaaaaaaaaaaaaa", None, "different characters"),
        ("maker", "maker maker maker 1", None, "without the name in it"),
        ("maker", PASSWORD, "plum tree gardens", "Expected the same password twice"),
    ],
)
def test_what_opening_refuses(account, signer, name, password, again, said):
    before = signer.client.status().accounts
    register(account, name, password, again)
    (error,) = errors(account)
    assert said in error
    assert signer.client.status().accounts == before
    assert field(account, "Choose a name").value == name


def test_leaving_the_page_of_an_export_forgets_it_too(home):
    open_tab(home, "Take the key along")
    export(home)
    home.switch_page("app_pages/portfolio.py").run()
    home.switch_page("app_pages/account.py").run()
    assert "account.export.file" not in home.session_state


def test_a_name_is_given_once(account, signer):
    signer.client.register("taken", PASSWORD)
    register(account, "Taken")
    assert "Somebody has this name already" in errors(account)[0]


def test_signing_in_and_out(account, signer):
    signer.client.register("trader", PASSWORD)
    sign_in(account, "trader", "plum tree")
    assert errors(account) == ["Refused. Name and password do not go together."]
    sign_in(account, "Trader")
    assert not errors(account)
    assert "You are signed in" in texts(account)
    account.button(key="identity.out").click().run()
    assert field(account, "Password").value == ""


def test_a_name_that_nobody_has_is_refused_alike(account, signer):
    sign_in(account, "nobody.at.all")
    assert errors(account) == ["Refused. Name and password do not go together."]


def test_guessing_is_slowed_down_and_says_for_how_long(account, signer):
    signer.client.register("target", PASSWORD)
    for _ in range(7):
        sign_in(account, "target", "a wrong guess")
    (error,) = errors(account)
    assert "Too many attempts. Wait" in error
    assert " s, then try again" in error
    sign_in(account, "target")
    assert "Wait" in errors(account)[0]


@pytest.fixture
def home(account, signer, request):
    """The page of an account of its own, signed in."""
    name = f"owner{abs(hash(request.node.name)) % 10**9}"
    signer.client.register(name, PASSWORD)
    app = sign_in(account, name)
    assert not errors(app)
    app.session_state["test.name"] = name
    return app


def name_of(app):
    return app.session_state["test.name"]


def test_what_was_signed_is_listed_and_comes_as_csv(home, signer, monkeypatch):
    files = []
    monkeypatch.setattr(
        "ui.panels.account_trail.st.download_button",
        lambda *_arguments, **options: files.append(options["data"]),
    )
    open_tab(home, "What was signed")
    assert not errors(home)
    rows = list(csv.DictReader(io.StringIO(files[-1]())))
    assert [row["What"] for row in rows][-2:] == ["signed in", "registered"]
    shown = [each.value for each in home.markdown if each.value.startswith("**")]
    assert shown[-len(rows) :] == [f"**{row['What'].capitalize()}**" for row in rows]
    assert any(row["Session"] in texts(home) for row in rows)


def test_sessions_are_listed_and_ended(home, signer):
    name = name_of(home)
    other = signer.token(name)
    open_tab(home, "Sessions")
    assert texts(home).count("Session** from") == 2  # registering opened one, too
    assert "This session** from" in texts(home)
    ended = [each for each in home.button if each.label == "End it"]
    ended[0].click().run()
    assert not errors(home)
    assert "That session has ended" in texts(home)
    press(home, "Sign out everywhere")
    assert "You are signed out everywhere" in texts(home)
    assert field(home, "Password")
    with pytest.raises(Exception, match="session"):
        signer.client.whoami(other)


def test_a_session_that_was_ended_elsewhere_is_said(home, signer):
    signer.client.sign_out_everywhere(signer.token(name_of(home)))
    home.run()
    assert "Your session has ended. Sign in again." in texts(home)
    assert field(home, "Password")


def test_changing_the_password(home, signer):
    name = name_of(home)
    other = signer.token(name)
    open_tab(home, "Password")

    def change(password, new, again):
        field(home, "Password now").input(password)
        field(home, "New password").input(new)
        field(home, "New password again").input(again)
        return press(home, "Change the password")

    change("not this one at all", NEW_PASSWORD, NEW_PASSWORD)
    assert "not the password" in errors(home)[0]
    change(PASSWORD, NEW_PASSWORD, "winter coat")
    assert "same password twice" in errors(home)[0]
    change(PASSWORD, "short", "short")
    assert "Expected a password" in errors(home)[0]
    change(PASSWORD, NEW_PASSWORD, NEW_PASSWORD)
    assert not errors(home)
    assert "Password changed" in texts(home)
    assert signer.token(name, NEW_PASSWORD)
    with pytest.raises(Exception, match="session"):
        signer.client.whoami(other)
    # And this session goes on.
    open_tab(home, "Sessions")
    assert "This session** from" in texts(home)


def test_limits_are_shown_and_set(home, signer):
    open_tab(home, "Daily limits")
    (table,) = home.dataframe
    symbol, address = table.value["Token"][0], table.value["Address"][0]
    assert symbol
    field(home, "New limit for 24 hours").input("12.5")
    home.selectbox[0].select_index(0)
    field(home, "Your password").input(PASSWORD)
    press(home, "Set the limit")
    assert not errors(home)
    limits = {each.token.text(): each for each in signer.client.limits(signer.token(name_of(home)))}
    limit = limits[address]
    assert int(limit.amount) * 2 == 25 * 10**limit.decimals
    assert home.dataframe[0].value["Limit for 24 hours"][0] == "12.5"
    # A higher one waits.
    field(home, "New limit for 24 hours").input("99")
    field(home, "Your password").input(PASSWORD)
    press(home, "Set the limit")
    assert home.dataframe[0].value["Limit for 24 hours"][0] == "12.5"
    assert home.dataframe[0].value["Asked for"][0].startswith("99 from ")


@pytest.mark.parametrize(
    ("amount", "password", "said"),
    [("ten", PASSWORD, "an amount such as"), ("5", "guess guess guess", "not the password")],
)
def test_what_limits_refuse(home, amount, password, said):
    open_tab(home, "Daily limits")
    field(home, "New limit for 24 hours").input(amount)
    field(home, "Your password").input(password)
    press(home, "Set the limit")
    assert said in errors(home)[0]


def export(app, *, understood=True, password=PASSWORD, passphrase=PASSPHRASE, again=None):
    if understood:
        app.checkbox[0].check()
    field(app, "Your password").input(password)
    field(app, "A passphrase for the file").input(passphrase)
    field(app, "The passphrase again").input(passphrase if again is None else again)
    return press(app, "Export the key")


def test_the_key_is_handed_out_once_and_encrypted(home, signer, monkeypatch):
    files = []
    monkeypatch.setattr(
        "ui.panels.account_leaving.st.download_button",
        lambda *_arguments, **options: files.append(options["data"]),
    )
    open_tab(home, "Take the key along")
    assert "owns the account" in home.warning[0].value
    export(home)
    assert not errors(home)
    key = bytes(Account.decrypt(json.loads(files[-1]), PASSPHRASE))
    address = signer.client.whoami(signer.token(name_of(home))).address.text()
    assert Account.from_key(key).address == address
    assert key.hex() not in texts(home) + str(home.session_state)
    press(home, "I have saved it")
    assert field(home, "Your password").value == ""
    assert "account.export.file" not in home.session_state


def test_an_export_is_forgotten_when_one_looks_elsewhere(home):
    open_tab(home, "Take the key along")
    export(home)
    assert "account.export.file" in home.session_state
    open_tab(home, "Sessions")
    assert "account.export.file" not in home.session_state


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"understood": False}, "Expected to have told"),
        ({"password": "guess guess guess"}, "not the password"),
        ({"passphrase": "short", "again": "short"}, "Expected a passphrase"),
        ({"again": "eleven yellow boat"}, "same passphrase twice"),
    ],
)
def test_what_the_export_refuses(home, options, said):
    open_tab(home, "Take the key along")
    export(home, **options)
    assert said in errors(home)[0]
    assert "account.export.file" not in home.session_state


def close(app, *, to="", name=None, password=PASSWORD):
    field(app, "Send what is in the wallet to (optional)").input(to)
    (typed,) = [each for each in app.text_input if each.label.startswith("Type the name")]
    typed.input(name_of(app) if name is None else name)
    field(app, "Your password").input(password)
    return press(app, "Close the account for good")


def test_closing_an_empty_account(home, signer):
    name = name_of(home)
    open_tab(home, "Close")
    close(home, name="somebody else")
    assert "Expected the name" in errors(home)[0]
    close(home, password="guess guess guess")
    assert "not the password" in errors(home)[0]
    close(home)
    assert not errors(home)
    assert "The account is closed." in texts(home)
    sign_in(home, name)
    assert errors(home) == ["Refused. Name and password do not go together."]


def test_money_left_is_not_closed_away_and_can_be_sent(home, signer, demo):
    address = signer.client.whoami(signer.token(name_of(home))).address.text()
    web3 = connect(demo.scene.chain.url)
    limit = signer.client.limits(signer.token(name_of(home)))[0]
    token = Token(web3, limit.token.text())
    holder, heir = demo.scene.cast.bidders[0], demo.scene.cast.treasury.address
    amount = 5 * 10**limit.decimals
    give(demo, token, holder, address, amount)
    open_tab(home, "Close")
    close(home)
    assert f"the wallet: 5 {limit.symbol}" in errors(home)[0]
    before = token.balance_of(heir)
    close(home, to=heir)
    assert not errors(home)
    assert "The account is closed." in texts(home)
    assert token.balance_of(heir) == before + amount
    assert token.balance_of(address) == 0


def give(demo, token, holder, to, amount):
    call = token.contract.functions.transfer(to, amount)
    built = call.build_transaction(
        {
            "from": holder.address,
            "nonce": token.contract.w3.eth.get_transaction_count(holder.address),
        }
    )
    web3 = token.contract.w3
    sent = web3.eth.send_raw_transaction(holder.sign_transaction(built).raw_transaction)
    assert web3.eth.wait_for_transaction_receipt(sent)["status"] == 1


def test_accounts_of_the_demo_have_nothing_to_set(account):
    act_as(account, "Ben")
    assert "account of this demo" in texts(account)
    assert [each for each in account.text_input if each.label == "Choose a name"]


def test_a_site_without_a_signer_says_so(account, monkeypatch):
    monkeypatch.delenv("GAVELBOOK_SIGNER_URL")
    account.run()
    assert "keeps no accounts" in texts(account)
    assert not account.text_input


def test_a_signer_that_does_not_answer(home, signer, monkeypatch):
    monkeypatch.setenv("GAVELBOOK_SIGNER_URL", "http://127.0.0.1:9")
    home.run()
    assert "does not answer" in texts(home)
    monkeypatch.setenv("GAVELBOOK_SIGNER_URL", signer.url)
    press(home, "Try again")
    assert name_of(home) in texts(home)
