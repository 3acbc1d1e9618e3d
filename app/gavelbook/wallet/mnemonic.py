"""The 24 words a wallet is made of, and the places they must not be in."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from bip_utils import (
    Bip39Languages,
    Bip39MnemonicDecoder,
    Bip39MnemonicEncoder,
    Bip39MnemonicGenerator,
    Bip39MnemonicValidator,
    Bip39WordsNum,
    MnemonicChecksumError,
)

from gavelbook.wallet.errors import WalletError

if TYPE_CHECKING:
    from collections.abc import Mapping

WORDS = 24
ENTROPY_BYTES = 32

# Only English: the words are kept as entropy, and other words of the same entropy are other keys.
_LANGUAGE = Bip39Languages.ENGLISH
_COUNTS = frozenset(range(12, WORDS + 1, 3))
_TELLING_NAME = re.compile(r"(?i)(MNEMONIC|(SEED|RECOVERY|SECRET)_?(PHRASE|WORDS))$")


def fresh_words() -> str:
    """Return 24 random words, separated by spaces."""
    generator = Bip39MnemonicGenerator(_LANGUAGE)
    words: str = generator.FromWordsNumber(Bip39WordsNum.WORDS_NUM_24).ToStr()
    return words


def entropy_of(words: str) -> bytes:
    """Return the 32 bytes that 24 English words stand for; case and spaces do not matter.

    Raises:
        WalletError: ``mnemonic_word_count``, ``mnemonic_word_unknown`` or ``mnemonic_checksum``.

    """
    found = words.lower().split()
    if len(found) != WORDS:
        message = f"Expected {WORDS} words, was {len(found)}"
        raise WalletError("mnemonic_word_count", message)
    try:
        entropy: bytes = Bip39MnemonicDecoder(_LANGUAGE).Decode(" ".join(found))
    except MnemonicChecksumError:
        message = f"Expected {WORDS} words whose checksum is right, was one wrong or out of order"
        raise WalletError("mnemonic_checksum", message) from None
    except ValueError:
        message = "Expected words of the English BIP-39 list, was at least one that is not in it"
        raise WalletError("mnemonic_word_unknown", message) from None
    return entropy


def words_of(entropy: bytes) -> str:
    """Return the 24 English words that stand for 32 bytes."""
    words: str = Bip39MnemonicEncoder(_LANGUAGE).Encode(entropy).ToStr()
    return words


def refuse_words_in_environment(environment: Mapping[str, str] | None = None) -> None:
    """Refuse to go on where a variable holds a mnemonic: every child and crash report sees it.

    Args:
        environment: by default that of this process.

    Raises:
        WalletError: ``mnemonic_in_environment``, with the variable's name and not its value.

    """
    for name, value in (os.environ if environment is None else environment).items():
        if (value and _TELLING_NAME.search(name)) or _is_mnemonic(value):
            message = (
                f"Expected no mnemonic in the environment, was one in {name}: unset it, keep the "
                "words in a keystore (`gavelbook wallet init --import`)"
            )
            raise WalletError("mnemonic_in_environment", message, variable=name)


def _is_mnemonic(text: str) -> bool:
    words = text.lower().split()
    return len(words) in _COUNTS and bool(Bip39MnemonicValidator().IsValid(" ".join(words)))
