"""Leaving escrow without anybody's consent, and voiding orders without the exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.service.escrow_actions import in_words
from ui.components.live_chain import live_chain
from ui.panels.notices import Done, is_busy, run_action, show_notice
from ui.wording import moment, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gavelbook.service.portfolio import OpenOrder, Portfolio, Pots
    from gavelbook.service.sale_view import Token
    from ui.portfolio_access import Owner

_LARGEST = 2**32 - 1


def exit_panel(owner: Owner, portfolio: Portfolio) -> None:
    """Show exits under way with their countdowns, and announce others."""
    if not portfolio.deposit_address:
        st.caption("There is no exchange on this chain yet, so nothing is in escrow.")
        return
    delay = in_words(portfolio.exit_delay)
    st.markdown(
        "This works even if the exchange is gone or refuses: nobody can stop it. You announce it, "
        f"wait **{delay}**, and take everything out. Once you have announced it you place no new "
        "orders and your open ones end; trades already matched still settle."
    )
    for pots in portfolio.exiting:
        _under_way(owner, portfolio, pots)
    _announce(owner, portfolio, delay)
    show_notice("portfolio.exit")
    st.divider()
    _cancels(owner, portfolio)


def _under_way(owner: Owner, portfolio: Portfolio, pots: Pots) -> None:
    token = pots.token
    due = portfolio.now >= pots.exit_at
    with st.container(border=True, key=f"exit_{token.address}"):
        st.markdown(f"**{plain(token.amount(pots.escrow))}** leaves escrow")
        if due:
            st.caption(f"Due since {moment(pots.exit_at)}. Settlement cannot use it any more.")
        else:
            live_chain(
                {},
                portfolio.now,
                key=f"portfolio.exit.clock.{token.address}",
                label="Can be taken out in",
                until=pots.exit_at,
                after=f"at {moment(pots.exit_at)}",
            )
        with st.container(horizontal=True):
            _take_out(owner, token, pots.escrow, due=due)
            _stay(owner, token)


def _take_out(owner: Owner, token: Token, units: int, *, due: bool) -> None:
    key = f"portfolio.exit.take.{token.address}"
    label = f"Take out all {plain(token.symbol)}"
    if st.button(label, key=key, type="primary", disabled=not due or is_busy()):
        run_action(
            "portfolio.exit",
            lambda: owner.desk.take_out(owner.actor, token, units),
            lambda transaction: Done(
                f"All {plain(token.symbol)} is in your wallet.", "Transaction", transaction
            ),
            key=key,
        )


def _stay(owner: Owner, token: Token) -> None:
    key = f"portfolio.exit.stay.{token.address}"
    if st.button("Stay after all", key=key, disabled=is_busy()):
        run_action(
            "portfolio.exit",
            lambda: owner.desk.cancel_exit(owner.actor, [token]),
            lambda transaction: Done(
                f"{plain(token.symbol)} stays in escrow.", "Transaction", transaction
            ),
            key=key,
        )


def _announce(owner: Owner, portfolio: Portfolio, delay: str) -> None:
    staying = {
        pots.token.address: pots
        for pots in portfolio.pots
        if (pots.escrow or pots.in_escrow) and not pots.exit_at
    }
    if not staying:
        if not portfolio.exiting:
            st.caption("Nothing is in escrow.")
        return
    chosen = st.multiselect(
        "Leave with everything of",
        list(staying),
        format_func=lambda address: staying[address].token.amount(staying[address].escrow),
        placeholder="Choose tokens",
        key="portfolio.exit.tokens",
    )
    tokens = [staying[address].token for address in chosen if address in staying]
    if st.button(
        "Announce that I leave", key="portfolio.exit.ask", disabled=not tokens or is_busy()
    ):
        names = _names(tokens)
        run_action(
            "portfolio.exit",
            lambda: owner.desk.request_exit(owner.actor, tokens),
            lambda transaction: Done(
                f"Announced: {names} can be taken out in {delay}.", "Transaction", transaction
            ),
            key=names,
        )


def _names(tokens: Sequence[Token]) -> str:
    return ", ".join(plain(token.symbol) for token in tokens)


def _cancels(owner: Owner, portfolio: Portfolio) -> None:
    st.markdown("**Cancel an order on the chain**")
    st.caption(
        "On the market an order is cancelled at once, and the exchange keeps to it. Should you not "
        "trust it to, void the order in the contract: it takes effect after a short notice."
    )
    for order in portfolio.orders:
        _order(owner, order)
    if not portfolio.orders:
        with st.expander("An order that is not listed here"):
            _by_numbers(owner)
    show_notice("portfolio.lane")


def _order(owner: Owner, order: OpenOrder) -> None:
    side = "Buy" if order.side == "buy" else "Sell"
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"{side} {order.lots:,} lots at tick {order.ticks:,} on {plain(order.market)}  \n"
            f":small[Lane {order.lane}, number {order.sequence}, good until "
            f"{moment(order.expiry)}]",
            width="stretch",
        )
        key = f"portfolio.lane.{order.lane}.{order.sequence}"
        if st.button("Cancel on the chain", key=key, disabled=is_busy()):
            _void(owner, order.lane, order.sequence)


def _by_numbers(owner: Owner) -> None:
    st.caption("Lane and number are in what you signed.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        lane = st.number_input("Lane", 0, _LARGEST, value=0, step=1, key="portfolio.lane.lane")
        sequence = st.number_input(
            "Number", 0, _LARGEST, value=0, step=1, key="portfolio.lane.sequence"
        )
        ready = bool(sequence) and not is_busy()
        if st.button("Cancel on the chain", key="portfolio.lane.go", disabled=not ready):
            _void(owner, int(lane), int(sequence))


def _void(owner: Owner, lane: int, sequence: int) -> None:
    run_action(
        "portfolio.lane",
        lambda: owner.desk.cancel_lane(owner.actor, lane, sequence),
        lambda transaction: Done(
            f"Orders of lane {lane} up to number {sequence} will be void after the notice.",
            "Transaction",
            transaction,
        ),
        key=f"{lane} {sequence}",
    )
