"""Three steps from nothing to a trade, and which of them comes next for this visitor."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.service.sale_view import Stage
from ui.desk import accounts_open
from ui.wording import count, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gavelbook.service.acting import Actor
    from gavelbook.service.sale_desk import Pocket
    from gavelbook.service.sale_view import SaleView

ACCOUNT_PAGE, PORTFOLIO_PAGE = "app_pages/account.py", "app_pages/portfolio.py"
SALE_PAGE, MARKET_PAGE = "app_pages/sale.py", "app_pages/market.py"


class Next(StrEnum):
    """What a visitor does next."""

    ARRIVE = "arrive"
    """Nobody is signed in."""
    FUND = "fund"
    BID = "bid"
    WAIT = "wait"
    """A bid stands in the open sale."""
    CLAIM = "claim"
    TRADE = "trade"


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a visitor has come.

    ``claim_at`` is the sale in which something is left to claim; ``bids`` stand in the open sale.
    """

    next: Next
    name: str = ""
    bids: int = 0
    claim_at: str = ""


def standing_of(
    views: Sequence[SaleView], now: int, actor: Actor | None, pocket: Pocket | None
) -> Standing:
    """Return how far ``actor`` has come; ``pocket`` is of the sale that the page shows."""
    if actor is None:
        return Standing(Next.ARRIVE)
    claim_at = next((view.address for view in views if _unclaimed(view, actor.address)), "")
    if claim_at:
        return Standing(Next.CLAIM, actor.name, claim_at=claim_at)
    bids = sum(len(view.bids_of(actor.address)) for view in views if view.stage(now) is Stage.OPEN)
    if bids:
        return Standing(Next.WAIT, actor.name, bids=bids)
    if pocket is not None and pocket.sale_tokens:
        return Standing(Next.TRADE, actor.name)
    if pocket is not None and not pocket.payment_tokens:
        return Standing(Next.FUND, actor.name)
    return Standing(Next.BID, actor.name)


def _unclaimed(view: SaleView, address: str) -> bool:
    if view.decision is None:
        return False
    lines = [line for line in view.bidders if line.bidder == address]
    return any(
        line.tokens > line.tokens_claimed or line.refund > line.refund_claimed for line in lines
    )


def first_steps(standing: Standing, view: SaleView | None, *, demo: bool) -> None:
    """Show the three steps; the one that comes next has a button.

    ``demo`` says whether visitors may take an account whose keys everybody knows.
    """
    st.header("Three steps", anchor=False)
    arrive, bid, trade = st.columns(3, gap="medium")
    at = standing.next
    with arrive.container(border=True, height="stretch", key="start.step1"):
        _arrive(standing, demo=demo)
    with bid.container(border=True, height="stretch", key="start.step2"):
        _bid(standing, view)
    with trade.container(border=True, height="stretch", key="start.step3"):
        mark = at in {Next.CLAIM, Next.TRADE}
        _heading(3, "Claim, then trade", here=mark)
        if at is Next.CLAIM:
            st.markdown("A sale you bid in is decided. What you won, and what is left, is yours.")
            if _go("Claim", "start.claim"):
                st.switch_page(SALE_PAGE, query_params={"sale": standing.claim_at})
        else:
            st.markdown(
                "After the sale you claim what you won and what is left of your money. Then sell, "
                "or buy more, on the market."
            )
            if at is Next.TRADE and _go("Trade", "start.trade"):
                st.switch_page(MARKET_PAGE)


def _arrive(standing: Standing, *, demo: bool) -> None:
    here = standing.next is Next.ARRIVE
    _heading(1, "Have an account", here=here, done=not here)
    if not here:
        st.markdown(f"You act as **{plain(standing.name)}**.")
        return
    ways = ["Connect your own wallet at the top of the page."]
    if demo:
        ways = [
            "Try a demo account at the top of the page: it has play money. Or connect your wallet."
        ]
    if accounts_open():
        ways.append(
            "Or open an account with a name and a password: then keys and network fees are taken "
            "care of."
        )
    st.markdown(" ".join(ways))
    if accounts_open() and _go("Open an account or sign in", "start.register"):
        st.switch_page(ACCOUNT_PAGE)


def _bid(standing: Standing, view: SaleView | None) -> None:
    at = standing.next
    here = at in {Next.FUND, Next.BID, Next.WAIT}
    _heading(2, "Bid", here=here, done=at in {Next.CLAIM, Next.TRADE})
    if at is Next.FUND and view is not None:
        money = plain(view.payment_token.symbol)
        st.markdown(f"Bids are paid in {money}, and you have none yet.")
        if _go(f"Get {money}", "start.fund"):
            st.switch_page(PORTFOLIO_PAGE)
    elif at is Next.WAIT:
        verb = "stands" if standing.bids == 1 else "stand"
        st.markdown(
            f"{count(standing.bids, 'bid')} of yours {verb} in the open sale. You claim when it "
            "has closed."
        )
        if _go("See your bids", "start.bids") and view is not None:
            st.switch_page(SALE_PAGE, query_params={"sale": view.address})
    else:
        st.markdown(
            "Name a price and how many lots. The money waits in the sale's contract; what wins "
            "nothing comes back in full."
        )
        if at is Next.BID and view is not None and _go("Bid", "start.bid"):
            st.switch_page(SALE_PAGE, query_params={"sale": view.address})


def _heading(number: int, text: str, *, here: bool, done: bool = False) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{number}. {text}**", width="content")
        if done:
            st.badge("Done", color="gray")
        elif here:
            st.badge("Next", color="green")


def _go(label: str, key: str) -> bool:
    return st.button(label, key=key, width="stretch")
