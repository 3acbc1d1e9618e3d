"""The bids of a sale and what became of them as CSV; docs/formats.md tells the columns."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gavelbook.service.amounts import decimal_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gavelbook.service.sale_view import BidLine, SaleView

COLUMNS = (
    "bid",
    "bidder",
    "placed_at",
    "price",
    "lots",
    "filled",
    "paid",
    "back",
    "payment_token",
    "transaction",
)


def bids_csv(view: SaleView, bids: Iterable[BidLine]) -> bytes:
    """Return ``bids`` of ``view`` as CSV, UTF-8.

    Amounts are exact, in whole payment tokens. Nothing in it is a text that somebody chose, so that
    no table takes anything for a formula.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_row(view, line) for line in bids)
    return text.getvalue().encode()


def _row(view: SaleView, line: BidLine) -> list[str]:
    money = view.payment_token
    price, paid, back = (
        decimal_text(units, money.decimals).replace(",", "")
        for units in (line.price, line.payment, line.escrow - line.payment)
    )
    placed_at = datetime.fromtimestamp(line.placed.placed_at, UTC)
    return [
        str(line.position),
        line.placed.bidder,
        placed_at.isoformat().replace("+00:00", "Z"),
        price,
        str(line.placed.lots),
        str(line.filled),
        paid,
        back,
        money.address,
        line.placed.transaction,
    ]
