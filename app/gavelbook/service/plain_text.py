"""Text that strangers choose, such as the names of tokens, made harmless for what shows it."""

from __future__ import annotations

import re
import unicodedata

_BREAKING = frozenset({"Cc", "Zl", "Zp"})
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
_CELL_WITHIN = re.compile(rf";(?=\W*[{''.join(map(re.escape, _FORMULA))}])")
"""A semicolon where many countries' spreadsheets begin another cell, with a formula in it."""
_LONGEST = 200


def one_line(text: str, most: int = _LONGEST) -> str:
    """Return ``text`` on one line, cut after ``most`` letters.

    Nothing in it turns the direction of what follows.
    """
    kept = "".join(
        " " if unicodedata.category(each) in _BREAKING else each
        for each in text
        if each not in _DIRECTIONS
    )
    return kept if len(kept) <= most else f"{kept[:most]}…"


def csv_cell(text: str) -> str:
    """Return ``text`` on one line, such that no spreadsheet takes it for a formula.

    What cannot be printed is a space.
    """
    printed = (each if each.isprintable() else " " for each in one_line(text))
    line = _CELL_WITHIN.sub(",", "".join(printed)).strip()
    return f"'{line}" if line.startswith(_FORMULA) else line
