"""A small sale on which thieves and spoilers try their luck."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from gavelbook.auction import AuctionTerms, Pricing, Rule, SaleTerms
from tests.evm.ledger import Ledger
from tests.evm.machine import account
from tests.evm.sale import Market
from tests.parity.playing import ALLOCATOR, DAY, DIGEST, GATE, HOUR, PROCEEDS, UNSOLD, refused

if TYPE_CHECKING:
    from tests.evm.ledger import Outcome
    from tests.evm.sale import Clearing, Sale

THIEF = account("thief")
BIDDERS = tuple(account(f"honest bidder {number}") for number in range(6))
BIDS = ((4, 5), (2, 6), (2, 3), (2, 4), (0, 8), (1, 2))
"""Tick and lots of each honest bid; by any rule some are cut when 15 lots are for sale."""
SUPPLY = 15
VICTIM = BIDDERS[1]
NOTHING = (0, 0)

__all__ = ["DAY", "HOUR", "PROCEEDS", "UNSOLD", "refused"]


@cache
def market() -> Market:
    """Return the tokens and the factory that the tests share."""
    return Market()


def terms_of(
    market: Market,
    rule: Rule = Rule.GROUP_ROUND_ROBIN,
    pricing: Pricing = Pricing.PAY_AS_BID,
    *,
    supply: int = SUPPLY,
    gated: bool = False,
    allocator: str = ALLOCATOR.address,
    payment_token: str | None = None,
) -> SaleTerms:
    """Return terms whose window opens in an hour and closes a day later."""
    start = market.machine.now + HOUR
    end = start + DAY
    return SaleTerms(
        auction=AuctionTerms(
            rule=rule,
            pricing=pricing,
            supply_lots=supply,
            lot_size=10**18,
            floor_price=1_000,
            tick_value=100,
            tick_count=6,
            min_bid_lots=1,
            cap_bps=10_000,
        ),
        sale_token=market.sale_token.address,
        payment_token=payment_token or market.payment_token.address,
        allocator=allocator,
        gate=GATE.address if gated else None,
        proceeds_recipient=PROCEEDS,
        unsold_recipient=UNSOLD,
        start=start,
        end=end,
        cancel_until=end,
        allocator_until=end + HOUR,
        abort_time=end + HOUR + DAY,
    )


def opened(
    market: Market, rule: Rule, *, supply: int = SUPPLY, minimum_raise: int = 0
) -> tuple[Sale, Ledger]:
    """Open a sale without a gate or an allocator window, in its first second."""
    terms = terms_of(market, rule, supply=supply)
    auction = replace(terms.auction, minimum_raise=minimum_raise)
    terms = replace(terms, auction=auction, allocator_until=terms.end)
    sale = market.open_sale(terms)
    market.machine.now = terms.start or 0
    return sale, Ledger(auction)


class Stage:
    """A sale with honest bids, at the end of its window."""

    def __init__(self, market: Market, terms: SaleTerms) -> None:
        self.market = market
        self.terms = terms
        self.sale = market.open_sale(terms)
        self.ledger = Ledger(terms.auction, gated=terms.gate is not None)
        market.machine.now = terms.start or 0
        if terms.gate:
            for number, bidder in enumerate(BIDDERS, 1):
                self.admit(bidder, number)
        for bidder, (tick, lots) in zip(BIDDERS, BIDS, strict=True):
            self.bid(bidder, tick, lots)

    def admit(self, bidder: str, entity: int) -> None:
        """Have the gate admit a bidder."""
        name = entity.to_bytes(32, "big")
        deadline = self.market.machine.now + HOUR
        signature = GATE.sign_admission(self.sale.address, bidder, name, deadline)
        self.sale.admit(bidder, name, deadline, signature)
        self.ledger.entity_of[bidder] = str(entity)

    def bid(self, bidder: str, tick: int, lots: int) -> None:
        """Place a bid, with the money for it."""
        self.market.escrow(self.sale, bidder, self.ledger.cost(tick, lots))
        self.sale.bid(bidder, tick, lots)
        self.ledger.place(bidder, tick, lots)

    def close(self) -> Outcome:
        """Go to the end of the window and return the result."""
        self.market.machine.now = self.terms.end or 0
        return self.ledger.outcome()

    def clear(self, outcome: Outcome) -> None:
        """Post the right result when the allocator's time is over."""
        self.market.machine.now = self.terms.allocator_until or 0
        self.sale.clear(outcome.clearing, outcome.margin)

    def everybody_leaves(self, outcome: Outcome) -> None:
        """Pay and collect everything; everybody has what is due and nothing is left."""
        self.sale.claim_many(list(BIDDERS))
        refused(self.sale.collect_proceeds)
        refused(self.sale.collect_unsold)
        self.check_paid(outcome)
        assert self.held() == (0, 0)

    def check_paid(self, outcome: Outcome) -> None:
        """Everybody has what is due by the Python rules."""
        lot_size, allocation = self.terms.auction.lot_size, outcome.allocation
        for bidder in BIDDERS:
            won = outcome.won_lots(bidder) * lot_size
            assert self.market.sale_token.balance(bidder) == won
            assert self.market.payment_token.balance(bidder) == outcome.refund(bidder)
        unsold = (self.terms.auction.supply_lots - allocation.sold_lots) * lot_size
        assert self.market.payment_token.balance(PROCEEDS) == allocation.raised
        assert self.market.sale_token.balance(UNSOLD) == unsold

    def held(self) -> tuple[int, int]:
        """Return what the sale holds of both tokens."""
        market, address = self.market, self.sale.address
        return market.sale_token.balance(address), market.payment_token.balance(address)

    def loot(self) -> tuple[int, int]:
        """Return what the thief has of both tokens."""
        return self.market.sale_token.balance(THIEF), self.market.payment_token.balance(THIEF)


def signed(sale: Sale, clearing: Clearing, digest: bytes = DIGEST) -> tuple[Clearing, bytes]:
    """Return a result with a digest, and the allocator's signature over it."""
    clearing = clearing._replace(digest=digest)
    return clearing, ALLOCATOR.sign_clearing(sale.address, clearing)
