"""Signing in: messages for another place, time or person are refused, and tokens are secrets."""

from __future__ import annotations

import pickle
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from eth_account.messages import encode_defunct
from hypothesis import given
from hypothesis import strategies as st

from gavelbook.api.errors import RequestError
from gavelbook.api.nonces import Nonces
from gavelbook.api.sessions import Sessions
from gavelbook.api.settings import ApiSettings
from tests.api.running import CHAIN_ID, trader
from tests.hand_clock import HandClock

if TYPE_CHECKING:
    from pathlib import Path

    import httpx
    from eth_account.signers.local import LocalAccount

    from gavelbook.client import Client

TRADER = trader("who signs in")
ACCOUNT = bytes.fromhex(TRADER.address[2:])
START = 1_790_000_000.0


@pytest.fixture
def clock() -> HandClock:
    return HandClock(START)


@pytest.fixture
def settings() -> ApiSettings:
    return ApiSettings(public_url="https://trade.example:8443", sessions_per_account=3)


@pytest.fixture
def sessions(settings: ApiSettings, clock: HandClock) -> Sessions:
    return Sessions(settings, CHAIN_ID, None, clock)


def sign(message: str, account: LocalAccount = TRADER) -> bytes:
    return bytes(account.sign_message(encode_defunct(text=message)).signature)


def refused(sessions: Sessions, message: str, account: LocalAccount = TRADER) -> dict[str, object]:
    with pytest.raises(RequestError) as caught:
        sessions.open(message, sign(message, account))
    return {"code": caught.value.code, **caught.value.details}


def test_a_signed_message_opens_a_session(sessions: Sessions, clock: HandClock) -> None:
    _, message, expires = sessions.message_for(ACCOUNT)
    assert expires == START + 300
    token, session = sessions.open(message, sign(message))
    assert session.account == ACCOUNT
    assert sessions.account_of(token) == ACCOUNT
    clock.now += 86_399
    assert sessions.account_of(token) == ACCOUNT
    clock.now += 1
    assert sessions.account_of(token) is None


def test_a_nonce_works_once(sessions: Sessions) -> None:
    _, message, _ = sessions.message_for(ACCOUNT)
    sessions.open(message, sign(message))
    assert refused(sessions, message)["field"] == "nonce"


def test_nobody_else_uses_up_a_nonce(sessions: Sessions) -> None:
    _, message, _ = sessions.message_for(ACCOUNT)
    assert refused(sessions, message, trader("thief"))["field"] == "signature"
    assert sessions.open(message, sign(message))


def test_a_nonce_is_of_one_account(sessions: Sessions) -> None:
    thief = trader("thief")
    nonce, _, _ = sessions.message_for(ACCOUNT)
    own_nonce, own_message, _ = sessions.message_for(bytes.fromhex(thief.address[2:]))
    assert refused(sessions, own_message.replace(own_nonce, nonce), thief)["field"] == "nonce"


def test_a_nonce_that_nobody_gave_out(sessions: Sessions) -> None:
    nonce, message, _ = sessions.message_for(ACCOUNT)
    assert refused(sessions, message.replace(nonce, "f" * 32))["field"] == "nonce"


def test_a_nonce_expires(sessions: Sessions, clock: HandClock) -> None:
    _, message, _ = sessions.message_for(ACCOUNT)
    clock.now += 300
    assert refused(sessions, message)["field"] == "nonce"


@pytest.mark.parametrize(
    ("field", "was", "becomes"),
    [
        ("domain", "trade.example:8443 wants", "evil.example wants"),
        ("uri", "URI: https://trade.example:8443", "URI: https://evil.example"),
        ("chain_id", f"Chain ID: {CHAIN_ID}", "Chain ID: 1"),
        ("scheme", "trade.example:8443 wants", "https://trade.example:8443 wants"),
        ("issued_at", "Issued At: 2026", "Issued At: 2025"),
        ("issued_at", "Issued At: 2026", "Issued At: 2027"),
        ("expiration_time", "Expiration Time: 2026", "Expiration Time: 2025"),
    ],
)
def test_a_message_for_another_place_or_time(
    sessions: Sessions, field: str, was: str, becomes: str
) -> None:
    _, message, _ = sessions.message_for(ACCOUNT)
    assert was in message
    problem = refused(sessions, message.replace(was, becomes))
    assert (problem["code"], problem["field"]) == ("bad_sign_in", field)


def test_a_message_that_begins_later(sessions: Sessions) -> None:
    _, message, _ = sessions.message_for(ACCOUNT)
    later = f"{message}\nNot Before: 2026-12-31T00:00:00Z"
    assert refused(sessions, later)["field"] == "not_before"


def test_the_session_ends_when_the_message_says(sessions: Sessions, clock: HandClock) -> None:
    _, message, _ = sessions.message_for(ACCOUNT)
    start, _, end = message.partition("Expiration Time: ")
    sooner = f"{start}Expiration Time: {end[:11]}10:00:00Z"
    token, session = sessions.open(sooner, sign(sooner))
    assert session.expires < START + 86_400
    clock.now = session.expires
    assert sessions.account_of(token) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _message: "",
        lambda _message: "hello",
        lambda message: message + "\n",
        lambda message: message.replace("\n", "\r\n"),
        lambda message: message.replace("Version: 1", "Version: 2"),
        lambda message: message.replace("Nonce", "nonce"),
        lambda message: message.replace(TRADER.address, TRADER.address.lower()),
        lambda message: message.replace("Sign in", "Sign in\nand out"),
        lambda message: "\ud800" + message,
        lambda message: message * 2,
    ],
)
def test_what_is_no_message(sessions: Sessions, spoil: object) -> None:
    _, message, _ = sessions.message_for(ACCOUNT)
    with pytest.raises(RequestError) as caught:
        sessions.open(spoil(message), sign(message))
    assert caught.value.code == "malformed_message"


