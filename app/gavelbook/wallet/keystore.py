"""A mnemonic in an encrypted file: Web3 secret storage, version 3, over its 32 bytes of entropy."""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from eth_account import Account
from eth_utils.exceptions import ValidationError

from gavelbook.errors import FileError
from gavelbook.files.atomic import replacing
from gavelbook.wallet.errors import WalletError
from gavelbook.wallet.hd_wallet import HdWallet
from gavelbook.wallet.mnemonic import (
    ENTROPY_BYTES,
    entropy_of,
    refuse_words_in_environment,
    words_of,
)
from gavelbook.wallet.passphrases import check_passphrase
from gavelbook.wallet.private_file import OWNER_ONLY_FILE, OWNER_ONLY_FOLDER, refuse_exposed
from gavelbook.wallet.roles import GENERATIONS, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

PATH_VARIABLE = "GAVELBOOK_KEYSTORE"
WORK_FACTOR = 2**18
"""scrypt's N: about a second and 256 MiB for each guess."""

_DIGEST = r"^[0-9a-f]{64}$"


class _Scrypt(msgspec.Struct, frozen=True):
    # A bound, so that a doctored file cannot ask for all memory.
    n: Annotated[int, msgspec.Meta(ge=2, le=2**20)]
    r: Literal[8]
    p: Literal[1]
    dklen: Literal[32]
    salt: Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{2}){8,64}$")]


class _CipherParams(msgspec.Struct, frozen=True):
    iv: Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{2}){1,16}$")]


class _Crypto(msgspec.Struct, frozen=True):
    cipher: Literal["aes-128-ctr"]
    cipherparams: _CipherParams
    ciphertext: Annotated[str, msgspec.Meta(pattern=_DIGEST)]
    kdf: Literal["scrypt"]
    kdfparams: _Scrypt
    mac: Annotated[str, msgspec.Meta(pattern=_DIGEST)]


