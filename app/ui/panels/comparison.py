"""Finished sales side by side."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from gavelbook.service.sale_view import Fill
from ui.wording import PRICING_NAMES, RULE_NAMES, cell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gavelbook.service.sale_view import SaleView

_NUMBERS = ("Bids", "Full", "Partial", "None", "Bidders", "Winners", "Lots sold")


def comparison_table(views: Sequence[SaleView]) -> None:
    """Show what became of each sale, a line each."""
    books = [_book(view) for view in views]
    if any(books.count(book) > 1 for book in books):
        st.caption("Some of these sales took the same bids: what differs comes of their terms.")
    rows = []
    for view in views:
        outcomes = Counter(line.fill for line in view.bids)
        decision = view.decision
        rows.append(
            {
                "Sale": cell(view.name),
                "Rule": RULE_NAMES[view.auction.rule],
                "Full": outcomes[Fill.FULL],
                "Partial": outcomes[Fill.PARTIAL],
                "None": outcomes[Fill.NOTHING],
                "Winners": sum(line.filled > 0 for line in view.bidders),
                "Lots sold": decision.sold_lots if decision else 0,
                "Lowest winning price": _price(view),
                "Raised": view.payment_token.amount(decision.raised if decision else 0),
                "Pricing": PRICING_NAMES[view.auction.pricing],
            }
        )
    text = st.column_config.TextColumn(alignment="right")
    columns = {
        **{name: st.column_config.NumberColumn(format="localized") for name in _NUMBERS},
        "Lowest winning price": text,
        "Raised": text,
    }
    st.dataframe(pd.DataFrame(rows), hide_index=True, column_config=columns)


def _book(view: SaleView) -> list[tuple[str, int, int]]:
    return [(bid.bidder, bid.tick, bid.lots) for bid in view.placed]


def _price(view: SaleView) -> str:
    return "none" if view.price_now is None else view.payment_token.amount(view.price_now)
