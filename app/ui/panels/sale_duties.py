"""A sale that is over and has no result: what anybody may do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.service.acting import AccountKind
from gavelbook.service.sale_doings import Doing, open_doing
from gavelbook.service.sale_view import Stage
from ui.identity import require_actor
from ui.panels.notices import is_busy, run_action, show_notice
from ui.wording import moment

if TYPE_CHECKING:
    from gavelbook.service.acting import Actor
    from gavelbook.service.sale_desk import SaleDesk
    from gavelbook.service.sale_view import SaleView


def undecided(desk: SaleDesk, view: SaleView, actor: Actor | None, now: int) -> None:
    """Say who may bring the sale to its end, and offer it where that is anybody."""
    if view.stage(now) is Stage.CLOSED:
        with st.container(border=True, key="duty"):
            _duty(desk, view, actor, now)
    show_notice("duty")


def _duty(desk: SaleDesk, view: SaleView, actor: Actor | None, now: int) -> None:
    terms, doing = view.terms, open_doing(view.terms, now)
    if doing is Doing.WAIT:
        st.markdown(
            f"**The result is awaited.** Until {moment(terms.allocator_until or 0)} it needs the "
            "allocator's signature; after that anybody may post it, and the contract checks it."
        )
        return
    if doing is Doing.CLEAR:
        st.markdown(
            "**Nobody has cleared this sale yet.** Anybody may: the result is computed here, and "
            f"the contract accepts no other. Nobody doing so until {moment(terms.abort_time or 0)}"
            ", everybody is refunded."
        )
    else:
        st.markdown(
            "**Nobody cleared this sale in time.** Anybody may call it off now; then every bid is "
            "refunded in full."
        )
    label = "Clear the sale" if doing is Doing.CLEAR else "Call the sale off"
    if actor is None:
        require_actor(f"{label}: say who you are first.")
    elif actor.kind is AccountKind.MANAGED:
        st.caption("An account kept here cannot do that. With a wallet of your own you can.")
    elif st.button(label, key="duty.do", width="stretch", disabled=is_busy()):
        clears = doing is Doing.CLEAR
        run_action(
            "duty",
            lambda: desk.clear(view, actor) if clears else desk.abort(view),
            "The sale is cleared." if clears else "The sale is called off; bids are refunded.",
            key=f"{view.address} {doing}",
        )
