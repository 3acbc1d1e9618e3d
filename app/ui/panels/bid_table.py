"""Tables of bids and bidders. Amounts are exact text; only whole lots are numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from gavelbook.service.sale_view import Fill
from ui.wording import FILL_WORDS, ago, bidder_name

if TYPE_CHECKING:
    from gavelbook.service.sale_desk import SaleDesk
    from gavelbook.service.sale_view import SaleView

_ROWS_SHOWN = 360
_FILL_COLORS = ["green", "orange", "gray"]


def bid_table(desk: SaleDesk, view: SaleView, now: int) -> None:
    """Show all live bids, newest first, and what each gets."""
    symbol = view.payment_token.symbol
    rows = [
        {
            "Bid": line.position,
            "Placed": ago(now, line.placed.placed_at),
            "Bidder": bidder_name(desk, line.placed.bidder),
            f"Price, {symbol}": view.payment_token.number(line.price),
            "Lots": line.placed.lots,
            "Gets": line.filled,
            "Filled": [FILL_WORDS[line.fill]],
            f"Escrow, {symbol}": view.payment_token.number(line.escrow),
        }
        for line in reversed(view.bids)
    ]
    _table(rows, money=[f"Price, {symbol}", f"Escrow, {symbol}"])


def allocation_table(desk: SaleDesk, view: SaleView) -> None:
    """Show all bids of a decided sale in arrival order."""
    money = view.payment_token
    price, paid, back = (f"{word}, {money.symbol}" for word in ("Price", "Paid", "Back"))
    rows = [
        {
            "Bid": line.position,
            "Bidder": bidder_name(desk, line.placed.bidder),
            price: money.number(line.price),
            "Lots": line.placed.lots,
            "Got": line.filled,
            "Filled": [FILL_WORDS[line.fill]],
            paid: money.number(line.payment),
            back: money.number(line.escrow - line.payment),
        }
        for line in view.bids
    ]
    _table(rows, money=[price, paid, back])


def bidder_table(desk: SaleDesk, view: SaleView) -> None:
    """Show what each bidder got, paid and gets back."""
    money, token = view.payment_token, view.sale_token
    got, paid, back = f"Got, {token.symbol}", f"Paid, {money.symbol}", f"Back, {money.symbol}"
    rows = [
        {
            "Bidder": bidder_name(desk, line.bidder),
            "Bids": line.bids,
            "Lots asked": line.lots,
            "Lots won": line.filled,
            got: token.number(line.tokens),
            paid: money.number(line.payment),
            back: money.number(line.refund),
            "Claimed": line.tokens_claimed == line.tokens and line.refund_claimed == line.refund,
        }
        for line in view.bidders
    ]
    _table(rows, money=[got, paid, back])


def _table(rows: list[dict[str, Any]], money: list[str]) -> None:
    columns: dict[str, Any] = {
        name: st.column_config.TextColumn(alignment="right") for name in money
    }
    for name in ("Bid", "Bids", "Lots", "Gets", "Got", "Lots asked", "Lots won"):
        columns[name] = st.column_config.NumberColumn(format="localized")
    columns["Filled"] = st.column_config.MultiselectColumn(
        options=[FILL_WORDS[fill] for fill in Fill], color=_FILL_COLORS, width="small"
    )
    columns["Claimed"] = st.column_config.CheckboxColumn(width="small")
    frame = pd.DataFrame(rows)
    height = min(36 * (len(rows) + 1) + 2, _ROWS_SHOWN)
    st.dataframe(frame, hide_index=True, column_config=columns, height=height)
