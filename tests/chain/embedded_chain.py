"""A chain inside this process (py-evm), which answers refusals as nodes do."""

import ast

from eth_tester import EthereumTester, PyEVMBackend
from eth_tester.exceptions import TransactionFailed, ValidationError
from web3 import EthereumTesterProvider, Web3


class EmbeddedProvider(EthereumTesterProvider):
    """web3's provider, with errors as JSON-RPC answers and a hook before each request."""

    def __init__(self, tester):
        super().__init__(tester)
        self.before = lambda _method, _params: None
        self.after = lambda _method, _params: None

    def make_request(self, method, params):
        self.before(method, params)
        try:
            response = super().make_request(method, params)
        except TransactionFailed as error:
            return _error(3, "execution reverted", _revert_data(error))
        except ValidationError as error:
            return _error(-32000, str(error))
        self.after(method, params)
        return response


def embedded_web3(accounts):
    """Return web3 on a fresh chain where each of ``accounts`` has a million ether."""
    state = {account.address: 10**24 for account in accounts}
    genesis = {
        bytes.fromhex(address[2:]): {"balance": wei, "nonce": 0, "code": b"", "storage": {}}
        for address, wei in state.items()
    }
    backend = PyEVMBackend(genesis_state=genesis)
    web3 = Web3(EmbeddedProvider(EthereumTester(backend)))
    # py-evm wants whoever calls to be able to pay the gas.
    web3.eth.default_account = accounts[0].address
    return web3


def _error(code, message, data=None):
    answer = {"code": code, "message": message}
    if data is not None:
        answer["data"] = data
    return {"jsonrpc": "2.0", "id": 1, "error": answer}


def _revert_data(error):
    """Return the revert payload, which eth-tester keeps at the bottom of its exceptions."""
    while error is not None:
        value = error.args[0] if error.args else None
        while isinstance(value, Exception):
            value = value.args[0] if value.args else None
        if isinstance(value, str) and value[:2] in {"b'", 'b"'}:
            value = ast.literal_eval(value)
        if isinstance(value, bytes):
            return f"0x{value.hex()}"
        error = error.__context__ or error.__cause__
    return "0x"
