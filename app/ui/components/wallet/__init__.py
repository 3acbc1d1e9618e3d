"""The wallets of the visitor's browser: which account is connected, and what it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st
from eth_utils.address import is_address, to_checksum_address

from gavelbook.service.wallet_requests import WalletAnswer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gavelbook.service.wallet_requests import WalletRequest

_HERE = Path(__file__).parent
_NAME_LENGTH = 40
_TEXT_LENGTH = 300
_HEX_DIGITS = 64


@dataclass(frozen=True, slots=True)
class ChainOffer:
    """The chain that wallets are to be on, and how they add it where they do not know it."""

    chain_id: int
    name: str
    rpc_url: str
    currency: str
    explorer_url: str = ""

    def parameters(self) -> dict[str, Any]:
        """Return it as `wallet_addEthereumChain` (EIP-3085) wants it."""
        currency = {"name": self.currency, "symbol": self.currency, "decimals": 18}
        explorers = {"blockExplorerUrls": [self.explorer_url]} if self.explorer_url else {}
        return {
            "chainId": hex(self.chain_id),
            "chainName": self.name,
            "rpcUrls": [self.rpc_url] if self.rpc_url else [],
            "nativeCurrency": currency,
            **explorers,
        }


@dataclass(frozen=True, slots=True)
class WalletSession:
    """What a browser says is connected. It is a claim: only a signature proves it."""

    account: str
    chain_id: int
    wallet: str


@dataclass(frozen=True, slots=True)
class WalletReport:
    """What the browser has told so far."""

    session: WalletSession | None
    answers: tuple[WalletAnswer, ...]


@cache
def _component() -> Any:
    # Not at import: a component belongs to the server that runs then.
    html, css, providers, view = (
        (_HERE / name).read_text(encoding="utf-8")
        for name in ("component.html", "component.css", "providers.js", "component.js")
    )
    return st.components.v2.component("wallet", html=html, css=css, js=f"{providers}\n{view}")


def wallet(chain: ChainOffer, requests: Iterable[WalletRequest], *, key: str) -> None:
    """Draw the connected wallet, or the ways to connect one, and ask it for ``requests``."""
    asked = [each.plain() for each in requests]
    _component()(
        key=key,
        data={"chain": chain.parameters(), "requests": asked},
        default={"told": {"session": None, "answers": {}}},
        on_told_change=_nothing,
    )


def wallet_report(state: Any) -> WalletReport:
    """Return what the browser told, from the widget's state; what makes no sense is left out."""
    told = dict(state or {}).get("told")
    told = told if isinstance(told, dict) else {}
    answers = told.get("answers")
    found = answers.items() if isinstance(answers, dict) else ()
    return WalletReport(
        _session(told.get("session")),
        tuple(_answer(str(name), each) for name, each in found if isinstance(each, dict)),
    )


def _nothing() -> None:
    """Be there: without a callback the component keeps no state."""


def _session(told: Any) -> WalletSession | None:
    if not isinstance(told, dict) or not is_address(told.get("account")):
        return None
    number = str(told.get("chainId")).removeprefix("0x")
    chain_id = int(number, 16) if _is_hex(number) else 0
    name = str(told.get("wallet"))[:_NAME_LENGTH]
    return WalletSession(to_checksum_address(told["account"]), chain_id, name)


def _answer(name: str, told: dict[Any, Any]) -> WalletAnswer:
    value = told.get("value")
    code = told.get("code")
    message = str(told.get("message") or "")[:_TEXT_LENGTH]
    if isinstance(value, str) and value.startswith("0x"):
        return WalletAnswer(name, value)
    return WalletAnswer(name, code=str(code or "wallet_failed")[:_NAME_LENGTH], message=message)


def _is_hex(text: str) -> bool:
    return 0 < len(text) <= _HEX_DIGITS and all(each in "0123456789abcdefABCDEF" for each in text)
