"""The bids of the chosen account: cancel before the deadline, claim after the result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.service.sale_view import Stage
from ui.panels.notices import run_action, show_notice
from ui.wording import FILL_WORDS, count

if TYPE_CHECKING:
    from gavelbook.service.customers import Customer
    from gavelbook.service.sale_desk import SaleDesk
    from gavelbook.service.sale_view import BidLine, SaleView


def own_bids(desk: SaleDesk, view: SaleView, customer: Customer, now: int) -> None:
    """Show the live bids of ``customer`` and what can be done with them."""
    st.subheader(f"Bids of {customer.name}", anchor=False)
    lines = view.bids_of(customer.address)
    if not lines:
        st.caption("No live bid in this sale.")
    stage = view.stage(now)
    can_cancel = stage is Stage.OPEN and now < view.terms.cancel_until
    for line in lines:
        _bid(desk, view, customer, line, can_cancel=can_cancel)
    if lines and stage is Stage.OPEN and not can_cancel:
        st.caption("Bids can no longer be cancelled.")
    if view.decision is not None and lines:
        _claim(desk, view, customer)
    show_notice("own")


def _bid(
    desk: SaleDesk, view: SaleView, customer: Customer, line: BidLine, *, can_cancel: bool
) -> None:
    money, decided = view.payment_token, view.decision is not None
    word = FILL_WORDS[line.fill].lower()
    gets = "got" if decided else "would get"
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", key=f"own.{line.placed.index}"
    ):
        st.markdown(
            f"**{count(line.placed.lots, 'lot')} at {money.amount(line.price)}**  \n"
            f"{gets} {line.filled:,} ({word}) · {money.amount(line.escrow)} locked",
            width="stretch",
        )
        key = f"own.cancel.{line.placed.index}"
        if can_cancel and st.button("Cancel", key=key):
            run_action(
                "own",
                lambda: desk.cancel(view, customer, line.placed.index),
                f"Bid cancelled, {money.amount(line.escrow)} paid back.",
            )


def _claim(desk: SaleDesk, view: SaleView, customer: Customer) -> None:
    pocket = desk.pocket(view, customer)
    if not pocket.can_claim:
        st.caption("Everything is claimed.")
        return
    parts = [
        token.amount(units)
        for token, units in (
            (view.sale_token, pocket.claimable_tokens),
            (view.payment_token, pocket.claimable_refund),
        )
        if units
    ]
    what = " and ".join(parts)
    if st.button(f"Claim {what}", type="primary", width="stretch", key="own.claim"):
        run_action("own", lambda: desk.claim(view, customer), f"Claimed {what}.")
