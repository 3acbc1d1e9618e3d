"""Whole sales computed by hand: every rule and pricing, from the first bid to the last unit.

The book: seven bidders with a bid each, in order of arrival.

    arrival  tick  price  lots
    1        3     130    4
    2        5     150    3
    3        3     130    6
    4        5     150    2
    5        2     120    5
    6        3     130    1
    7        0     100    9

Demand by tick: 5 lots at tick 5, 11 at tick 3, 5 at tick 2, 9 at tick 0; 30 in all. No bid may ask
for more than supply, so in the smallest sales the bids under the top are smaller.

each sale
├── takes the result computed by hand, pays every bidder accordingly, and pays out to the last unit
├── where the top group alone exceeds supply
├── where supply ends inside a group, between two groups, or inside the rounds under the top
└── where demand is supply, or less, or none
"""

from __future__ import annotations

import pytest

from tests.contracts.conftest import PURSE
from tests.contracts.support import OFFERED, Pricing, Rule, key, price

LOT = 7
BOOK = [(3, 4), (5, 3), (3, 6), (5, 2), (2, 5), (3, 1), (0, 9)]
TIME, GROUP, TOP = Rule
# Margins by arrival.
TICK_5 = [2, 4]
TICK_3 = [1, 3, 6]
UNDER_5 = [1, 3, 5, 6, 7]

# Supply, rules, (marginal tick, level, cut), margin, lots won, raised if paid as bid, price of all.
EXAMPLES = [
    # Tick 5 alone exceeds supply. By arrival: 3 and 1. By rounds: 2 and 2.
    (4, [TIME], (5, 1, 2), TICK_5, (0, 3, 0, 1, 0, 0, 0), 600, 150),
    (4, [GROUP], (5, 2, 1), TICK_5, (0, 2, 0, 2, 0, 0, 0), 600, 150),
    (4, [TOP], (5, 1, 4), TICK_5, (0, 3, 0, 1, 0, 0, 0), 600, 150),
    # Tick 5 is supply.
    (5, [TIME, GROUP, TOP], (5, 0, 0), [], (0, 3, 0, 2, 0, 0, 0), 750, 150),
    # 7 lots are left after tick 5. By arrival: 4 and 3. By rounds: 3, 3 and 1.
    (12, [TIME], (3, 3, 2), TICK_3, (4, 3, 3, 2, 0, 0, 0), 1_660, 130),
    (12, [GROUP], (3, 3, 1), TICK_3, (3, 3, 3, 2, 0, 1, 0), 1_660, 130),
    # Rounds over all others: one each, and a second to the first two.
    (12, [TOP], (5, 1, 5), UNDER_5, (2, 3, 2, 2, 1, 1, 1), 1_620, None),
    # 8 lots are left: by rounds 4, 3 and 1; over all others a second to the first three.
    (13, [GROUP], (3, 3, 2), TICK_3, (4, 3, 3, 2, 0, 1, 0), 1_790, 130),
    (13, [TOP], (5, 1, 7), UNDER_5, (2, 3, 2, 2, 2, 1, 1), 1_740, None),
    # Supply ends after tick 3. Over all others: two rounds, and a third lot to the first two.
    (16, [TIME, GROUP], (3, 0, 0), [], (4, 3, 6, 2, 0, 1, 0), 2_180, 130),
    (16, [TOP], (5, 2, 5), UNDER_5, (3, 3, 3, 2, 2, 1, 2), 2_100, None),
    # A single bid is the margin: 3 lots of 5, by arrival as by rounds.
    (19, [TIME, GROUP], (2, 3, 1), [5], (4, 3, 6, 2, 3, 1, 0), 2_540, 120),
    # Demand is supply: the lowest bid wins in full and sets the price of all.
    (30, [TIME, GROUP, TOP], (0, 0, 0), [], (4, 3, 6, 2, 5, 1, 9), 3_680, 100),
    # Demand stays under supply: one lot is unsold.
    (31, [TIME, GROUP, TOP], (0, 0, 0), [], (4, 3, 6, 2, 5, 1, 9), 3_680, 100),
]
CASES = [
    pytest.param(rule, pricing, example, id=f"{rule.name}-{pricing.name}-{example[0]}")
    for example in EXAMPLES
    for rule, pricing in OFFERED
    if rule in example[1]
]


