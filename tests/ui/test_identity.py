"""Who the visitor of a session is: the bar, the cookie, and that nobody becomes somebody else."""

import contextlib
import socket
import time

import pytest
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from gavelbook.errors import GavelbookError
from gavelbook.service.acting import AccountKind, Actor
from gavelbook.service.session_tickets import COOKIE, TICKETS, SessionTickets
from tests.accounts.conftest import anvil_url, chain, records, shared_stage, stage, user, world
from ui import identity_state

__all__ = ["anvil_url", "chain", "records", "shared_stage", "stage", "user", "world"]


def script():
    import streamlit as st

    from ui.identity import adopt_managed, current_actor, identity_bar, require_actor, sign_out

    identity_bar()
    token = st.text_input("Token", key="token")
    if st.button("Enter", key="enter"):
        adopt_managed(token)
        st.rerun()
    if st.button("Leave", key="leave"):
        sign_out()
        st.rerun()
    require_actor("To go on, say who you are.")
    actor = current_actor()
    st.text(f"{actor.kind} {actor.name}" if actor else "nobody")


@pytest.fixture
def site(world, monkeypatch):
    """The settings of a site with accounts and a chain for demos."""
    monkeypatch.setenv("GAVELBOOK_RPC_URL", world.chain.stage.web3.provider.endpoint_uri)
    monkeypatch.setenv("GAVELBOOK_SIGNER_URL", world.url)
    monkeypatch.setenv("GAVELBOOK_SIGNER_KEY_FILE", str(world.key_file))
    monkeypatch.setenv("GAVELBOOK_DEMO_ACCOUNTS", "1")
    return world


@pytest.fixture
def browser(monkeypatch):
    """The cookies that a browser came with, to be set by the test."""
    cookies = {}
    monkeypatch.setattr(ContextProxy, "cookies", property(lambda _: dict(cookies)))
    return cookies


@pytest.fixture
def session(site, browser):
    return AppTest.from_function(script, default_timeout=60)


def who(app):
    assert [each.message for each in app.exception] == []
    return app.text[0].value


def task(app):
    return app.session_state["identity"].task


def enter(app, token):
    app.text_input(key="token").set_value(str(token)).run()
    return app.button(key="enter").click().run()


def ended(world, token):
    with pytest.raises(GavelbookError) as refused:
        world.client.whoami(token)
    return refused.value.code == "unknown_session"


def test_nobody_is_somebody_at_first(session):
    session.run()
    assert who(session) == "nobody"
    assert "try a demo account, sign in or connect your own wallet" in session.info[0].value
    keys = [button.key for button in session.button]
    assert "identity.demo.Ada" in keys
    assert "identity.out" not in keys


def test_a_demo_account_is_chosen_changed_and_left(session):
    session.run()
    session.button(key="identity.demo.Ada").click().run()
    assert who(session) == "demo Ada"
    assert session.code[0].value.startswith("0x")
    assert "Its key is public" in session.caption[0].value
    session.button(key="identity.demo.Ben").click().run()
    assert who(session) == "demo Ben"
    session.button(key="identity.out").click().run()
    assert who(session) == "nobody"


def test_where_there_are_no_demo_accounts_none_are_offered(session, monkeypatch):
    monkeypatch.setenv("GAVELBOOK_DEMO_ACCOUNTS", "0")
    session.run()
    assert not [each for each in session.button if (each.key or "").startswith("identity.demo")]


def test_a_chain_that_is_away_leaves_the_bar_in_place(session, monkeypatch):
    monkeypatch.setenv("GAVELBOOK_RPC_URL", "http://127.0.0.1:9")
    session.run()
    assert who(session) == "nobody"


def test_a_sign_in_lasts_over_a_reload(session, user, browser, site):
    session.run()
    enter(session, user.token)
    assert who(session) == f"managed {user.name}"
    browser[COOKIE] = TICKETS.redeem(task(session).ticket)
    assert browser[COOKIE] == user.token
    reloaded = AppTest.from_function(script, default_timeout=60).run()
    assert who(reloaded) == f"managed {user.name}"
    assert task(reloaded) is None


def test_the_token_itself_is_shown_to_no_script(session, user):
    session.run()
    enter(session, user.token)
    session.text_input(key="token").set_value("").run()
    for each in session.get("bidi_component"):
        assert str(user.token) not in str(each.proto)


def test_a_ticket_is_good_once_and_for_a_minute():
    clock = [0.0]
    tickets = SessionTickets(lambda: clock[0])
    first, second = tickets.issue("token"), tickets.issue("token")
    assert first != second
    assert tickets.redeem(first) == "token"
    assert tickets.redeem(first) is None
    clock[0] = 60.0
    assert tickets.redeem(second) is None
    assert tickets.redeem("made up") is None


def test_a_sign_out_ends_the_session_everywhere(session, user, browser, site):
    browser[COOKIE] = str(user.token)
    session.run()
    assert who(session) == f"managed {user.name}"
    session.button(key="leave").click().run()
    assert who(session) == "nobody"
    assert ended(site, user.token)
    assert task(session).ticket is None
    # The browser's first request named the cookie for good: it is not looked at again.
    session.run()
    assert who(session) == "nobody"
    # And where the browser could not drop it, it opens nothing any more.
    assert who(AppTest.from_function(script, default_timeout=60).run()) == "nobody"


