"""Keys: 24 words in an encrypted keystore, and the accounts derived from them."""

from gavelbook.wallet.errors import WalletError
from gavelbook.wallet.hd_wallet import DEVELOPMENT_MNEMONIC, HdWallet
from gavelbook.wallet.keystore import Keystore, default_path
from gavelbook.wallet.mnemonic import fresh_words, refuse_words_in_environment
from gavelbook.wallet.passphrases import check_passphrase, read_passphrase
from gavelbook.wallet.roles import Role
from gavelbook.wallet.visitors import Visitor, visitors

__all__ = [
    "DEVELOPMENT_MNEMONIC",
    "HdWallet",
    "Keystore",
    "Role",
    "Visitor",
    "WalletError",
    "check_passphrase",
    "default_path",
    "fresh_words",
    "read_passphrase",
    "refuse_words_in_environment",
    "visitors",
]
