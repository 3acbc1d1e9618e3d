"""A small auction by the rule of a sale: computed, shown as a table, and said in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from gavelbook.service.worked_example import worked_example
from ui.wording import count, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gavelbook.service.sale_view import SaleView
    from gavelbook.service.worked_example import ExampleBid, WorkedExample


def example_panel(view: SaleView) -> None:
    """Show what the rule and the pricing of ``view`` make of a handful of bids."""
    money, example = view.payment_token, worked_example(view.auction)
    st.markdown(
        f"**An example**, computed by the rule of this sale: {example.supply_lots} lots are for "
        "sale, and five bids come in this order."
    )
    rows = [
        (
            bid.name,
            money.number(bid.price),
            bid.lots,
            bid.filled,
            money.number(bid.payment),
            money.number(bid.lots * bid.price - bid.payment),
        )
        for bid in example.bids
    ]
    names = ["Bid", f"Price, {plain(money.symbol)}", "Lots", "Gets", "Pays", "Gets back"]
    frame = pd.DataFrame(rows, columns=names)
    st.table(frame, border="horizontal", hide_index=True, width="content")
    st.markdown(example_in_words(example))


def example_in_words(example: WorkedExample) -> str:
    """Say step by step how the lots of ``example`` went."""
    clearing, left = example.allocation.clearing, example.supply_lots
    said: list[str] = []
    full = [bid for bid in example.bids if bid.tick >= clearing.full_from_tick]
    if full:
        left -= sum(bid.filled for bid in full)
        said.append(
            f"{_names(full)} {_are(full)} filled in full; {left} of "
            f"{count(example.supply_lots, 'lot')} are left."
        )
    lowest = clearing.margin_from_tick
    margin = [bid for bid in example.bids if lowest <= bid.tick and bid not in full]
    if margin and clearing.by_rounds:
        extra = left - sum(min(bid.lots, clearing.level) for bid in margin)
        lucky = [bid for bid in margin if bid.filled > clearing.level]
        said.append(
            f"{_names(margin)} share them, one lot each per round. After "
            f"{count(clearing.level, 'round')} {extra} more, one each, for {_names(lucky)}."
            if extra
            else f"{_names(margin)} share them, one lot each per round."
        )
    elif margin:
        gets = ", ".join(f"{bid.name} {bid.filled}" for bid in margin)
        said.append(f"At the price where the supply ends the earlier bid goes first: {gets}.")
    nothing = [bid for bid in example.bids if bid.tick < lowest]
    if nothing:
        said.append(f"{_names(nothing)} {_bids(nothing)} too little and {_get(nothing)} nothing.")
    return " ".join(said)


def _names(bids: Sequence[ExampleBid]) -> str:
    *first, last = [bid.name for bid in bids]
    return f"{', '.join(first)} and {last}" if first else last


def _are(bids: Sequence[ExampleBid]) -> str:
    return "is" if len(bids) == 1 else "are"


def _bids(bids: Sequence[ExampleBid]) -> str:
    return "bids" if len(bids) == 1 else "bid"


def _get(bids: Sequence[ExampleBid]) -> str:
    return "gets" if len(bids) == 1 else "get"
