"""Bidders and bids of a decided sale: searched, turned over page by page, taken along as CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import streamlit as st

from gavelbook.service.bids_file import bids_csv
from gavelbook.service.result_search import search
from ui.panels.bid_table import allocation_table, bidder_table
from ui.panels.result_panels import clearing_data
from ui.panels.terms_panel import named_lines
from ui.wording import FILL_WORDS, amount, bidder_name, count, moment, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gavelbook.service.result_search import Found
    from gavelbook.service.sale_desk import SaleDesk
    from gavelbook.service.sale_view import BidLine, Decision, SaleView

T = TypeVar("T")

ROWS = 100
_LINKS = ("bidder", "bid", "tx")
_FIND = "results.find"
_MOST_LETTERS = 80


def result_tables(desk: SaleDesk, view: SaleView, decision: Decision) -> None:
    """Show what was searched for, or everything, in tabs."""
    found = search(view, _wanted(), desk.name_of)
    if len(found.bids) == 1:
        _one_bid(desk, view, found.bids[0])
    elif not found.bids:
        st.caption("No bid and no bidder of this sale is called that.")
    bidders, bids, clearing = st.tabs(
        ["Bidders", "Bids", "Clearing data"], key="results.tabs", on_change="rerun"
    )
    if bidders.open and found.bidders:
        with bidders:
            bidder_table(desk, view, _page(found.bidders, "results.bidders.page"))
    if bids.open and found.bids:
        with bids:
            _bids(desk, view, found)
    if clearing.open:
        with clearing:
            clearing_data(view, decision)


def _wanted() -> str:
    """Return what to look for: what the link says at first, then what is written here."""
    if _FIND not in st.session_state:
        linked = next((st.query_params[name] for name in _LINKS if name in st.query_params), "")
        st.session_state[_FIND] = linked[:_MOST_LETTERS]
    wanted = st.text_input(
        "Find a bidder or a bid",
        key=_FIND,
        max_chars=_MOST_LETTERS,
        placeholder="An address or a part of it, the number of a bid, or a transaction",
    ).strip()
    for name in _LINKS:
        if name in st.query_params:
            del st.query_params[name]
    if wanted:
        st.query_params[_link_of(wanted)] = wanted
    return wanted


def _link_of(wanted: str) -> str:
    """Return the parameter of a link that leads to ``wanted``."""
    if wanted.lstrip("#").strip().isdecimal():
        return "bid"
    return "tx" if wanted.startswith("0x") and len(wanted) == len("0x") + 64 else "bidder"


def _one_bid(desk: SaleDesk, view: SaleView, line: BidLine) -> None:
    money, token = view.payment_token, view.sale_token
    won = amount(token, line.filled * view.auction.lot_size)
    with st.container(border=True, key="results.bid"):
        st.markdown(f"**Bid {line.position}** of {plain(bidder_name(desk, line.placed.bidder))}")
        named_lines(
            {
                "Placed": moment(line.placed.placed_at),
                "Asked": f"{count(line.placed.lots, 'lot')} at {amount(money, line.price)}",
                "Got": f"{count(line.filled, 'lot')} ({FILL_WORDS[line.fill].lower()}): {won}",
                "Paid": amount(money, line.payment),
                "Back": amount(money, line.escrow - line.payment),
            }
        )
        st.caption("Bidder")
        st.code(line.placed.bidder, language=None, wrap_lines=True)
        st.caption("Transaction that placed it")
        st.code(line.placed.transaction, language=None, wrap_lines=True)


def _bids(desk: SaleDesk, view: SaleView, found: Found) -> None:
    st.caption("In arrival order.")
    allocation_table(desk, view, _page(found.bids, "results.bids.page"))
    st.download_button(
        "Download these bids (CSV)",
        data=lambda: bids_csv(view, found.bids),
        file_name=f"bids-{view.address[:10]}.csv",
        mime="text/csv",
        on_click="ignore",
        key="results.bids.download",
    )


def _page(lines: Sequence[T], key: str) -> Sequence[T]:
    """Return the lines of the chosen page; the choice is shown where there are several."""
    pages = -(-len(lines) // ROWS)
    if pages <= 1:
        return lines
    number = int(
        st.number_input(f"Page, of {pages}", min_value=1, max_value=pages, step=1, key=key)
    )
    first = (number - 1) * ROWS
    last = min(first + ROWS, len(lines))
    st.caption(f"{first + 1:,} to {last:,} of {len(lines):,}")
    return lines[first:last]
