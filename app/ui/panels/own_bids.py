"""The visitor's own bids: cancel before the deadline, claim after the result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.service.sale_view import Stage
from ui.panels.notices import is_busy, run_action, show_notice
from ui.panels.vesting_panel import vesting_panel
from ui.wording import FILL_WORDS, amount, count, moment, plain

if TYPE_CHECKING:
    from gavelbook.service.acting import Actor
    from gavelbook.service.sale_desk import SaleDesk
    from gavelbook.service.sale_view import BidLine, SaleView


_GETS = {Stage.OPEN: "would get", Stage.CLOSED: "gets, once the sale is cleared,"}


def own_bids(desk: SaleDesk, view: SaleView, actor: Actor, now: int) -> None:
    """Show the live bids of ``actor`` and what can be done with them."""
    st.header(f"Bids of {plain(actor.name)}", anchor=False)
    lines, stage = view.bids_of(actor.address), view.stage(now)
    if not lines:
        st.caption("No live bid in this sale.")
    cancel_until = view.terms.cancel_until
    can_cancel = stage is Stage.OPEN and now < cancel_until
    for line in lines:
        _bid(desk, view, actor, line, stage, can_cancel=can_cancel)
    if lines and stage is Stage.OPEN:
        st.caption(
            f"Bids can be cancelled until {moment(cancel_until)}."
            if can_cancel
            else "Bids can no longer be cancelled."
        )
    if view.decision is not None and lines:
        _claim(desk, view, actor, now)
    show_notice("own")


def _bid(  # noqa: PLR0913 -- what a line shows, and what can be done with it
    desk: SaleDesk, view: SaleView, actor: Actor, line: BidLine, stage: Stage, *, can_cancel: bool
) -> None:
    money, word = view.payment_token, FILL_WORDS[line.fill].lower()
    gets, held = _GETS.get(stage, "got"), "locked" if view.decision is None else "paid in"
    index, locked = line.placed.index, amount(money, line.escrow)
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", key=f"own.{index}"
    ):
        st.markdown(
            f"**{count(line.placed.lots, 'lot')} at {amount(money, line.price)}**  \n"
            f"{gets} {line.filled:,} ({word}) · {locked} {held}",
            width="stretch",
        )
        key = f"own.cancel.{index}"
        if can_cancel and st.button("Cancel", key=key, disabled=is_busy()):
            run_action(
                "own",
                lambda: desk.cancel(view, actor, index),
                f"Bid cancelled, {locked} paid back.",
                key=f"{view.address} {line.placed.transaction}",
            )


def _claim(desk: SaleDesk, view: SaleView, actor: Actor, now: int) -> None:
    """Offer what is due now, and say what is due later."""
    [line] = [each for each in view.bidders if each.bidder == actor.address]
    pocket, token, money = desk.pocket(view, actor), view.sale_token, view.payment_token
    later = line.tokens - line.tokens_claimed - pocket.claimable_tokens
    if line.tokens and view.terms.vesting_end:
        vesting_panel(view, line, now)
    if not pocket.can_claim:
        st.caption(
            f"Nothing can be claimed now; {amount(token, later)} become free later."
            if later
            else "Everything is claimed."
        )
        if line.tokens_claimed:
            symbol = plain(token.symbol)
            st.page_link("app_pages/portfolio.py", label=f"Deposit {symbol} to trade it")
        return
    parts = [
        amount(kind, units)
        for kind, units in ((token, pocket.claimable_tokens), (money, pocket.claimable_refund))
        if units
    ]
    what = " and ".join(parts)
    if view.decision and view.decision.failed:
        st.markdown(f"The sale failed: all you paid in is yours again, **{what}**.")
    elif later:
        st.markdown(f"Due now: **{what}**. Later: **{amount(token, later)}**.")
    if st.button(
        f"Claim {what}", type="primary", width="stretch", key="own.claim", disabled=is_busy()
    ):
        run_action(
            "own",
            lambda: desk.claim(view, actor),
            f"Claimed {what}.",
            key=f"{view.address} {what}",
        )
