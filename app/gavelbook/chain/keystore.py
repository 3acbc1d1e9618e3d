"""Keys from ape's accounts folder, encrypted there with a passphrase."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from eth_account import Account

from gavelbook.chain.errors import KeystoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from eth_account.signers.local import LocalAccount

FOLDER_VARIABLE = "APE_DATA_FOLDER"


def passphrase_variable(alias: str) -> str:
    """Return the name of the environment variable with the passphrase, as ape has it."""
    return f"APE_ACCOUNTS_{alias}_PASSPHRASE"


def load_account(
    alias: str, ask: Callable[[str], str] | None = None, folder: Path | None = None
) -> LocalAccount:
    """Return the account ``alias``, unlocked.

    Args:
        alias: its name in ape.
        ask: asks a person for the passphrase where `passphrase_variable` is not set.
        folder: ape's data folder; by default ``$APE_DATA_FOLDER``, else ~/.ape.

    Raises:
        KeystoreError: ``account_unknown``, ``keystore_malformed``, ``passphrase_missing`` or
            ``passphrase_wrong``. No message holds any part of a key or passphrase.

    """
    content = _read(alias, folder)
    passphrase = os.environ.get(passphrase_variable(alias))
    if passphrase is None and ask is not None:
        passphrase = ask(alias)
    if passphrase is None:
        message = f"Expected the passphrase of {alias} in {passphrase_variable(alias)}, was not set"
        raise KeystoreError("passphrase_missing", message, alias=alias)
    try:
        key = Account.decrypt(content, passphrase)
    except ValueError:
        message = f"Expected the passphrase of {alias}, was another"
        raise KeystoreError("passphrase_wrong", message, alias=alias) from None
    except (KeyError, TypeError, NotImplementedError):
        raise _malformed(alias) from None
    account: LocalAccount = Account.from_key(key)
    return account


def _read(alias: str, folder: Path | None) -> dict[str, object]:
    root = folder or Path(os.environ.get(FOLDER_VARIABLE) or Path.home() / ".ape")
    path = root / "accounts" / f"{alias}.json"
    if Path(alias).name != alias or not path.is_file():
        message = f"Expected an account {alias} (`ape accounts list` shows them), was none"
        raise KeystoreError("account_unknown", message, alias=alias)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _malformed(alias) from error
    if not isinstance(content, dict):
        raise _malformed(alias)
    return content


def _malformed(alias: str) -> KeystoreError:
    message = f"Expected an encrypted key in the account file of {alias}, was something else"
    return KeystoreError("keystore_malformed", message, alias=alias)
