"""The history of an account as CSV; docs/formats.md tells the columns."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from gavelbook.service.amounts import decimal_text
from gavelbook.service.plain_text import csv_cell
from gavelbook.service.portfolio_history import utc

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gavelbook.service.portfolio_history import Entry, Sum

COLUMNS = (
    "time",
    "what",
    "place",
    "amount",
    "token",
    "token_address",
    "paid",
    "paid_token",
    "paid_token_address",
    "fee",
    "fee_token",
    "counterparty",
    "state",
    "transaction",
    "block",
    "note",
)


def history_csv(entries: Iterable[Entry]) -> bytes:
    """Return ``entries`` as CSV, UTF-8: amounts exact, and no text that a table would compute."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_row(entry) for entry in entries)
    return text.getvalue().encode(errors="replace")


def _row(entry: Entry) -> list[str]:
    return [
        utc(entry.time),
        str(entry.what),
        csv_cell(entry.place),
        *_sum(entry.amount),
        *_sum(entry.paid),
        *_sum(entry.fee)[:2],
        entry.other,
        str(entry.state),
        entry.transaction,
        str(entry.block) if entry.block else "",
        csv_cell(entry.note),
    ]


def _sum(found: Sum | None) -> list[str]:
    if found is None:
        return ["", "", ""]
    amount = decimal_text(found.units, found.token.decimals).replace(",", "")
    return [amount, csv_cell(found.token.symbol), found.token.address]
