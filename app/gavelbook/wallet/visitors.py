"""Accounts of a local chain for whoever tries the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from gavelbook.wallet.hd_wallet import HdWallet

_NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eva")
_FIRST = 10


class Visitor(NamedTuple):
    """An account with a name. The simulation leaves it alone."""

    name: str
    account: LocalAccount


def visitors(wallet: HdWallet) -> list[Visitor]:
    """Return the visitors' accounts of ``wallet``."""
    accounts = wallet.accounts(len(_NAMES), first=_FIRST)
    return [Visitor(name, account) for name, account in zip(_NAMES, accounts, strict=True)]
