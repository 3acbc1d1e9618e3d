"""Thieves: with the web process's key, with another's session, with a page in a browser."""

import logging
import os
import stat

import httpx
import pytest

from gavelbook.accounts.client import ACCESS_KEY_HEADER, AccountsClient
from gavelbook.accounts.errors import AccountsError
from gavelbook.accounts.operations import OPERATIONS
from tests.accounts.conftest import code_of
from tests.accounts.signer_world import PASSWORD, WHOLE, stranger
from tests.accounts.test_life import permit, send

pytestmark = pytest.mark.anvil

OF_SESSION = [each for each in OPERATIONS if each.of_session is not None]
A_REQUEST = "0" * 32


@pytest.fixture
def key(world):
    return world.key_file.read_text().strip()


@pytest.fixture(scope="module")
def victim(world):
    """Somebody to whom nothing happens here."""
    return world.user(tokens=0)


def ask(world, method, path, key=None, token=None, headers=(), **content):
    sent = dict(headers)
    if key is not None:
        sent[ACCESS_KEY_HEADER] = key
    if token is not None:
        sent["authorization"] = f"Bearer {token}"
    return httpx.request(method, world.url + path, headers=sent, timeout=20, **content)


def body_of(operation):
    """A body that would do, whoever asks."""
    bodies = {
        "NewPassword": {"password": PASSWORD, "newPassword": "another good password"},
        "ExportRequest": {
            "password": PASSWORD, "passphrase": "a passphrase of mine", "understood": True,
        },
        "CloseRequest": {"password": PASSWORD},
        "TypedData": {"typedData": {}},
        "Text": {"text": "hello"},
        "Transaction": {
            "to": stranger(), "data": "0x", "value": "0", "requestId": A_REQUEST,
        },
        "TransferRequest": {"token": stranger(), "amount": "1", "to": stranger()},
        "Confirmation": {"password": PASSWORD},
        "NewLimit": {"token": stranger(), "amount": "1", "password": PASSWORD},
    }  # fmt: skip
    return None if operation.body is None else bodies[operation.body.__name__]


def call(world, operation, **options):
    path = operation.path.replace("{session_id}", "0" * 16).replace("{transfer_id}", "0" * 32)
    content = body_of(operation)
    options = options | ({} if content is None else {"json": content})
    return ask(world, operation.method, path, **options)


# A stolen web process


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: f"{each.method} {each.path}")
def test_nobody_comes_in_without_the_access_key(world, operation):
    if operation.path == "/v1/accounts" or operation.of_session is None:
        answer = ask(world, operation.method, operation.path, json={})
    else:
        answer = call(world, operation)
    assert (answer.status_code, answer.json()["code"]) == (401, "access_key_required")


@pytest.mark.parametrize("wrong", ["", "x", "x" * 43, "x" * 9_000])
def test_a_wrong_access_key_is_none(world, wrong):
    answer = ask(world, "GET", "/v1/status", key=wrong)
    assert answer.json()["code"] == "access_key_required"


@pytest.mark.parametrize("operation", OF_SESSION, ids=lambda each: f"{each.method} {each.path}")
def test_a_stolen_access_key_alone_does_nothing_for_a_user(world, key, victim, operation):
    before = victim.trail()
    for token in (None, "gavelbook_guess", "x" * 500):
        answer = call(world, operation, key=key, token=token)
        assert answer.status_code == 401
        assert answer.json()["code"] in {"session_required", "unknown_session"}
    assert victim.trail() == before


def test_a_session_is_not_named_by_its_id(world, user):
    (session,) = world.client.sessions(user.token)
    assert code_of(world.client.whoami, session.id) == "unknown_session"


# Another user


