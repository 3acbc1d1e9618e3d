"""Random auctions, small enough for the plain loop and dense in ties and exact fits."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import strategies as st

from gavelbook.auction import AuctionTerms, Bids, Pricing, Rule

RULES = tuple(Rule)
OFFERED = tuple(
    (rule, pricing)
    for rule in Rule
    for pricing in Pricing
    if (rule, pricing) != (Rule.TOP_THEN_ROUND_ROBIN, Pricing.UNIFORM)
)


class Auction(NamedTuple):
    """Terms and the two columns of bids."""

    terms: AuctionTerms
    ticks: list[int]
    lots: list[int]

    @property
    def bids(self) -> Bids:
        """The columns as bids."""
        return Bids.from_columns(self.ticks, self.lots)


def terms_of(
    rule: Rule = Rule.PRICE_TIME,
    pricing: Pricing = Pricing.PAY_AS_BID,
    *,
    supply_lots: int = 10,
    tick_count: int = 8,
    minimum_raise: int = 0,
) -> AuctionTerms:
    """Return terms with a price of 100 + 7 * tick and a cap that is no limit."""
    return AuctionTerms(
        rule=rule,
        pricing=pricing,
        supply_lots=supply_lots,
        lot_size=10**18,
        floor_price=100,
        tick_value=7,
        tick_count=tick_count,
        min_bid_lots=1,
        cap_bps=10_000,
        minimum_raise=minimum_raise,
    )


@st.composite
def auctions(draw: st.DrawFn, rules: tuple[Rule, ...] = RULES, min_bids: int = 0) -> Auction:
    """Draw an auction; supply is often exactly what some number of the best ticks demand."""
    rule, pricing = draw(st.sampled_from([pair for pair in OFFERED if pair[0] in rules]))
    tick_count = draw(st.integers(1, 6))
    pairs = draw(
        st.lists(
            st.tuples(st.integers(0, tick_count - 1), st.integers(1, 9)),
            min_size=min_bids,
            max_size=12,
        )
    )
    ticks, lots = [tick for tick, _ in pairs], [size for _, size in pairs]
    exact = [sum(q for t, q in pairs if t >= least) for least in set(ticks)]
    largest = max(lots, default=1)
    any_supply = st.integers(largest, sum(lots) + 3)
    fitting = [total for total in exact if total >= largest]
    supply = draw(any_supply | st.sampled_from(fitting)) if fitting else draw(any_supply)
    terms = terms_of(rule, pricing, supply_lots=supply, tick_count=tick_count)
    return Auction(terms, ticks, lots)
