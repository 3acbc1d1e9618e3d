"""The key by which the signer knows its web processes."""

from __future__ import annotations

import hmac
import os
import secrets
from typing import TYPE_CHECKING

from gavelbook.errors import FileError
from gavelbook.wallet.private_file import OWNER_ONLY_FILE, OWNER_ONLY_FOLDER, refuse_exposed

if TYPE_CHECKING:
    from pathlib import Path

_LENGTH = 32


class AccessKey:
    """The key in the file at ``path``, which is made where there is none."""

    def __init__(self, path: Path) -> None:
        """Read the key, or make one.

        Raises:
            FileError: ``access_key_unusable``.
            WalletError: ``file_exposed`` to others than its owner.

        """
        try:
            path.parent.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
            if not path.exists():
                _make(path)
            refuse_exposed(path)
            self._key = path.read_bytes().strip()
        except OSError as error:
            raise _unusable(path, str(error.strerror)) from error
        if len(self._key) < _LENGTH:
            raise _unusable(path, f"shorter than {_LENGTH} characters")

    def matches(self, given: bytes) -> bool:
        """Return whether ``given`` is the key; it takes as long for any other."""
        return hmac.compare_digest(self._key, given)


def _make(path: Path) -> None:
    file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWNER_ONLY_FILE)
    with os.fdopen(file, "w", encoding="ascii") as opened:
        opened.write(f"{secrets.token_urlsafe(_LENGTH)}\n")


def _unusable(path: Path, why: str) -> FileError:
    message = f"Expected an access key in {path}, was unusable ({why})"
    return FileError("access_key_unusable", message, file=str(path))
