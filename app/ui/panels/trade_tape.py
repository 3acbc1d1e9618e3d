"""The latest trades."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from ui.wording import clock_time

if TYPE_CHECKING:
    from gavelbook.service.market_view import Board

_SHOWN = 10
_COLORS = {"buy": "green", "sell": "orange"}
_STATES = {"MATCHED": "", "SUBMITTED": "", "SETTLED": "✓", "BUSTED": "✗"}


def trade_tape(board: Board) -> None:
    """Show the latest trades, newest first; the color says who was impatient."""
    terms = board.terms
    if not board.trades:
        st.caption("Nothing traded yet.")
        return
    lines = [
        f"| :{_COLORS[trade.taker_side]}[:small[{terms.price(trade.ticks)}]] "
        f"| :small[{terms.size(trade.lots)}] | :small[{clock_time(trade.time)}] "
        f"| {_STATES[trade.state]} |"
        for trade in board.trades[:_SHOWN]
    ]
    names = f"| :small[Price] | :small[{terms.base.symbol}] | :small[Time, UTC] | |"
    head = f"{names}\n|---|---:|---:|---|\n"
    st.markdown(head + "\n".join(lines))
    st.caption("✓ settled on the chain · ✗ undone")
