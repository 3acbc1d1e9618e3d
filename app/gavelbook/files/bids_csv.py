"""Bids and allocations as CSV."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gavelbook.auction import Bids
from gavelbook.errors import BidFileError, FileError, shown
from gavelbook.files.atomic import replacing
from gavelbook.files.integers import integer_problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from gavelbook.auction import Allocation, AuctionTerms

BID_COLUMNS = ("bidder", "tick", "lots")
ALLOCATION_COLUMNS = (*BID_COLUMNS, "filled", "payment")

_MAX_BIDDER_LENGTH = 128


@dataclass(frozen=True, eq=False, slots=True)
class BidFile:
    """Bids in arrival order, and who made each: ``bidders[i]`` made the bid at position ``i``."""

    bidders: tuple[str, ...]
    bids: Bids


def read_bids(path: Path, terms: AuctionTerms) -> BidFile:
    """Read a bid file and check each bid as the sale contract would.

    Raises:
        FileError: ``file_unreadable``.
        BidFileError: with file, line and value: ``not_utf8``, ``file_empty``, ``header_wrong``,
            ``csv_malformed``, ``column_count``, ``bidder_malformed``, ``not_an_integer``,
            ``negative``, ``amount_too_large``, ``tick_out_of_range``, ``bid_too_small``,
            ``over_cap``.

    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _parse(file, terms, str(path))
    except UnicodeDecodeError as error:
        raise _not_utf8(path, error) from error
    except OSError as error:
        message = f"Expected a file that can be read, was {path} ({error.strerror})"
        raise FileError("file_unreadable", message, file=str(path)) from error


def write_allocation(path: Path, bidders: Iterable[str], allocation: Allocation) -> None:
    """Write the allocation of ``bidders``' bids, the same bytes for the same allocation.

    Raises:
        FileError: ``file_unwritable``; ``path`` is then as it was before.

    """
    columns = (
        bidders,
        allocation.bids.ticks.tolist(),
        allocation.bids.lots.tolist(),
        allocation.filled_list,
        allocation.payments,
    )
    with replacing(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(ALLOCATION_COLUMNS)
        writer.writerows(zip(*columns, strict=True))


def _parse(lines: Iterable[str], terms: AuctionTerms, file: str) -> BidFile:
    bidders: list[str] = []
    ticks: list[int] = []
    lots: list[int] = []
    totals: dict[str, int] = {}
    cap_lots = terms.cap_lots
    for line, row in _rows(lines, file):
        try:
            bidder, tick, size = _bid(row, terms)
            identity = bidder.lower() if bidder[:2] in {"0x", "0X"} else bidder
            total = totals.get(identity, 0) + size
            if total > cap_lots:
                expected = f"at most {cap_lots} lots in all bids of {bidder}"
                raise _refusal("over_cap", expected, str(total), total)
            totals[identity] = total
        except BidFileError as error:
            raise error.at(f"{file} line {line}", file=file, line=line) from None
        bidders.append(bidder)
        ticks.append(tick)
        lots.append(size)
    return BidFile(tuple(bidders), Bids.from_columns(ticks, lots))


def _rows(lines: Iterable[str], file: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row after the header with the number of its last line in the file."""
    reader = csv.reader(lines, strict=True)
    place = {"file": file, "line": 1}
    try:
        header = next(reader, None)
        if header is None:
            raise BidFileError("file_empty", f"{file}: Expected a header, was empty", **place)
        if tuple(header) != BID_COLUMNS:
            given = shown(",".join(header))
            message = f"{file} line 1: Expected the header {','.join(BID_COLUMNS)}, was {given}"
            raise BidFileError("header_wrong", message, value=",".join(header), **place)
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        place["line"] = reader.line_num
        message = f"{file} line {reader.line_num}: Expected CSV, was malformed ({error})"
        raise BidFileError("csv_malformed", message, **place) from error


def _bid(row: list[str], terms: AuctionTerms) -> tuple[str, int, int]:
    if len(row) != len(BID_COLUMNS):
        expected = f"{len(BID_COLUMNS)} columns ({','.join(BID_COLUMNS)})"
        raise _refusal("column_count", expected, f"{len(row)}: {shown(','.join(row))}", row)
    bidder, tick_text, lots_text = row
    if (
        not bidder.isprintable()
        or bidder.strip() != bidder
        or not 0 < len(bidder) <= _MAX_BIDDER_LENGTH
    ):
        expected = f"a bidder of 1 to {_MAX_BIDDER_LENGTH} printable characters, no space around"
        raise _refusal("bidder_malformed", expected, shown(bidder), bidder)
    tick, size = _integer("tick", tick_text), _integer("lots", lots_text)
    if tick >= terms.tick_count:
        expected = f"a tick from 0 to {terms.tick_count - 1}"
        raise _refusal("tick_out_of_range", expected, str(tick), tick)
    if size < terms.min_bid_lots:
        expected = f"at least the smallest bid of {terms.min_bid_lots} lots"
        raise _refusal("bid_too_small", expected, str(size), size)
    return bidder, tick, size


def _integer(column: str, text: str) -> int:
    problem = integer_problem(text)
    if problem:
        code, expected = problem
        raise _refusal(code, f"{column} {expected}", shown(text), text)
    return int(text)


def _refusal(code: str, expected: str, given: str, value: object) -> BidFileError:
    return BidFileError(code, f"Expected {expected}, was {given}", value=value)


def _not_utf8(path: Path, error: UnicodeDecodeError) -> BidFileError:
    """Find the line of the first byte that is not UTF-8; the decoder knows it by block only."""
    with path.open("rb") as file:
        for line, content in enumerate(file, start=1):
            try:
                content.decode("utf-8-sig" if line == 1 else "utf-8")
            except UnicodeDecodeError as at_line:
                value = content[at_line.start : at_line.start + 1].hex()
                message = f"{path} line {line}: Expected UTF-8, was the byte 0x{value}"
                return BidFileError("not_utf8", message, file=str(path), line=line, value=value)
    message = f"{path}: Expected UTF-8, was {error.reason}"
    return BidFileError("not_utf8", message, file=str(path))
