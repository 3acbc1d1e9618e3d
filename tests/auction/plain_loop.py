"""The rules as one would play them by hand: one lot per turn. Slow, and the judge of the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gavelbook.auction import Pricing, Rule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gavelbook.auction import AuctionTerms


def fill_by_loop(
    rule: Rule, supply_lots: int, ticks: Sequence[int], lots: Sequence[int]
) -> list[int]:
    """Return the lots each bid gets, handing them out one at a time."""
    filled = [0] * len(lots)
    for turns, by_rounds in _groups(rule, ticks):
        if by_rounds:
            supply_lots = _one_lot_per_round(turns, lots, filled, supply_lots)
        else:
            supply_lots = _one_bid_after_the_other(turns, lots, filled, supply_lots)
    return filled


def pay_by_loop(terms: AuctionTerms, ticks: Sequence[int], filled: Sequence[int]) -> list[int]:
    """Return what each bid pays for ``filled``, before the minimum raise is looked at.

    Uniform price by its definition: the lowest winning price, or the floor where supply is left.
    """
    if terms.pricing is Pricing.PAY_AS_BID:
        return [got * terms.price(tick) for got, tick in zip(filled, ticks, strict=True)]
    left_over = sum(filled) < terms.supply_lots
    lowest = min((t for got, t in zip(filled, ticks, strict=True) if got), default=0)
    price = terms.price(0 if left_over else lowest)
    return [got * price for got in filled]


def _groups(rule: Rule, ticks: Sequence[int]) -> list[tuple[list[int], bool]]:
    """Return the groups to serve in turn, each with whether it is served by rounds."""
    at_tick: dict[int, list[int]] = {}
    for bid, tick in enumerate(ticks):
        at_tick.setdefault(tick, []).append(bid)
    best_first = [at_tick[tick] for tick in sorted(at_tick, reverse=True)]
    if rule is not Rule.TOP_THEN_ROUND_ROBIN:
        return [(group, rule is Rule.GROUP_ROUND_ROBIN) for group in best_first]
    top = max(ticks, default=0)
    others = [bid for bid, tick in enumerate(ticks) if tick != top]
    return [(at_tick.get(top, []), False), (others, True)]


def _one_bid_after_the_other(
    turns: list[int], lots: Sequence[int], filled: list[int], supply_lots: int
) -> int:
    for bid in turns:
        while supply_lots and filled[bid] < lots[bid]:
            filled[bid] += 1
            supply_lots -= 1
    return supply_lots


def _one_lot_per_round(
    turns: list[int], lots: Sequence[int], filled: list[int], supply_lots: int
) -> int:
    while supply_lots and turns:
        for bid in turns:
            if supply_lots:
                filled[bid] += 1
                supply_lots -= 1
        turns = [bid for bid in turns if filled[bid] < lots[bid]]
    return supply_lots