def test_a_user_reads_and_does_nothing_of_another(world, chain):
    victim, thief = world.user(), world.user()
    to = stranger()
    asked = victim.client.ask_transfer(victim.token, chain.stage.paid.address, to, WHOLE)
    (session,) = victim.client.sessions(victim.token)
    client = world.client
    confirm = client.confirm_transfer
    assert code_of(confirm, thief.token, asked.id, PASSWORD) == "transfer_unknown"
    assert code_of(client.drop_transfer, thief.token, asked.id) == "transfer_unknown"
    assert code_of(client.revoke, thief.token, session.id) == "session_unknown"
    assert client.transfers(thief.token) == []
    assert {entry.kind for entry in client.audit_trail(thief.token).entries} == {"registered"}
    assert client.whoami(victim.token).name == victim.name
    typed = chain.stage.paid.permit_typed_data(
        victim.address, chain.exchange.address, WHOLE, chain.stage.now() + 100
    )
    assert code_of(client.sign_typed_data, thief.token, typed) == "account_not_own"
    deposit = chain.exchange.deposit_for(victim.address, chain.stage.paid.address, 1)
    assert code_of(send, thief, deposit) == "account_not_own"


def test_one_users_request_id_is_nothing_to_another(world, chain):
    first, second = world.user(), world.user()
    request_id = "a" * 32
    approve = chain.stage.paid.approve(chain.exchange.address, 5)
    hashes = {send(each, approve, request_id=request_id) for each in (first, second)}
    assert len(hashes) == 2
    assert chain.stage.paid.allowance(second.address, chain.exchange.address) == 5


# Replay and fixation


def test_the_same_request_is_sent_once_and_another_is_refused(world, chain, user):
    request_id = "b" * 32
    approve = chain.stage.paid.approve(chain.exchange.address, 5)
    first = send(user, approve, request_id=request_id)
    assert send(user, approve, request_id=request_id) == first
    assert chain.web3.eth.get_transaction_count(user.address) == 1
    other = chain.stage.paid.approve(chain.exchange.address, 6)
    assert code_of(send, user, other, request_id=request_id) == "request_id_reused"


def test_a_session_is_never_the_one_somebody_brings(world, user):
    planted = "gavelbook_" + "A" * 43
    signed_in = world.client.sign_in(user.name, PASSWORD)
    assert signed_in.token not in {planted, user.token}
    assert code_of(world.client.whoami, planted) == "unknown_session"
    body = {"name": user.name, "password": PASSWORD, "token": planted}
    answer = ask(world, "POST", "/v1/sessions", key=world.key_file.read_text().strip(), json=body)
    assert answer.json()["code"] == "malformed_body"


def test_a_session_that_was_ended_stays_so(world, user):
    other = world.client.sign_in(user.name, PASSWORD).token
    world.client.sign_out(other)
    assert code_of(world.client.whoami, other) == "unknown_session"
    third = world.client.sign_in(user.name, PASSWORD).token
    world.client.revoke(user.token, world.client.sessions(third)[0].id)
    assert code_of(world.client.whoami, third) == "unknown_session"
    world.client.sign_out_everywhere(user.token)
    assert code_of(world.client.whoami, user.token) == "unknown_session"


def test_a_new_password_ends_every_session_and_the_old_password(world, user):
    other = world.client.sign_in(user.name, PASSWORD).token
    change = world.client.change_password
    assert code_of(change, user.token, "not the password", "another good one") == "password_wrong"
    assert code_of(change, user.token, PASSWORD, "short") == "password_weak"
    fresh = change(user.token, PASSWORD, "another good one").token
    for old in (other, user.token):
        assert code_of(world.client.whoami, old) == "unknown_session"
    assert world.client.whoami(fresh).name == user.name
    assert code_of(world.client.sign_in, user.name, PASSWORD) == "sign_in_failed"
    assert world.client.sign_in(user.name, "another good one").account.name == user.name


