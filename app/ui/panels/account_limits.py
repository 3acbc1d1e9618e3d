"""How much may leave a managed account in a day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.service.amounts import base_units, decimal_text
from ui.desk import accounts
from ui.panels.account_requests import ask, read, session
from ui.panels.notices import show_notice
from ui.wording import cell, moment, plain

if TYPE_CHECKING:
    from gavelbook.accounts.bodies import LimitView

_PLACE = "account.limits"
_MILLISECONDS = 1_000


def limits() -> None:
    """Show the limits, and a form to set one."""
    st.markdown(
        "The most that may be sent from your wallet here to other addresses in any 24 hours. A "
        "lower limit holds at once; a higher one after 24 hours. Trading, bids, and withdrawals "
        "from escrow to your own wallet do not count. It bounds a slip or a transfer in haste, "
        "not a thief: whoever has your password can export the key, and whoever has your session "
        "can trade at a bad price."
    )
    show_notice(_PLACE)
    token = session()
    found = read(lambda: accounts().limits(token))
    if not found:
        if found is not None:
            st.info("No token is known here yet.")
        return
    st.dataframe([_row(limit) for limit in found], hide_index=True, key="account.limits.table")
    _form(found, token)


def _form(found: list[LimitView], token: str) -> None:
    names = {limit.token.text(): limit for limit in found}
    with st.form("account.limits", clear_on_submit=True):
        address = st.selectbox(
            "Token", list(names), format_func=lambda each: _name(names[each], names)
        )
        text = st.text_input("New limit for 24 hours", placeholder="0 lets nothing leave")
        password = st.text_input("Your password", type="password", autocomplete="current-password")
        if not st.form_submit_button("Set the limit", type="primary"):
            return
    limit = names[address]

    def change() -> None:
        amount = base_units(text, limit.decimals)
        accounts().set_limit(token, address, amount, password)

    ask(_PLACE, change, f"Limit for {plain(limit.symbol)} set. The table says from when it holds.")
    st.rerun()


def _name(limit: LimitView, names: dict[str, LimitView]) -> str:
    """Return the symbol; with the address where another token has the same."""
    same = [each for each in names.values() if each.symbol == limit.symbol]
    return limit.symbol if len(same) == 1 else f"{limit.symbol} {limit.token.text()}"


def _row(limit: LimitView) -> dict[str, str]:
    coming = ""
    if limit.next_amount is not None and limit.next_at is not None:
        amount = decimal_text(int(limit.next_amount), limit.decimals)
        coming = f"{amount} from {moment(int(limit.next_at) // _MILLISECONDS)}"
    return {
        "Token": cell(limit.symbol),
        "Limit for 24 hours": decimal_text(int(limit.amount), limit.decimals),
        "May still leave": decimal_text(int(limit.left), limit.decimals),
        "Asked for": coming,
        "Address": limit.token.text(),
    }
