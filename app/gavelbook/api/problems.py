"""Errors as RFC 9457 problem details."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gavelbook.api.errors import status_of
from gavelbook.wire.problems import Problem

if TYPE_CHECKING:
    from gavelbook.errors import GavelbookError

MEDIA_TYPE = b"application/problem+json"
_MEMBERS = frozenset(Problem.__struct_fields__)
_DETAIL_LENGTH = 1_000
_MOST_DETAILS = 20


def problem_of(error: GavelbookError) -> dict[str, Any]:
    """Return the members of the problem ``error`` is; integers as text, bytes as 0x text."""
    problem: dict[str, Any] = {
        "type": f"urn:gavelbook:problem:{error.code}",
        "title": error.code.replace("_", " ").capitalize(),
        "status": status_of(error.code),
        "code": error.code,
        "detail": error.message[:_DETAIL_LENGTH],
    }
    for name, value in error.details.items():
        if name not in _MEMBERS:
            problem[_camel(name)] = _shown(value)
    return problem


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)


def _shown(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        # Python refuses to write integers of thousands of digits.
        return str(int(value)) if value.bit_length() <= _DETAIL_LENGTH else "too large to show"
    if isinstance(value, (bytes, bytearray)):
        return f"0x{value[:_DETAIL_LENGTH].hex()}"
    if isinstance(value, (list, tuple)):
        return [_shown(each) for each in value[:_MOST_DETAILS]]
    if isinstance(value, dict):
        return {str(key): _shown(each) for key, each in list(value.items())[:_MOST_DETAILS]}
    # Lone surrogates, which JSON text may name, cannot be written as UTF-8.
    return str(value)[:_DETAIL_LENGTH].encode(errors="replace").decode()
