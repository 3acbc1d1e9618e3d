"""Bids and allocations as CSV.

read_bids
├── reads bids in arrival order, with or without byte order mark, with any line ends
└── refuses the first bad line, by file, line and value

write_allocation
├── writes the same bytes for the same allocation
└── leaves the old file and no draft behind where it fails
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gavelbook.auction import allocate
from gavelbook.errors import BidFileError, FileError, GavelbookError
from gavelbook.files import read_bids, write_allocation
from tests.auction.strategies import terms_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A bidder may ask 20 of 50 lots, 2 at least, at the ticks 0 to 7.
TERMS = dataclasses.replace(terms_of(supply_lots=50), cap_bps=4_000, min_bid_lots=2)
ADDRESS = "0xAbCdEf0123456789aBcDeF0123456789abcdef01"


@pytest.fixture
def bids_path(tmp_path: Path) -> Path:
    return tmp_path / "bids.csv"


def refusal_of(path: Path, content: bytes) -> BidFileError:
    path.write_bytes(content)
    with pytest.raises(BidFileError, match=r"Expected .*, was ") as refusal:
        read_bids(path, TERMS)
    assert refusal.value.details["file"] == str(path)
    return refusal.value


@pytest.mark.parametrize(
    "content",
    [
        b"bidder,tick,lots\nfirst,7,3\nsecond,0,20\n",
        b"\xef\xbb\xbfbidder,tick,lots\nfirst,7,3\nsecond,0,20",
        b"bidder,tick,lots\r\nfirst,7,3\r\nsecond,0,20\r\n",
        b'"bidder","tick","lots"\n"first","7","3"\nsecond,0,20\n',
    ],
    ids=["plain", "byte order mark", "CRLF", "quoted"],
)
def test_bids_are_read_in_arrival_order(bids_path: Path, content: bytes) -> None:
    bids_path.write_bytes(content)

    file = read_bids(bids_path, TERMS)

    assert file.bidders == ("first", "second")
    assert file.bids.ticks.tolist() == [7, 0]
    assert file.bids.lots.tolist() == [3, 20]


def test_a_header_alone_is_a_sale_without_bids(bids_path: Path) -> None:
    bids_path.write_bytes(b"bidder,tick,lots\n")

    assert len(read_bids(bids_path, TERMS).bids) == 0


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("first,7", "column_count"),
        ("first,7,3,", "column_count"),
        ("", "column_count"),
        (",7,3", "bidder_malformed"),
        (" first,7,3", "bidder_malformed"),
        ("first\t,7,3", "bidder_malformed"),
        ("fir\0st,7,3", "bidder_malformed"),
        ("fir\u200bst,7,3", "bidder_malformed"),
        (f"{'x' * 129},7,3", "bidder_malformed"),
        ("first,+7,3", "not_an_integer"),
        ("first, 7,3", "not_an_integer"),
        ("first,7 ,3", "not_an_integer"),
        ("first,7.0,3", "not_an_integer"),
        ("first,07,3", "not_an_integer"),
        ("first,1e0,3", "not_an_integer"),
        ("first,0x7,3", "not_an_integer"),
        ("first,7,1_0", "not_an_integer"),
        ("first,7,\u0663", "not_an_integer"),
        ("first,7,", "not_an_integer"),
        ("first,7,nan", "not_an_integer"),
        ("first,7,3\u2028", "not_an_integer"),
        ("first,-1,3", "negative"),
        ("first,7,-3", "negative"),
        (f"first,7,{'9' * 79}", "amount_too_large"),
        (f"first,7,{'9' * 5000}", "amount_too_large"),
        ("first,8,3", "tick_out_of_range"),
        (f"first,{2**64},3", "tick_out_of_range"),
        ("first,7,0", "bid_too_small"),
        ("first,7,1", "bid_too_small"),
        ("first,7,21", "over_cap"),
        ('"first,7,3', "csv_malformed"),
        ('"fir"st,7,3', "csv_malformed"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_the_first_bad_line_is_named(bids_path: Path, row: str, code: str) -> None:
    content = f"bidder,tick,lots\nearlier,1,2\n{row}\nlater,x,x\n" if row[:1] != '"' else ""
    content = content or f"bidder,tick,lots\nearlier,1,2\n{row}"

    error = refusal_of(bids_path, content.encode())

    assert (error.code, error.details["line"]) == (code, 3)
    assert str(error).startswith(f"{bids_path} line 3: ")


@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        (b"", "file_empty", 1),
        (b"\xef\xbb\xbf", "file_empty", 1),
        (b"\n", "header_wrong", 1),
        (b"first,7,3\n", "header_wrong", 1),
        (b"bidder,tick\nfirst,7\n", "header_wrong", 1),
        (b"bidder,tick,lots,filled,payment\n", "header_wrong", 1),
        (b"bidder, tick, lots\n", "header_wrong", 1),
        (b"Bidder,Tick,Lots\n", "header_wrong", 1),
        (b"bidder;tick;lots\n", "header_wrong", 1),
        (b"bidder,tick,lots\nfirst,7,3\nsec\xffond,7,3\n", "not_utf8", 3),
        ("bidder,tick,lots\n".encode("utf-16"), "not_utf8", 1),
        (b"bidder,tick,lots\n" + b"x" * 200_000 + b",7,3\n", "csv_malformed", 2),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_files_that_hold_no_bids(bids_path: Path, content: bytes, code: str, line: int) -> None:
    error = refusal_of(bids_path, content)

    assert (error.code, error.details["line"]) == (code, line)


def test_cap_counts_all_bids_of_a_bidder(bids_path: Path) -> None:
    """An address is one bidder in upper or lower case."""
    rows = f"{ADDRESS},7,12\nother,7,20\n{ADDRESS.lower()},3,8\n{ADDRESS},0,2\n"

    error = refusal_of(bids_path, f"bidder,tick,lots\n{rows}".encode())

    assert (error.code, error.details["line"], error.details["value"]) == ("over_cap", 5, 22)


def test_names_that_differ_in_case_are_different_bidders(bids_path: Path) -> None:
    bids_path.write_bytes(b"bidder,tick,lots\nname,7,20\nName,7,20\n")

    assert len(read_bids(bids_path, TERMS).bids) == 2


@pytest.mark.parametrize("name", ["absent.csv", "."])
def test_unreadable_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileError) as refusal:
        read_bids(tmp_path / name, TERMS)

    assert refusal.value.code == "file_unreadable"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=120)
    | st.lists(st.text(alphabet='ab07,"\n\r .-é', max_size=20), max_size=5).map(
        lambda rows: "\n".join(["bidder,tick,lots", *rows]).encode()
    )
)
def test_any_bytes_are_bids_or_refused(bids_path: Path, content: bytes) -> None:
    bids_path.write_bytes(content)
    try:
        bids = read_bids(bids_path, TERMS).bids
    except GavelbookError as error:
        assert error.details["file"] == str(bids_path)  # noqa: PT017
    else:
        allocate(TERMS, bids)


def test_allocation_is_written_byte_for_byte(bids_path: Path, tmp_path: Path) -> None:
    bids_path.write_bytes('bidder,tick,lots\r\n"one, ""two""",7,20\r\nzwölf,0,20\r\n'.encode())
    file = read_bids(bids_path, TERMS)
    output = tmp_path / "out.csv"

    write_allocation(output, file.bidders, allocate(TERMS, file.bids))

    expected = 'bidder,tick,lots,filled,payment\n"one, ""two""",7,20,20,2980\nzwölf,0,20,20,2000\n'
    assert output.read_bytes() == expected.encode()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bids.csv", "out.csv"]


