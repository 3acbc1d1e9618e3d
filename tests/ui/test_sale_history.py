"""The price over time, vesting and the worked example, against the plainest computation of each."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gavelbook.auction import AuctionTerms, Bids, Pricing, Rule, SaleTerms, allocate
from gavelbook.chain.dues import vested_lots
from gavelbook.service.price_history import BidSpan, price_history
from gavelbook.service.vesting import releases
from gavelbook.service.worked_example import worked_example

RULES = [
    (Rule.PRICE_TIME, Pricing.PAY_AS_BID),
    (Rule.PRICE_TIME, Pricing.UNIFORM),
    (Rule.GROUP_ROUND_ROBIN, Pricing.UNIFORM),
    (Rule.TOP_THEN_ROUND_ROBIN, Pricing.PAY_AS_BID),
]
spans = st.builds(
    lambda tick, lots, at, stays: BidSpan(tick, lots, at, None if stays is None else at + stays),
    st.integers(0, 7),
    st.integers(1, 12),
    st.integers(0, 40),
    st.none() | st.integers(0, 20),
)
books = st.lists(spans, max_size=14).map(lambda all_: sorted(all_, key=lambda span: span.placed_at))


def auction(rule=Rule.PRICE_TIME, pricing=Pricing.PAY_AS_BID, minimum_raise=0):
    return AuctionTerms(rule, pricing, 12, 100, 50, 5, 8, 1, 10_000, minimum_raise)


def price_bid_by_bid(terms, standing):
    """Look at every bid for the cheapest that got something."""
    if not standing:
        return None
    allocation = allocate(
        terms, Bids.from_columns([span.tick for span in standing], [s.lots for s in standing])
    )
    if allocation.failed:
        return None
    paid = zip(allocation.payments, allocation.filled_list, strict=True)
    return min(payment // lots for payment, lots in paid if lots)


@given(books, st.sampled_from(RULES), st.sampled_from([0, 400, 900]))
def test_the_history_is_the_price_after_each_change(book, rule, minimum_raise):
    terms = auction(*rule, minimum_raise)
    points = {point.at: point for point in price_history(terms, book)}
    changes = {span.placed_at for span in book}
    changes |= {span.cancelled_at for span in book if span.cancelled_at is not None}
    assert points.keys() == changes
    standing = []
    for second in range(70):
        standing += [span for span in book if span.placed_at == second]
        standing = [span for span in standing if span.stands(second)]
        if second in points:
            assert points[second].demand_lots == sum(span.lots for span in standing)
            assert points[second].price == price_bid_by_bid(terms, standing)


@given(books, st.integers(2, 6))
def test_a_long_history_is_thinned_and_stays_exact(book, most):
    whole = price_history(auction(), book)
    some = price_history(auction(), book, most)
    assert set(some) <= set(whole)
    assert len(some) == min(most, len(whole))
    if whole:
        assert (some[0], some[-1]) == (whole[0], whole[-1])


@given(st.integers(0, 5_000), st.integers(0, 50), st.integers(0, 2_000), st.integers(1, 2_000))
def test_releases_are_what_the_contract_frees(won, start, cliff, rest):
    vesting = SaleTerms(
        auction=auction(),
        vesting_start=1_000 + start,
        vesting_cliff=1_000 + start + cliff,
        vesting_end=1_000 + start + cliff + rest,
    )
    steps = releases(vesting, won)
    assert steps[-1] == (vesting.vesting_end, won)
    assert [step.at for step in steps] == sorted({step.at for step in steps})
    for step in steps:
        assert step.lots == vested_lots(vesting, won, step.at)
    if won <= 120:
        for before, after in pairwise(steps):
            middle = (before.at + after.at) // 2
            assert vested_lots(vesting, won, middle) == before.lots
            assert vested_lots(vesting, won, after.at - 1) == before.lots


def test_a_sale_that_does_not_vest_has_no_releases():
    assert releases(SaleTerms(auction=auction()), 10) == ()


def test_the_example_tells_the_rules_apart():
    filled = {rule: [bid.filled for bid in worked_example(auction(rule)).bids] for rule in Rule}
    assert filled == {
        Rule.PRICE_TIME: [5, 6, 4, 0, 0],
        Rule.GROUP_ROUND_ROBIN: [5, 4, 3, 3, 0],
        Rule.TOP_THEN_ROUND_ROBIN: [5, 3, 3, 2, 2],
    }


@given(st.integers(1, 4096), st.integers(1, 10**30), st.integers(1, 10**30))
def test_the_example_works_on_every_ladder(ticks, floor, step):
    for rule, pricing in RULES:
        terms = replace(
            auction(rule, pricing), tick_count=ticks, floor_price=floor, tick_value=step
        )
        example = worked_example(terms)
        assert sum(bid.filled for bid in example.bids) == example.supply_lots
        assert all(bid.payment <= bid.filled * bid.price for bid in example.bids)
