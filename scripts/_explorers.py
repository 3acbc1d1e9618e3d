"""Sending sources to Sourcify and Etherscan, and waiting for their answer."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from scripts._source_check import FreshCode

SOURCIFY = "https://sourcify.dev/server"
ETHERSCAN = "https://api.etherscan.io/v2/api"
ETHERSCAN_KEY = "ETHERSCAN_API_KEY"
_ANSWER_SECONDS = 60
_POLL_SECONDS = 3.0
_POLLS = 40


def submit_to_sourcify(
    server: str, chain_id: int, address: str, transaction: str, code: FreshCode
) -> str:
    """Submit by Sourcify's API v2 and return how it ended: ``match``, ``exact_match`` or an error.

    Raises:
        ChainUnreachable: ``explorer_unreachable`` or ``explorer_refused``.

    """
    body = {
        "stdJsonInput": code.standard_input,
        "compilerVersion": code.compiler.removeprefix("v"),
        "contractIdentifier": f"{code.source}:{code.name}",
        "creationTransactionHash": transaction,
    }
    url = f"{server}/v2/verify/{chain_id}/{address}"
    ticket = _answer("post", url, json=body)["verificationId"]
    for _ in range(_POLLS):
        job = _answer("get", f"{server}/v2/verify/{ticket}")
        if job.get("isJobCompleted"):
            error = job.get("error") or {}
            return str(job.get("contract", {}).get("match") or error.get("message", "refused"))
        time.sleep(_POLL_SECONDS)
    return "no answer yet"


def submit_to_etherscan(
    server: str, chain_id: int, address: str, arguments: bytes, code: FreshCode
) -> str:
    """Submit by Etherscan's API v2 with the key in ETHERSCAN_API_KEY and return its answer.

    Raises:
        ChainUnreachable: ``explorer_unreachable`` or ``explorer_refused``.
        KeystoreError: ``api_key_missing``.

    """
    from gavelbook.chain.errors import KeystoreError

    key = os.environ.get(ETHERSCAN_KEY)
    if not key:
        raise KeystoreError("api_key_missing", f"Expected a key in {ETHERSCAN_KEY}, was none")
    common = {"chainid": str(chain_id), "apikey": key}
    form = {
        "module": "contract",
        "action": "verifysourcecode",
        "codeformat": "solidity-standard-json-input",
        "sourceCode": json.dumps(code.standard_input),
        "contractaddress": address,
        "contractname": f"{code.source}:{code.name}",
        "compilerversion": code.compiler,
        # The explorer's own spelling.
        "constructorArguements": arguments.hex(),
    }
    ticket = _answer("post", server, params=common, data=form)["result"]
    query = {**common, "module": "contract", "action": "checkverifystatus", "guid": ticket}
    for _ in range(_POLLS):
        status = str(_answer("get", server, params=query)["result"])
        if "pending" not in status.lower():
            return status
        time.sleep(_POLL_SECONDS)
    return "no answer yet"


def _answer(method: str, url: str, **options: Any) -> dict[str, Any]:
    from gavelbook.chain.errors import ChainUnreachable

    try:
        response = requests.request(method, url, timeout=_ANSWER_SECONDS, **options)
        content: dict[str, Any] = response.json()
    except (requests.RequestException, ValueError) as error:
        # Only the kind of the failure: its text can hold the address, and that the key.
        message = f"Expected an answer of the explorer, was {type(error).__name__}"
        raise ChainUnreachable("explorer_unreachable", message) from error
    if not response.ok:
        reason = content.get("message") or content.get("customCode") or response.status_code
        raise ChainUnreachable("explorer_refused", f"The explorer refused: {reason}")
    return content
