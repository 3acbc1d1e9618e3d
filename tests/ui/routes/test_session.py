"""Cookies of those who stay signed in: how they come about, and who cannot get one."""

from __future__ import annotations

import json
from http.cookies import SimpleCookie

import httpx
import pytest

from gavelbook.service.session_tickets import SessionTickets
from tests.ui.routes.conftest import ORIGIN, application
from ui.routes.site import Site

TOKEN = "token-of-a-session"
OWN = {"origin": ORIGIN, "sec-fetch-site": "same-origin"}


@pytest.fixture
def tickets() -> SessionTickets:
    return SessionTickets()


def ask(app, method, headers, content=b"", *, kind="application/json", base=ORIGIN):
    """Ask as a browser would; what it is sent is returned."""
    transport = httpx.ASGITransport(app=app)

    async def send():
        async with httpx.AsyncClient(transport=transport, base_url=base) as client:
            given = {"content-type": kind, **headers}
            return await client.request(method, "/session", headers=given, content=content)

    import asyncio

    return asyncio.run(send())


def redeem(app, ticket, headers=OWN, **options):
    return ask(app, "POST", headers, json.dumps({"ticket": ticket}).encode(), **options)


def cookie_of(answer, name="__Host-gavelbook_session"):
    return SimpleCookie(answer.headers["set-cookie"])[name]


def test_a_ticket_becomes_a_cookie_that_no_script_can_read(tickets):
    answer = redeem(application(tickets=tickets), tickets.issue(TOKEN))
    assert answer.status_code == 204
    cookie = cookie_of(answer)
    assert cookie.value == TOKEN
    assert cookie["httponly"]
    assert cookie["secure"]
    assert cookie["samesite"] == "strict"
    assert (cookie["path"], cookie["domain"]) == ("/", "")
    assert tickets.cookie == "__Host-gavelbook_session"
    assert answer.headers["cache-control"] == "no-store"
    assert TOKEN not in answer.text


def test_without_tls_the_cookie_goes_by_http(tickets):
    site = Site("http://127.0.0.1:8501")
    answer = redeem(
        application(site, tickets),
        tickets.issue(TOKEN),
        {"origin": "http://localhost:8501"},
        base="http://localhost:8501",
    )
    assert answer.status_code == 204
    assert not cookie_of(answer, "gavelbook_session")["secure"]


def test_a_ticket_works_once(tickets):
    app, ticket = application(tickets=tickets), tickets.issue(TOKEN)
    assert redeem(app, ticket).status_code == 204
    again = redeem(app, ticket)
    assert again.status_code == 400
    assert "set-cookie" not in again.headers


def test_a_ticket_is_soon_too_old():
    time = [0.0]
    tickets = SessionTickets(lambda: time[0])
    ticket = tickets.issue(TOKEN)
    time[0] = 61
    assert redeem(application(tickets=tickets), ticket).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": ORIGIN.replace("https", "http")},
        {"origin": f"{ORIGIN}.evil.example"},
        {"origin": ORIGIN, "sec-fetch-site": "same-site"},
        {"origin": ORIGIN, "sec-fetch-site": "none"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_pages_of_other_sites_set_and_clear_nothing(tickets, headers, method):
    """Nobody is signed in to the account of an attacker, and nobody is signed out."""
    ticket = tickets.issue(TOKEN)
    content = json.dumps({"ticket": ticket}).encode()
    answer = ask(application(tickets=tickets), method, headers, content)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert tickets.redeem(ticket) == TOKEN


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b'{"ticket": 1}',
        b'{"ticket": "unknown"}',
        b'{"ticket": "x", "token": "mine"}',
        b'{"ticket": "' + b"x" * 600 + b'"}',
        b"\xff\xfe",
    ],
)
def test_nobody_chooses_a_session_of_their_own(tickets, content):
    tickets.issue(TOKEN)
    answer = ask(application(tickets=tickets), "POST", OWN, content)
    assert answer.status_code == 400
    assert "set-cookie" not in answer.headers


def test_a_form_cannot_ask(tickets):
    ticket = tickets.issue(TOKEN)
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        assert redeem(application(tickets=tickets), ticket, kind=kind).status_code == 415


def test_signing_out_clears_the_cookie(tickets):
    answer = ask(application(tickets=tickets), "DELETE", OWN)
    assert answer.status_code == 204
    cookie = cookie_of(answer)
    assert cookie.value == ""
    assert cookie["max-age"] == "0"
    assert cookie["httponly"]


def test_a_session_cannot_be_asked_for(tickets):
    tickets.issue(TOKEN)
    answer = ask(application(tickets=tickets), "GET", OWN)
    assert answer.status_code == 405
    assert TOKEN not in answer.text
