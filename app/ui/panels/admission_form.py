"""Entering a sale that takes admitted bidders only, with what its issuer has signed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import streamlit as st

from ui.panels.notices import is_busy, run_action

if TYPE_CHECKING:
    from gavelbook.service.acting import Actor
    from gavelbook.service.sale_desk import SaleDesk
    from gavelbook.service.sale_view import SaleView

_ENTITY = re.compile(r"(0x)?[0-9a-fA-F]{64}")
_SIGNATURE = re.compile(r"(0x)?(?:[0-9a-fA-F]{2}){65,}")


def admission_form(desk: SaleDesk, view: SaleView, actor: Actor) -> None:
    """Explain the gate, and take an admission."""
    st.markdown(
        "This sale takes bids of **admitted bidders** only, so that one person with many wallets "
        "counts as one. Ask its issuer to admit this address; you get three values to enter here."
    )
    st.code(actor.address, language=None, wrap_lines=True)
    entity = st.text_input("Entity", placeholder="0x and 64 digits", key="admission.entity")
    deadline = st.number_input(
        "Valid until (Unix seconds)", min_value=0, value=0, step=1, key="admission.deadline"
    )
    signature = st.text_input(
        "Signature of the issuer", placeholder="0x and 130 digits", key="admission.signature"
    )
    complete = bool(_ENTITY.fullmatch(entity or "") and _SIGNATURE.fullmatch(signature or ""))
    if not complete and (entity or signature):
        st.caption("Entity and signature are digits 0 to 9 and letters a to f.")
    if st.button(
        "Enter the sale", key="admission.enter", type="primary", disabled=not complete or is_busy()
    ):
        run_action(
            "bid",
            lambda: desk.admit(view, actor, _hex(entity), int(deadline), _hex(signature)),
            "You are admitted and can bid.",
            key=f"{view.address} {entity} {deadline} {signature}",
        )


def _hex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
