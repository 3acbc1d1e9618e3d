"""When won lots become free. Pure; sizes in lots, times in Unix seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gavelbook.chain.dues import vested_lots

if TYPE_CHECKING:
    from gavelbook.auction import SaleTerms

_MOST_STEPS = 120


class Release(NamedTuple):
    """From second ``at`` on ``lots`` are free, until the next release."""

    at: int
    lots: int


def releases(terms: SaleTerms, won_lots: int) -> tuple[Release, ...]:
    """Return how ``won_lots`` become free, from nothing at the start of vesting to all at its end.

    Where there are many lots, some releases in between are left out; those returned are exact.
    None where the sale does not vest.
    """
    if not terms.vesting_end:
        return ()
    start, cliff, end = terms.vesting_start, terms.vesting_cliff, terms.vesting_end
    length = end - start
    step = max(won_lots // _MOST_STEPS, 1)
    # The first second in which so many lots are free: the contract rounds lots down.
    exact = [start + -(-lots * length // won_lots) for lots in range(step, won_lots, step)]
    times = sorted({start, cliff, end, *(at for at in exact if cliff < at < end)})
    return tuple(Release(at, vested_lots(terms, won_lots, at)) for at in times)
