"""Doing what was asked once, and saying what became of it."""

import pytest
from streamlit.testing.v1 import AppTest

from gavelbook.service.demo_signer import DemoSigner
from tests.chain.conftest import anvil_url, shared_stage, stage
from ui.panels import notices

__all__ = ["anvil_url", "shared_stage", "stage"]


def script():
    import streamlit as st

    from gavelbook.errors import GavelbookError
    from gavelbook.service.acting import SendTransaction
    from ui.desk import open_desk
    from ui.identity import identity_bar
    from ui.panels.notices import run_action, show_notice

    identity_bar()

    def send(tokens):
        from gavelbook.chain.token import Token

        token = Token(open_desk().web3, st.session_state["test.token"])
        if tokens > 100:
            raise GavelbookError("too_many", "Expected at most 100, was more")
        return (yield SendTransaction("Send", token.approve(token.address, tokens)))

    amount = int(st.number_input("Amount", value=1, step=1, key="amount"))
    if st.button("Send", key="send"):
        run_action("test", lambda: send(amount), f"Sent {amount}.", key=str(amount))
    show_notice("test")


@pytest.fixture
def page(shared_stage, monkeypatch, tmp_path):
    monkeypatch.setenv("GAVELBOOK_RPC_URL", shared_stage.web3.provider.endpoint_uri)
    monkeypatch.setenv("GAVELBOOK_DEPLOYMENTS", str(tmp_path))
    monkeypatch.setenv("GAVELBOOK_DEMO_ACCOUNTS", "1")
    app = AppTest.from_function(script, default_timeout=60)
    app.session_state["test.token"] = shared_stage.paid.address
    app.run()
    return app.button(key="identity.demo.Ada").click().run()


@pytest.fixture
def sent(shared_stage):
    """Counts the transactions of Ada."""
    ada = DemoSigner(shared_stage.web3, enabled=True).actors[0].address
    shared_stage.request("anvil_setBalance", [ada, hex(10**20)])
    start = shared_stage.web3.eth.get_transaction_count(ada)
    return lambda: shared_stage.web3.eth.get_transaction_count(ada) - start


def send(page):
    page.button(key="send").click().run()
    assert [each.message for each in page.exception] == []
    return page


def said(page):
    return [each.value for kind in (page.success, page.error, page.caption) for each in kind]


def test_an_action_is_done_and_its_transaction_is_shown(page, sent):
    send(page)
    assert page.success[0].value == "Sent 1."
    assert page.code[-1].value.startswith("0x")
    assert sent() == 1


def test_a_second_click_is_not_a_second_transaction(page, sent):
    send(page)
    send(page)
    assert sent() == 1
    assert page.success[0].value == "Sent 1."
    assert "You asked for the same twice within a moment: it was done once." in said(page)


def test_something_else_is_done_at_once(page, sent):
    send(page)
    page.number_input(key="amount").set_value(2)
    send(page)
    assert sent() == 2
    assert page.success[0].value == "Sent 2."


def test_the_same_is_done_again_after_a_moment(page, sent, monkeypatch):
    send(page)
    monkeypatch.setattr(notices, "_MOMENT_SECONDS", 0.0)
    send(page)
    assert sent() == 2
    assert not any("twice" in each for each in said(page))


def test_a_click_that_ends_the_script_loses_no_result(page, sent, monkeypatch):
    """A second click stops the script at its next call of Streamlit, right after the action."""
    from streamlit.runtime.scriptrunner import RerunData, RerunException

    spinner = notices.st.spinner

    clicks = [1]

    class Interrupted:
        def __init__(self, *words):
            self.inner = spinner(*words)

        def __enter__(self):
            return self.inner.__enter__()

        def __exit__(self, *error):
            self.inner.__exit__(*error)
            if clicks:
                clicks.pop()
                raise RerunException(RerunData(query_string="", page_script_hash=""))

    monkeypatch.setattr(notices.st, "spinner", Interrupted)
    send(page)
    assert not clicks
    assert sent() == 1
    page.run()
    assert page.success[0].value == "Sent 1."


def test_a_refusal_says_why_and_what_did_not_happen(page, sent):
    page.number_input(key="amount").set_value(101)
    send(page)
    assert page.error[0].value == "Refused. Expected at most 100, was more."
    assert sent() == 0


def test_nobody_does_nothing(page, sent):
    page.button(key="identity.out").click().run()
    send(page)
    assert "Say who you are first" in page.error[0].value
    assert sent() == 0


def test_what_one_was_told_is_not_told_to_the_next(page, sent):
    send(page)
    page.button(key="identity.demo.Ben").click().run()
    assert not page.success
    page.button(key="identity.demo.Ada").click().run()
    assert not page.success
