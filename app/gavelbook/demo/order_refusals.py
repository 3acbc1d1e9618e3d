"""Orders that the exchange refuses before they count, tried on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from gavelbook.client.errors import ApiError
from gavelbook.client.lanes import Place
from gavelbook.demo.attempts import Refusal
from gavelbook.demo.errors import DemoError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gavelbook.client import Client

_LOTS = 10
_TOO_SHORT_SECONDS = 5


def refused_orders(maker: Client, buyer: Client, market: int) -> list[Refusal]:
    """Try to trade as nobody can; ``buyer`` holds money and no tokens.

    Raises:
        DemoError: ``not_refused``.

    """
    best_ask = int(maker.book(market, depth=1).asks[0][0])
    honest = maker.sign_order(market, "buy", _LOTS, 1)
    stolen = replace(honest, maker=buyer.address)
    enlarged = replace(honest, lots=type(honest.lots)(_LOTS * 2))
    outdated = Place(0, 1)
    return [
        refused_by_api(
            "selling what one does not have",
            lambda: buyer.limit(market, "sell", _LOTS, best_ask),
        ),
        refused_by_api("a price of 0 ticks", lambda: maker.limit(market, "buy", _LOTS, 0)),
        refused_by_api(
            "a post-only order that would trade at once",
            lambda: maker.limit(market, "buy", _LOTS, best_ask, post_only=True),
        ),
        refused_by_api("an order with another's name on it", lambda: maker.place(stolen)),
        refused_by_api("an order enlarged after it was signed", lambda: maker.place(enlarged)),
        refused_by_api(
            "an order of a sequence long passed in its lane",
            lambda: maker.limit(market, "buy", _LOTS, 1, place=outdated),
        ),
        refused_by_api(
            "an order that expires before it could settle",
            lambda: maker.limit(market, "buy", _LOTS, 1, lifetime=_TOO_SHORT_SECONDS),
        ),
        refused_by_api(
            "an order that allows no fee",
            lambda: maker.limit(market, "buy", _LOTS, 1, max_fee_bps=0),
        ),
    ]


def refused_by_api(attempt: str, call: Callable[[], object]) -> Refusal:
    """Try ``call`` and return what the API said.

    Raises:
        DemoError: ``not_refused``.

    """
    try:
        call()
    except ApiError as error:
        return Refusal(attempt, error.code, error.message)
    raise DemoError("not_refused", f"Expected the exchange to refuse: {attempt}")
