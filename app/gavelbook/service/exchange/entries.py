"""Entries of the log, how they are chained, and what the engine answered to them."""

from __future__ import annotations

import struct
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gavelbook.exchange.commands import Command
    from gavelbook.exchange.reports import Report

# Position and time, 8 bytes each, big endian.
_pack_start = struct.Struct(">QQ").pack


class Entry(NamedTuple):
    """A command in the log: ``content`` is what `gavelbook.exchange.commands.encode` made of it.

    ``time_ms`` is the log's clock in unix milliseconds, which never goes backwards. ``head`` stands
    for the whole log up to this entry.
    """

    position: int
    time_ms: int
    content: bytes
    head: bytes


class Tail(NamedTuple):
    """The end of a log: position, time and head of its last entry."""

    position: int
    time_ms: int
    head: bytes


class Seal(NamedTuple):
    """The matcher's ``signature`` (65 bytes) over the ``head`` of the log at ``position``."""

    position: int
    head: bytes
    signature: bytes


class Applied(NamedTuple):
    """A command that is in the log for good, and what the engine answered.

    ``duplicate`` means that the very same order had been placed before: position, time and reports
    are those of the first time, and nothing new happened.
    """

    position: int
    time_ms: int
    command: Command
    reports: list[Report]
    duplicate: bool = False


def entry_digest(position: int, time_ms: int, content: bytes) -> bytes:
    """Return the digest of an entry: SHA-256 of position and time (8 bytes each) and content."""
    return sha256(_pack_start(position, time_ms) + content).digest()


def next_head(head: bytes, digest: bytes) -> bytes:
    """Return the head after ``head`` when an entry with ``digest`` is appended."""
    return sha256(head + digest).digest()
