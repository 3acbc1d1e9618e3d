"""The terms of a sale as YAML: one flat mapping of names to text.

YAML would turn ``1e18`` into a float, ``010`` into 8 and an unquoted address into a number. So the
text of each value is taken as it stands in the file and read here, by the kind of its key.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import yaml

from gavelbook.auction.sale_terms import ACCOUNT_KEYS, TIME_KEYS
from gavelbook.auction.terms import AuctionTerms, Pricing, Rule, SaleTerms
from gavelbook.errors import FileError, TermsError, shown
from gavelbook.files.integers import integer_problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from enum import IntEnum
    from pathlib import Path

DEFAULT_TICK_COUNT = 1024

_IGNORED = (
    yaml.StreamStartEvent,
    yaml.StreamEndEvent,
    yaml.DocumentStartEvent,
    yaml.DocumentEndEvent,
)
_GROUPED = re.compile(r"[0-9]+(_[0-9]+)+")
_ISO_UTC = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?Z")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def read_terms(path: Path) -> SaleTerms:
    """Read the terms of a sale.

    Raises:
        FileError: ``file_unreadable``.
        TermsError: as for `parse_terms`, with the file.

    """
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"Expected a file that can be read, was {path} ({error.strerror})"
        raise FileError("file_unreadable", message, file=str(path)) from error
    return parse_terms(content, file=str(path))


def parse_terms(content: bytes, file: str = "terms") -> SaleTerms:
    """Return the terms in the YAML text ``content``; ``file`` names it in messages.

    Raises:
        TermsError: with file, and key, line and value where there is one: ``not_utf8``,
            ``yaml_malformed``, ``key_unknown``, ``key_duplicate``, ``key_missing``,
            ``value_not_plain``, ``not_an_integer``, ``negative``, ``choice_unknown``,
            ``time_malformed``, or as `AuctionTerms` and `SaleTerms` refuse them.

    """
    lines: dict[str, int] = {}
    try:
        entries = _entries(content)
        lines.update({key: line for key, (_, line) in entries.items()})
        return _terms({key: _value(key, text) for key, (text, _) in entries.items()})
    except TermsError as error:
        at_line = error.details.get("line", lines.get(str(error.details.get("key"))))
        if at_line is None:
            raise error.at(file, file=file) from None
        raise error.at(f"{file} line {at_line}", file=file, line=at_line) from None


def _entries(content: bytes) -> dict[str, tuple[str, int]]:
    """Return text and line number of each entry of the mapping in ``content``.

    Reads the parser's events one by one, so that no object is built and nothing nested is followed.
    """
    try:
        events = yaml.parse(_decoded(content), Loader=yaml.BaseLoader)
        return _flat_mapping(event for event in events if not isinstance(event, _IGNORED))
    except yaml.MarkedYAMLError as error:
        message = f"Expected YAML, was malformed ({error.problem})"
        mark = error.problem_mark or error.context_mark
        place = {"line": mark.line + 1} if mark else {}
        raise TermsError("yaml_malformed", message, **place) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # Beside its own errors the parser lets through those of chr() for an impossible escape.
        message = f"Expected YAML, was malformed ({type(error).__name__})"
        raise TermsError("yaml_malformed", message) from error


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        value = content[error.start : error.start + 1].hex()
        message = f"Expected UTF-8, was the byte 0x{value}"
        raise TermsError("not_utf8", message, line=line, value=value) from error


def _flat_mapping(events: Iterator[yaml.Event]) -> dict[str, tuple[str, int]]:
    first = next(events, None)
    if first is None:
        raise TermsError("key_missing", "Expected the terms of a sale, was empty")
    if not isinstance(first, yaml.MappingStartEvent):
        message = f"Expected a mapping, was {_kind(first)}"
        raise TermsError("yaml_malformed", message, line=_line(first))
    entries: dict[str, tuple[str, int]] = {}
    for event in events:
        if isinstance(event, yaml.MappingEndEvent):
            break
        key = _plain_text("key", event)
        text = _plain_text(key, next(events))
        if key in entries:
            message = f"Expected {key} once, was on line {entries[key][1]} already"
            raise TermsError("key_duplicate", message, key=key, value=text, line=_line(event))
        entries[key] = text, _line(event)
    for event in events:
        message = "Expected one document, was followed by another"
        raise TermsError("yaml_malformed", message, line=_line(event))
    return entries


def _plain_text(key: str, event: yaml.Event) -> str:
    if isinstance(event, yaml.ScalarEvent) and event.tag is None:
        return str(event.value)
    message = f"Expected {key} a plain value, was {_kind(event)}"
    raise TermsError("value_not_plain", message, key=key, line=_line(event))


def _kind(event: yaml.Event) -> str:
    if isinstance(event, yaml.ScalarEvent):
        return "a single value" if event.tag is None else f"a value tagged {event.tag}"
    if isinstance(event, yaml.CollectionStartEvent):
        return "a mapping" if isinstance(event, yaml.MappingStartEvent) else "a list"
    return "a reference"


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _value(key: str, text: str) -> Any:
    if key not in _READERS:
        raise TermsError(
            "key_unknown", f"Expected a key of a sale, was {shown(key)}", key=key, value=text
        )
    return _READERS[key](key, text)


def _integer(key: str, text: str) -> int:
    plain = text.replace("_", "") if _GROUPED.fullmatch(text) else text
    problem = integer_problem(plain)
    if problem:
        code, expected = problem
        raise TermsError.refuse(code, key, text, expected)
    return int(plain)


def _time(key: str, text: str) -> int:
    """Return Unix seconds from themselves or from ISO 8601 in UTC, without a float between."""
    if integer_problem(text) is None:
        return int(text)
    try:
        if _ISO_UTC.fullmatch(text):
            return (dt.datetime.fromisoformat(text) - _EPOCH) // dt.timedelta(seconds=1)
    except ValueError:
        pass
    expected = "a time in UTC (2030-01-31T12:00:00Z) or Unix seconds"
    raise TermsError.refuse("time_malformed", key, text, expected)


def _text(_key: str, text: str) -> str:
    return text


def _choice(choices: type[IntEnum]) -> Callable[[str, str], IntEnum]:
    def read(key: str, text: str) -> IntEnum:
        names = choices.__members__
        if text.upper() not in names:
            expected = f"one of {', '.join(names)}"
            raise TermsError.refuse("choice_unknown", key, text, expected)
        return names[text.upper()]

    return read


_AUCTION_DEFAULTS = {"tick_count": DEFAULT_TICK_COUNT, "cap_bps": 100, "minimum_raise": 0}
_AUCTION_KEYS = tuple(field.name for field in fields(AuctionTerms))
_READERS: dict[str, Callable[[str, str], Any]] = {
    **dict.fromkeys(_AUCTION_KEYS, _integer),
    "rule": _choice(Rule),
    "pricing": _choice(Pricing),
    **dict.fromkeys(ACCOUNT_KEYS, _text),
    **dict.fromkeys(TIME_KEYS, _time),
}


def _terms(values: dict[str, Any]) -> SaleTerms:
    given = {**_AUCTION_DEFAULTS, **values}
    for key in _AUCTION_KEYS:
        if key not in given:
            raise TermsError("key_missing", f"Expected the key {key}, was absent", key=key)
    auction = AuctionTerms(**{key: given.pop(key) for key in _AUCTION_KEYS})
    return SaleTerms(auction=auction, **given)
