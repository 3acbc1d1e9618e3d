"""The public log of an exchange, from its API or from a copy of its file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from gavelbook.client import AnswerError, ApiError, Client, NetworkError
from gavelbook.exchange.engine import EngineTerms
from gavelbook.service.exchange.entries import Entry
from gavelbook.service.exchange.errors import LogError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gavelbook.wire.accounts import LogPage

_PAGE = 1_000


class Origin(msgspec.Struct):
    """What a log begins with: whose it is, and what its engine starts with."""

    format: int
    chain_id: str
    contract: str
    terms: EngineTerms


class PublicLog(NamedTuple):
    """A log as anybody may have it. ``origin`` is what its first head is the hash of."""

    origin: bytes
    entries: Iterator[Entry]

    def terms(self) -> Origin:
        """Return what the origin says.

        Raises:
            LogError: ``log_malformed``.

        """
        try:
            return msgspec.json.decode(self.origin, type=Origin)
        except msgspec.MsgspecError as error:
            raise _malformed(f"the origin of a log ({error})") from error


def open_public_log(source: str) -> PublicLog:
    """Return the log at ``source``: the address of an API (http or https), or a copy of a file.

    Raises:
        LogError: ``log_unreachable``, ``log_unreadable`` or ``log_malformed``; the entries raise
            them, too.

    """
    if source.startswith(("http://", "https://")):
        return public_log(Client(source))
    return _from_file(Path(source))


def public_log(client: Client) -> PublicLog:
    """Return the whole log; it is read as it is needed.

    Raises:
        LogError: as `open_public_log`.

    """
    return PublicLog(bytes(_page(client, 1, 1).origin), _entries(client))


def _entries(client: Client) -> Iterator[Entry]:
    start = 1
    while True:
        page = _page(client, start, _PAGE)
        for each in page.entries:
            yield Entry(int(each.position), int(each.time), bytes(each.entry), bytes(each.head))
        if page.next is None:
            return
        if page.next <= start:
            raise _malformed("a page of a log that goes on")
        start = page.next


def _page(client: Client, start: int, limit: int) -> LogPage:
    try:
        return client.log(start, limit)
    except AnswerError as error:
        raise _malformed("a page of a log") from error
    except (ApiError, NetworkError) as error:
        message = f"Expected a page of the log, was refused: {error.message}"
        raise LogError("log_unreachable", message) from error


def _from_file(path: Path) -> PublicLog:
    def read(query: str) -> Iterator[Any]:
        try:
            with closing(
                sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
            ) as database:
                yield from database.execute(query)
        except sqlite3.Error as error:
            message = f"{path}: Expected a log, was unreadable ({error})"
            raise LogError("log_unreadable", message, file=str(path)) from error

    origins = list(read("SELECT content FROM origin"))
    if len(origins) != 1:
        raise _malformed("a log with an origin")
    rows = read("SELECT position, time_ms, content, head FROM log ORDER BY position")
    return PublicLog(bytes(origins[0][0]), (Entry(*row) for row in rows))


def _malformed(expected: str) -> LogError:
    return LogError("log_malformed", f"Expected {expected}, was malformed")
