"""What spoilers can make a clearing cost: gas of each transaction, at worst.

Gas is what a chain would charge before refunds: each transaction runs on a machine on which nothing
was touched yet, so that its first read of an account or slot is cold, and the 21,000 and the
calldata of a transaction are counted. Run as ``python -m tests.hostile.griefing`` to see the table.
"""

from __future__ import annotations

from typing import NamedTuple

from gavelbook.auction import AuctionTerms, Pricing, Rule, SaleTerms
from gavelbook.chain.clearing_plan import chunked
from tests.evm.ledger import Ledger
from tests.evm.machine import account
from tests.evm.sale import Market, Sale

LIMIT = 16_700_000
"""Most gas that a clearing transaction may take; the protocol's cap is 16,777,216 (EIP-7825)."""

CROWD = 10_000
_HOUR, _DAY = 60 * 60, 24 * 60 * 60
_CALLER = account("relayer")


class Scene(NamedTuple):
    """A sale that spoilers made dear: ``crowd`` bids in the margin, ``ticks`` all occupied."""

    name: str
    rule: Rule
    ticks: int
    crowd: int
    pricing: Pricing = Pricing.PAY_AS_BID


SCENES = (
    Scene("10,000 bids at one price, by arrival", Rule.PRICE_TIME, 1, CROWD),
    Scene("10,000 bids at one price, by rounds", Rule.GROUP_ROUND_ROBIN, 1, CROWD),
    Scene("1,024 ticks", Rule.PRICE_TIME, 1024, 2),
    Scene("1,024 ticks, 10,000 bids at the margin", Rule.GROUP_ROUND_ROBIN, 1024, CROWD),
    Scene("4,096 ticks", Rule.PRICE_TIME, 4096, 2, Pricing.UNIFORM),
    Scene("4,096 ticks, 10,000 bids at the margin", Rule.GROUP_ROUND_ROBIN, 4096, CROWD),
    Scene("4,096 ticks, all bids but one in the margin", Rule.TOP_THEN_ROUND_ROBIN, 4096, CROWD),
)


def measure(scene: Scene) -> list[int]:
    """Return the gas of each clearing transaction of a scene, in order."""
    market = Market()
    sale = _sale(market, scene)
    market.machine.now = sale.terms.start or 0
    ledger = Ledger(sale.terms.auction)
    for number, (tick, lots) in enumerate(_bids(scene)):
        bidder = account(f"spoiler {number}")
        market.escrow(sale, bidder, ledger.cost(tick, lots))
        sale.bid(bidder, tick, lots)
        ledger.place(bidder, tick, lots)
    market.machine.now = sale.terms.end or 0
    outcome = ledger.outcome()
    *shown, last = chunked(outcome.margin)
    costs: list[int] = []
    for piece in shown:
        sale = Sale(sale.machine.cold(), sale.address, sale.terms)
        sale.advance(outcome.clearing, piece, _CALLER)
        costs.append(sale.machine.gas_used())
    sale = Sale(sale.machine.cold(), sale.address, sale.terms)
    sale.clear(outcome.clearing, last, sender=_CALLER)
    costs.append(sale.machine.gas_used())
    assert sale.result().sold_lots == sale.terms.auction.supply_lots
    assert sale.raised() == outcome.allocation.raised
    return costs


def dearest() -> int:
    """Return the gas of the dearest clearing transaction of all scenes."""
    return max(max(measure(scene)) for scene in SCENES)


def _sale(market: Market, scene: Scene) -> Sale:
    start = market.machine.now + _HOUR
    end = start + _DAY
    bids = _bids(scene)
    top = max(tick for tick, _ in bids)
    # Half of the margin is filled, after everything above it.
    above = sum(lots for tick, lots in bids if tick)
    if scene.rule is Rule.TOP_THEN_ROUND_ROBIN:
        above = sum(lots for tick, lots in bids if tick == top)
    supply = above + (sum(lots for _, lots in bids) - above) // 2
    return market.open_sale(
        SaleTerms(
            auction=AuctionTerms(
                rule=scene.rule,
                pricing=scene.pricing,
                supply_lots=supply,
                lot_size=10**18,
                floor_price=10**15,
                tick_value=10**12,
                tick_count=scene.ticks,
                min_bid_lots=1,
                cap_bps=10_000,
            ),
            sale_token=market.sale_token.address,
            payment_token=market.payment_token.address,
            allocator=account("allocator"),
            proceeds_recipient=account("proceeds"),
            unsold_recipient=account("unsold"),
            start=start,
            end=end,
            allocator_until=end,
            abort_time=end + _DAY,
        )
    )


def _bids(scene: Scene) -> list[tuple[int, int]]:
    """Return tick and lots of each bid: the margin at tick 0, one bid at each other tick."""
    crowd = [(0, 2 + number % 7) for number in range(scene.crowd)]
    return crowd + [(tick, 3) for tick in range(1, scene.ticks)]


def main() -> None:
    """Print the gas of every scene."""
    for scene in SCENES:
        costs = measure(scene)
        print(
            f"{scene.name:45} {max(costs):>12,} dearest of {len(costs)}, {sum(costs):>12,} in all"
        )


if __name__ == "__main__":
    main()
