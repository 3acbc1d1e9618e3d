"""Accounts of one mnemonic: BIP-39 words, BIP-44 path m/44'/60'/0'/0/i."""

from gavelbook.wallet.hd_wallet import DEVELOPMENT_MNEMONIC, HdWallet, WalletError
from gavelbook.wallet.visitors import Visitor, visitors

__all__ = ["DEVELOPMENT_MNEMONIC", "HdWallet", "Visitor", "WalletError", "visitors"]
