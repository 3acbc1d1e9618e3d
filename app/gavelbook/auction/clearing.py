"""Where supply ends: the few numbers from which every fill follows, as the contract keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gavelbook.auction.terms import Rule

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Clearing:
    """The result of an auction, from which each fill follows by itself.

    For a bid of ``q`` lots at tick ``t``, at position ``i`` in arrival order:

    * ``t >= full_from_tick``: filled in full;
    * ``t < margin_from_tick``: nothing;
    * between them (the margin), by rounds: ``min(q, level)``, and one lot more if ``q > level``
      and ``i < cut``;
    * in the margin, by arrival: in full if ``i < cut``, ``level`` lots if ``i == cut``, else
      nothing.

    ``sold_lots`` and ``raised`` (payment token base units) are what the bids come to; where
    ``failed``, that stayed under the minimum raise and nothing is sold.

    Attributes:
        marginal_tick: The tick where supply ends; 0 where demand stays under supply. Under
            TOP_THEN_ROUND_ROBIN with a margin, the highest tick bid.
        level: As above, in lots; 0 where no bid has to be cut.
        cut: Position of a bid in the columns, or None where no bid has to be cut.
        full_from_tick: As above.
        margin_from_tick: As above; equal to ``full_from_tick`` where no bid has to be cut.
        by_rounds: Whether the margin is filled by rounds of one lot each.
        sold_lots: As above.
        raised: As above.
        price_tick: The tick everybody pays under UNIFORM pricing, else None.
        failed: Whether ``raised`` is under the minimum raise.

    """

    marginal_tick: int
    level: int
    cut: int | None
    full_from_tick: int
    margin_from_tick: int
    by_rounds: bool
    sold_lots: int
    raised: int
    price_tick: int | None
    failed: bool


@dataclass(frozen=True, slots=True)
class Margin:
    """The ticks ``from_tick <= t < full_from_tick`` that share ``remaining_lots`` of supply.

    The margin is empty, and nothing remains, where supply ends between two ticks or not at all.
    """

    marginal_tick: int
    full_from_tick: int
    from_tick: int
    remaining_lots: int
    by_rounds: bool


def find_margin(rule: Rule, supply_lots: int, totals: list[int]) -> Margin:
    """Walk the ticks from the top to where supply ends; ``totals`` are the lots bid at each."""
    demand = sum(totals)
    if demand < supply_lots:
        return Margin(0, 0, 0, 0, by_rounds=False)
    top = max(tick for tick, lots in enumerate(totals) if lots)
    if rule is Rule.TOP_THEN_ROUND_ROBIN and totals[top] < supply_lots < demand:
        return Margin(top, top, 0, supply_lots - totals[top], by_rounds=True)
    remaining, tick = supply_lots, top
    while totals[tick] < remaining:
        remaining -= totals[tick]
        tick -= 1
    if totals[tick] == remaining:
        return Margin(tick, tick, tick, 0, by_rounds=False)
    by_rounds = rule is Rule.GROUP_ROUND_ROBIN
    return Margin(tick, tick + 1, tick, remaining, by_rounds=by_rounds)


def cut_by_arrival(lots: NDArray[Any], remaining_lots: int) -> tuple[int, int]:
    """Give ``remaining_lots``, less than the sum of ``lots``, in arrival order.

    Returns:
        ``(level, cut)``: the position of the first bid not filled in full, and what it gets.

    """
    ends = np.cumsum(lots)
    cut = int(np.searchsorted(ends, remaining_lots, side="right"))
    level = remaining_lots - (int(ends[cut - 1]) if cut else 0)
    return level, cut


def cut_by_rounds(lots: NDArray[Any], remaining_lots: int) -> tuple[int, int]:
    """Give ``remaining_lots``, less than the sum of ``lots``, one lot each per round.

    After ``L`` whole rounds a bid of ``q`` lots has ``min(q, L)``, so ``L`` is the last level whose
    sum of ``min(q, L)`` is within what remains; the rest goes, one each, to the first bids with
    ``q > L``. The sum grows strictly up to the largest bid, so the result is the only one.

    Returns:
        ``(level, cut)``: the whole rounds, and the position of the first bid larger than that
        which gets no extra lot.

    """
    ascending = np.sort(lots)
    smaller = np.cumsum(ascending) - ascending
    unfilled = np.arange(len(lots), 0, -1)
    given = smaller + ascending * unfilled
    first = int(np.searchsorted(given, remaining_lots, side="right"))
    level, extra = divmod(remaining_lots - int(smaller[first]), int(unfilled[first]))
    return level, int(np.flatnonzero(lots > level)[extra])
