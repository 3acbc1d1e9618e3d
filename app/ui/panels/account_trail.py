"""What the signer has signed and sent for an account."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from ui.desk import accounts
from ui.panels.account_requests import read, session
from ui.wording import cell, count, plain

if TYPE_CHECKING:
    from gavelbook.accounts.bodies import TrailEntry

_SHOWN = "account.trail.shown"
_STEP = 20
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
        "to the account. The heading of an entry is what the page called it; the lines below are "
        "what the signer itself understood before it signed."
    )
    shown = st.session_state.setdefault(_SHOWN, _STEP)
    token = session()
    found = read(lambda: _entries(token, shown))
    if found is None:
        return
    if not found.entries:
        st.info("Nothing yet. What you sign from now on is listed here.")
        return
    for entry in found.entries:
        _draw(entry)
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


def _draw(entry: TrailEntry) -> None:
    kind = entry.kind[:1].upper() + entry.kind[1:]
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(entry.title or kind)}**", width="stretch")
            st.caption(f"{_time(entry):%d %b %Y, %H:%M:%S} UTC", width="content")
        if entry.title:
            st.caption(plain(kind))
        if entry.summary:
            st.markdown(
                "\n".join(
                    f"- {plain(line.label)}: **{plain(line.text)}**" for line in entry.summary
                )
            )
        proofs = {
            "Transaction": entry.transaction,
            "Digest": entry.digest,
            "Session": entry.session,
        }
        told = [f"{name} {plain(proof)}" for name, proof in proofs.items() if proof]
        st.caption("  \n".join(told))


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
    meaning = "; ".join(f"{line.label}: {line.text}" for line in entry.summary)
    told = [
        f"{_time(entry):%Y-%m-%d %H:%M:%S}",
        entry.kind,
        entry.title,
        meaning,
        entry.digest,
        entry.transaction,
        entry.session,
    ]
    return [cell(text) for text in told]


def _time(entry: TrailEntry) -> datetime:
    return datetime.fromtimestamp(int(entry.at) // _MILLISECONDS, UTC)


def _csv(entries: list[TrailEntry]) -> str:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(_COLUMNS)
    writer.writerows(_row(entry) for entry in entries)
    return file.getvalue()
