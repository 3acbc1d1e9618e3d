"""Placing and cancelling orders."""

from __future__ import annotations

from collections import Counter
from time import time_ns
from typing import TYPE_CHECKING

from msgspec import Struct

from gavelbook.api.commands import cancel_command, cancellation, place_command, placement
from gavelbook.api.errors import RequestError
from gavelbook.api.operations import Operations
from gavelbook.api.order_views import order_view
from gavelbook.api.problems import problem_of
from gavelbook.errors import GavelbookError
from gavelbook.exchange import signing
from gavelbook.exchange.markets import fee_of
from gavelbook.wire.orders import (
    BatchAnswer,
    BatchItem,
    BatchRequest,
    Cancellation,
    CancelRequest,
    OrderRequest,
    OrderView,
    Placement,
    Validation,
)
from gavelbook.wire.scalars import Address, Hash32, Uint256

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Sequence

    from gavelbook.api.desk import Desk
    from gavelbook.api.operations import Call
    from gavelbook.service.exchange.entries import Applied
    from gavelbook.service.exchange.parcels import Answer

OPERATIONS = Operations("orders")
_REFUSALS = (
    "unknown_market",
    "market_halted",
    "bad_order_signature",
    "order_out_of_range",
    "lots_out_of_range",
    "ticks_out_of_range",
    "sequence_out_of_range",
    "max_fee_bps_out_of_range",
    "good_till_out_of_range",
    "good_till_unexpected",
    "post_only_immediate",
    "post_only_would_cross",
    "order_expired",
    "sequence_passed",
    "duplicate_client_id",
    "fee_above_order",
    "insufficient_balance",
    "account_exiting",
    "account_in_deficit",
    "too_many_lanes",
    "too_many_orders",
    "cancel_only",
    "overloaded",
    "stopping",
    "outcome_unknown",
)
# Codes that say nothing about the account named: whoever sent these need not be its owner.
_UNPROVEN = frozenset({"bad_order_signature", "bad_signature", "unknown_market",
                       "order_out_of_range", "overloaded", "stopping"})  # fmt: skip


class OrderPath(Struct, frozen=True):
    """Which order."""

    hash: Hash32


def submit_order(desk: Desk, call: Call) -> Future[Applied]:
    """Hand an order to the intake."""
    _check_open(desk)
    maker = call.body.maker
    desk.limits.orders.take(maker)
    try:
        return desk.intake.place(place_command(call.body))
    except GavelbookError as error:
        _spare(desk, maker, error)
        raise


@OPERATIONS.add_halves(
    "POST",
    "/v1/orders",
    submit_order,
    body=OrderRequest,
    answer=Placement,
    bucket="orders",
    problems=_REFUSALS,
)
def place_order(desk: Desk, call: Call, future: Future[Applied]) -> Placement:
    """Place an order.

    It is answered once it is in the log for good. The order's hash is its identity: the very same
    order again gets the first answer with `duplicate` true, whatever the first connection came to.
    """
    maker = call.body.maker
    try:
        applied = future.result()
    except GavelbookError as error:
        _spare(desk, maker, error)
        raise _explained(desk, call.body, error) from None
    return placement(applied)


def submit_orders(desk: Desk, call: Call) -> Future[Sequence[Answer]]:
    """Hand orders to the intake, together."""
    requests: list[OrderRequest] = call.body.orders
    _check_open(desk)
    taken: list[tuple[Address, int]] = []
    try:
        for maker, count in Counter(request.maker for request in requests).items():
            desk.limits.orders.take(maker, count)
            taken.append((maker, count))
        return desk.intake.place_batch([place_command(each) for each in requests])
    except GavelbookError:
        # Nobody has signed for any of them yet: they lose nothing to it.
        for maker, count in taken:
            desk.limits.orders.give_back(maker, count)
        raise


@OPERATIONS.add_halves(
    "POST",
    "/v1/orders/batch",
    submit_orders,
    body=BatchRequest,
    answer=BatchAnswer,
    bucket="orders",
    problems=("cancel_only", "overloaded", "stopping"),
    cost=lambda body: len(body.orders),
)
def place_orders(desk: Desk, call: Call, future: Future[Sequence[Answer]]) -> BatchAnswer:
    """Place up to 50 orders that arrive together.

    Each is accepted or refused on its own, in the order of the request; a malformed body refuses
    all of them.
    """
    pairs = zip(call.body.orders, future.result(), strict=True)
    return BatchAnswer([_item(desk, request, answer) for request, answer in pairs])


