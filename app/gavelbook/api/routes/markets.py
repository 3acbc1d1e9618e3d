"""What everybody may know of the markets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct

from gavelbook.api.errors import RequestError
from gavelbook.api.operations import Operations
from gavelbook.api.order_views import trade_view
from gavelbook.api.stream.candles import candle_view
from gavelbook.api.views import market_view
from gavelbook.wire.markets import (
    BookSnapshot,
    CandlePage,
    Interval,
    Limit,
    MarketList,
    MarketView,
    TradePage,
)
from gavelbook.wire.scalars import Uint16, Uint64

if TYPE_CHECKING:
    from gavelbook.api.desk import Desk
    from gavelbook.api.operations import Call

OPERATIONS = Operations("markets")


class MarketPath(Struct, frozen=True):
    """Which market."""

    market: Uint16


class BookQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """How much of the book."""

    depth: Annotated[int, Meta(ge=1, le=1000, description="Levels of each side.")] = 50


class TradeQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which page of trades."""

    before: Uint64 | None = None
    limit: Limit = 100


class CandleQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which candles."""

    interval: Interval = "1m"
    before: Uint64 | None = None
    limit: Limit = 100


@OPERATIONS.add("GET", "/v1/markets", answer=MarketList)
async def list_markets(desk: Desk, call: Call) -> MarketList:
    """List all markets with their lots, ticks and fees."""
    del call
    with desk.sequencer.reading() as engine:
        return MarketList(
            [market_view(each, halted=engine.halted(each.id)) for each in engine.markets()]
        )


@OPERATIONS.add(
    "GET",
    "/v1/markets/{market}",
    path_type=MarketPath,
    answer=MarketView,
    problems=("unknown_market",),
)
async def get_market(desk: Desk, call: Call) -> MarketView:
    """Look up one market: `quote = lots * ticks * tickValue`, `base = lots * lotSize`."""
    with desk.sequencer.reading() as engine:
        market = engine.market(call.path.market)
        return market_view(market, halted=engine.halted(market.id))


@OPERATIONS.add(
    "GET",
    "/v1/markets/{market}/book",
    path_type=MarketPath,
    query_type=BookQuery,
    answer=BookSnapshot,
    problems=("unknown_market",),
)
async def get_book(desk: Desk, call: Call) -> BookSnapshot:
    """Read the best levels of both sides.

    `seq` is the number of the stream's channel `book`: deltas above it continue this snapshot.
    """
    return desk.feed.book(call.path.market, call.query.depth)


@OPERATIONS.add(
    "GET",
    "/v1/markets/{market}/trades",
    path_type=MarketPath,
    query_type=TradeQuery,
    answer=TradePage,
    problems=("unknown_market",),
)
async def list_trades(desk: Desk, call: Call) -> TradePage:
    """List trades, newest first, with how far their settlement is."""
    _check_market(desk, call)
    query: TradeQuery = call.query
    records = (await desk.current_views()).trades(
        int(call.path.market), before=plain(query.before), limit=query.limit + 1
    )
    page = [trade_view(each, desk.settlements) for each in records[: query.limit]]
    return TradePage(page, page[-1].fill_id if len(records) > query.limit else None)


@OPERATIONS.add(
    "GET",
    "/v1/markets/{market}/candles",
    path_type=MarketPath,
    query_type=CandleQuery,
    answer=CandlePage,
    problems=("unknown_market",),
)
async def list_candles(desk: Desk, call: Call) -> CandlePage:
    """List candles, newest first; intervals in which nothing was traded have none."""
    _check_market(desk, call)
    query: CandleQuery = call.query
    market = int(call.path.market)
    candles = (await desk.current_views()).candles(
        market, query.interval, before=plain(query.before), limit=query.limit
    )
    newest = desk.feed.newest_candle(market, query.interval)
    if newest is not None and (query.before is None or newest.start_ms < query.before):
        # The views may be a moment behind.
        candles = [newest, *(each for each in candles if each.start_ms < newest.start_ms)]
    return CandlePage(
        call.path.market, query.interval, [candle_view(each) for each in candles[: query.limit]]
    )


def plain(value: int | None) -> int | None:
    """Return the number as a plain `int`, which a database takes."""
    return None if value is None else int(value)


def _check_market(desk: Desk, call: Call) -> None:
    if not desk.feed.knows(call.path.market):
        message = f"Expected a market that is listed, was {call.path.market}"
        raise RequestError("unknown_market", message, market=call.path.market)
