"""Compare ways of keeping bids, and clones with full code: ``python -m tests.bench.storage``.

Prints the tables of docs/storage-comparison.md, which says how they are measured.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, NamedTuple

from gavelbook.auction import Rule
from tests.bench.anvil_chain import ISSUER, AnvilChain, Call
from tests.bench.bench_sale import RELAYER, BenchSale, Clearing, SaleMarket, Terms
from tests.bench.books import Book, group
from tests.bench.contract_code import contract_code
from tests.bench.sale_gas import SaleGas, half_winning, whole_sale

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIZES = (100, 1_000, 10_000)
LAYOUTS = {
    "bidder's words, 3 bids each (ours)": "BidderWords",
    "slot per bid, cap slot per bidder": "SlotPerBid",
    "bidder's words and a list per tick": "TickLists",
}
_LIST_CHUNK = 20_000
_KEY_CHUNK = 4_000


class LayoutSale(BenchSale):
    """A sale of tests/bench/contracts, which takes a clearing without a signature."""

    layout = ""

    def clearing_calls(self, clearing: Clearing, margin: list[int]) -> list[Call]:
        """Return the transactions that show ``margin``, or its length to a list, and clear."""
        size = _LIST_CHUNK if self.layout == "TickLists" else _KEY_CHUNK
        parts = [margin[start : start + size] for start in range(0, len(margin), size)] or [[]]
        if self.layout == "TickLists":
            parts = [[len(part)] for part in parts]
        return [
            self.call(RELAYER, "clear", *clearing[:3], part, number == len(parts))
            for number, part in enumerate(parts, 1)
        ]


class Row(NamedTuple):
    """One line of a table."""

    book: str
    bids: int
    variant: str
    gas: SaleGas
    creation: int = 0


def books(bids: int) -> Iterator[tuple[str, Book, dict[str, int]]]:
    """Return the two books of the comparison and the terms they are sold under."""
    yield "spread", *half_winning(bids)
    terms = {"rule": Rule.GROUP_ROUND_ROBIN, "supply_lots": 5 * bids + 1}
    yield "one price", group(bids, 512), terms


def layout_rows(market: SaleMarket, sizes: tuple[int, ...]) -> Iterator[Row]:
    """Run every book through every layout and through TokenSale itself."""
    for bids in sizes:
        for title, book, changes in books(bids):
            for variant, name in LAYOUTS.items():
                with market.chain.undone():
                    sale = open_layout(market, name, market.terms(**changes))
                    yield Row(title, bids, variant, whole_sale(sale, book))
            with market.chain.undone():
                gas = whole_sale(market.open_sale(**changes), book)
                yield Row(title, bids, "TokenSale, with all it can do", gas)


def clone_rows(market: SaleMarket, sizes: tuple[int, ...]) -> Iterator[Row]:
    """Run the spread book through a sale of full code and through a clone."""
    for bids in sizes:
        book, changes = half_winning(bids)
        openers: dict[str, Callable[[SaleMarket, Terms], BenchSale]] = {
            "full code": lambda market, terms: market.open_sale(**terms._asdict()),
            "clone": open_clone,
        }
        for variant, opener in openers.items():
            with market.chain.undone():
                sale = opener(market, market.terms(**changes))
                yield Row("spread", bids, variant, whole_sale(sale, book), sale.creation_gas)


def open_layout(market: SaleMarket, name: str, terms: Terms) -> LayoutSale:
    """Deploy and fund a sale with another layout."""
    receipt = market.deployment(
        contract_code(name),
        *(terms.sale_token, terms.payment_token, terms.lot_size, terms.supply_lots),
        *(terms.floor_price, terms.tick_value, terms.tick_count, terms.start, terms.end),
    )
    sale = LayoutSale(market, receipt.contract, terms, receipt.gas, contract_code(name))
    sale.layout = name
    amount = terms.supply_lots * terms.lot_size
    token = market.sale_token
    market.chain.send(Call(ISSUER, token.address, token.transfer(sale.address, amount)))
    return sale


def open_clone(market: SaleMarket, terms: Terms) -> BenchSale:
    """Deploy an implementation with ``terms`` and a factory of clones; open and fund a clone."""
    original = market.deploy(contract_code("TokenSale"), tuple(terms), market.wrapped_ether)
    code = contract_code("CloneFactory")
    factory = market.deploy(code, original)
    token = market.sale_token
    market.chain.send(Call(ISSUER, token.address, token.approve(factory)))
    receipt = market.chain.send(Call(ISSUER, factory, code.call("createSale", tuple(terms))))[0]
    return BenchSale(market, market.created(receipt, factory), terms, receipt.gas)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="Numbers of bids.")
    sizes = tuple(parser.parse_args().sizes)
    started = time.perf_counter()
    with AnvilChain() as chain:
        market = SaleMarket(chain)
        layouts, clones = list(layout_rows(market, sizes)), list(clone_rows(market, sizes))
    print("\n".join([*_layout_table(layouts), "", *_clone_table(clones)]))
    print(f"\nmeasured in {time.perf_counter() - started:.0f} s")


def _layout_table(rows: list[Row]) -> list[str]:
    lines = [
        "| book | bids | layout | a bid | clearing | claims | total | against ours | by keeper |",
        "|---|---:|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        ours = next(each for each in rows if (each.book, each.bids) == (row.book, row.bids))
        total, gas = _total(row.gas), row.gas
        lines.append(
            f"| {row.book} | {row.bids:,} | {row.variant} | {gas.bids / row.bids:,.0f} "
            f"| {gas.clearing:,} | {gas.claims:,} | {total:,} "
            f"| {total / _total(ours.gas) - 1:+.1%} "
            f"| {total - gas.claims + gas.keeper_claims:,} |"
        )
    return lines


def _clone_table(rows: list[Row]) -> list[str]:
    lines = [
        "| of bids | sale | creating | bids | clearing | claims | by keeper | total | by keeper |",
        "|---:|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        gas = row.gas
        total = row.creation + _total(gas)
        lines.append(
            f"| {row.bids:,} | {row.variant} | {row.creation:,} | {gas.bids:,} | {gas.clearing:,} "
            f"| {gas.claims:,} | {gas.keeper_claims:,} | {total:,} "
            f"| {total - gas.claims + gas.keeper_claims:,} |"
        )
    return lines


def _total(gas: SaleGas) -> int:
    return gas.bids + gas.clearing + gas.claims


if __name__ == "__main__":
    main()
