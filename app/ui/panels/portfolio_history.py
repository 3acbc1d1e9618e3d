"""What happened to an account's money: the newest first, and all of it as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from gavelbook.errors import GavelbookError
from gavelbook.service.desk_settings import DeskSettings
from gavelbook.service.portfolio_csv import history_csv
from gavelbook.service.portfolio_history import Happening, Settlement
from ui.wording import plain, sentence, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gavelbook.service.portfolio_history import Entry, History, Sum
    from ui.portfolio_access import Owner

PARAMETER = "tx"
_PAGE = 25
_ADDRESS_PIXELS = 110
_SHOWN = "portfolio.history.shown"
_WORDS = {
    Happening.DEPOSIT: "Deposit",
    Happening.ETHER_RETURNED: "Ether returned",
    Happening.WITHDRAWAL: "Withdrawal",
    Happening.EXIT_REQUESTED: "Exit announced",
    Happening.EXIT_CANCELLED: "Exit taken back",
    Happening.EXIT: "Exit",
    Happening.LANE_CANCELLED: "Cancel on the chain",
    Happening.BID: "Bid",
    Happening.BID_CANCELLED: "Bid cancelled",
    Happening.TOKENS_CLAIMED: "Tokens claimed",
    Happening.REFUND_CLAIMED: "Refund claimed",
    Happening.RECEIVED: "Received",
    Happening.SENT: "Sent",
    Happening.BOUGHT: "Bought",
    Happening.SOLD: "Sold",
}
_STATES = {
    Settlement.ON_CHAIN: "On the chain",
    Settlement.MATCHED: "Matched",
    Settlement.SUBMITTED: "On its way",
    Settlement.UNDONE: "Undone",
}


def own_history(owner: Owner) -> None:
    """Show the account's history, page by page, with a download of all of it."""
    try:
        history = owner.desk.history(owner.actor, shown_entries())
    except GavelbookError as error:
        st.info(f"The exchange does not tell about trades right now. {sentence(error)}")
        history = owner.desk.public_history(owner.actor.address, shown_entries())
    if not owner.desk.knows_trades(owner.actor):
        st.caption("Trades are left out until you have signed in to the exchange.")
    _history(history)
    st.caption("Tokens that were sent and received are among it. Ether that was sent is not.")
    if history.entries:
        st.download_button(
            "Download all as CSV",
            lambda: owner.desk.history_file(owner.actor),
            file_name=f"gavelbook-{owner.actor.address}.csv",
            mime="text/csv",
            key="portfolio.history.file",
            on_click="ignore",
        )


def public_history(history: History, address: str) -> None:
    """Show what everybody can see of an account."""
    st.caption("Trades are not among it: the exchange tells them to the account alone.")
    _history(history)
    if history.entries:
        st.download_button(
            "Download as CSV",
            history_csv(history.entries),
            file_name=f"gavelbook-{address}.csv",
            mime="text/csv",
            key="portfolio.history.file",
            on_click="ignore",
        )


def transaction_note(entries: Sequence[Entry], transaction: str) -> None:
    """Show what the transaction that the page's address names did to the account."""
    with st.container(border=True):
        st.markdown("**What this transaction did to the account**")
        st.code(transaction[:80], language=None, wrap_lines=True)
        if not entries:
            st.caption("Nothing that is known here. It may be too new, or of somebody else.")
        for entry in entries:
            st.markdown(_sentence(entry))


def _history(history: History) -> None:
    if not history.entries:
        st.caption("Nothing yet. Deposits, bids, claims, transfers and trades appear here.")
        return
    st.dataframe(
        _table(history.entries),
        hide_index=True,
        key="portfolio.history.table",
        column_config=_columns(),
    )
    if not history.complete:
        st.button("Show more", key="portfolio.history.more", on_click=_more)


def _table(entries: Sequence[Entry]) -> pd.DataFrame:
    explorer = DeskSettings().explorer_url
    return pd.DataFrame(
        {
            "When (UTC)": pd.to_datetime([entry.time for entry in entries], unit="s"),
            "What": [_WORDS[entry.what] for entry in entries],
            "Amount": [_amount(entry.amount) for entry in entries],
            "Paid": [_amount(entry.paid) for entry in entries],
            "Fee": [
                entry.fee.token.amount(entry.fee.units) if entry.fee else "" for entry in entries
            ],
            "Where": [entry.place for entry in entries],
            "With": [short(entry.other) if entry.other else "" for entry in entries],
            "State": [_STATES[entry.state] for entry in entries],
            "Transaction": [
                f"{explorer}/tx/{entry.transaction}"
                if explorer and entry.transaction
                else entry.transaction
                for entry in entries
            ],
            "Note": [entry.note for entry in entries],
        }
    )


def _columns() -> dict[str, Any]:
    config: dict[str, Any] = {
        "When (UTC)": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm:ss"),
        "With": st.column_config.TextColumn(width=_ADDRESS_PIXELS),
        "Transaction": st.column_config.TextColumn(width="medium"),
    }
    if DeskSettings().explorer_url:
        config["Transaction"] = st.column_config.LinkColumn(
            width="medium", display_text=r"/tx/(0x\w{8})"
        )
    return config


def _amount(found: Sum | None) -> str:
    if found is None:
        return ""
    return found.token.amount(found.units) if found.units else f"all {found.token.symbol}"


def _sentence(entry: Entry) -> str:
    parts = [_WORDS[entry.what], _amount(entry.amount)]
    if entry.paid:
        parts.append(f"for {_amount(entry.paid)}")
    parts.append(f"({entry.place})")
    return plain(" ".join(filter(None, parts)))


def shown_entries() -> int:
    """Return how many entries are asked for."""
    return int(st.session_state.get(_SHOWN, _PAGE))


def _more() -> None:
    st.session_state[_SHOWN] = shown_entries() + 2 * _PAGE
