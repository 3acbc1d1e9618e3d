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
    from ui.panels.order_inputs import OrderInputs

_KEY = "live_market"
_HERE = Path(__file__).parent
_SCRIPTS = ("units", "feed", "ledger", "charts", "tables", "component")

_component = st.components.v2.component(
    "gavelbook_live_market",
    html=(_HERE / "component.html").read_text(),
    css=(_HERE / "component.css").read_text(),
    js="\n".join((_HERE / f"{name}.js").read_text() for name in _SCRIPTS),
)


class Watched(NamedTuple):
    """The part of the book that somebody looks at: what an order would trade with.

    ``ticks`` is its limit; None where any price will do.
    """

    side: Side
    lots: int
    ticks: int | None


def live_market(
    terms: MarketTerms,
    account: AccountView | None,
    stream: str,
    inputs: OrderInputs,
    watched: Watched | None = None,
) -> None:
    """Show headline, ladder, depth, candles and trades.

    The price of a level that is chosen is written into the field of ``inputs`` at once, by the
    browser: what comes back from a run would overwrite what was typed since. Where the field is
    not shown, ``inputs`` are given the ticks before the next run. What the component is in runs
    again when orders or fills of ``account`` may have moved, and, while somebody is there, when
    ``watched`` has: at most once a second.

    Args:
        terms: the market.
        account: whose orders are marked; None for nobody's.
        stream: the URL of the WebSocket; empty where the exchange answers at the pages' address.
        inputs: take the price of a level.
        watched: what the figures beside it depend on.

    """

    def picked() -> None:
        level = st.session_state[_KEY].level
        if level:
            inputs.pick(int(level["ticks"]))

    _component(
        key=_KEY,
        data={
            "market": terms.market,
            "name": terms.name,
            "stream": stream,
            "terms": _units(terms),
            "own": _own(account),
            "priceField": inputs.price_field,
            "watched": _watched(watched),
        },
        on_level_change=picked,
        on_changed_change=_nothing,
    )


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


def _watched(watched: Watched | None) -> dict[str, str | None] | None:
    if watched is None:
        return None
    ticks = None if watched.ticks is None else str(watched.ticks)
    return {"side": watched.side, "lots": str(watched.lots), "ticks": ticks}


def _own(account: AccountView | None) -> dict[str, list[str]]:
    if account is None:
        return {"buy": [], "sell": [], "fills": []}
    prices = {
        side: sorted({str(order.ticks) for order in account.open_orders if order.side == side})
        for side in ("buy", "sell")
    }
    moving = [fill for fill in account.fills if fill.state in {"MATCHED", "SUBMITTED"}]
    return {**prices, "fills": [str(fill.fill_id) for fill in moving]}
