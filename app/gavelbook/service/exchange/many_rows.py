"""Many rows in a few steps of SQLite: between any two steps other threads take the interpreter."""

from __future__ import annotations

from functools import cache
from itertools import chain, islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

# Few sizes, since SQLite keeps as many prepared statements; the largest stays below the 32,766
# parameters that a statement may have.
_SIZES = (64, 8, 1)


def execute_rows(
    database: sqlite3.Connection, statement: str, rows: Iterable[Sequence[object]], width: int
) -> None:
    """Execute ``statement`` for ``rows`` of ``width`` values each, in their order.

    In it ``{rows}`` stands where SQL has VALUES (...), (...).
    """
    left = iter(rows)
    while taken := list(islice(left, _SIZES[0])):
        start = 0
        for size in _SIZES:
            while len(taken) - start >= size:
                part = taken[start : start + size]
                start += size
                database.execute(
                    _expanded(statement, size, width), tuple(chain.from_iterable(part))
                )


@cache
def _expanded(statement: str, size: int, width: int) -> str:
    row = f"({', '.join('?' * width)})"
    return statement.format(rows=f"VALUES {', '.join([row] * size)}")