# A page in a browser


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://127.0.0.1:8200"},
        {"origin": "null"},
        {"origin": ""},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
    ],
)
def test_browsers_are_refused_whatever_else_they_bring(world, key, victim, headers):
    for path in ("/v1/account", "/health"):
        answer = ask(world, "GET", path, key=key, token=victim.token, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "foreign_origin")
    answer = ask(world, "OPTIONS", "/v1/account", headers=headers)
    assert answer.status_code == 403
    assert not any(name.startswith("access-control") for name in answer.headers)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8200", "", "[::2]:80"])
def test_names_that_somebody_else_points_here_are_refused(world, key, host):
    answer = ask(world, "GET", "/v1/status", key=key, headers={"host": host})
    assert answer.json()["code"] == "foreign_host"


def test_the_health_says_only_that_somebody_is_there(world):
    answer = ask(world, "GET", "/health")
    assert (answer.status_code, answer.content) == (204, b"")


# Bodies


@pytest.mark.parametrize(
    ("content", "headers", "code"),
    [
        (b"{", {"content-type": "application/json"}, "malformed_json"),
        (b"\xff", {"content-type": "application/json"}, "malformed_json"),
        (b"[" * 5_000, {"content-type": "application/json"}, "malformed_json"),
        (b"{}", {"content-type": "application/json"}, "malformed_body"),
        (b'{"name": 1, "password": "x"}', {"content-type": "application/json"}, "malformed_body"),
        (b'{"name": "a", "password": "\\ud800"}', {"content-type": "application/json"}, None),
        (b"{}", {"content-type": "text/plain"}, "unsupported_media_type"),
        (b"{}", {}, "unsupported_media_type"),
        (b" " * 70_000, {"content-type": "application/json"}, "body_too_large"),
    ],
)
def test_bodies_that_are_none_are_refused(world, key, content, headers, code):
    answer = ask(world, "POST", "/v1/sessions", key=key, headers=headers, content=content)
    assert answer.status_code in {400, 413, 415}
    assert answer.headers["content-type"] == "application/problem+json"
    assert code is None or answer.json()["code"] == code


def test_paths_and_methods_that_are_none_are_problems_too(world, key):
    assert ask(world, "GET", "/v1/keys", key=key).json()["code"] == "not_found"
    assert ask(world, "PUT", "/v1/account", key=key).json()["code"] == "method_not_allowed"


def test_nothing_is_cached(world, key):
    answer = ask(world, "GET", "/v1/status", key=key)
    assert answer.headers["cache-control"] == "no-store"
    assert "server" not in answer.headers


# Secrets


def test_secrets_are_in_no_file_no_log_and_no_answer(world, chain, user, capfd, caplog):
    caplog.set_level(logging.DEBUG)
    client, passphrase = world.client, "the passphrase of an export"
    wrong = "a wrong password of somebody"
    allowance = permit(chain, user, chain.stage.paid, chain.exchange.address, WHOLE)
    send(
        user, chain.exchange.deposit_with_permit(user.address, chain.stage.paid.address, allowance)
    )
    client.export_key(user.token, PASSWORD, passphrase, understood=True)
    code_of(client.sign_in, user.name, wrong)
    code_of(client.sign_in, wrong, wrong)
    answers = [
        ask(
            world, "POST", path, key=world.key_file.read_text().strip(), token=user.token,
            json=content,
        ).text
        for path, content in [
            ("/v1/sessions", {"name": wrong, "password": wrong}),
            ("/v1/sessions", {"name": 7, "password": wrong}),
            ("/v1/sessions", {"name": "x", "password": [wrong]}),
            ("/v1/accounts", {"name": "new", "password": "x" + wrong[:4]}),
            ("/v1/account/password", {"password": wrong, "newPassword": wrong}),
            ("/v1/account/export", {"password": wrong, "passphrase": wrong, "understood": True}),
        ]
    ]  # fmt: skip
    key = world.wallet.managed(_index_of(world, user)).key
    log = "".join(capfd.readouterr()) + caplog.text
    folder = world.service.settings.state
    for secret in (PASSWORD, wrong, passphrase, user.token, key.hex(), world.gas_key.key.hex()):
        assert secret not in log
        assert not any(secret in answer for answer in answers)
        for path in folder.iterdir():
            assert secret.encode() not in path.read_bytes(), path
    for path in folder.glob("accounts.sqlite*"):
        assert bytes(key) not in path.read_bytes()
        assert bytes(world.gas_key.key) not in path.read_bytes()
    assert world.key_file.read_text().strip() not in log


