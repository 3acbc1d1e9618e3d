"""Choosing a market, kept in the address so that a link leads back to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from ui.wording import percent_of_bps, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gavelbook.service.market_view import MarketTerms

PARAMETER = "market"


def choose_market(markets: Sequence[MarketTerms]) -> MarketTerms:
    """Show the markets, where there are several, and return the chosen one."""
    by_id = {terms.market: terms for terms in markets}
    linked = st.query_params.get(PARAMETER)
    start = next((number for number in by_id if str(number) == linked), None)
    if linked and start is None:
        st.warning("The link names a market that is not listed here. This is another one.")
    numbers = list(by_id)
    chosen = start or numbers[0]
    if len(numbers) > 1:
        chosen = int(
            st.selectbox(
                "Market",
                numbers,
                index=numbers.index(chosen),
                format_func=lambda number: by_id[number].name,
                key="market.market",
                label_visibility="collapsed",
            )
        )
    st.query_params[PARAMETER] = str(chosen)
    return by_id[chosen]


def terms_line(terms: MarketTerms) -> str:
    """Return units and fees in one line."""
    return plain(
        f"Prices per {terms.priced_thing} in steps of {terms.price(1)} {terms.quote.symbol} · "
        f"sizes in lots of {terms.base.amount(terms.lot_size)} · fees "
        f"{percent_of_bps(terms.taker_fee_bps)} taker, {percent_of_bps(terms.maker_fee_bps)} maker"
    )
