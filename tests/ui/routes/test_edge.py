"""Who may ask the server of the pages, and what browsers are told."""

from __future__ import annotations

import asyncio
import re

import httpx
import pytest

from gavelbook.errors import GavelbookError
from tests.ui.routes.conftest import ORIGIN, application
from ui.routes.site import Site


def ask(method="GET", path="/", site=None, **headers):
    transport = httpx.ASGITransport(app=application(site))
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def send():
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            return await client.request(method, path, headers=named)

    return asyncio.run(send())


def directives(answer):
    policy = answer.headers["content-security-policy"]
    return dict(part.strip().partition(" ")[::2] for part in policy.split(";"))


def test_a_page_may_load_and_ask_nothing_elsewhere():
    answer = ask()
    rules = directives(answer)
    assert rules["default-src"] == "'none'"
    assert rules["frame-ancestors"] == "'none'"
    assert rules["object-src"] == "'none'"
    assert rules["connect-src"] == "'self'"
    assert "unsafe-inline" not in rules["script-src"]
    assert "'unsafe-eval'" not in rules["script-src"]
    assert re.search(r"'sha256-[A-Za-z0-9+/]{43}='", rules["script-src"])
    assert "//" not in answer.headers["content-security-policy"]


def test_every_answer_carries_the_headers():
    for answer in (ask(), ask(path="/nowhere"), ask(host="evil.example"), ask(path="/health")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_only_tls_is_promised_where_there_is_some():
    site = Site("http://127.0.0.1:8501")
    assert "strict-transport-security" not in ask(site=site, host="127.0.0.1:8501").headers


def test_pages_may_stream_from_an_exchange_elsewhere():
    site = Site(ORIGIN, "https://api.gavel.example/v1")
    assert directives(ask(site=site))["connect-src"] == (
        "'self' https://api.gavel.example wss://api.gavel.example"
    )


@pytest.mark.parametrize("host", ["evil.example", "gavel.example.evil.example", "gavel.example:1"])
def test_another_name_is_not_answered(host):
    """A name of the attacker's that leads here would make pages of the attacker our own."""
    answer = ask(host=host)
    assert answer.status_code == 403
    assert "a page" not in answer.text


def test_health_is_answered_under_any_name():
    assert ask(path="/health", host="10.0.0.7:8501").status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1:8501", "localhost:8501", "[::1]:8501"])
def test_a_loopback_has_several_names(host):
    assert ask(site=Site("http://127.0.0.1:8501"), host=host).status_code == 200


@pytest.mark.parametrize(
    ("origin", "fetch_site"),
    [
        ("https://evil.example", "cross-site"),
        ("https://evil.example", "same-origin"),
        ("https://sub.gavel.example", "same-site"),
        ("null", "cross-site"),
    ],
)
def test_pages_of_other_sites_change_nothing(origin, fetch_site):
    answer = ask("POST", origin=origin, sec_fetch_site=fetch_site)
    assert answer.status_code == 403


def test_own_pages_and_programs_may():
    assert ask(origin=ORIGIN, sec_fetch_site="same-origin").status_code == 200
    assert ask().status_code == 200


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH"])
@pytest.mark.parametrize(
    "path", ["/", "/_stcore/upload_file/session/file", "/_stcore/agent/interact"]
)
def test_nothing_is_taken_that_would_fill_the_memory(method, path):
    answer = ask(method, path, origin=ORIGIN, sec_fetch_site="same-origin")
    assert answer.status_code == 403
    assert "a page" not in answer.text


@pytest.mark.parametrize("url", ["gavel.example", "ftp://gavel.example", "https://"])
def test_what_is_no_url_of_a_site_is_refused(url):
    with pytest.raises(GavelbookError) as error:
        Site(url)
    assert error.value.code == "bad_url"