class _Content(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: Literal[3] = 3
    id: str
    crypto: _Crypto
    holds: Literal["BIP-39 entropy"] = "BIP-39 entropy"
    # The MAC of version 3 leaves the IV out: with another one, other keys would come out unnoticed.
    fingerprint: str
    generations: dict[Role, Annotated[int, msgspec.Meta(ge=0, lt=GENERATIONS)]]
    # Tells a damaged file from a wrong passphrase.
    checksum: str = ""

    def sealed(self) -> _Content:
        bare = msgspec.structs.replace(self, checksum="")
        digest = sha256(msgspec.json.encode(bare, order="deterministic")).hexdigest()
        return msgspec.structs.replace(self, checksum=digest)


def default_path() -> Path:
    """Return ``$GAVELBOOK_KEYSTORE``, else ``~/.gavelbook/keystore.json``."""
    return Path(os.environ.get(PATH_VARIABLE) or Path.home() / ".gavelbook" / "keystore.json")


@dataclass(frozen=True, slots=True)
class Keystore:
    """The encrypted file at ``path``, open to its owner alone, in a folder likewise.

    What decrypts takes about a second, which is what makes guessing dear.
    """

    path: Path

    def create(self, words: str, passphrase: str, *, work_factor: int = WORK_FACTOR) -> HdWallet:
        """Encrypt 24 words into a new file and return their wallet.

        Args:
            words: the mnemonic, English.
            passphrase: to be kept apart from the file.
            work_factor: scrypt's N, a power of two; less is for tests and throw-away chains.

        Raises:
            WalletError: ``keystore_exists``, ``file_exposed``, ``passphrase_weak``,
                ``mnemonic_word_count``, ``mnemonic_word_unknown``, ``mnemonic_checksum``,
                ``mnemonic_not_random`` or ``mnemonic_in_environment``.
            FileError: ``file_unwritable``.

        """
        refuse_words_in_environment()
        self.refuse_existing()
        check_passphrase(passphrase)
        entropy = entropy_of(words)
        wallet = HdWallet(words_of(entropy))
        generations = dict.fromkeys(Role, 0)
        self._write(_encrypted(entropy, passphrase, work_factor, wallet.fingerprint, generations))
        return wallet

    def open(self, passphrase: str) -> HdWallet:
        """Return the wallet.

        Raises:
            WalletError: ``keystore_missing``, ``file_exposed``, ``keystore_damaged``,
                ``passphrase_wrong`` or ``mnemonic_in_environment``.

        """
        content = self._read()
        return _checked_wallet(content, _entropy(content, passphrase))

    def words(self, passphrase: str) -> str:
        """Return the 24 words.

        Raises:
            WalletError: as of `open`.

        """
        content = self._read()
        entropy = _entropy(content, passphrase)
        _checked_wallet(content, entropy)
        return words_of(entropy)

    def change_passphrase(
        self, passphrase: str, new: str, *, work_factor: int = WORK_FACTOR
    ) -> None:
        """Encrypt the same words with another passphrase.

        A copy of the old file stays readable with the old one.

        Raises:
            WalletError: as of `open`, or ``passphrase_weak``.
            FileError: ``file_unwritable``.

        """
        content = self._read()
        check_passphrase(new)
        entropy = _entropy(content, passphrase)
        _checked_wallet(content, entropy)
        self._write(_encrypted(entropy, new, work_factor, content.fingerprint, content.generations))

    def generations(self) -> dict[Role, int]:
        """Return which key of each role is in use, counted from 0; needs no passphrase.

        Raises:
            WalletError: ``keystore_missing``, ``file_exposed``, ``keystore_damaged`` or
                ``mnemonic_in_environment``.

        """
        generations = self._read().generations
        return {role: generations.get(role, 0) for role in Role}

    def start_generation(self, role: Role, generation: int) -> None:
        """Note that ``role`` uses key number ``generation`` from now on.

        Raises:
            WalletError: as of `generations`.
            FileError: ``file_unwritable``.

        """
        content = self._read()
        generations = {**content.generations, role: generation}
        self._write(msgspec.structs.replace(content, generations=generations))

    def refuse_existing(self) -> None:
        """Refuse to take the place of a file.

        Raises:
            WalletError: ``keystore_exists``.

        """
        if self.path.exists():
            message = f"Expected a path where nothing is yet, was {self.path}"
            raise WalletError("keystore_exists", message, file=str(self.path))

    def _write(self, content: _Content) -> None:
        folder = self.path.parent
        try:
            folder.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
            refuse_exposed(folder)
        except OSError as error:
            message = f"Expected a folder that can be used, was {folder} ({error.strerror})"
            raise FileError("file_unwritable", message, file=str(folder)) from error
        with replacing(self.path, mode=OWNER_ONLY_FILE) as file:
            file.write(msgspec.json.format(msgspec.json.encode(content.sealed())).decode() + "\n")

    def _read(self) -> _Content:
        refuse_words_in_environment()
        try:
            refuse_exposed(self.path)
            refuse_exposed(self.path.parent)
            content = msgspec.json.decode(self.path.read_bytes(), type=_Content)
        except OSError as error:
            message = f"Expected a keystore (`gavelbook wallet init`), was none at {self.path}"
            raise WalletError("keystore_missing", message, file=str(self.path)) from error
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise _damaged("of version 3 with scrypt") from None
        if content != content.sealed():
            raise _damaged("with a right checksum")
        return content


def _encrypted(
    entropy: bytes,
    passphrase: str,
    work_factor: int,
    fingerprint: str,
    generations: Mapping[Role, int],
) -> _Content:
    try:
        made = Account.encrypt(entropy, passphrase, kdf="scrypt", iterations=work_factor)
    except (ValueError, ValidationError):
        # The library takes the bytes for a key: none is 0 or as large as the order of the curve.
        message = "Expected words drawn at random, was the first or one of the last mnemonics"
        raise WalletError("mnemonic_not_random", message) from None
    # Its "address" would be that of the entropy taken for a key, which nobody is to use.
    return _Content(
        id=str(made["id"]),
        crypto=msgspec.convert(made["crypto"], _Crypto),
        fingerprint=fingerprint,
        generations=dict(generations),
    )


def _entropy(content: _Content, passphrase: str) -> bytes:
    try:
        return bytes(Account.decrypt(msgspec.to_builtins(content), passphrase))
    except ValueError:
        message = "Expected the passphrase of the keystore, was another"
        raise WalletError("passphrase_wrong", message) from None


def _checked_wallet(content: _Content, entropy: bytes) -> HdWallet:
    if len(entropy) == ENTROPY_BYTES:
        wallet = HdWallet(words_of(entropy))
        if wallet.fingerprint == content.fingerprint:
            return wallet
    raise _damaged("of the wallet it names")


def _damaged(expected: str) -> WalletError:
    return WalletError("keystore_damaged", f"Expected a keystore {expected}, was a damaged file")
