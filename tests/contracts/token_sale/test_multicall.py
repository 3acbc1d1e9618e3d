"""Several calls in one transaction.

multicall
├── it places several bids, or admits and bids, for the caller
├── it undoes everything if one call reverts
└── it takes no ether, so that no ether can be counted twice
"""

from __future__ import annotations

import pytest
from ape.exceptions import ContractLogicError

from tests.contracts.support import (
    NO_SIGNATURE,
    clearing,
    error_data,
    event,
    logs,
    plain,
    price,
    sign,
    stored,
)


def test_places_several_bids(sale, allow, clock, bidder, payment_token):
    allow(sale, bidder)
    clock.at(clock.start)
    calls = [sale.bid.encode_input(tick, lots) for tick, lots in [(3, 1), (5, 2), (3, 3)]]
    receipt = sale.multicall([*calls, sale.cancel.encode_input(1)], sender=bidder)
    assert logs(receipt, sale) == [
        event("BidPlaced", bidder, 3, 0, 1, 1),
        event("BidPlaced", bidder, 5, 1, 2, 1),
        event("BidPlaced", bidder, 3, 2, 3, 2),
        event("BidCancelled", bidder, 5, 1, 2, 1),
    ]
    assert payment_token.balanceOf(sale) == 4 * price(3)


def test_admits_and_bids(gated, allow, clock, gate, bidder):
    allow(gated, bidder)
    clock.at(clock.start)
    values = (bidder, b"\1" * 32, clock.end)
    signature = sign(gate, gated, "Admission", values)
    calls = [gated.admit.encode_input(*values, signature), gated.bid.encode_input(3, 5)]
    receipt = gated.multicall(calls, sender=bidder)
    assert logs(receipt, gated) == [
        event("Admitted", bidder, b"\1" * 32),
        event("BidPlaced", bidder, 3, 0, 5, 1),
    ]


def test_clears_claims_and_collects(sale, place, clock, bidder, keeper, sale_token, payment_token):
    place(sale, bidder, 3, 5)
    clock.at(clock.end)
    calls = [
        sale.clear.encode_input(clearing(0), [], NO_SIGNATURE),
        sale.claim.encode_input(bidder),
        sale.collectProceeds.encode_input(),
        sale.collectUnsold.encode_input(),
    ]
    sale.multicall(calls, sender=keeper)
    assert [sale_token.balanceOf(sale), payment_token.balanceOf(sale)] == [0, 0]


def test_undoes_everything_if_one_call_reverts(sale, allow, refused, clock, bidder):
    allow(sale, bidder)
    clock.at(clock.start)
    calls = [sale.bid.encode_input(3, 1), sale.bid.encode_input(8, 1)]
    with refused("TickOutOfRange", 8, 8):
        sale.multicall(calls, sender=bidder)


def test_lets_nobody_act_for_another(sale, place, refused, bidder, attacker):
    place(sale, bidder, 3, 5)
    with refused("NoSuchBid", attacker, 0):
        sale.multicall([sale.cancel.encode_input(0)], sender=attacker)
    nested = sale.multicall.encode_input([sale.cancel.encode_input(0)])
    with refused("NoSuchBid", attacker, 0):
        sale.multicall([nested], sender=attacker)


def test_takes_no_ether(open_sale, clock, watched, attacker, wrapped_ether):
    """With ether two bids could be paid by the same value, so the function takes none."""
    sale = open_sale(paymentToken=wrapped_ether)
    clock.at(clock.start)
    calls = [sale.bid.encode_input(3, 5), sale.bid.encode_input(3, 5)]
    before = stored(watched)
    with pytest.raises(ContractLogicError, match=r"^Transaction failed\.$"):
        sale.multicall(calls, value=5 * price(3), sender=attacker)
    assert stored(watched) == before
    with pytest.raises(ContractLogicError, match=r"^Transaction failed\.$"):
        sale.multicall([], value=1, sender=attacker)
    assert stored(watched) == before


def test_wraps_no_ether_it_was_not_sent(open_sale, refused, clock, attacker, bidder, wrapped_ether):
    sale = open_sale(paymentToken=wrapped_ether)
    clock.at(clock.start)
    sale.bid(3, 5, value=5 * price(3), sender=bidder)
    with refused("ERC20InsufficientAllowance", sale, 0, 5 * price(3)):
        sale.multicall([sale.bid.encode_input(3, 5)], sender=attacker)


def test_is_guarded_call_by_call(open_sale, make_token, errors, place, bidder):
    """Within a multicall the guard is up during each transfer, and down again after it."""
    token = make_token("MockReentrantToken")
    sale = open_sale(paymentToken=token)
    place(sale, bidder, 3, 1, token)
    reenter = sale.multicall.encode_input([sale.bid.encode_input(0, 1)])
    token.arm(sale, [reenter], sender=bidder)
    sale.multicall([sale.bid.encode_input(3, 1)] * 2, sender=bidder)
    guard = error_data(errors["ReentrancyGuardReentrantCall"], ())
    assert [(a.done, plain(a.data)) for a in token.answers()] == [(False, guard)]
    assert sale.lotsAt(0, 4) == [0, 0, 0, 3]
