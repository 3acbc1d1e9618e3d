"""Roles of the operator as accounts of ape, each in a file and with a passphrase of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gavelbook.chain.keystore import copy_account, save_account, stored_address
from gavelbook.wallet.errors import WalletError
from gavelbook.wallet.passphrases import check_passphrase

if TYPE_CHECKING:
    from pathlib import Path

    from eth_account.signers.local import LocalAccount

    from gavelbook.wallet.hd_wallet import HdWallet
    from gavelbook.wallet.keystore import Keystore
    from gavelbook.wallet.roles import Role


@dataclass(frozen=True, slots=True)
class OperatorAccount:
    """Where ape keeps the key of a role: the account ``alias`` in its data folder."""

    role: Role
    alias: str
    folder: Path | None = None
    """None for ``$APE_DATA_FOLDER``, else ~/.ape."""
    work_factor: int | None = None
    """scrypt's N; None for a second of work."""

    def is_exported(self, account: LocalAccount) -> bool:
        """Tell whether ape has ``account`` under this alias.

        Raises:
            WalletError: ``alias_taken``: it has another one there.
            KeystoreError: ``keystore_malformed``.

        """
        found = stored_address(self.alias, self.folder)
        if found not in {None, account.address}:
            message = (
                f"Expected the account {self.alias} of ape to be free or {account.address}, "
                f"was {found}"
            )
            raise WalletError("alias_taken", message, alias=self.alias)
        return found is not None

    def export(self, account: LocalAccount, passphrase: str) -> None:
        """Give ape the key of ``account`` under this alias.

        Raises:
            WalletError: ``alias_taken`` or ``passphrase_weak``.
            KeystoreError: ``keystore_malformed``.
            FileError: ``file_unwritable``.

        """
        self.is_exported(account)
        check_passphrase(passphrase)
        self._save(account, passphrase)

    def rotate(self, wallet: HdWallet, keystore: Keystore, passphrase: str) -> str | None:
        """Put the role's next key in the place of its last, and note so in ``keystore``.

        Stopped half-way and done again, it goes on where it stopped.

        Returns:
            The alias that the last key has from now on; None where ape had none.

        Raises:
            WalletError: ``alias_taken``, ``passphrase_weak`` or ``generation_out_of_range``.
            KeystoreError: ``keystore_malformed``.
            FileError: ``file_unwritable``.

        """
        check_passphrase(passphrase)
        generation = keystore.generations()[self.role]
        last = wallet.operator(self.role, generation)
        fresh = wallet.operator(self.role, generation + 1)
        kept = f"{self.alias}_{generation}"
        beside = OperatorAccount(self.role, kept, self.folder)
        exported = stored_address(self.alias, self.folder)
        if exported != fresh.address:
            if self.is_exported(last) and not beside.is_exported(last):
                copy_account(self.alias, kept, self.folder)
            self._save(fresh, passphrase)
        keystore.start_generation(self.role, generation + 1)
        return kept if beside.is_exported(last) else None

    def _save(self, account: LocalAccount, passphrase: str) -> None:
        save_account(self.alias, account, passphrase, self.folder, work_factor=self.work_factor)
