"""Which keystore a command of `gavelbook wallet` works on, and where its passphrase is from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from gavelbook.wallet import Keystore, read_passphrase

if TYPE_CHECKING:
    from pathlib import Path

    from gavelbook.wallet import HdWallet


@dataclass(frozen=True, slots=True)
class KeystoreSource:
    """The keystore at ``path``; its passphrase is in a file or asked for."""

    path: Path
    passphrase_file: Path | None

    @property
    def keystore(self) -> Keystore:
        """The keystore, there or not yet."""
        return Keystore(self.path)

    def passphrase(self, *, new: bool = False) -> str:
        """Return the passphrase; a ``new`` one is asked for twice.

        Raises:
            WalletError: ``passphrase_file_unreadable`` or ``file_exposed``.

        """
        name = "New passphrase" if new else "Passphrase"
        return passphrase_from(self.passphrase_file, f"{name} of the keystore", new=new)

    def open(self) -> HdWallet:
        """Return the wallet.

        Raises:
            WalletError: as of `Keystore.open`.

        """
        # What needs no passphrase is refused before one is asked for.
        self.keystore.generations()
        return self.keystore.open(self.passphrase())


def passphrase_from(path: Path | None, question: str, *, new: bool) -> str:
    """Return the passphrase in the file at ``path``, else what a person types unseen.

    Raises:
        WalletError: ``passphrase_file_unreadable`` or ``file_exposed``.

    """
    if path is not None:
        return read_passphrase(path)
    answer: str = click.prompt(question, hide_input=True, confirmation_prompt=new)
    return answer
