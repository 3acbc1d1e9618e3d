"""Passphrases of keystores: which are good enough, and how a service reads one from a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gavelbook.wallet.errors import WalletError
from gavelbook.wallet.private_file import refuse_exposed

if TYPE_CHECKING:
    from pathlib import Path

SHORTEST = 12
FEWEST_DIFFERENT = 6


def check_passphrase(passphrase: str) -> None:
    """Refuse a passphrase that can be guessed.

    Raises:
        WalletError: ``passphrase_weak``.

    """
    different = len(set(passphrase.casefold()))
    if len(passphrase) < SHORTEST or different < FEWEST_DIFFERENT:
        message = (
            f"Expected a passphrase of at least {SHORTEST} characters, {FEWEST_DIFFERENT} of them "
            f"different, was {len(passphrase)} characters, {different} different"
        )
        raise WalletError("passphrase_weak", message)


def read_passphrase(path: Path) -> str:
    """Return the first line of a file that only its owner can read.

    Raises:
        WalletError: ``passphrase_file_unreadable`` or ``file_exposed``.

    """
    try:
        refuse_exposed(path)
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        message = f"Expected a text file with a passphrase that can be read, was {path}"
        raise WalletError("passphrase_file_unreadable", message, file=str(path)) from None
    if not lines or not lines[0]:
        message = f"Expected a passphrase in the first line, was none in {path}"
        raise WalletError("passphrase_file_unreadable", message, file=str(path))
    return lines[0]
