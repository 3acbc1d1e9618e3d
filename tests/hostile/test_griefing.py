"""Spoilers make a clearing dear, never impossible."""

from __future__ import annotations

import pytest

from gavelbook.auction import Rule
from tests.evm.machine import Machine, account
from tests.evm.sale import Market, Sale
from tests.hostile.griefing import LIMIT, SCENES, Scene, measure
from tests.hostile.scene import opened, refused
from tests.parity.books import MOST_LOTS


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_no_clearing_transaction_is_over_the_cap(scene: Scene) -> None:
    costs = measure(scene)

    assert max(costs) <= LIMIT
    assert scene.crowd > 1000 or len(costs) == 1


def test_gas_is_measured_cold() -> None:
    """A measured call pays for its first reads again, and for nothing twice."""
    market = Market()
    token = market.payment_token
    payer, payee = account("payer"), account("payee")
    token.mint(payer, 10)
    token.mint(payee, 10)
    data = bytes.fromhex("a9059cbb") + bytes.fromhex(payee[2:]).rjust(32, b"\0") + bytes(31) + b"\1"

    def cost(machine: Machine) -> int:
        machine.call(payer, token.address, data)
        return machine.gas_used()

    cost(market.machine)
    warm = cost(market.machine)
    first, again = cost(market.machine.cold()), cost(market.machine.cold().cold())
    assert first == again
    # Two balances written; fee, hook and two flags read.
    assert first - warm == 2 * (5_000 - 200) + 4 * (2_100 - 100)


@pytest.mark.parametrize("rule", [Rule.PRICE_TIME, Rule.GROUP_ROUND_ROBIN])
def test_full_tick_stops_nothing_but_bids_at_it(rule: Rule) -> None:
    """Whales bid 2**40 - 1 lots at one tick, 256 times all there is for sale."""
    market = Market()
    sale, ledger = opened(market, rule, supply=MOST_LOTS)
    whales = [account(f"whale {number}") for number in range(256)]
    for whale in whales:
        place(market, sale, whale, 1, MOST_LOTS)
        ledger.place(whale, 1, MOST_LOTS)
    late = account("late")
    place(market, sale, late, 1, 255)
    ledger.place(late, 1, 255)
    market.escrow(sale, late, 10**6)

    assert refused(lambda: sale.bid(late, 1, 1)) == "TickFull"
    sale.bid(late, 2, 1)
    ledger.place(late, 2, 1)

    market.machine.now = sale.terms.end or 0
    outcome = ledger.outcome()
    sale.clear(outcome.clearing, outcome.margin)
    assert sale.owed(late).tokens_now >= sale.terms.auction.lot_size
    assert sale.raised() == outcome.allocation.raised


def place(market: Market, sale: Sale, bidder: str, tick: int, lots: int) -> None:
    market.escrow(sale, bidder, lots * sale.terms.auction.price(tick))
    sale.bid(bidder, tick, lots)
