"""docs/formats.md says what the code does."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path

import pytest

from gavelbook import samples
from gavelbook.auction import AuctionTerms, Rule, SaleTerms, allocate
from gavelbook.files import read_bids, read_terms

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
SOURCES = [
    *(ROOT / "app/gavelbook/auction").glob("*.py"),
    *(ROOT / "app/gavelbook/files").glob("*.py"),
    ROOT / "app/gavelbook/commands/allocate.py",
]
# Raised by programs that build terms or columns, never by a file.
INTERNAL_CODES = {"rule_unknown", "pricing_unknown", "columns_differ", "lots_over_supply"}
RAISED = re.compile(
    r"""(?:Error|\.refuse|_refusal)\(\s*"([a-z0-9_]+)"|return "([a-z0-9_]+)", "an integer"""
)


def rows_of(heading: str) -> list[list[str]]:
    section = PAGE.split(f"{heading}\n", 1)[1].split("\n#", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_key_of_the_terms_is_on_the_page() -> None:
    auction = [row[0].strip("`") for row in rows_of("### The auction")]
    sale = [row[0].strip("`") for row in rows_of("### The sale contract")]

    assert sorted(auction) == sorted(field.name for field in fields(AuctionTerms))
    assert sorted([*sale, "auction"]) == sorted(field.name for field in fields(SaleTerms))


def test_every_error_code_is_on_the_page() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    raised = {first or second for first, second in RAISED.findall(text)}
    listed = {code for row in rows_of("## Error codes") for code in re.findall(r"`(\w+)`", row[0])}

    assert listed == raised - INTERNAL_CODES


@pytest.mark.parametrize(("column", "rule"), enumerate(Rule, start=3))
def test_worked_example_is_what_the_sample_gives(column: int, rule: Rule) -> None:
    terms = replace(read_terms(samples.TERMS).auction, rule=rule)
    file = read_bids(samples.BIDS, terms)
    *rows, raised = rows_of("### Worked example")

    allocation = allocate(terms, file.bids)

    assert [int(row[1]) for row in rows] == file.bids.ticks.tolist()
    assert [int(row[2]) for row in rows] == file.bids.lots.tolist()
    assert [int(row[column]) for row in rows] == list(allocation.filled)
    assert int(raised[column].replace(",", "")) == allocation.raised
