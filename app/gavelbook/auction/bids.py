"""Bids as two columns in arrival order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from gavelbook.errors import BidsError, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gavelbook.auction.terms import AuctionTerms

_MIN_INT64 = -(2**63)
_MAX_INT64 = 2**63 - 1


@dataclass(frozen=True, eq=False, slots=True)
class Bids:
    """Bids in arrival order; build them with `from_columns`.

    ``ticks`` has dtype int64. ``lots`` has dtype int64 where no sum over bids and no product of a
    size with a number of bids can overflow it, else dtype object holding Python integers, so the
    same arithmetic is exact for both. Both are read-only.
    """

    ticks: NDArray[np.int64]
    lots: NDArray[Any]

    @classmethod
    def from_columns(
        cls, ticks: Sequence[int] | NDArray[Any], lots: Sequence[int] | NDArray[Any]
    ) -> Self:
        """Build bids from prices in ticks and sizes in lots, one entry per bid.

        Raises:
            BidsError: ``columns_differ``, ``not_an_integer``, ``tick_out_of_range`` (below 0) or
                ``bid_too_small`` (below 1 lot).

        """
        tick_column, lot_column = _column("tick", ticks), _column("lots", lots)
        if len(tick_column) != len(lot_column):
            message = f"Expected one size per tick ({len(tick_column)}), was {len(lot_column)}"
            raise BidsError("columns_differ", message)
        _refuse_first(tick_column < 0, tick_column, "tick_out_of_range", "a tick of at least 0")
        _refuse_first(lot_column < 1, lot_column, "bid_too_small", "at least 1 lot")
        if tick_column.dtype == object:
            too_high = np.array([tick > _MAX_INT64 for tick in tick_column], dtype=bool)
            _refuse_first(too_high, tick_column, "tick_out_of_range", "a tick below 2**63")
        if len(lot_column) * int(lot_column.max(initial=0)) > _MAX_INT64:
            lot_column = lot_column.astype(object)
        tick_column.flags.writeable = False
        lot_column.flags.writeable = False
        return cls(tick_column, lot_column)

    def __len__(self) -> int:
        """Return the number of bids."""
        return len(self.ticks)

    @property
    def total_lots(self) -> int:
        """Lots wanted by all bids together."""
        return int(self.lots.sum())

    def check(self, terms: AuctionTerms) -> None:
        """Refuse bids off the price grid or larger than the supply.

        The smallest bid and the cap per bidder are checked where the bidder is known: by the
        contract, and by the reader of bid files.

        Raises:
            BidsError: ``tick_out_of_range`` or ``lots_over_supply``, naming the first such bid.

        """
        highest = terms.tick_count - 1
        expected = f"a tick from 0 to {highest}"
        _refuse_first(self.ticks > highest, self.ticks, "tick_out_of_range", expected)
        expected = f"at most the supply of {terms.supply_lots} lots"
        _refuse_first(self.lots > terms.supply_lots, self.lots, "lots_over_supply", expected)


def lots_by_tick(ticks: NDArray[np.int64], lots: NDArray[Any], tick_count: int) -> list[int]:
    """Return the sum of ``lots`` at each tick from 0 to ``tick_count - 1``, exact."""
    totals = np.zeros(tick_count, dtype=lots.dtype)
    np.add.at(totals, ticks, lots)
    sums: list[int] = totals.tolist()
    return sums


def _column(name: str, values: Sequence[int] | NDArray[Any]) -> NDArray[Any]:
    """Return a new int64 array, or one of Python integers where a value does not fit."""
    if isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind in "iu":
        fits = values.dtype != np.uint64 or values.max(initial=0) <= _MAX_INT64
        return values.astype(np.int64 if fits else object)
    items = list(values)
    kinds = set(map(type, items))
    if not all(_is_integer(kind) for kind in kinds):
        index = next(i for i, item in enumerate(items) if not _is_integer(type(item)))
        raise BidsError(
            "not_an_integer",
            f"Expected {name} of bid {index} an integer, was {shown(items[index])}",
            index=index,
            value=items[index],
        )
    integers = items if kinds <= {int} else [int(item) for item in items]
    fits = min(integers, default=0) >= _MIN_INT64 and max(integers, default=0) <= _MAX_INT64
    return np.array(integers, dtype=np.int64 if fits else object)


def _is_integer(kind: type) -> bool:
    return issubclass(kind, int | np.integer) and kind is not bool


def _refuse_first(refused: NDArray[Any], values: NDArray[Any], code: str, expected: str) -> None:
    if not refused.any():
        return
    index = int(refused.argmax())
    value = int(values[index])
    raise BidsError(
        code, f"Expected bid {index} {expected}, was {shown(value)}", index=index, value=value
    )
