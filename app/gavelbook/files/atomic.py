"""Write a file whole or not at all."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from gavelbook.errors import FileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def replacing(path: Path, mode: int = 0o666) -> Iterator[IO[str]]:
    r"""Open a new text file (UTF-8, ``\n``) that takes the place of ``path`` on success.

    The text goes to a temporary file in the same directory, is flushed to the disk and renamed; on
    any error the temporary file is removed and ``path`` stays as it was. The file has ``mode``,
    less what the umask takes, from its first byte on.

    Raises:
        FileError: ``file_unwritable``.

    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        message = f"Expected a path that can be written, was {path} ({error.strerror})"
        raise FileError("file_unwritable", message, file=str(path)) from error
    finally:
        draft.unlink(missing_ok=True)
