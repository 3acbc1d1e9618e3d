"""A connection to a node over HTTP whose failures all come as `ChainUnreachable`."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import requests
from web3 import HTTPProvider, Web3
from web3.exceptions import Web3Exception
from web3.middleware import ExtraDataToPOAMiddleware
from web3.providers.rpc.utils import ExceptionRetryConfiguration
from web3.types import RPCEndpoint

from gavelbook.chain.errors import ChainUnreachable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from web3.types import RPCResponse

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
PAGE_READ_SECONDS = 10.0
"""For what somebody waits for who looks at a page."""

# What a node in good order answers; else it is starting, overloaded or limits requests.
_NEVER_REFUSED = frozenset(
    {
        "eth_blockNumber",
        "eth_chainId",
        "eth_getTransactionByHash",
        "eth_getTransactionCount",
        "eth_getTransactionReceipt",
    }
)

# Of `OffchainLookup` (ERC-3668) and `Panic`: web3 takes these apart, and stumbles where they lie.
_TAKEN_APART = ("0x556f1830", "0x4e487b71")


class NodeProvider(HTTPProvider):
    """web3's provider; what goes wrong on the way to the node is a `ChainUnreachable`.

    web3 repeats what a busy node refuses, a signed transaction as it is; who has waited in vain
    decides what comes next.
    No contract has it ask another server than the node.
    """

    global_ccip_read_enabled = False

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Send one request.

        Raises:
            ChainUnreachable: ``rpc_timeout``, ``rpc_unreachable``, ``rpc_malformed``, or
                ``rpc_error`` where the node refuses what it has no reason to refuse.

        """
        with _naming_failures():
            response = super().make_request(method, params)
        if method in _NEVER_REFUSED and "error" in response:
            message = f"Expected an answer to {method}, was: {response['error']}"
            raise ChainUnreachable("rpc_error", message)
        return _left_whole(response)

    def make_batch_request(
        self, batch_requests: list[tuple[RPCEndpoint, Any]]
    ) -> list[RPCResponse] | RPCResponse:
        """Send many requests in one message; errors as `make_request`, but for ``rpc_error``."""
        with _naming_failures():
            return super().make_batch_request(batch_requests)


def _left_whole(response: RPCResponse) -> RPCResponse:
    """Return ``response`` with a refusal's data in a mapping, as some nodes send it."""
    error = response.get("error")
    if isinstance(error, dict) and str(error.get("data", "")).startswith(_TAKEN_APART):
        error["data"] = {"data": error["data"]}  # type: ignore[typeddict-item]
    return response


def connect(rpc_url: str, *, read_seconds: float = READ_SECONDS) -> Web3:
    """Return a connection to the node at ``rpc_url`` (http or https) that has answered once.

    Raises:
        ChainUnreachable: ``rpc_url_malformed``, ``rpc_timeout``, ``rpc_unreachable``,
            ``rpc_malformed``, or ``rpc_not_ethereum`` where something else answers.

    """
    if not rpc_url.startswith(("http://", "https://")):
        raise ChainUnreachable(
            "rpc_url_malformed", "Expected the address of a node (http:// or https://)"
        )
    provider = NodeProvider(
        rpc_url,
        request_kwargs={"timeout": (CONNECT_SECONDS, read_seconds)},
        # web3 asks for the chain before every call; one answer is enough.
        cache_allowed_requests=True,
        cacheable_requests={RPCEndpoint("eth_chainId")},
        exception_retry_configuration=ExceptionRetryConfiguration(errors=(requests.HTTPError,)),
    )
    web3 = Web3(provider)
    # Chains whose blocks are signed by authorities carry more data than web3 expects.
    web3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)
    try:
        chain_id = web3.eth.chain_id
    except (Web3Exception, ValueError) as error:
        raise _unreachable("rpc_not_ethereum", "an Ethereum node", error) from error
    if not isinstance(chain_id, int):
        raise ChainUnreachable("rpc_not_ethereum", "Expected an Ethereum node, was something else")
    return web3


@contextmanager
def _naming_failures() -> Iterator[None]:
    """Turn what goes wrong on the way to the node into a `ChainUnreachable`."""
    try:
        yield
    except requests.Timeout as error:
        raise _unreachable("rpc_timeout", "an answer in time", error) from error
    except requests.RequestException as error:
        raise _unreachable("rpc_unreachable", "an answer of the node", error) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise _unreachable("rpc_malformed", "an answer in JSON", error) from error


def _unreachable(code: str, expected: str, error: Exception) -> ChainUnreachable:
    # Only the kind of the failure: its text can hold the address, and that an access key.
    return ChainUnreachable(code, f"Expected {expected}, was {type(error).__name__}")
