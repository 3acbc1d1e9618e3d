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
    whose = "your" if own else "the account's"
    columns = st.columns(2 if portfolio.deposit_address else 1, gap="medium")
    with columns[0], st.container(border=True):
        _address(
            "Wallet address",
            portfolio.address,
            f"What is sent here is in {whose} wallet: good for bids in sales.",
        )
    if portfolio.deposit_address:
        with columns[1], st.container(border=True):
            _address(
                "Deposit address",
                portfolio.deposit_address,
                f"Tokens sent here go into {whose} escrow, from any wallet, without a signature. "
                "They count once they are booked; anybody can do that.",
            )


def _address(title: str, address: str, meaning: str) -> None:
    st.markdown(f"**{title}**")
    picture, words = st.columns([2, 5], gap="small", vertical_alignment="center")
    with picture:
        st.html(qr_figure(title, address))
    with words:
        st.caption(meaning)
    st.code(address, language=None, wrap_lines=True)


def qr_figure(title: str, address: str) -> str:
    """Return a QR code of ``address`` as inline SVG: dark on light in every theme."""
    return (
        f'<div role="img" aria-label="QR code of the {escape(title.lower())} {address}" '
        f'data-address="{address}" style="line-height:0;width:{_PIXELS}px;max-width:100%">'
        f"{qr_svg(address)}</div>"
    )


def qr_svg(text: str) -> str:
    """Return a QR code as SVG that scales to its place."""
    code = segno.make(text, error="m", micro=False)
    return code.svg_inline(
        border=_QUIET_MODULES,
        dark="#111",
        light="#fff",
        omitsize=True,
        svgclass=None,
        lineclass=None,
    )
