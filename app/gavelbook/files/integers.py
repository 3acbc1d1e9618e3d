"""Integers as text: one spelling each, so that nothing is read in two ways."""

from __future__ import annotations

import re

_PLAIN = re.compile(r"0|[1-9][0-9]*")
_MAX_DIGITS = 78
"""Digits of 2**256 - 1, the largest amount of a contract."""


def integer_problem(text: str) -> tuple[str, str] | None:
    """Return why ``text`` is no plain decimal integer: a code and what was expected, or None."""
    if _PLAIN.fullmatch(text):
        if len(text) > _MAX_DIGITS:
            return "amount_too_large", f"an integer of at most {_MAX_DIGITS} digits"
        return None
    if text.startswith("-") and _PLAIN.fullmatch(text[1:]):
        return "negative", "an integer of at least 0"
    return "not_an_integer", "an integer of digits 0 to 9 without sign, space or leading zero"