@pytest.mark.parametrize("value", ["made-up", " ", "line\nbreak", "ünknown", "x" * 10_000])
def test_a_cookie_that_opens_nothing_is_dropped(session, browser, value):
    browser[COOKIE] = value
    session.run()
    assert who(session) == "nobody"
    assert task(session) is not None
    assert task(session).ticket is None


def test_a_planted_cookie_is_never_the_session_of_who_signs_in(session, browser, site):
    planted, mine = site.user(tokens=0), site.user(tokens=0)
    browser[COOKIE] = str(planted.token)
    session.run()
    enter(session, mine.token)
    assert who(session) == f"managed {mine.name}"
    assert TICKETS.redeem(task(session).ticket) == mine.token
    assert ended(site, planted.token)
    for _ in range(2):
        session.run()
        assert who(session) == f"managed {mine.name}"


def test_a_cookie_set_later_changes_nobody(session, browser, site, user):
    session.run()
    session.button(key="identity.demo.Ada").click().run()
    browser[COOKIE] = str(user.token)
    session.run()
    assert who(session) == "demo Ada"


def test_two_sessions_are_two_people(site, browser):
    first, second = site.user(tokens=0), site.user(tokens=0)
    apps = []
    for each in (first, second):
        app = AppTest.from_function(script, default_timeout=60).run()
        enter(app, each.token)
        apps.append(app)
    for app, each in zip(apps, (first, second), strict=True):
        app.run()
        assert who(app) == f"managed {each.name}"
        assert each.address in [code.value for code in app.code]


def test_what_somebody_asked_and_got_is_seen_by_nobody_after(session, user, site):
    """A computer in a library: the next one signs in at the same page."""
    session.run()
    enter(session, user.token)
    kept = ("account.export.file", "portfolio.send.asked", "market.seen.0x.1", "notices")
    for name in kept:
        session.session_state[name] = "of the first one"
    session.run()
    assert all(name in session.session_state for name in kept)
    other = site.user(tokens=0)
    enter(session, other.token)
    assert who(session) == f"managed {other.name}"
    assert [name for name in kept if name in session.session_state] == []


def test_a_session_ended_elsewhere_is_noticed(session, user, site, monkeypatch):
    session.run()
    enter(session, user.token)
    site.client.sign_out_everywhere(user.token)
    monkeypatch.setattr(identity_state, "_CHECK_SECONDS", 0.0)
    time.sleep(0.01)
    session.run()
    assert who(session) == "nobody"


def test_an_operator_whose_session_was_ended_is_none_any_more(user, site, browser, monkeypatch):
    """In a tab that stays open, where only a part of the page runs again."""

    def figures():
        import streamlit as st

        from ui.operator_access import is_operator

        st.text(str(is_operator(None)))

    monkeypatch.setenv("GAVELBOOK_OPERATORS", user.address)
    monkeypatch.setattr(identity_state, "_CHECK_SECONDS", -1.0)
    app = AppTest.from_function(figures, default_timeout=60)
    actor = Actor(user.name, user.address, AccountKind.MANAGED, str(user.token))
    app.session_state["identity"] = identity_state.Identity(actor=actor, cookie_seen=True)
    assert who(app.run()) == "True"
    site.client.sign_out_everywhere(user.token)
    assert who(app.run()) == "False"


def test_a_signer_that_is_away_ends_nothing(session, user, site, browser, monkeypatch):
    browser[COOKIE] = str(user.token)
    session.run()
    monkeypatch.setattr(identity_state, "_CHECK_SECONDS", 0.0)
    monkeypatch.setenv("GAVELBOOK_SIGNER_URL", "http://127.0.0.1:9")
    session.run()
    assert who(session) == f"managed {user.name}"
    assert task(session) is None


def test_who_signs_in_after_a_demo_account_is_that_person(session, user):
    session.run()
    session.button(key="identity.demo.Eva").click().run()
    enter(session, user.token)
    assert who(session) == f"managed {user.name}"


@contextlib.contextmanager
def hung_signer():
    """A signer that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_a_hung_signer_holds_a_page_for_seconds_only_and_is_asked_again(
    session, browser, site, user, monkeypatch
):
    browser[COOKIE] = str(user.token)
    with hung_signer() as url, monkeypatch.context() as patch:
        patch.setenv("GAVELBOOK_SIGNER_URL", url)
        began = time.monotonic()
        session.run()
        assert time.monotonic() - began < 10
        assert who(session) == "nobody"
        assert any("does not answer" in each.value for each in session.caption)
        assert task(session) is None
        began = time.monotonic()
        session.run()
        assert time.monotonic() - began < 2
    monkeypatch.setattr(identity_state, "RETRY_SECONDS", 0)
    session.run()
    assert who(session) == f"managed {user.name}"
    assert not any("does not answer" in each.value for each in session.caption)
