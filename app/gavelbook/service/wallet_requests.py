"""Steps of actions as requests to the wallet of a browser (EIP-1193), and its answers."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gavelbook.chain.following import Outgoing
    from gavelbook.service.acting import SignMessage, SignTypedData

_ID_BYTES = 12
_SIGN_IN_WORDS = " wants you to sign in with your Ethereum account:"


@dataclass(frozen=True)
class WalletRequest:
    """One request to the wallet, asked once under its ``id``.

    The browser refuses it where ``account`` or ``chain`` are not those of the wallet, or where
    ``domain`` is given and is not the page's host. One that is ``withdrawn`` is not asked any more.
    """

    id: str
    method: str
    params: list[Any]
    account: str
    chain: int
    domain: str = ""
    withdrawn: bool = False

    def plain(self) -> dict[str, Any]:
        """Return it as the browser gets it."""
        fields = asdict(self)
        return {**fields, "chainId": hex(fields.pop("chain"))}


@dataclass(frozen=True, slots=True)
class WalletAnswer:
    """What became of a request: a ``value``, or a ``code`` and what the wallet said."""

    id: str
    value: str = ""
    code: str = ""
    message: str = ""


def typed_data_request(step: SignTypedData, account: str, chain: int) -> WalletRequest:
    """Return the request to sign typed data (EIP-712)."""
    text = json.dumps(json_form(step.typed_data), separators=(",", ":"))
    return WalletRequest(_new_id(), "eth_signTypedData_v4", [account, text], account, chain)


def message_request(step: SignMessage, account: str, chain: int) -> WalletRequest:
    """Return the request to sign a text; one that signs in (ERC-4361) is bound to its domain."""
    params = [f"0x{step.text.encode().hex()}", account]
    first = step.text.partition("\n")[0]
    domain = first.removesuffix(_SIGN_IN_WORDS) if first.endswith(_SIGN_IN_WORDS) else ""
    domain = domain.rpartition("://")[2]
    return WalletRequest(_new_id(), "personal_sign", params, account, chain, domain)


def transaction_request(outgoing: Outgoing, gas: int, chain: int) -> WalletRequest:
    """Return the request to send a transaction; the wallet sets nonce and fees."""
    fields = {
        "from": outgoing.account,
        "to": outgoing.to,
        "data": outgoing.data,
        "value": hex(outgoing.value),
        "gas": hex(gas),
        # Wallets refuse it on another network, also one that was chosen while they asked.
        "chainId": hex(chain),
    }
    return WalletRequest(_new_id(), "eth_sendTransaction", [fields], outgoing.account, chain)


def json_form(typed_data: Mapping[str, Any]) -> dict[str, Any]:
    """Return typed data as wallets take it: numbers as decimal text, bytes in hexadecimal.

    Only the domain's chain stays a number: wallets compare it with their own.
    """
    form: dict[str, Any] = _plain(typed_data)
    chain = typed_data["domain"].get("chainId")
    return {**form, "domain": {**form["domain"], "chainId": int(chain)}} if chain else form


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {name: _plain(each) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case bytes():
            return f"0x{value.hex()}"
        case bool():
            return value
        case int():
            return str(value)
        case _:
            return value


def _new_id() -> str:
    return secrets.token_hex(_ID_BYTES)