def test_amounts_beyond_64_bits_are_written_in_full(tmp_path: Path) -> None:
    terms = dataclasses.replace(TERMS, supply_lots=2**100, cap_bps=10_000, lot_size=1)
    path, output = tmp_path / "bids.csv", tmp_path / "out.csv"
    path.write_text(f"bidder,tick,lots\nfirst,1,{2**99 + 1}\nsecond,0,{2**99}\n")
    file = read_bids(path, terms)

    write_allocation(output, file.bidders, allocate(terms, file.bids))

    _, first, second = output.read_text().splitlines()
    assert first == f"first,1,{2**99 + 1},{2**99 + 1},{107 * (2**99 + 1)}"
    assert second == f"second,0,{2**99},{2**99 - 1},{100 * (2**99 - 1)}"


def test_failing_write_leaves_the_old_file_and_no_draft(bids_path: Path, tmp_path: Path) -> None:
    bids_path.write_bytes(b"bidder,tick,lots\nfirst,7,3\nsecond,7,3\n")
    file = read_bids(bids_path, TERMS)
    output = tmp_path / "out.csv"
    output.write_text("as it was")

    def bidders() -> Iterator[str]:
        yield "first"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_allocation(output, bidders(), allocate(TERMS, file.bids))

    assert output.read_text() == "as it was"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bids.csv", "out.csv"]


def test_unwritable_path(bids_path: Path, tmp_path: Path) -> None:
    bids_path.write_bytes(b"bidder,tick,lots\nfirst,7,3\n")
    file = read_bids(bids_path, TERMS)

    with pytest.raises(FileError) as refusal:
        write_allocation(tmp_path / "no" / "out.csv", file.bidders, allocate(TERMS, file.bids))

    assert refusal.value.code == "file_unwritable"
