"""Tables of bids and bidders. Amounts are exact text; only whole lots are numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from gavelbook.service.result_search import search
from gavelbook.service.sale_view import Fill
from ui.wording import FILL_WORDS, ago, amount, bidder_name, count, moment, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gavelbook.service.sale_desk import SaleDesk
    from gavelbook.service.sale_view import BidderLine, BidLine, SaleView

_HEIGHT = 360
_FILL_COLORS = ["green", "orange", "gray"]
_MOST_LINKED = 24
NEWEST = 200
"""Bids of a sale that its page shows; the results page turns over all of them."""


def bid_table(desk: SaleDesk, view: SaleView, now: int) -> None:
    """Show the newest live bids, newest first, and what each gets."""
    symbol = view.payment_token.symbol
    rows = [
        {
            "Bid": line.position,
            "Placed": moment(line.placed.placed_at)
            if view.decision
            else ago(now, line.placed.placed_at),
            "Bidder": bidder_name(desk, line.placed.bidder),
            f"Price, {symbol}": view.payment_token.number(line.price),
            "Lots": line.placed.lots,
            "Gets": line.filled,
            "Filled": [FILL_WORDS[line.fill]],
            f"Escrow, {symbol}": view.payment_token.number(line.escrow),
        }
        for line in reversed(view.bids[-NEWEST:])
    ]
    _table(rows, [f"Price, {symbol}", f"Escrow, {symbol}"], "The newest bids and what each gets")


def linked_bids(desk: SaleDesk, view: SaleView) -> None:
    """Say which bids the link of the page names, by a bidder or by a transaction."""
    wanted = st.query_params.get("tx") or st.query_params.get("bidder")
    if not wanted:
        return
    bids = search(view, wanted, desk.name_of).bids
    if not bids:
        st.caption("No live bid of this sale is what the link names.")
    for line in bids[:_MOST_LINKED]:
        size, price = count(line.placed.lots, "lot"), amount(view.payment_token, line.price)
        who = plain(bidder_name(desk, line.placed.bidder))
        st.markdown(f"**Bid {line.position}** of {who}: {size} at {price}.")


def allocation_table(desk: SaleDesk, view: SaleView, bids: Sequence[BidLine]) -> None:
    """Show ``bids`` of a decided sale."""
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
            "Placed": moment(line.placed.placed_at),
        }
        for line in bids
    ]
    _table(rows, [price, paid, back], "Bids and what became of each")


def bidder_table(desk: SaleDesk, view: SaleView, bidders: Sequence[BidderLine]) -> None:
    """Show what each of ``bidders`` got, paid and gets back, and whether it was claimed."""
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
            "Claimed": claimed_word(line),
        }
        for line in bidders
    ]
    _table(rows, [got, paid, back], "Bidders, what each got and paid, and whether it was claimed")


def claimed_word(line: BidderLine) -> str:
    """Say how much of what a bidder has coming was claimed."""
    if line.tokens_claimed == line.tokens and line.refund_claimed == line.refund:
        return "All"
    return "Part" if line.tokens_claimed or line.refund_claimed else "Nothing yet"


def _table(rows: list[dict[str, Any]], money: list[str], alt: str) -> None:
    columns: dict[str, Any] = {
        name: st.column_config.TextColumn(alignment="right") for name in money
    }
    for name in ("Bid", "Bids", "Lots", "Gets", "Got", "Lots asked", "Lots won"):
        columns[name] = st.column_config.NumberColumn(format="localized")
    columns["Filled"] = st.column_config.MultiselectColumn(
        options=[FILL_WORDS[fill] for fill in Fill], color=_FILL_COLORS, width="small"
    )
    frame = pd.DataFrame(rows)
    height = min(36 * (len(rows) + 1) + 2, _HEIGHT)
    st.dataframe(frame, hide_index=True, column_config=columns, height=height, alt=alt)
