"""The addresses by which an account is paid, to copy and to scan."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import segno
import streamlit as st

if TYPE_CHECKING:
    from gavelbook.service.portfolio import Portfolio

_QUIET_MODULES = 3
_PIXELS = 132


def addresses(portfolio: Portfolio, *, own: bool) -> None:
    """Show wallet and deposit address side by side."""
    left, right = st.columns(2, gap="medium")
    with left:
        whose = "your wallet" if own else "the account's wallet"
        _card("Wallet address", portfolio.address, f"What is sent here is in {whose}.")
    if portfolio.deposit_address:
        with right:
            deposit_address(portfolio, own=own)


def deposit_address(portfolio: Portfolio, *, own: bool) -> None:
    """Show where tokens go straight into escrow."""
    whose = "your" if own else "the account's"
    _card(
        "Deposit address",
        portfolio.deposit_address,
        f"Tokens sent here go into {whose} escrow, from any wallet and without a signature. They "
        "count once they are booked, which anybody can do.",
    )


def _card(title: str, address: str, meaning: str) -> None:
    with st.container(border=True):
        st.html(
            '<div style="align-items:center;display:flex;flex-wrap:wrap;gap:1rem">'
            f'{_qr(title, address)}<div style="flex:1 1 11rem"><strong>{title}</strong><br>'
            f'<span style="opacity:0.75">{meaning}</span></div></div>'
        )
        st.code(address, language=None, wrap_lines=True)


def _qr(title: str, address: str) -> str:
    alt = f"QR code of the {title.lower()} {address}"
    return (
        f'<img src="{escape(qr_picture(address))}" alt="{alt}" width="{_PIXELS}" '
        f'height="{_PIXELS}" style="border-radius:0.4rem">'
    )


def qr_picture(text: str) -> str:
    """Return a QR code as an SVG in a data address: dark on light in every theme."""
    code = segno.make(text, error="m", micro=False)
    return str(code.svg_data_uri(border=_QUIET_MODULES, dark="#111", light="#fff", scale=4))
