"""Reading an SQLite file from any number of threads while another writes it."""

from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Readers:
    """Connections that can only read ``path``, one for each thread that asks."""

    def __init__(self, path: Path) -> None:
        self._uri = f"{path.absolute().as_uri()}?mode=ro"
        self._own = threading.local()
        self._all: list[sqlite3.Connection] = []

    def query(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """Return all rows of ``query``.

        Raises:
            sqlite3.Error: the file cannot be read.

        """
        connection: sqlite3.Connection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = sqlite3.connect(
                self._uri, uri=True, isolation_level=None, check_same_thread=False
            )
            self._own.connection = connection
            self._all.append(connection)
        return connection.execute(query, values).fetchall()

    def close(self) -> None:
        """Close the connections of all threads."""
        for connection in self._all:
            connection.close()
        self._all.clear()
