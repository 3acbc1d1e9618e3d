"""Errors on the wire: RFC 9457 problem details with stable codes."""

from __future__ import annotations

from msgspec import Struct


class Problem(Struct, frozen=True):
    """What went wrong. Further members hold the details of the code, amounts as strings."""

    type: str
    """`urn:gavelbook:problem:` and the code."""
    title: str
    status: int
    code: str
    """Stable; programs may rely on it."""
    detail: str
    """A sentence for people: Expected ..., was ..."""
