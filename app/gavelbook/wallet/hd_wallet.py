"""A hierarchical wallet: many Ethereum accounts from one list of words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from bip_utils import (
    Bip39MnemonicValidator,
    Bip39SeedGenerator,
    Bip44,
    Bip44Changes,
    Bip44Coins,
)
from eth_account import Account

from gavelbook.wallet.errors import WalletError
from gavelbook.wallet.mnemonic import fresh_words
from gavelbook.wallet.roles import managed_index, role_index

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from gavelbook.wallet.roles import Role

DEVELOPMENT_MNEMONIC = "test test test test test test test test test test test junk"
"""The words every development chain funds. They are public: never send anything of worth there."""


class HdWallet:
    """Accounts of one mnemonic, derived when asked for.

    The words are not kept; keys stay in memory, and the wallet's text shows neither. Roles and
    managed accounts have hardened keys, ``m/44'/60'/i'/0/0`` (see `gavelbook.wallet.roles`):
    one of them given away says nothing of any other.
    """

    def __init__(self, mnemonic: str) -> None:
        """Take the words of a mnemonic.

        Raises:
            WalletError: ``mnemonic_malformed``. The message does not repeat the words.

        """
        words = " ".join(mnemonic.split())
        if not Bip39MnemonicValidator().IsValid(words):
            raise WalletError(
                "mnemonic_malformed",
                f"Expected a BIP-39 mnemonic with a right checksum, was {len(words.split())} words",
            )
        master = Bip44.FromSeed(Bip39SeedGenerator(words).Generate(), Bip44Coins.ETHEREUM)
        self._coin = master.Purpose().Coin()
        self._branch = self._coin.Account(0).Change(Bip44Changes.CHAIN_EXT)
        self._accounts: dict[int, LocalAccount] = {}
        self.fingerprint: str = master.Bip32Object().FingerPrint().ToHex()
        """Eight hex digits that tell wallets apart (BIP-32); they are no secret."""

    @classmethod
    def random(cls) -> Self:
        """Return a wallet of 24 fresh words that are kept nowhere else."""
        return cls(fresh_words())

    def account(self, number: int) -> LocalAccount:
        """Return account ``m/44'/60'/0'/0/number``, as development chains number theirs."""
        if number not in self._accounts:
            key = self._branch.AddressIndex(number).PrivateKey().Raw().ToBytes()
            self._accounts[number] = Account.from_key(key)
        return self._accounts[number]

    def accounts(self, count: int, first: int = 0) -> list[LocalAccount]:
        """Return ``count`` accounts from number ``first`` on."""
        return [self.account(number) for number in range(first, first + count)]

    def operator(self, role: Role, generation: int = 0) -> LocalAccount:
        """Return key number ``generation`` of ``role``, counted from 0.

        Raises:
            WalletError: ``generation_out_of_range``.

        """
        return self._hardened(role_index(role, generation))

    def managed(self, number: int) -> LocalAccount:
        """Return the key of managed account ``number``, counted from 0; it is not kept.

        Raises:
            WalletError: ``account_out_of_range``.

        """
        return self._hardened(managed_index(number))

    def _hardened(self, index: int) -> LocalAccount:
        branch = self._coin.Account(index).Change(Bip44Changes.CHAIN_EXT)
        account: LocalAccount = Account.from_key(
            branch.AddressIndex(0).PrivateKey().Raw().ToBytes()
        )
        return account
