"""From what the engine knows to what goes over the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gavelbook.exchange.orders import Side
from gavelbook.exchange.reports import DoneReason
from gavelbook.wire.accounts import BalanceView
from gavelbook.wire.markets import MarketView, TradeView
from gavelbook.wire.orders import FillView
from gavelbook.wire.scalars import Address, ClientId, Hash32, Uint16, Uint32, Uint64, Uint256
from gavelbook.wire.stream import OrderUpdate

if TYPE_CHECKING:
    from gavelbook.exchange import engine
    from gavelbook.exchange.markets import Market
    from gavelbook.exchange.reports import Filled, OrderDone
    from gavelbook.wire.orders import FillState, OrderState
    from gavelbook.wire.orders import Side as WireSide

SIDES: tuple[WireSide, WireSide] = ("buy", "sell")
"""The wire's names of the sides, by their number."""


def state_when_done(reason: DoneReason) -> OrderState:
    """Return the state of an order that ended for ``reason``."""
    if reason is DoneReason.FILLED:
        return "FILLED"
    return "EXPIRED" if reason is DoneReason.EXPIRED else "CANCELLED"


def market_view(market: Market, *, halted: bool) -> MarketView:
    """Return a market as the wire has it."""
    return MarketView(
        Uint16(market.id),
        Address(market.base_token),
        Address(market.quote_token),
        Uint256(market.lot_size),
        Uint256(market.tick_value),
        Uint16(market.taker_fee_bps),
        Uint16(market.maker_fee_bps),
        halted,
    )


def balance_view(token: bytes, balance: engine.BalanceView) -> BalanceView:
    """Return a balance as the wire has it."""
    return BalanceView(
        Address(token),
        available=Uint256(max(0, balance.available)),
        reserved=Uint256(balance.reserved),
        unsettled=Uint256(balance.unsettled_in),
        withdrawing=Uint256(balance.withdrawing),
        withdrawable=Uint256(balance.withdrawable),
        deficit=Uint256(max(0, -balance.available)),
    )


def trade_of(
    fill: Filled,
    state: FillState = "MATCHED",
    *,
    batch: Uint64 | None = None,
    transaction: Hash32 | None = None,
) -> TradeView:
    """Return a fill as everybody sees it."""
    return TradeView(
        Uint64(fill.fill_id),
        Uint16(fill.market),
        Uint64(fill.lots),
        Uint64(fill.ticks),
        Uint256(fill.quote),
        SIDES[fill.taker_side],
        Uint64(fill.time_ms),
        state,
        batch,
        transaction,
    )


def fill_of(  # noqa: PLR0913 -- each says another thing about the fill
    fill: Filled,
    position: int,
    *,
    taker: bool,
    state: FillState = "MATCHED",
    batch: Uint64 | None = None,
    transaction: Hash32 | None = None,
) -> FillView:
    """Return one side of a fill, as its owner sees it."""
    side = fill.taker_side if taker else Side(1 - fill.taker_side)
    return FillView(
        Uint64(fill.fill_id),
        Uint16(fill.market),
        Hash32(fill.taker_hash if taker else fill.maker_hash),
        SIDES[side],
        "taker" if taker else "maker",
        Uint64(fill.lots),
        Uint64(fill.ticks),
        Uint256(fill.quote),
        Uint256(fill.taker_fee if taker else fill.maker_fee),
        Uint64(fill.time_ms),
        Uint64(position),
        state,
        batch,
        transaction,
    )


def open_update(order: engine.OpenOrder) -> OrderUpdate:
    """Return an open order as it stands now."""
    return OrderUpdate(
        Hash32(order.order_hash),
        Uint16(order.market),
        "OPEN",
        Uint64(order.lots),
        SIDES[order.side],
        Uint64(order.ticks),
        Uint32(order.lane),
        Uint32(order.sequence),
        client_id=ClientId(order.client_id) if order.client_id else None,
    )


def done_update(done: OrderDone) -> OrderUpdate:
    """Return an order that has just ended."""
    return OrderUpdate(
        Hash32(done.order_hash),
        Uint16(done.market),
        state_when_done(done.reason),
        Uint64(0),
        SIDES[done.side],
        Uint64(done.ticks),
        reason=done.reason.value,
    )