@OPERATIONS.add(
    "POST",
    "/v1/orders/validate",
    body=OrderRequest,
    answer=Validation,
    bucket="orders",
    problems=_REFUSALS,
)
async def validate_order(desk: Desk, call: Call) -> Validation:
    """Check an order without placing it.

    Answers with the hash that was computed and with what the order would reserve, or with the
    problem that placing it would meet just now.
    """
    _check_open(desk)
    command = desk.checker.check(place_command(call.body))
    with desk.sequencer.reading() as engine:
        market = engine.market(command.order.market)
        try:
            engine.check(time_ns() // 1_000_000, command)
            refusal = None
        except GavelbookError as error:
            refusal = error
    if refusal is not None:
        raise _explained(desk, call.body, refusal)
    quote = market.quote_amount(command.order.lots, command.order.ticks)
    buys = call.body.side == "buy"
    highest = max(market.taker_fee_bps, market.maker_fee_bps)
    return Validation(
        Hash32(command.order_hash),
        Address(market.quote_token if buys else market.base_token),
        Uint256(quote + fee_of(quote, highest) if buys else market.base_amount(command.order.lots)),
    )


@OPERATIONS.add(
    "POST",
    "/v1/orders/cancel",
    body=CancelRequest,
    answer=Cancellation,
    bucket="cancels",
    access="either",
    problems=(
        "malformed_cancel",
        "cancel_outdated",
        "cancel_under_way",
        "bad_signature",
        "session_required",
        "foreign_account",
        "unknown_market",
        "unknown_order",
        "overloaded",
        "stopping",
        "outcome_unknown",
    ),
)
async def cancel_orders(desk: Desk, call: Call) -> Cancellation:
    """Cancel orders.

    Signed by the account (EIP-712 `CancelOrders`) or with a session of it. A signed cancellation
    works once; sent again it gets the first answer.
    """
    request: CancelRequest = call.body
    command = cancel_command(request)
    if request.signature is None:
        _check_session(call, request.account)
        desk.limits.cancels.take(request.account)
        return cancellation(await desk.intake.cancel(command))
    if request.timestamp is None:
        message = "Expected a timestamp with a signature, was none"
        raise RequestError("malformed_cancel", message, field="timestamp")
    desk.recent_cancels.check(request.timestamp)
    proof = signing.CancelRequest(
        bytes(request.account),
        int(request.market or 0),
        request.scope,
        request.target,
        int(request.timestamp),
    )
    digest = signing.cancel_hash(desk.domain, proof)
    known = desk.recent_cancels.begin(digest)
    if known is not None:
        return known
    try:
        desk.limits.cancels.take(request.account)
        applied = await desk.intake.cancel(command, (proof, bytes(request.signature)))
    except BaseException as error:
        desk.recent_cancels.abandon(digest)
        if isinstance(error, GavelbookError) and error.code in _UNPROVEN:
            desk.limits.cancels.give_back(request.account)
        raise
    answer = cancellation(applied)
    desk.recent_cancels.finish(digest, answer)
    return answer


@OPERATIONS.add(
    "GET",
    "/v1/orders/{hash}",
    path_type=OrderPath,
    answer=OrderView,
    problems=("unknown_order",),
)
async def get_order(desk: Desk, call: Call) -> OrderView:
    """Look up an order by its hash.

    Orders are in the public log, so that anybody may look. What was placed a moment ago may take
    a moment to appear; `position` of `/v1/status` and of the placement tell.
    """
    record = (await desk.current_views()).order(bytes(call.path.hash))
    if record is None:
        message = f"Expected the hash of an accepted order, was {call.path.hash.text()}"
        raise RequestError("unknown_order", message, order_hash=call.path.hash)
    return order_view(record)


def _check_open(desk: Desk) -> None:
    if desk.cancel_only:
        message = "Expected the exchange to take orders, was cancel-only: try again later"
        raise RequestError("cancel_only", message, headers=((b"retry-after", b"60"),))


def _check_session(call: Call, account: bytes) -> None:
    if call.account is None:
        message = "Expected a signature or a session of the account, was neither"
        raise RequestError("session_required", message, headers=((b"www-authenticate", b"Bearer"),))
    if call.account != account:
        message = "Expected the account of the session, was another"
        raise RequestError("foreign_account", message, account=account)


def _spare(desk: Desk, account: bytes, error: GavelbookError) -> None:
    """Do not count a refused order against ``account`` where anybody could have sent it."""
    if error.code in _UNPROVEN:
        desk.limits.orders.give_back(account)


def _explained(desk: Desk, request: OrderRequest, error: GavelbookError) -> GavelbookError:
    """Return ``error``, with the whole balance where there is too little of it.

    The order's signature was checked before, so it is its owner who gets to know.
    """
    if error.code != "insufficient_balance":
        return error
    with desk.sequencer.reading() as engine:
        market = engine.market(request.market)
        token = market.base_token if request.side == "sell" else market.quote_token
        balance = engine.balance(bytes(request.maker), token)
    details = {
        "token": Address(token).text(),
        "available": balance.available,
        "reserved": balance.reserved,
        "unsettled": balance.unsettled_in,
        "withdrawing": balance.withdrawing,
        "hint": "Cancel orders to free what they reserve, or deposit more of the token.",
    }
    return type(error)(error.code, error.message, **{**details, **error.details})


def _item(desk: Desk, request: OrderRequest, answer: Applied | GavelbookError) -> BatchItem:
    if isinstance(answer, GavelbookError):
        _spare(desk, request.maker, answer)
        return BatchItem(problem=problem_of(_explained(desk, request, answer)))
    return BatchItem(placement(answer))
