"""Where a market stands: last price, the last 24 hours, spread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from ui.wording import percent_of_bps

if TYPE_CHECKING:
    from gavelbook.service.market_view import Board, MarketTerms


_NOTHING = "none"


def terms_line(terms: MarketTerms) -> str:
    """Return units and fees in one line."""
    return (
        f"Prices per {terms.priced_thing} in steps of {terms.price(1)} {terms.quote.symbol} · "
        f"sizes in lots of {terms.base.amount(terms.lot_size)} · fees "
        f"{percent_of_bps(terms.taker_fee_bps)} taker, {percent_of_bps(terms.maker_fee_bps)} maker"
    )


def market_figures(board: Board) -> None:
    """Show price, change, range, volume and spread."""
    terms, day = board.terms, board.day
    quote = terms.quote.symbol
    with st.container(horizontal=True, gap="small", key="market.figures"):
        st.metric(
            "Last price",
            "no trade yet" if board.last is None else f"{terms.price(board.last)} {quote}",
            delta=day.change_percent if day else None,
            delta_color="normal" if day and day.change else "off",
            delta_arrow="auto" if day and day.change else "off",
            delta_description="in 24 h" if day else None,
            border=True,
            height="stretch",
        )
        st.metric(
            "24 h high", terms.price(day.high) if day else _NOTHING, border=True, height="stretch"
        )
        st.metric(
            "24 h low", terms.price(day.low) if day else _NOTHING, border=True, height="stretch"
        )
        st.metric(
            "24 h volume",
            f"{terms.size(day.lots)} {terms.base.symbol}" if day else _NOTHING,
            help=f"{terms.quote.amount(day.quote)} in all" if day else None,
            border=True,
            height="stretch",
        )
        st.metric("Spread", _spread(board), border=True, height="stretch")


def _spread(board: Board) -> str:
    spread = board.book.spread
    return _NOTHING if spread is None else f"{board.terms.price(spread)} {board.terms.quote.symbol}"