@pytest.mark.parametrize("signature", [b"", b"\0" * 65, b"\xff" * 65, b"\x01" * 64])
def test_what_is_no_signature(sessions: Sessions, signature: bytes) -> None:
    _, message, _ = sessions.message_for(ACCOUNT)
    with pytest.raises(RequestError) as caught:
        sessions.open(message, signature)
    assert caught.value.details["field"] == "signature"


def test_any_number_of_nonces_takes_no_place(sessions: Sessions) -> None:
    _, message, _ = sessions.message_for(ACCOUNT)
    before = len(pickle.dumps(sessions._nonces._used))
    for _ in range(1_000):
        sessions.message_for(bytes(20))
    assert len(pickle.dumps(sessions._nonces._used)) == before
    assert sessions.open(message, sign(message))


def test_used_nonces_are_forgotten_with_their_time(sessions: Sessions, clock: HandClock) -> None:
    for _ in range(5):
        _, message, _ = sessions.message_for(ACCOUNT)
        sessions.open(message, sign(message))
        clock.now += 301
    assert len(sessions._nonces._used) == 1


@given(st.text("0123456789abcdefABCDEF gz", max_size=70))
def test_what_is_no_nonce(nonce: str) -> None:
    assert not Nonces(300, lambda: START).is_good(nonce, ACCOUNT)


def test_rotation_ends_the_old_token(sessions: Sessions) -> None:
    _, message, _ = sessions.message_for(ACCOUNT)
    old, first = sessions.open(message, sign(message))
    new, second = sessions.rotate(old)
    assert sessions.account_of(old) is None
    assert sessions.account_of(new) == ACCOUNT
    assert second.expires == first.expires


def test_signing_out_ends_it(sessions: Sessions) -> None:
    _, message, _ = sessions.message_for(ACCOUNT)
    token, _ = sessions.open(message, sign(message))
    sessions.close(token)
    assert sessions.account_of(token) is None


def test_an_account_has_a_few_sessions_and_the_oldest_goes(sessions: Sessions) -> None:
    tokens = []
    for _ in range(4):
        _, message, _ = sessions.message_for(ACCOUNT)
        tokens.append(sessions.open(message, sign(message))[0])
    assert [sessions.account_of(token) is not None for token in tokens] == [
        False,
        True,
        True,
        True,
    ]


def test_a_file_keeps_sessions_but_no_token(
    settings: ApiSettings, clock: HandClock, tmp_path: Path
) -> None:
    path = tmp_path / "sessions.sqlite"
    sessions = Sessions(settings, CHAIN_ID, path, clock)
    _, message, _ = sessions.message_for(ACCOUNT)
    token, _ = sessions.open(message, sign(message))
    with closing(sqlite3.connect(path)) as database:
        dump = "\n".join(database.iterdump())
    assert token not in dump
    assert token.removeprefix("gavelbook_") not in dump
    assert ACCOUNT.hex() in dump.lower()
    sessions.end()
    again = Sessions(settings, CHAIN_ID, path, clock)
    assert again.account_of(token) == ACCOUNT
    again.end()
    clock.now += 86_400
    late = Sessions(settings, CHAIN_ID, path, clock)
    assert late.account_of(token) is None


class TestOverHttp:
    def test_signing_in_and_out(self, http: httpx.Client, maker: Client) -> None:
        session = maker.sign_in()
        headers = {"authorization": f"Bearer {session.token}"}
        path = f"/v1/accounts/{maker.address}/balances"
        assert http.get(path, headers=headers).status_code == 200
        rotated = http.post("/v1/session/rotate", headers=headers).json()["token"]
        assert http.get(path, headers=headers).json()["code"] == "unknown_session"
        headers = {"authorization": f"Bearer {rotated}"}
        assert http.get(path, headers=headers).status_code == 200
        out = http.delete("/v1/session", headers=headers)
        assert (out.status_code, out.content) == (204, b"")
        assert http.get(path, headers=headers).status_code == 401

    def test_a_token_that_an_attacker_chose_is_none(
        self, http: httpx.Client, maker: Client
    ) -> None:
        """Session fixation: a token is made here and for whoever signed, never taken over."""
        chosen = {"authorization": "Bearer gavelbook_chosen"}
        nonce = http.post("/v1/session/nonce", json={"account": str(maker.address)}).json()
        signer = maker.run(maker.calls.ready_signer())
        signed = {
            "message": nonce["message"],
            "signature": str(signer.text(nonce["message"])),
        }
        answer = http.post("/v1/session", json=signed, headers=chosen)
        assert answer.json()["token"] != "gavelbook_chosen"
        path = f"/v1/accounts/{maker.address}/balances"
        assert http.get(path, headers=chosen).status_code == 401

    @pytest.mark.parametrize(
        "header", ["", "Bearer", "Basic dTpw", "Bearer a b", "bearer x", "Bearer é"]
    )
    def test_what_is_no_token(self, http: httpx.Client, maker: Client, header: str) -> None:
        answer = http.get(
            f"/v1/accounts/{maker.address}/balances",
            headers={"authorization": header.encode("latin-1")},
        )
        assert answer.status_code == 401

    def test_a_cookie_is_nothing(self, http: httpx.Client, maker: Client) -> None:
        token = maker.sign_in().token
        answer = http.get(
            f"/v1/accounts/{maker.address}/balances",
            headers={"cookie": f"session={token}; token={token}"},
        )
        assert answer.status_code == 401
