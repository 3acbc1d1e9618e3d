"""`gavelbook allocate`: from a bid file and terms to an allocation file, without a chain."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from eth_utils.crypto import keccak

from gavelbook.auction import Allocation, allocate
from gavelbook.errors import FileError
from gavelbook.files import read_bids, read_terms, write_allocation

_FILE = click.Path(path_type=Path)


@click.command("allocate")
@click.argument("bids_path", metavar="BIDS.csv", type=_FILE)
@click.option("--terms", "terms_path", metavar="TERMS.yaml", type=_FILE, required=True)
@click.option(
    "--output",
    "output_path",
    metavar="OUT.csv",
    type=_FILE,
    help="Where to write the allocation.  [default: BIDS.allocation.csv beside BIDS.csv]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object.")
def allocate_command(
    bids_path: Path, terms_path: Path, output_path: Path | None, *, as_json: bool
) -> None:
    """Allocate the bids in BIDS.csv under TERMS.yaml.

    Writes one line per bid with the lots filled and the payment due, and prints a summary with the
    keccak256 digest of that file, which is the digest an allocator signs.
    """
    terms = read_terms(terms_path).auction
    bid_file = read_bids(bids_path, terms)
    output_path = output_path or bids_path.with_name(f"{bids_path.stem}.allocation.csv")
    for source in (bids_path, terms_path):
        if output_path.resolve() == source.resolve():
            message = f"Expected an output other than the input, was {output_path}"
            raise FileError("output_is_input", message, file=str(output_path))
    allocation = allocate(terms, bid_file.bids)
    write_allocation(output_path, bid_file.bidders, allocation)
    summary = {
        **_summary(allocation),
        "output": str(output_path),
        "digest": "0x" + keccak(output_path.read_bytes()).hex(),
    }
    click.echo(json.dumps(summary) if as_json else _readable(summary))


def _summary(allocation: Allocation) -> dict[str, Any]:
    """Return the result as JSON: amounts as decimal strings, ticks and counts as numbers."""
    terms, clearing = allocation.terms, allocation.clearing
    tick = allocation.lowest_winning_tick if clearing.price_tick is None else clearing.price_tick
    return {
        "rule": terms.rule.name,
        "pricing": terms.pricing.name,
        "failed": allocation.failed,
        "supply_lots": str(terms.supply_lots),
        "demand_lots": str(allocation.bids.total_lots),
        "sold_lots": str(allocation.sold_lots),
        "raised": str(allocation.raised),
        "minimum_raise": str(terms.minimum_raise),
        "lowest_price_tick": tick,
        "lowest_price": None if tick is None else str(terms.price(tick)),
        "bids": {"total": len(allocation.bids), **allocation.outcomes._asdict()},
        "clearing": {
            **asdict(clearing),
            "level": str(clearing.level),
            "sold_lots": str(clearing.sold_lots),
            "raised": str(clearing.raised),
        },
    }


def _readable(summary: dict[str, Any]) -> str:
    bids = summary["bids"]
    lines = [
        ("Rule", f"{summary['rule']}, {summary['pricing']}"),
        ("Supply", f"{_grouped(summary['supply_lots'])} lots"),
        ("Demand", f"{_grouped(summary['demand_lots'])} lots in {bids['total']:,} bids"),
        ("Sold", f"{_grouped(summary['sold_lots'])} lots"),
        ("Raised", f"{_grouped(summary['raised'])} base units"),
        ("Lowest price", _readable_price(summary)),
        ("Margin", _readable_margin(summary["clearing"])),
        (
            "Bids",
            f"{bids['full']:,} in full, {bids['partial']:,} in part, {bids['nothing']:,} nothing",
        ),
        ("Written", summary["output"]),
        ("Digest", summary["digest"]),
    ]
    if summary["failed"]:
        came_to, minimum = summary["clearing"]["raised"], summary["minimum_raise"]
        result = f"bids come to {_grouped(came_to)}, under the minimum of {_grouped(minimum)}"
        lines.insert(0, ("FAILED", result))
    return "\n".join(f"{name:<14}{value}" for name, value in lines)


def _readable_price(summary: dict[str, Any]) -> str:
    if summary["lowest_price"] is None:
        return "none: nothing is sold"
    price, tick = _grouped(summary["lowest_price"]), summary["lowest_price_tick"]
    who = "paid by all" if summary["pricing"] == "UNIFORM" else "of a winning bid"
    return f"{price} base units a lot (tick {tick}), {who}"


def _readable_margin(clearing: dict[str, Any]) -> str:
    if clearing["cut"] is None:
        return f"none: ticks from {clearing['full_from_tick']} are filled in full"
    first, last = clearing["margin_from_tick"], clearing["full_from_tick"] - 1
    ticks = f"tick {last}" if first == last else f"ticks {first} to {last}"
    how = "by rounds" if clearing["by_rounds"] else "by arrival"
    return f"{ticks} {how}: level {_grouped(clearing['level'])}, cut at bid {clearing['cut'] + 1:,}"


def _grouped(decimal: str) -> str:
    return f"{int(decimal):,}"
