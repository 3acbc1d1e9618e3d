"""`gavelbook pages` as a service manager runs it, with Streamlit behind its edge."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
import requests
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

pytestmark = pytest.mark.slow

GAVELBOOK = str(Path(sys.executable).with_name("gavelbook"))
SECONDS = 120
WORDS = "legal winner thank year wave sausage worth useful legal winner thank yellow"
TOKEN = "operator-token-that-nobody-is-to-see"


@contextmanager
def serving(folder, *options, **variables):
    """Run the command in ``folder``; yield its address and what it says."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GAVELBOOK_")}
    # Nobody answers there: the pages are up without a chain.
    environment |= {"GAVELBOOK_RPC_URL": "http://127.0.0.1:9", **variables}
    log = (folder / "log").open("w+")
    process = subprocess.Popen(
        [GAVELBOOK, "pages", "--port=0", *options],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    try:
        said = process.stdout.readline()
        found = re.search(r"serving the pages on ([\d.:]+)", said)
        assert found, said + (folder / "log").read_text()
        yield found[1]
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stdout.close()
        log.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def address(folder):
    token = folder / "token"
    token.touch(0o600)
    token.write_text(TOKEN)
    with serving(folder, GAVELBOOK_OPERATOR_TOKEN_FILE=str(token)) as address:
        yield address


def refusal(folder, **variables):
    """Return what the command says where it does not start."""
    run = subprocess.run(
        [GAVELBOOK, "pages", "--port=0"],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert run.returncode == 2, run.stdout + run.stderr
    assert "Traceback" not in run.stderr
    return run.stderr


def test_everything_that_streamlit_answers_has_the_headers(address):
    for path in ("/", "/sale", "/_stcore/health", "/_stcore/host-config", "/nowhere"):
        answer = requests.get(f"http://{address}{path}", timeout=20)
        assert answer.ok
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_streamlit_keeps_its_own_guard_up(address):
    answer = requests.get(f"http://{address}/_stcore/health", timeout=20)
    cookies = SimpleCookie(answer.headers["set-cookie"])
    assert cookies["_streamlit_xsrf"]["samesite"].lower() == "strict"


@pytest.mark.parametrize("path", ["/_stcore/stream", "/live/chain"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_no_page_of_another_site_opens_a_socket(address, path, origin):
    with pytest.raises(InvalidStatus) as error:
        connect(f"ws://{address}{path}", origin=origin, subprotocols=["streamlit"])
    assert error.value.response.status_code == 403


def test_another_name_is_not_answered(address):
    answer = requests.get(f"http://{address}/", headers={"host": "evil.example"}, timeout=20)
    assert answer.status_code == 403


def test_nobody_can_embed_or_upload_from_elsewhere(address):
    url = f"http://{address}/_stcore/upload_file/a/b"
    answer = requests.put(url, headers={"origin": "https://evil.example"}, timeout=20)
    assert answer.status_code == 403


def test_secrets_are_in_no_log(address, folder):
    requests.post(
        f"http://{address}/session",
        json={"ticket": "a-ticket-nobody-is-to-see"},
        headers={"origin": f"http://{address}"},
        timeout=20,
    )
    log = (folder / "log").read_text()
    assert TOKEN not in log
    assert "a-ticket-nobody-is-to-see" not in log


def test_words_of_a_wallet_among_the_settings_are_refused(tmp_path):
    said = refusal(tmp_path, GAVELBOOK_NOTE=WORDS)
    assert said.startswith("error: mnemonic_in_environment: ")
    assert "winner" not in said


def secrets(folder, text):
    (folder / ".streamlit").mkdir()
    (folder / ".streamlit" / "secrets.toml").write_text(text)


def test_words_of_a_wallet_among_the_secrets_are_refused(tmp_path):
    secrets(tmp_path, f'[gavelbook]\nnote = "{WORDS}"\n')
    said = refusal(tmp_path)
    assert said.startswith("error: mnemonic_in_environment: ")
    assert "winner" not in said


def test_a_setting_outside_its_table_is_refused(tmp_path):
    secrets(tmp_path, 'GAVELBOOK_RPC_URL = "http://127.0.0.1:1"\n')
    assert refusal(tmp_path).startswith("error: setting_misplaced: ")


def test_settings_come_from_the_secrets_where_the_environment_is_silent(tmp_path):
    secrets(
        tmp_path,
        '[gavelbook]\nexchange_public_url = "https://api.example"\nrpc_url = "http://127.0.0.1:1"\n',
    )
    with serving(tmp_path) as address:
        policy = requests.get(f"http://{address}/", timeout=20).headers["content-security-policy"]
    assert "connect-src 'self' https://api.example wss://api.example" in policy


def test_the_environment_overrules_the_secrets(tmp_path):
    secrets(tmp_path, '[gavelbook]\nexchange_public_url = "https://api.example"\n')
    with serving(tmp_path, GAVELBOOK_EXCHANGE_PUBLIC_URL="https://other.example") as address:
        policy = requests.get(f"http://{address}/", timeout=20).headers["content-security-policy"]
    assert "https://other.example" in policy
    assert "https://api.example" not in policy
