"""What one winner's tokens are to become free when: in words, as a chart, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.chain.dues import vested_lots
from gavelbook.service.vesting import releases
from ui.panels.charted import as_table, theme
from ui.panels.vesting_chart import VestingPlan, vesting_chart
from ui.wording import moment, plain

if TYPE_CHECKING:
    from gavelbook.service.sale_view import BidderLine, SaleView


def vesting_panel(view: SaleView, line: BidderLine, now: int) -> None:
    """Show how the tokens of ``line`` become free."""
    terms, token, lot_size = view.terms, view.sale_token, view.auction.lot_size
    symbol = plain(token.symbol)
    steps = releases(terms, line.filled)
    free = vested_lots(terms, line.filled, now) * lot_size
    nothing_before = (
        f", nothing of it before {moment(terms.vesting_cliff)}"
        if terms.vesting_cliff > terms.vesting_start
        else ""
    )
    st.markdown(
        f"Your {token.number(line.tokens)} {symbol} become free bit by bit from "
        f"{moment(terms.vesting_start)} to {moment(terms.vesting_end)}{nothing_before}. "
        f"Free today: **{token.number(free)} {symbol}**; claimed: "
        f"**{token.number(line.tokens_claimed)} {symbol}**."
    )
    plan = VestingPlan(token, lot_size, steps, now, line.tokens_claimed)
    said = (
        f"Tokens free over time: none at {moment(terms.vesting_start)}, "
        f"{token.amount(free)} today, all {token.amount(line.tokens)} at "
        f"{moment(terms.vesting_end)}; {token.amount(line.tokens_claimed)} are claimed"
    )
    st.vega_lite_chart(spec=vesting_chart(plan, theme()).to_dict(), alt=said)
    as_table(
        "own.vesting.table",
        ["From", f"Free, {token.symbol}"],
        lambda: [(moment(step.at), token.number(step.lots * lot_size)) for step in steps],
    )
