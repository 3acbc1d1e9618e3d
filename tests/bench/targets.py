"""What each figure should be, and what others need for the same.

An anchor is a figure somebody measured of a peer's deployed or published code on another machine;
it is printed beside ours for the scale and takes no part in the verdict.
"""

from __future__ import annotations

from typing import NamedTuple


class Target(NamedTuple):
    """A bound, which way it binds, and the peers' figures. Without a bound it is a report."""

    bound: float | None = None
    at_least: bool = False
    anchor: str = ""

    @property
    def text(self) -> str:
        """The bound for a table."""
        if self.bound is None:
            return "report"
        return f"{'>=' if self.at_least else '<='} {self.bound:,.10g}"

    def verdict(self, value: float) -> str:
        """Return whether ``value`` is within the bound."""
        if self.bound is None:
            return ""
        good = value >= self.bound if self.at_least else value <= self.bound
        return "met" if good else "MISSED"


TARGETS = {
    "sale.gas.bid_first": Target(95_000, anchor="EasyAuction 172,978; CCA 174,177; MISO 81,865"),
    "sale.gas.bid_later": Target(80_000, anchor="EasyAuction 121,680; CCA 174,177; MISO 64,765"),
    "sale.gas.bid_permit_extra": Target(35_000),
    "sale.gas.claim_winner": Target(
        65_000, anchor="EasyAuction 102,445; CCA 151,638 in two; MISO 98,099"
    ),
    "sale.gas.claim_loser": Target(47_000, anchor="EasyAuction 85,269; CCA 126,982; MISO 52,016"),
    "sale.gas.claim_both": Target(82_000, anchor="EasyAuction 119,173; CCA 175,975 in two"),
    "sale.gas.keeper_winner_50": Target(32_000, anchor="EasyAuction 20,301, 10 of one bidder"),
    "sale.gas.keeper_loser_50": Target(16_000),
    "sale.gas.clear_1024_ticks": Target(
        1_100_000, anchor="EasyAuction 3,084 per winning bid; CCA 4,761 per tick"
    ),
    "sale.gas.clear_per_marginal_bid": Target(
        3_000, anchor="EasyAuction 3,084 per winning bid; Sonar 37,255 per winner"
    ),
    "sale.gas.clear_max_tx": Target(16_700_000, anchor="CCA v1.0.0 17,353,389: stuck"),
    "sale.gas.total_per_bid_10k": Target(anchor="EasyAuction 260,000 to 277,000 at 1,000 bids"),
    "sale.alloc.million_price_time_s": Target(1.0),
    "sale.alloc.million_round_robin_s": Target(1.0),
    "sale.alloc.ratio_plain_loop": Target(100, at_least=True),
}
