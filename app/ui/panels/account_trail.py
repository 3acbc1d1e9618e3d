"""What the signer has signed and sent for an account."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from ui.desk import accounts
from ui.panels.account_requests import read, session
from ui.wording import cell, count

if TYPE_CHECKING:
    from gavelbook.accounts.bodies import TrailEntry

_SHOWN = "account.trail.shown"
_STEP = 50
_PAGE = 200
_MILLISECONDS = 1_000

_COLUMNS = ["Time (UTC)", "What", "Asked as", "What it means", "Digest", "Transaction", "Session"]


class _Read(NamedTuple):
    entries: list[TrailEntry]
    more: bool


def trail() -> None:
    """Show the newest entries, with older ones and the whole as a file for the asking."""
    st.markdown(
        "Everything that was signed or sent with your key, and everything of weight that was done "
        "to the account. *What it means* is what the signer itself understood before it signed; "
        "*asked as* is what the page called it."
    )
    shown = st.session_state.setdefault(_SHOWN, _STEP)
    token = session()
    found = read(lambda: _entries(token, shown))
    if found is None:
        return
    if not found.entries:
        st.info("Nothing yet. What you sign from now on is listed here.")
        return
    st.dataframe(
        [dict(zip(_COLUMNS, _row(entry), strict=True)) for entry in found.entries],
        hide_index=True,
        key="account.trail.table",
    )
    with st.container(horizontal=True):
        if found.more:
            st.button("Older entries", key="account.trail.more", on_click=_show_more)
        st.download_button(
            "All of it as CSV",
            data=lambda: _csv(_entries(token, None).entries),
            file_name="gavelbook-audit-trail.csv",
            mime="text/csv",
            on_click="ignore",
            key="account.trail.csv",
        )
    st.caption(f"{count(len(found.entries), 'entry', 'entries')} shown, newest first.")


def _show_more() -> None:
    st.session_state[_SHOWN] += _STEP


def _entries(token: str, wanted: int | None) -> _Read:
    """Return the newest ``wanted`` entries; all of them for None."""
    client, before = accounts(), None
    found: list[TrailEntry] = []
    while True:
        left = _PAGE if wanted is None else min(_PAGE, wanted - len(found))
        page = client.audit_trail(token, before=before, limit=left)
        found += page.entries
        before = None if page.next is None else int(page.next)
        if before is None or len(found) == wanted:
            return _Read(found, more=before is not None)


def _row(entry: TrailEntry) -> list[str]:
    time = datetime.fromtimestamp(int(entry.at) // _MILLISECONDS, UTC)
    meaning = "; ".join(f"{line.label}: {line.text}" for line in entry.summary)
    told = [
        f"{time:%Y-%m-%d %H:%M:%S}",
        entry.kind,
        entry.title,
        meaning,
        entry.digest,
        entry.transaction,
        entry.session,
    ]
    # The table has a download of its own.
    return [cell(text) for text in told]


def _csv(entries: list[TrailEntry]) -> str:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(_COLUMNS)
    writer.writerows(_row(entry) for entry in entries)
    return file.getvalue()
