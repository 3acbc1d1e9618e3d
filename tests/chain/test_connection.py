import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from gavelbook.chain.connection import connect
from gavelbook.chain.errors import ChainUnreachable


@contextmanager
def server_answering(body, status=200):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/secret-access-key"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def refused(url, **options):
    with pytest.raises(ChainUnreachable) as caught:
        connect(url, **options)
    assert "secret-access-key" not in caught.value.message
    return caught.value.code


@pytest.mark.anvil
def test_a_node_answers(anvil_url):
    assert connect(anvil_url).eth.chain_id == 31337


@pytest.mark.parametrize("url", ["", "127.0.0.1:8545", "ws://127.0.0.1:8545", "file:///etc/passwd"])
def test_only_http_addresses_are_taken(url):
    assert refused(url) == "rpc_url_malformed"


def test_nobody_at_home():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/secret-access-key"
    assert refused(url) == "rpc_unreachable"


def test_a_server_that_never_answers():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/secret-access-key"
        assert refused(url, read_seconds=0.05) == "rpc_timeout"
        # Who has waited in vain is told so, and not made to wait again.
        silent.settimeout(0.5)
        silent.accept()[0].close()
        with pytest.raises(TimeoutError):
            silent.accept()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"<html>", 200, "rpc_malformed"),
        (b"overloaded", 429, "rpc_unreachable"),
        (b'{"jsonrpc":"2.0","id":0,"error":{"code":-32005,"message":"slow"}}', 200, "rpc_error"),
        (b'{"jsonrpc":"2.0","id":0,"result":{}}', 200, "rpc_not_ethereum"),
    ],
)
def test_something_else_answers(body, status, code):
    with server_answering(body, status) as url:
        assert refused(url) == code
