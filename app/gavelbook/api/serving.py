"""The API of a running exchange: what it is made of, and how it is served."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from gavelbook.api.app import create_app, create_endpoints
from gavelbook.api.desk import Desk
from gavelbook.api.direct import direct_protocol
from gavelbook.api.limits import Limits
from gavelbook.api.order_views import trade_view
from gavelbook.api.process import TellingServer, server_config
from gavelbook.api.recent_cancels import RecentCancels
from gavelbook.api.sessions import Sessions
from gavelbook.api.settlements import Settlements
from gavelbook.api.stream.candles import LENGTHS_MS
from gavelbook.api.stream.feed import RECENT_TRADES, Feed
from gavelbook.service.exchange.async_intake import AsyncIntake

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from starlette.types import ASGIApp

    from gavelbook.api.operating import Operating
    from gavelbook.api.settings import ApiSettings
    from gavelbook.api.settlements import Batches
    from gavelbook.service.exchange.candles import Candle
    from gavelbook.service.exchange.embedded import EmbeddedExchange
    from gavelbook.service.exchange.entries import Applied
    from gavelbook.service.exchange.view_queries import Views
    from gavelbook.wire.markets import Interval

CANCEL_ONLY = "cancel-only"
"""An operator who puts a file of this name into the exchange's folder stops new orders."""

_WATCH_SECONDS = 0.5


def open_desk(
    exchange: EmbeddedExchange, settings: ApiSettings, batches: Batches | None = None
) -> tuple[Desk, Callable[[], None]]:
    """Return a desk for ``exchange`` in the running event loop, and what closes it.

    ``batches`` is the settler's store; None where nothing is settled.
    """
    loop = asyncio.get_running_loop()
    settlements = Settlements(batches)
    feed = Feed(exchange.sequencer.reading, settlements, settings.resume_buffer)

    def follow(commit: Sequence[Applied]) -> None:
        loop.call_soon_threadsafe(feed.follow, commit)

    unsubscribe = exchange.sequencer.subscribe(follow)
    _load(feed, exchange, settlements)
    sessions = Sessions(settings, exchange.domain.chain_id, exchange.folder / "sessions.sqlite")
    desk = Desk(
        settings=settings,
        terms=exchange.terms,
        domain=exchange.domain,
        matcher=exchange.key.address,
        sequencer=exchange.sequencer,
        intake=AsyncIntake(exchange.intake, loop),
        checker=exchange.intake,
        views=exchange.views,
        log=exchange.log,
        settlements=settlements,
        cosign=exchange.key.sign_withdrawal,
        origin=exchange.origin,
        limits=Limits(settings.rates),
        sessions=sessions,
        feed=feed,
        recent_cancels=RecentCancels(settings.cancel_window),
    )

    def close() -> None:
        unsubscribe()
        sessions.end()

    return desk, close


async def serve(  # noqa: PLR0913
    exchange: EmbeddedExchange,
    settings: ApiSettings,
    *,
    host: str,
    port: int,
    batches: Batches | None = None,
    operating: Operating | None = None,
    trusted_proxies: str = "",
    beside: Callable[[ASGIApp], ASGIApp] | None = None,
    ready: Callable[[int], None] = lambda _port: None,
) -> None:
    """Serve the API of ``exchange``, which is started, until the process is asked to end.

    ``ready`` is told the port, which the system chooses where 0 is given. ``trusted_proxies`` are
    the addresses, with commas, whose `X-Forwarded-For` is believed. ``beside`` makes of the API an
    application that answers for more than it. ``operating`` says who the operator is.
    """
    desk, close = open_desk(exchange, settings, batches)
    if operating is not None:
        desk.operating = operating
    endpoints = create_endpoints(desk)
    api = create_app(desk, endpoints)
    config = server_config(
        api if beside is None else beside(api),
        host,
        port,
        trusted_proxies,
        whole=beside is not None,
    )
    config.http = direct_protocol(endpoints)
    server = TellingServer(config, ready)
    watching = asyncio.create_task(_watch(desk, exchange.folder / CANCEL_ONLY))
    try:
        await server.serve()
    finally:
        watching.cancel()
        close()


async def _watch(desk: Desk, switch: Path) -> None:
    """Tell of batches, and take no new orders for as long as the file ``switch`` is there."""
    while True:
        try:
            await _look(desk, switch)
        except Exception:  # noqa: BLE001 -- a look that fails must not be the last one
            structlog.get_logger().exception("look_failed")
        await asyncio.sleep(_WATCH_SECONDS)


async def _look(desk: Desk, switch: Path) -> None:
    there = await asyncio.to_thread(switch.exists)
    if there != desk.cancel_only:
        structlog.get_logger().warning("cancel_only", on=there)
    desk.cancel_only = there
    desk.feed.look_for_batches()
    desk.feed.mend_candles(desk.views.position, lambda market: _newest_candles(desk.views, market))


def _load(feed: Feed, exchange: EmbeddedExchange, settlements: Settlements) -> None:
    """Give ``feed`` what was traded before the start, which the views have."""
    with exchange.sequencer.reading() as engine:
        markets = [market.id for market in engine.markets()]
    for market in markets:
        trades = exchange.views.trades(market, limit=RECENT_TRADES)
        candles = _newest_candles(exchange.views, market)
        feed.load(market, [trade_view(each, settlements) for each in reversed(trades)], candles)


def _newest_candles(views: Views, market: int) -> dict[Interval, Candle]:
    return {
        interval: newest[0]
        for interval in LENGTHS_MS
        if (newest := views.candles(market, interval, limit=1))
    }
