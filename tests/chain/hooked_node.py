"""A connection with a hook around each request, for answers that nodes give on bad days."""

from web3 import Web3

from gavelbook.chain.connection import NodeProvider
from gavelbook.chain.errors import ChainUnreachable


class HookedProvider(NodeProvider):
    """``hook(method, params, proceed)`` returns the answer; ``proceed()`` asks the node."""

    def __init__(self, url):
        super().__init__(url)
        self.hook = lambda _method, _params, proceed: proceed()

    def make_request(self, method, params):
        return self.hook(
            method, params, lambda: super(HookedProvider, self).make_request(method, params)
        )


def hooked_web3(web3):
    """Return another connection to the node of ``web3``; its hook is ``web3.provider.hook``."""
    return Web3(HookedProvider(web3.provider.endpoint_uri))


def rpc_error(message, code=-32000):
    return {"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": message}}


def unreachable():
    return ChainUnreachable("rpc_unreachable", "Expected an answer, was silence")