@pytest.fixture
def seven(actors, payment_token):
    """Seven bidders."""
    for other in (actors.gate, actors.allocator):
        payment_token.transfer(other, PURSE, sender=actors.issuer)
    names = ("bidder", "rival", "latecomer", "attacker", "gate", "allocator", "issuer")
    return [getattr(actors, name) for name in names]


@pytest.mark.parametrize(("rule", "pricing", "example"), CASES)
def test_pays_as_computed_by_hand(
    seven,
    open_sale,
    place,
    clear,
    keeper,
    sale_token,
    payment_token,
    proceeds_recipient,
    unsold_recipient,
    rule,
    pricing,
    example,
):
    supply, _, right, shown, won, raised, price_of_all = example
    sale = open_sale(rule=rule, pricing=pricing, supplyLots=supply)
    sold_before = [sale_token.balanceOf(each) for each in seven]
    paid_before = [payment_token.balanceOf(each) for each in seven]
    for bidder, (tick, lots) in zip(seven, BOOK, strict=True):
        place(sale, bidder, tick, min(lots, supply))
    clear(sale, *right, [key(seven[arrival - 1], 0) for arrival in shown])

    prices = [price(tick) for tick, _ in BOOK]
    if pricing is Pricing.UNIFORM:
        prices, raised = [price_of_all] * 7, price_of_all * sum(won)
    assert sale.raised() == raised
    assert sale.result().soldLots == sum(won) == min(supply, 30)

    sale.claimMany(seven, sender=keeper)
    sale.collectProceeds(sender=keeper)
    if supply > 30:
        sale.collectUnsold(sender=keeper)
    got = [sale_token.balanceOf(each) - had for each, had in zip(seven, sold_before, strict=True)]
    paid = [
        had - payment_token.balanceOf(each) for each, had in zip(seven, paid_before, strict=True)
    ]
    assert got == [lots * LOT for lots in won]
    assert paid == [lots * each for lots, each in zip(won, prices, strict=True)]
    assert payment_token.balanceOf(proceeds_recipient) == raised
    assert sale_token.balanceOf(unsold_recipient) == (supply - sum(won)) * LOT
    assert [sale_token.balanceOf(sale), payment_token.balanceOf(sale)] == [0, 0]


@pytest.mark.parametrize(("rule", "pricing"), OFFERED)
def test_sells_at_the_floor_where_demand_stays_under_supply(
    open_sale, place, clear, clear_out, bidder, sale_token, payment_token, rule, pricing
):
    """Nobody bid the floor, yet under UNIFORM it is what everybody pays."""
    sale = open_sale(rule=rule, pricing=pricing)
    place(sale, bidder, 3, 10)
    clear(sale, 0)
    raised = {Pricing.PAY_AS_BID: 1_300, Pricing.UNIFORM: 1_000}[pricing]
    assert sale.raised() == raised
    clear_out(sale, bidder, tokens=(sale_token, payment_token))
    assert PURSE - payment_token.balanceOf(bidder) == raised


@pytest.mark.parametrize(("rule", "pricing"), OFFERED)
def test_returns_all_where_nobody_bids(
    open_sale, clear, clear_out, sale_token, payment_token, unsold_recipient, rule, pricing
):
    sale = open_sale(rule=rule, pricing=pricing)
    clear(sale, 0)
    clear_out(sale, tokens=(sale_token, payment_token), proceeds=False)
    assert sale_token.balanceOf(unsold_recipient) == 100 * LOT


@pytest.mark.parametrize(("rule", "pricing"), OFFERED)
def test_refunds_all_where_the_sale_fails(
    open_sale, place, clear, clear_out, bidder, rival, sale_token, payment_token, rule, pricing
):
    sale = open_sale(rule=rule, pricing=pricing, supplyLots=10, minimumRaise=10 * price(5) + 1)
    place(sale, bidder, 5, 10)
    place(sale, rival, 3, 10)
    clear(sale, 5)
    clear_out(sale, bidder, rival, tokens=(sale_token, payment_token), proceeds=False)
    assert payment_token.balanceOf(bidder) == payment_token.balanceOf(rival) == PURSE
