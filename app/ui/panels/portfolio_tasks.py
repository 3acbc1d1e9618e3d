"""What waits for the owner: money that arrived, claims, withdrawals half done, gas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.errors import GavelbookError
from gavelbook.service.amounts import decimal_text
from ui.panels.notices import Done, is_busy, run_action, show_notice
from ui.wording import moment, plain, sentence

if TYPE_CHECKING:
    from gavelbook.service.faucet import Faucet
    from gavelbook.service.portfolio import Claim, Consent, Portfolio, Pots
    from ui.portfolio_access import Owner

_ETHER_DECIMALS, _GWEI_DECIMALS = 18, 9
_GIFT = "portfolio.gift.told"


def waiting_tasks(owner: Owner, portfolio: Portfolio) -> None:
    """Show each thing to be done with a button for it; nothing where nothing waits."""
    for pots in portfolio.pots:
        if pots.arrived:
            _book(owner, pots)
    for claim in portfolio.claims:
        _claim(owner, portfolio, claim)
    for consent in portfolio.consents:
        _send_consent(owner, consent)
    show_notice("portfolio.task")


def gas_line(owner: Owner, portfolio: Portfolio) -> None:
    """Tell owners of a wallet what they have for gas, and managed ones that they need none."""
    if owner.is_managed:
        st.caption("You need no ether: transactions are paid for you.")
    if not owner.pays_gas:
        return
    has = decimal_text(portfolio.ether // 10**_GWEI_DECIMALS, _ETHER_DECIMALS - _GWEI_DECIMALS)
    if portfolio.ether_is_low:
        st.warning(
            f"Your wallet has {has} ETH, which may be too little to pay for the next "
            "transactions. Send some ether to your wallet address."
        )
    else:
        st.caption(f"{has} ETH in the wallet for gas.")


def gift(owner: Owner, portfolio: Portfolio, faucet: Faucet | None) -> bool:
    """Offer play money to those who have none, on a demo's chain; return whether it is offered."""
    told = st.session_state.pop(_GIFT, None)
    if told is not None:
        kind, text = told
        (st.success if kind == "given" else st.error)(text)
    if faucet is None or not _is_poor(portfolio, faucet):
        return False
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        gifts = ", ".join(
            f"{decimal_text(each.amount, each.decimals)} {plain(each.symbol)}"
            for each in faucet.gifts
            if each.token or not owner.is_managed
        )
        st.markdown(
            f"**New here?** This is a demo on a chain of its own: get {gifts} to play with.",
            width="stretch",
        )
        if st.button("Get demo money", type="primary", key="portfolio.gift"):
            _give(owner, faucet)
    return True


def _give(owner: Owner, faucet: Faucet) -> None:
    try:
        with st.spinner("Waiting for the block"):
            faucet.give(owner.actor.address, ether=not owner.is_managed)
    except GavelbookError as error:
        st.session_state[_GIFT] = "refused", f"Refused. {sentence(error)}"
    else:
        st.session_state[_GIFT] = (
            "given",
            (
                "Demo money is in your wallet. Bid with it on the Sale page, or deposit it below "
                "to trade."
            ),
        )
    owner.desk.expire(owner.actor)
    st.rerun()


def _is_poor(portfolio: Portfolio, faucet: Faucet) -> bool:
    """Return whether the account has nothing of some token that is given away."""
    given = {each.token for each in faucet.gifts if each.token}
    mine = {pots.token.address: pots.total for pots in portfolio.pots}
    return any(not mine.get(token, 0) for token in given)


def _book(owner: Owner, pots: Pots) -> None:
    token = pots.token
    amount = plain(token.amount(pots.arrived))
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**{amount}** arrived at the deposit address. Book it, and it is in escrow.",
            width="stretch",
        )
        key = f"portfolio.book.{token.address}"
        if st.button("Book it now", key=key, disabled=is_busy()):
            run_action(
                "portfolio.task",
                lambda: owner.desk.sweep(owner.actor, owner.actor.address, token),
                lambda transaction: Done(f"{amount} is in escrow.", "Transaction", transaction),
                key=key,
            )


def _claim(owner: Owner, portfolio: Portfolio, claim: Claim) -> None:
    parts = [
        plain(token.amount(units))
        for token, units in (
            (claim.sale_token, claim.tokens_now),
            (claim.payment_token, claim.refund),
        )
        if units
    ]
    later = ""
    if claim.tokens_later:
        later = (
            f" {plain(claim.sale_token.amount(claim.tokens_later))} more is released bit by bit "
            f"until {moment(claim.vesting_end)}."
        )
    what = " and ".join(parts)
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        said = f"**{what}** to claim" if what else "Nothing to claim just now"
        st.markdown(f"{said} from {plain(claim.name)}.{later}", width="stretch")
        if not what:
            return
        key = f"portfolio.claim.{claim.sale}"
        if st.button("Claim to the wallet", key=key, disabled=is_busy(), type="primary"):
            run_action(
                "portfolio.task",
                lambda: owner.desk.claim(owner.actor, claim),
                lambda transaction: Done(f"Claimed {what}.", "Transaction", transaction),
                key=key,
            )
        if not portfolio.deposit_address or not claim.tokens_now:
            return
        symbol = plain(claim.sale_token.symbol)
        help_text = f"{symbol} goes to your deposit address and from there into escrow"
        if st.button(f"{symbol} into escrow", key=f"{key}.in", disabled=is_busy(), help=help_text):
            tokens = plain(claim.sale_token.amount(claim.tokens_now))
            run_action(
                "portfolio.task",
                lambda: owner.desk.claim_into_escrow(owner.actor, claim),
                lambda transaction: Done(
                    f"{tokens} claimed into escrow.", "Transaction", transaction
                ),
                key=f"{key}.in",
            )


def _send_consent(owner: Owner, consent: Consent) -> None:
    amount = plain(consent.token.amount(consent.amount))
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"A withdrawal of **{amount}** is agreed and not on the chain yet. It is good until "
            f"{moment(consent.deadline)}; after that the amount is free again.",
            width="stretch",
        )
        key = f"portfolio.consent.{consent.nonce}"
        if st.button("Send it", key=key, disabled=is_busy()):
            run_action(
                "portfolio.task",
                lambda: owner.desk.pay_out(owner.actor, consent),
                lambda transaction: Done(
                    f"{amount} withdrawn to the wallet.", "Transaction", transaction
                ),
                key=key,
            )