def _index_of(world, user):
    return world.service.doorkeeper.registry.by_name(user.name).key_index


def test_bodies_hide_their_secrets_when_they_are_written_down():
    from gavelbook.accounts.bodies import Credentials, Secret

    assert "hunter2" not in repr(Credentials("ada", Secret("hunter2")))


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
def test_files_are_for_their_owner_alone(world):
    folder = world.service.settings.state
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_a_broken_answer_is_no_traceback(world, key, user, monkeypatch, capfd):
    def breaks(*_):
        raise RuntimeError(PASSWORD)

    monkeypatch.setattr(world.service.trail, "page", breaks)
    answer = ask(world, "GET", "/v1/audit-trail", key=key, token=user.token)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert PASSWORD not in answer.text
    shown = "".join(capfd.readouterr())
    assert "request_failed" in shown
    assert PASSWORD not in shown


def test_the_client_says_when_nobody_answers(world):
    nobody = AccountsClient("http://127.0.0.1:9", "key")
    assert code_of(nobody.status) == "signer_unreachable"
    assert code_of(AccountsClient(world.url, "wrong").status) == "access_key_required"


def test_gas_is_bounded_for_each_and_for_all(chain, tmp_path):
    from tests.accounts.signer_world import running_signer

    approve = chain.stage.paid.approve(chain.exchange.address, 1)
    with running_signer(chain, tmp_path / "each", gas_per_account_gwei=0) as world:
        assert code_of(send, world.user(0), approve) == "gas_allowance_spent"
        assert world.client.status().gas_spent == 0
    with running_signer(chain, tmp_path / "all", idle_seconds=10**6) as world:
        send(world.user(0), approve)
        world.service.gas.in_all = spent = world.client.status().gas_spent
        assert spent > 0
        user = world.user(0)
        assert code_of(send, user, approve) == "gas_allowance_spent"
        world.clock.forward(25 * 3_600)
        assert world.client.status().gas_spent == 0
        send(user, approve)


def test_an_account_asks_for_so_much_a_minute_and_no_other_pays_for_it(chain, tmp_path):
    from tests.accounts.signer_world import running_signer

    with running_signer(chain, tmp_path / "paced", actions_per_minute=3) as world:
        greedy, other = world.user(0), world.user(0)
        token, spender = chain.stage.paid, chain.exchange.address
        for _ in range(3):
            permit(chain, greedy, token, spender, 1)
        with pytest.raises(AccountsError) as refused:
            permit(chain, greedy, token, spender, 1)
        assert refused.value.code == "rate_limited"
        assert 1 <= int(refused.value.details["retry_after"]) <= 20
        approve = token.approve(spender, 1)
        again = world.client.sign_in(greedy.name, PASSWORD)
        assert code_of(send, greedy, approve) == "rate_limited"
        assert code_of(world.client.sign_message, again.token, "hello") == "rate_limited"
        assert len(greedy.trail()) == 5, "registered, three signatures, signed in"
        permit(chain, other, token, spender, 1)
        world.client.sign_out(greedy.token)


def test_an_empty_gas_account_says_so(chain, tmp_path):
    from tests.accounts.signer_world import GAS_MONEY, running_signer

    approve = chain.stage.paid.approve(chain.exchange.address, 1)
    with running_signer(chain, tmp_path / "empty") as world:
        user = world.user(0)
        chain.give_ether(world.gas_key.address, 0)
        try:
            assert code_of(send, user, approve) == "gas_account_empty"
        finally:
            chain.give_ether(world.gas_key.address, GAS_MONEY)
        send(user, approve)
