"""The live part of the market page: it follows the exchange's stream in the browser.

Nothing of it runs here while the market moves. The page is told what concerns the account only.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import streamlit as st

if TYPE_CHECKING:
    from gavelbook.service.account_view import AccountView
    from gavelbook.service.market_view import MarketTerms, Side

_HERE = Path(__file__).parent
_SCRIPTS = ("units", "feed", "ledger", "charts", "tables", "component")

_component = st.components.v2.component(
    "gavelbook_live_market",
    html=(_HERE / "component.html").read_text(),
    css=(_HERE / "component.css").read_text(),
    js="\n".join((_HERE / f"{name}.js").read_text() for name in _SCRIPTS),
)


class Picked(NamedTuple):
    """A level that was chosen: the side its orders are on, and its price."""

    side: Side
    ticks: int


def live_market(
    terms: MarketTerms, account: AccountView | None, stream: str, key: str = "live_market"
) -> Picked | None:
    """Show headline, ladder, depth, candles and trades; return the level chosen just now.

    Besides, whatever the component is in runs again when orders or fills of ``account`` may have
    moved, at most once a second. ``stream`` is the URL of the WebSocket; empty where the exchange
    answers at the address of the pages.
    """
    result = _component(
        key=key,
        data={
            "market": terms.market,
            "name": terms.name,
            "stream": stream,
            "terms": _units(terms),
            "own": _own(account),
        },
        on_level_change=_nothing,
        on_changed_change=_nothing,
    )
    if not result.level:
        return None
    return Picked(result.level["side"], int(result.level["ticks"]))


def _nothing() -> None:
    """Running again is all that is wanted."""


def _units(terms: MarketTerms) -> dict[str, Any]:
    tokens = {
        name: {"symbol": token.symbol, "decimals": token.decimals}
        for name, token in (("base", terms.base), ("quote", terms.quote))
    }
    return {
        **tokens,
        "pricedThing": terms.priced_thing,
        "lotSize": str(terms.lot_size),
        "priceUnit": str(terms.price_unit),
        "priceDigits": terms.price_digits,
        "sizeDigits": terms.size_digits,
    }


def _own(account: AccountView | None) -> dict[str, list[str]]:
    if account is None:
        return {"buy": [], "sell": [], "fills": []}
    prices = {
        side: sorted({str(order.ticks) for order in account.open_orders if order.side == side})
        for side in ("buy", "sell")
    }
    moving = [fill for fill in account.fills if fill.state in {"MATCHED", "SUBMITTED"}]
    return {**prices, "fills": [str(fill.fill_id) for fill in moving]}
