"""Contracts that send whoever asks them elsewhere, or refuse in a way that is none."""

import http.server
import threading

import pytest
from eth_abi.abi import encode
from eth_account import Account
from eth_utils.crypto import keccak

from gavelbook.chain.errors import ChainError
from gavelbook.chain.signature_check import checked_message
from gavelbook.chain.token import Token
from gavelbook.chain.trying import estimate_gas

pytestmark = pytest.mark.anvil
LOOKUP = "OffchainLookup(address,string[],bytes,bytes4,bytes)"


@pytest.fixture
def inside():
    """A server that only this machine reaches, and what was asked of it."""
    asked = []

    class Inside(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"data": "0x"}')

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Inside)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join(10)
    server.server_close()


def refusing(stage, refusal, address=None):
    """Return the address of a contract that refuses everything with ``refusal``."""
    address, size = address or Account.create().address, f"{len(refusal):04x}"
    code = bytes.fromhex(f"61{size}600c5f3961{size}5ffd") + refusal
    stage.request("anvil_setCode", [address, f"0x{code.hex()}"])
    return address


def codes_of(stage, address):
    token, codes = Token(stage.web3, address), []
    for ask in (
        token.symbol,
        lambda: estimate_gas(token.approve(address, 1), stage.bidders[0].address),
    ):
        with pytest.raises(ChainError) as refused:
            ask()
        codes.append(refused.value.code)
    return codes


def test_no_contract_makes_this_machine_ask_elsewhere(stage, inside):
    url, asked = inside
    address = Account.create().address
    types = ["address", "string[]", "bytes", "bytes4", "bytes"]
    for way in (f"{url}/{{sender}}/{{data}}.json", f"{url}/posted"):
        values = [address, [way], b"secret", b"\1\2\3\4", b""]
        refusing(stage, keccak(text=LOOKUP)[:4] + encode(types, values), address)
        assert codes_of(stage, address) == ["refusal_unknown", "refusal_unknown"]
        with pytest.raises(ChainError) as refused:
            checked_message(stage.web3, address, "I am a contract", bytes(65))
        assert refused.value.code == "signature_of_another"
    assert asked == []


@pytest.mark.parametrize("body", [bytes(31), b"\xff" * 64, bytes(64)], ids=["short", "big", "zero"])
@pytest.mark.parametrize("error", [LOOKUP, "Error(string)", "Panic(uint256)"])
def test_a_refusal_that_is_none_is_a_refusal(stage, error, body):
    address = refusing(stage, keccak(text=error)[:4] + body)
    assert set(codes_of(stage, address)) <= {"refusal_unknown", "panic", "reverted"}
