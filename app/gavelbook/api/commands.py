"""From requests to commands of the engine, and from what it reports to answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gavelbook.api.errors import RequestError
from gavelbook.api.views import state_when_done
from gavelbook.errors import shown
from gavelbook.exchange.commands import (
    CancelAll,
    CancelClient,
    CancelMarket,
    CancelOrder,
    PlaceOrder,
)
from gavelbook.exchange.orders import Order, SelfTradePrevention, Side, TimeInForce
from gavelbook.exchange.reports import Filled, OrderDone, OrderRested
from gavelbook.wire.orders import Cancellation, Placement, PlacementFill
from gavelbook.wire.scalars import ClientId, Hash32, Uint64, Uint256

if TYPE_CHECKING:
    from gavelbook.service.exchange.entries import Applied
    from gavelbook.wire.orders import CancelRequest, OrderRequest, OrderState

_SIDES = {"buy": Side.BUY, "sell": Side.SELL}
_TIMES_IN_FORCE = {each.value: each for each in TimeInForce}
_PREVENTIONS = {each.value: each for each in SelfTradePrevention}


def place_command(request: OrderRequest) -> PlaceOrder:
    """Return the command that places ``request``; its hash is left to the intake."""
    order = Order(
        int(request.market),
        bytes(request.maker),
        _SIDES[request.side],
        int(request.lots),
        int(request.ticks),
        int(request.lane),
        int(request.sequence),
        int(request.expiry),
        int(request.max_fee_bps),
    )
    return PlaceOrder(
        order,
        b"",
        bytes(request.signature),
        _TIMES_IN_FORCE[request.time_in_force],
        int(request.good_till or 0),
        request.post_only,
        _PREVENTIONS[request.self_trade_prevention],
        str(request.client_id or ""),
    )


def placement(applied: Applied) -> Placement:
    """Return the answer to an order that is in the log."""
    command = applied.command
    if not isinstance(command, PlaceOrder):
        raise TypeError(f"Expected a placement, was {type(command)}")
    order_hash = command.order_hash
    state: OrderState = "OPEN"
    filled = remaining = 0
    reason = None
    fills = []
    for report in applied.reports:
        if isinstance(report, Filled):
            if report.taker_hash == order_hash:
                filled += report.lots
                fills.append(
                    PlacementFill(
                        Uint64(report.fill_id),
                        Uint64(report.lots),
                        Uint64(report.ticks),
                        Uint256(report.quote),
                        Uint256(report.taker_fee),
                    )
                )
        elif isinstance(report, OrderRested):
            remaining = report.lots
        elif isinstance(report, OrderDone) and report.order_hash == order_hash:
            state = state_when_done(report.reason)
            reason = report.reason.value
    return Placement(
        Hash32(order_hash),
        Uint64(applied.position),
        Uint64(applied.time_ms),
        state,
        Uint64(filled),
        Uint64(remaining),
        reason,
        fills,
        applied.duplicate,
        ClientId(command.client_id) if command.client_id else None,
    )


def cancel_command(
    request: CancelRequest,
) -> CancelOrder | CancelClient | CancelMarket | CancelAll:
    """Return the command that does what ``request`` asks.

    Raises:
        RequestError: ``malformed_cancel``.
    """
    account = bytes(request.account)
    if (request.scope in {"order", "client"}) != bool(request.target):
        expected = "empty" if request.target else "given"
        raise _malformed("target", request.target, f"{expected} with scope {request.scope}")
    if (request.scope == "market") != bool(request.market):
        expected = "left out" if request.market else "given"
        raise _malformed("market", request.market, f"{expected} with scope {request.scope}")
    if request.scope == "order":
        try:
            return CancelOrder(account, bytes(Hash32.parse(request.target)))
        except ValueError:
            raise _malformed("target", request.target, Hash32.wanted()) from None
    if request.scope == "client":
        try:
            return CancelClient(account, str(ClientId.parse(request.target)))
        except ValueError:
            raise _malformed("target", request.target, "a client id") from None
    if request.scope == "market":
        return CancelMarket(account, int(request.market or 0))
    return CancelAll(account)


def cancellation(applied: Applied) -> Cancellation:
    """Return the answer to a cancellation."""
    done = [report for report in applied.reports if isinstance(report, OrderDone)]
    return Cancellation([Hash32(each.order_hash) for each in done], Uint64(applied.position))


def _malformed(field: str, value: object, expected: str) -> RequestError:
    message = f"Expected {field} {expected}, was {shown(value)}"
    return RequestError("malformed_cancel", message, field=field, value=value)
