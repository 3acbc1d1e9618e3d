"""The public log of an exchange, from its API or from a copy of its file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import msgspec

from gavelbook.exchange.engine import EngineTerms
from gavelbook.service.exchange.entries import Entry
from gavelbook.service.exchange.errors import LogError

if TYPE_CHECKING:
    from collections.abc import Iterator

_PAGE = 1_000
_SECONDS = 30.0


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
        return _from_api(source.rstrip("/"))
    return _from_file(Path(source))


def _from_api(url: str) -> PublicLog:
    first = _page(url, 1)

    def entries() -> Iterator[Entry]:
        page = first
        while True:
            yield from map(_entry, page["entries"])
            following = page.get("next")
            if following is None:
                return
            page = _page(url, int(following))

    try:
        return PublicLog(_octets(first["origin"]), entries())
    except (KeyError, TypeError, ValueError) as error:
        raise _malformed("a page of a log") from error


def _page(url: str, start: int) -> dict[str, Any]:
    try:
        answer = httpx.get(
            f"{url}/v1/log", params={"from": str(start), "limit": str(_PAGE)}, timeout=_SECONDS
        )
        answer.raise_for_status()
        page: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        message = f"Expected a page of the log from {url}, was {type(error).__name__}"
        raise LogError("log_unreachable", message, url=url) from error
    return page


def _entry(fields: dict[str, str]) -> Entry:
    try:
        return Entry(
            int(fields["position"]),
            int(fields["time"]),
            _octets(fields["entry"]),
            _octets(fields["head"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _malformed("an entry of a log") from error


def _octets(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


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
