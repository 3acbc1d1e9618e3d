"""Gas of whole clearings and whole sales: many bids, every transaction counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gavelbook.auction import Rule
from tests.bench.actions import action_gas
from tests.bench.bench_sale import SaleMarket
from tests.bench.books import Book, group, ladder, spread
from tests.bench.contract_code import contract_code

if TYPE_CHECKING:
    from tests.bench.anvil_chain import AnvilChain, Receipt
    from tests.bench.bench_sale import BenchSale

TICKS = 1024
MOST_TICKS = 4096
MANY = 10_000
FEW = 1_000

_ACTIONS = {
    "sale.gas.bid_first": "bid, first of a bidder",
    "sale.gas.bid_later": "bid, second of a bidder",
    "sale.gas.claim_winner": "claim, winner",
    "sale.gas.claim_loser": "claim, loser",
    "sale.gas.claim_both": "claim, both legs",
    "sale.gas.keeper_winner_50": "claim in a batch of 50, each winner",
    "sale.gas.keeper_loser_50": "claim in a batch of 50, each loser",
}


class SaleGas(NamedTuple):
    """What all transactions of one kind came to."""

    bids: int
    clearing: int
    claims: int
    keeper_claims: int


def measure(chain: AnvilChain) -> dict[str, float]:
    """Return the metrics ``sale.gas.*`` and what goes with them."""
    actions = action_gas(chain)
    market = SaleMarket(chain)
    permit = actions["bid with permit, first of a bidder"] - actions["bid, first of a bidder"]
    return {
        **{metric: actions[name] for metric, name in _ACTIONS.items()},
        "sale.gas.bid_permit_extra": permit,
        "sale.gas.clear_1024_ticks": clear_every_tick(market),
        "sale.gas.clear_per_marginal_bid": slope_per_marginal_bid(market, FEW, MANY),
        "sale.gas.clear_max_tx": dearest_clearing(market),
        **_whole_sale(market),
        "sale.gas.create_sale": actions["create and fund a sale"],
        "sale.gas.deploy_factory": market.deployment(
            contract_code("SaleFactory"), market.wrapped_ether
        ).gas,
        "sale.bytes.sale": chain.code_size(market.open_sale().address),
        "sale.bytes.factory": chain.code_size(market.factory),
    }


def clear_every_tick(market: SaleMarket) -> int:
    """Clear 2,000 bids on 1,024 occupied ticks where supply ends with the last bid.

    The walk then visits every tick, which is the dearest it can be, and no margin is left.
    """
    book = ladder(0, TICKS) + group(2_000 - TICKS, TICKS // 2)
    with market.chain.undone():
        sale = market.open_sale(supply_lots=sum(book.lots), tick_count=TICKS)
        return _sum(book.play_until_cleared(sale))


def slope_per_marginal_bid(market: SaleMarket, few: int, many: int) -> float:
    """Return what one more bid adds to clearing a margin of that many, by rounds."""
    totals = []
    for bids in (few, many):
        with market.chain.undone():
            sale = market.open_sale(rule=Rule.GROUP_ROUND_ROBIN, supply_lots=5 * bids + 1)
            totals.append(_sum(group(bids, 0).play_until_cleared(sale)))
    return (totals[1] - totals[0]) / (many - few)


def dearest_clearing(market: SaleMarket) -> int:
    """Return the dearest transaction of three clearings against a book made to hurt.

    Each rule, every tick of the largest sale occupied, 10,000 bids of different bidders at the
    lowest price, where supply ends. The chain refuses a transaction over the cap of EIP-7825.
    """
    book = ladder(1, MOST_TICKS) + group(MANY, 0)
    supply = 10 * (MOST_TICKS - 1) + 5 * MANY + 1
    dearest = 0
    for rule in Rule:
        with market.chain.undone():
            sale = market.open_sale(rule=rule, supply_lots=supply, tick_count=MOST_TICKS)
            dearest = max(dearest, *(receipt.gas for receipt in book.play_until_cleared(sale)))
    return dearest


def whole_sale(sale: BenchSale, book: Book) -> SaleGas:
    """Run ``book`` through ``sale`` and add up the gas; all claims once, then all by a keeper."""
    with sale.chain.undone():
        bids = book.place(sale)
        sale.close()
        clearing = book.clear(sale)
        with sale.chain.undone():
            claims = book.claim(sale)
        keeper_claims = book.claim_by_keeper(sale)
    return SaleGas(*map(_sum, (bids, clearing, claims, keeper_claims)))


def half_winning(bids: int) -> tuple[Book, dict[str, int]]:
    """Return bids spread over the ticks, and the terms under which half of the lots win."""
    book = spread(bids, TICKS)
    return book, {
        "rule": Rule.GROUP_ROUND_ROBIN,
        "supply_lots": sum(book.lots) // 2,
        "tick_count": TICKS,
    }


def _whole_sale(market: SaleMarket) -> dict[str, float]:
    book, terms = half_winning(MANY)
    gas = whole_sale(market.open_sale(**terms), book)
    until_claims = gas.bids + gas.clearing
    return {
        "sale.gas.total_per_bid_10k": (until_claims + gas.claims) / MANY,
        "sale.gas.total_per_bid_10k_keeper": (until_claims + gas.keeper_claims) / MANY,
    }


def _sum(receipts: list[Receipt]) -> int:
    return sum(receipt.gas for receipt in receipts)
