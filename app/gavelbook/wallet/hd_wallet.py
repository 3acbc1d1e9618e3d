"""A hierarchical wallet: many Ethereum accounts from one list of words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from bip_utils import (
    Bip39MnemonicGenerator,
    Bip39MnemonicValidator,
    Bip39SeedGenerator,
    Bip39WordsNum,
    Bip44,
    Bip44Changes,
    Bip44Coins,
)
from eth_account import Account

from gavelbook.errors import GavelbookError

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

DEVELOPMENT_MNEMONIC = "test test test test test test test test test test test junk"
"""The words every development chain funds. They are public: never send anything of worth there."""


class WalletError(GavelbookError):
    """Words that make no account. The message never repeats them."""


class HdWallet:
    """Accounts ``m/44'/60'/0'/0/i`` of one mnemonic, derived when asked for.

    The words and the keys stay in memory; the wallet's text shows neither.
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
        account = Bip44.FromSeed(Bip39SeedGenerator(words).Generate(), Bip44Coins.ETHEREUM)
        self._branch = account.Purpose().Coin().Account(0).Change(Bip44Changes.CHAIN_EXT)
        self._accounts: dict[int, LocalAccount] = {}

    @classmethod
    def random(cls) -> Self:
        """Return a wallet of 24 fresh words that are kept nowhere else."""
        words = Bip39MnemonicGenerator().FromWordsNumber(Bip39WordsNum.WORDS_NUM_24)
        return cls(words.ToStr())

    def account(self, number: int) -> LocalAccount:
        """Return account ``number``, ready to sign."""
        if number not in self._accounts:
            key = self._branch.AddressIndex(number).PrivateKey().Raw().ToBytes()
            self._accounts[number] = Account.from_key(key)
        return self._accounts[number]

    def accounts(self, count: int, first: int = 0) -> list[LocalAccount]:
        """Return ``count`` accounts from number ``first`` on."""
        return [self.account(number) for number in range(first, first + count)]
