"""Keys from ape's accounts folder, encrypted there with a passphrase."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from eth_account import Account
from eth_utils.address import is_address, to_checksum_address

from gavelbook.chain.errors import KeystoreError
from gavelbook.files.atomic import replacing

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


def stored_address(alias: str, folder: Path | None = None) -> str | None:
    """Return the address (with checksum) that the account file of ``alias`` names.

    Needs no passphrase. None where there is no such account.

    Raises:
        KeystoreError: ``keystore_malformed``.

    """
    if not _path(alias, folder).exists():
        return None
    address = _read(alias, folder).get("address")
    if not is_address(address):
        raise _malformed(alias)
    return to_checksum_address(str(address))


def save_account(
    alias: str,
    account: LocalAccount,
    passphrase: str,
    folder: Path | None = None,
    *,
    work_factor: int | None = None,
) -> None:
    """Encrypt ``account`` into the file of ``alias`` as ape does; one that is there is replaced.

    Only the owner may read the file.

    Args:
        alias: its name in ape.
        account: whose key is kept.
        passphrase: that `load_account` will need.
        folder: ape's data folder; by default ``$APE_DATA_FOLDER``, else ~/.ape.
        work_factor: scrypt's N; by default about a second for each guess.

    Raises:
        FileError: ``file_unwritable``.

    """
    path = _path(alias, folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = account.encrypt(passphrase, iterations=work_factor)
    with replacing(path, mode=0o600) as file:
        json.dump(content, file)


def copy_account(alias: str, copy: str, folder: Path | None = None) -> None:
    """Keep the account ``alias`` under the alias ``copy`` too, with the same passphrase.

    Raises:
        KeystoreError: ``account_unknown`` or ``keystore_malformed``.
        FileError: ``file_unwritable``.

    """
    content = _read(alias, folder)
    with replacing(_path(copy, folder), mode=0o600) as file:
        json.dump(content, file)


def _path(alias: str, folder: Path | None) -> Path:
    root = folder or Path(os.environ.get(FOLDER_VARIABLE) or Path.home() / ".ape")
    return root / "accounts" / f"{alias}.json"


def _read(alias: str, folder: Path | None) -> dict[str, object]:
    path = _path(alias, folder)
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
