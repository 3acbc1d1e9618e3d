"""The demand curve: lots wanted at each price and above, and the result if the sale closed now."""

from __future__ import annotations

from hypothesis import given

from gavelbook.auction import Bids, DemandStep, allocate, demand_curve
from tests.auction.strategies import Auction, auctions, terms_of


def test_steps_run_from_the_highest_price_and_skip_empty_ticks() -> None:
    curve = demand_curve(terms_of(), Bids.from_columns([2, 5, 2], [3, 4, 6]))

    assert curve.steps == (DemandStep(5, 135, 4, 4), DemandStep(2, 114, 9, 13))
    assert curve.demand_lots == 13
    assert curve.clearing.marginal_tick == 2


def test_without_bids_there_is_no_step() -> None:
    curve = demand_curve(terms_of(), Bids.from_columns([], []))

    assert curve.steps == ()
    assert curve.demand_lots == 0


@given(auctions())
def test_curve_adds_up_and_shows_the_clearing_of_the_allocation(auction: Auction) -> None:
    curve = demand_curve(auction.terms, auction.bids)

    assert curve.clearing == allocate(auction.terms, auction.bids).clearing
    assert curve.demand_lots == sum(auction.lots)
    for step in curve.steps:
        at_or_above = [
            q for t, q in zip(auction.ticks, auction.lots, strict=True) if t >= step.tick
        ]
        assert step.cumulative_lots == sum(at_or_above)
        assert step.price == auction.terms.price(step.tick)
