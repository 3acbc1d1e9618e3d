"""Terms: what is accepted is what the sale contract accepts.

AuctionTerms, SaleTerms
├── compute price and cap as the contract does
└── refuse each value the contract refuses, by the contract's name for it
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gavelbook.auction import AuctionTerms, Pricing, Rule, SaleTerms
from gavelbook.errors import TermsError
from tests.auction.strategies import terms_of

TERMS = AuctionTerms(
    rule=Rule.GROUP_ROUND_ROBIN,
    pricing=Pricing.PAY_AS_BID,
    supply_lots=1000,
    lot_size=10**18,
    floor_price=100,
    tick_value=7,
    tick_count=8,
    min_bid_lots=5,
    cap_bps=155,
    minimum_raise=0,
)
START, END, DAY = 1_900_000_000, 1_900_604_800, 86_400
SALE = SaleTerms(
    auction=TERMS,
    sale_token="SALE",
    payment_token="0x" + 40 * "2",
    allocator="TEST::0",
    proceeds_recipient="0x" + 40 * "3",
    unsold_recipient="issuer",
    start=START,
    end=END,
    cancel_until=END - DAY,
    allocator_until=END + DAY,
    abort_time=END + 10 * DAY,
    vesting_start=END,
    vesting_cliff=END + 90 * DAY,
    vesting_end=END + 365 * DAY,
)
MAX = 2**256 - 1
MOST = 1000 * (100 + 7 * 7)


def test_price_and_cap() -> None:
    assert [TERMS.price(tick) for tick in (0, 1, 7)] == [100, 107, 149]
    assert TERMS.cap_lots == 15, "1.55 % of 1,000, rounded down"


@pytest.mark.parametrize("tick", [-1, 8])
def test_price_off_the_grid_is_refused(tick: int) -> None:
    with pytest.raises(TermsError) as refusal:
        TERMS.price(tick)

    assert refusal.value.code == "tick_out_of_range"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"supply_lots": 0}, "supply_invalid"),
        ({"supply_lots": -1}, "negative"),
        ({"supply_lots": 1000.0}, "not_an_integer"),
        ({"supply_lots": True}, "not_an_integer"),
        ({"supply_lots": "1000"}, "not_an_integer"),
        ({"supply_lots": 10**5000}, "amount_too_large"),
        ({"tick_count": 0}, "tick_count_invalid"),
        ({"tick_count": 4097}, "tick_count_invalid"),
        ({"lot_size": 0}, "unit_zero"),
        ({"floor_price": 0}, "unit_zero"),
        ({"tick_value": 0}, "unit_zero"),
        ({"cap_bps": 0}, "cap_invalid"),
        ({"cap_bps": 10_001}, "cap_invalid"),
        ({"min_bid_lots": 0}, "cap_under_minimum"),
        ({"min_bid_lots": 16}, "cap_under_minimum"),
        ({"minimum_raise": MAX + 1}, "amount_too_large"),
        ({"minimum_raise": MOST + 1}, "minimum_raise_unreachable"),
        ({"lot_size": MAX // 1000 + 1}, "amount_too_large"),
        ({"floor_price": MAX // 1000 - 48}, "amount_too_large"),
        ({"tick_value": MAX // 7}, "amount_too_large"),
        ({"tick_count": 1, "tick_value": MAX}, "amount_too_large"),
        ({"rule": 1}, "rule_unknown"),
        ({"pricing": 0}, "pricing_unknown"),
        (
            {"rule": Rule.TOP_THEN_ROUND_ROBIN, "pricing": Pricing.UNIFORM},
            "pricing_not_offered",
        ),
    ],
)
def test_auction_terms_refused(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(TermsError, match=r"^Expected .*, was ") as refusal:
        replace(TERMS, **changes)

    assert refusal.value.code == code
    assert refusal.value.details["key"] in {*changes, "floor_price"}


@pytest.mark.parametrize(
    "changes",
    [
        {"tick_count": 4096},
        {"tick_count": 1},
        {"cap_bps": 10_000},
        {"min_bid_lots": 15},
        {"minimum_raise": MOST},
        {"lot_size": MAX // 1000},
        {"floor_price": MAX // 1000 - 49},
    ],
)
def test_auction_terms_at_the_limit(changes: dict[str, Any]) -> None:
    assert replace(TERMS, **changes).price(0) >= 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sale_token": ""}, "account_malformed"),
        ({"sale_token": "two words"}, "account_malformed"),
        ({"sale_token": "0x1234"}, "account_malformed"),
        ({"allocator": 5}, "account_malformed"),
        ({"allocator": "0x" + 40 * "0"}, "address_missing"),
        ({"sale_token": "sale", "payment_token": "SALE"}, "tokens_equal"),
        ({"auction": replace(TERMS, supply_lots=2**32)}, "supply_invalid"),
        ({"start": "soon"}, "time_malformed"),
        ({"start": -1}, "time_malformed"),
        ({"start": True}, "time_malformed"),
        ({"abort_time": 2**64}, "time_malformed"),
        ({"start": END}, "window_invalid"),
        ({"cancel_until": END + 1}, "cancel_invalid"),
        ({"allocator_until": END - 1}, "allocator_window_invalid"),
        ({"allocator_until": END + 7 * DAY + 1}, "allocator_window_invalid"),
        ({"abort_time": END + 2 * DAY - 1}, "abort_time_invalid"),
        ({"abort_time": END + 60 * DAY + 1}, "abort_time_invalid"),
        ({"vesting_start": 0}, "vesting_invalid"),
        ({"vesting_cliff": END - 1}, "vesting_invalid"),
        ({"vesting_cliff": END + 366 * DAY}, "vesting_invalid"),
        ({"vesting_cliff": END, "vesting_end": END}, "vesting_invalid"),
        ({"vesting_end": END + 3650 * DAY + 1}, "vesting_invalid"),
    ],
)
def test_sale_terms_refused(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(TermsError, match=r"^Expected .*, was ") as refusal:
        replace(SALE, **changes)

    assert refusal.value.code == code


@pytest.mark.parametrize(
    "changes",
    [
        {"auction": replace(TERMS, supply_lots=2**32 - 1)},
        {"start": END - 1},
        {"cancel_until": END},
        {"cancel_until": 0},
        {"allocator_until": END},
        {"allocator_until": END + 7 * DAY},
        {"abort_time": END + 2 * DAY},
        {"abort_time": END + 60 * DAY},
        {"vesting_start": 0, "vesting_cliff": 0, "vesting_end": 0},
        {"vesting_cliff": END},
        {"vesting_cliff": END + 365 * DAY},
        {"vesting_end": END + 3650 * DAY},
        {"gate": "0x" + 40 * "4"},
    ],
)
def test_sale_terms_at_the_limit(changes: dict[str, Any]) -> None:
    terms = replace(SALE, **changes)

    assert terms.missing == ()
    terms.require_complete()


def test_an_auction_alone_is_enough_to_allocate_but_makes_no_contract() -> None:
    terms = SaleTerms(auction=replace(terms_of(), supply_lots=2**40))

    assert "gate" not in terms.missing
    with pytest.raises(TermsError, match="Expected the key sale_token, was absent") as refusal:
        terms.require_complete()
    assert refusal.value.code == "key_missing"
