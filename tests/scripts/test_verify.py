"""Comparing code with the chain, and what is sent to an explorer, whose answers are played here."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from gavelbook.chain.errors import ChainUnreachable, KeystoreError
from scripts import _explorers
from scripts._explorers import ETHERSCAN_KEY, submit_to_etherscan, submit_to_sourcify
from scripts._source_check import FreshCode

CODE = FreshCode(
    name="TokenSale",
    source="contracts/TokenSale.sol",
    compiler="v0.8.37+commit.f401782d",
    standard_input={"language": "Solidity", "sources": {}},
    abi=[
        {
            "type": "constructor",
            "inputs": [
                {"type": "tuple", "components": [{"type": "address"}, {"type": "uint256"}]},
                {"type": "string"},
            ],
        }
    ],
    runtime=bytes([1, 2, 0, 0, 5, 6, 0, 8]),
    immutables=((2, 2), (6, 1)),
)
ADDRESS = "0x" + 40 * "a"


@pytest.mark.parametrize(
    ("on_chain", "same"),
    [
        ([1, 2, 0, 0, 5, 6, 0, 8], True),
        ([1, 2, 77, 88, 5, 6, 99, 8], True),
        ([1, 2, 77, 88, 5, 7, 99, 8], False),
        ([9, 2, 77, 88, 5, 6, 99, 8], False),
        ([1, 2, 77, 88, 5, 6, 99], False),
        ([1, 2, 77, 88, 5, 6, 99, 8, 0], False),
        ([], False),
    ],
)
def test_only_immutables_may_differ(on_chain, same):
    assert CODE.matches(bytes(on_chain)) is same


def test_arguments_are_encoded_from_what_records_keep():
    encoded = CODE.encoded_arguments([(ADDRESS, 7), "GVL"])
    plain = FreshCode(**{**vars(CODE), "abi": [_constructor("string", "uint256")]})
    assert encoded.hex().startswith("0" * 24 + "a" * 40 + f"{7:064x}")
    assert plain.encoded_arguments(["GVL", "1000"])[32:64] == (1000).to_bytes(32, "big")


def test_sourcify_gets_input_and_transaction_and_its_answer_is_told(explorer):
    explorer.answers = [
        (202, {"verificationId": "ticket"}),
        (200, {"isJobCompleted": False}),
        (200, {"isJobCompleted": True, "contract": {"match": "exact_match"}}),
    ]
    assert submit_to_sourcify(explorer.url, 11155111, ADDRESS, "0xabc", CODE) == "exact_match"
    path, body = explorer.asked[0]
    assert path == f"/v2/verify/11155111/{ADDRESS}"
    assert json.loads(body) == {
        "stdJsonInput": CODE.standard_input,
        "compilerVersion": "0.8.37+commit.f401782d",
        "contractIdentifier": "contracts/TokenSale.sol:TokenSale",
        "creationTransactionHash": "0xabc",
    }
    assert [path for path, _ in explorer.asked[1:]] == ["/v2/verify/ticket"] * 2


def test_etherscan_gets_the_key_from_the_environment(explorer, monkeypatch):
    monkeypatch.setenv(ETHERSCAN_KEY, "key")
    explorer.answers = [
        (200, {"status": "1", "result": "ticket"}),
        (200, {"status": "0", "result": "Pending in queue"}),
        (200, {"status": "1", "result": "Pass - Verified"}),
    ]
    assert submit_to_etherscan(explorer.url, 1, ADDRESS, b"\x01\x02", CODE) == "Pass - Verified"
    path, body = explorer.asked[0]
    assert parse_qs(urlsplit(path).query) == {"chainid": ["1"], "apikey": ["key"]}
    form = parse_qs(body)
    assert form["constructorArguements"] == ["0102"]
    assert form["contractname"] == ["contracts/TokenSale.sol:TokenSale"]


def test_without_a_key_nothing_is_sent(explorer, monkeypatch):
    monkeypatch.delenv(ETHERSCAN_KEY, raising=False)
    with pytest.raises(KeystoreError) as caught:
        submit_to_etherscan(explorer.url, 1, ADDRESS, b"", CODE)
    assert caught.value.code == "api_key_missing"
    assert not explorer.asked


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (409, {"customCode": "already_verified"}, "explorer_refused"),
        (200, "no JSON", "explorer_unreachable"),
    ],
)
def test_a_refusal_is_coded(explorer, status, body, code):
    explorer.answers = [(status, body)]
    with pytest.raises(ChainUnreachable) as caught:
        submit_to_sourcify(explorer.url, 1, ADDRESS, "0xabc", CODE)
    assert caught.value.code == code


@pytest.fixture
def explorer(monkeypatch):
    """An explorer on the loopback that gives the next of its ``answers``."""
    monkeypatch.setattr(_explorers, "_POLL_SECONDS", 0)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def do_GET(self):
            self._answer("")

        def _answer(self, body):
            server.asked.append((self.path, body))
            status, content = server.answers.pop(0)
            text = content if isinstance(content, str) else json.dumps(content)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.answers = [], []
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def _constructor(*types):
    return {"type": "constructor", "inputs": [{"type": each} for each in types]}
