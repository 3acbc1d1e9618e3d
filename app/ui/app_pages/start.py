"""The start: what this is, what is open now, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from ui.desk import open_desk, plain_failures
from ui.identity import current_actor
from ui.panels.first_steps import first_steps, standing_of
from ui.panels.network_panel import network_panel
from ui.panels.start_cards import market_card, sale_card, showcase
from ui.wording import TRUST_SHORT

if TYPE_CHECKING:
    from gavelbook.service.sale_desk import SaleDesk


@st.fragment
def live_part(desk: SaleDesk) -> None:
    """Show the cards and the visitor's next step; again when a sale changes."""
    with plain_failures("start"):
        views = [desk.view(title.address) for title in desk.sales()]
        now, actor = desk.now(), current_actor()
        shown = showcase(views, now)
        pocket = desk.pocket(shown, actor) if shown and actor else None
        standing = standing_of(views, now, actor, pocket)
    sale, market = st.columns(2, gap="medium")
    with sale.container(border=True, height="stretch", key="start.sale"):
        sale_card(views, shown, now)
    with market.container(border=True, height="stretch", key="start.market"):
        market_card()
    first_steps(standing, shown, demo=bool(desk.demo_actors))


def page() -> None:
    """Lay out the page."""
    st.title("Gavelbook", anchor=False)
    st.markdown(
        "**New tokens are sold by auction here, and then traded.** Bid while a sale is open; when "
        "it closes, the same rules decide for everybody who gets how much. What was sold, anybody "
        "trades on the market."
    )
    with plain_failures("desk"):
        desk = open_desk()
    live_part(desk)
    st.markdown(f"**Who is trusted.** {TRUST_SHORT}")
    with plain_failures("network"):
        network_panel(desk)


page()
