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
    "exchange.gas.fill_single": Target(
        85_000, anchor="no fees either: 0x OTC 86,829, no partial fills; IDEX 1.0 133,689 with fees"
    ),
    "exchange.gas.fill_pairs_50": Target(
        46_000, anchor="0x OTC 56,868, no partial fills; CoW 83,920; Seaport 101,884"
    ),
    "exchange.gas.fill_one_maker_50": Target(
        26_000, anchor="0x OTC 45,501; Polymarket V2 46,287; 0x limit 51,303, one signature"
    ),
    "exchange.gas.fill_netted_100": Target(14_000),
    "exchange.gas.deposit": Target(75_000, anchor="IDEX Silverton 78,288"),
    "exchange.gas.withdraw": Target(60_000),
    "exchange.gas.exit_request": Target(60_000, anchor="IDEX Silverton 70,446"),
    "exchange.bytes.exchange": Target(24_576),
    "exchange.match.events_per_s": Target(
        1_000_000, at_least=True, anchor="limit-order-book 1.24M; liquibook 495k"
    ),
    "exchange.match.ratio_best_peer": Target(1.0, at_least=True, anchor="beside it in this run"),
    "exchange.match.ratio_1m_resting": Target(0.6, at_least=True),
    "exchange.intake.orders_per_s": Target(12_000, at_least=True, anchor="plain service 1,338"),
    "exchange.intake.batch_orders_per_s": Target(25_000, at_least=True),
    "exchange.intake.ratio_plain": Target(8, at_least=True, anchor="beside it in this run"),
    "exchange.intake.p99_ms": Target(50),
    "exchange.replay.ratio_live": Target(5, at_least=True, anchor="the faster way in, this run"),
    "ui.first_paint_s": Target(2.5),
    "ui.cores_20_tabs": Target(0.5),
}
