"""Files that nobody but their owner may read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gavelbook.wallet.errors import WalletError

if TYPE_CHECKING:
    from pathlib import Path

OWNER_ONLY_FILE = 0o600
OWNER_ONLY_FOLDER = 0o700
_OTHERS = 0o077


def refuse_exposed(path: Path) -> None:
    """Refuse a file or folder that its group or everybody can read, write or enter.

    Raises:
        WalletError: ``file_exposed``. The message says what to do.
        OSError: it is not there.

    """
    status = path.stat()
    # Windows has no such bits: access lists guard a user's folder there.
    if os.name == "posix" and status.st_mode & _OTHERS:
        wanted = OWNER_ONLY_FOLDER if path.is_dir() else OWNER_ONLY_FILE
        message = (
            f"Expected {path} to be open to its owner alone, was mode "
            f"{status.st_mode & 0o777:o}: `chmod {wanted:o} {path}`"
        )
        raise WalletError("file_exposed", message, file=str(path))
