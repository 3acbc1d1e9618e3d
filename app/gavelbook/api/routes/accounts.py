"""What only an account itself may know and do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from gavelbook.api.errors import RequestError
from gavelbook.api.operations import Operations
from gavelbook.api.order_views import fill_views, order_view, withdrawal_view
from gavelbook.api.routes.markets import plain
from gavelbook.api.views import balance_view
from gavelbook.errors import GavelbookError
from gavelbook.exchange.commands import RequestWithdrawal
from gavelbook.exchange.signing import Withdrawal
from gavelbook.wire.accounts import (
    BalanceList,
    MovementPage,
    MovementView,
    WithdrawalPage,
    WithdrawalRequest,
    WithdrawalView,
)
from gavelbook.wire.markets import Limit
from gavelbook.wire.orders import FillPage, OrderPage
from gavelbook.wire.scalars import Address, Signature, Uint16, Uint64, Uint256

if TYPE_CHECKING:
    from gavelbook.api.desk import Desk
    from gavelbook.api.operations import Call
    from gavelbook.service.exchange.view_queries import WithdrawalRecord

OPERATIONS = Operations("accounts")
_PRIVATE = ("foreign_account",)


class AccountPath(Struct, frozen=True):
    """Whose."""

    address: Address


class PageQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which page."""

    before: Uint64 | None = None
    limit: Limit = 100


class OrderQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which orders."""

    market: Uint16 | None = None
    state: Literal["open", "all"] = "all"
    before: Uint64 | None = None
    limit: Limit = 100


class FillQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which fills."""

    market: Uint16 | None = None
    before: Uint64 | None = None
    limit: Limit = 100


@OPERATIONS.add(
    "GET",
    "/v1/accounts/{address}/orders",
    path_type=AccountPath,
    query_type=OrderQuery,
    answer=OrderPage,
    access="session",
    problems=_PRIVATE,
)
async def list_orders(desk: Desk, call: Call) -> OrderPage:
    """List orders of the account, newest first."""
    account = _own(call)
    query: OrderQuery = call.query
    records = (await desk.current_views()).orders(
        account,
        market=plain(query.market),
        open_only=query.state == "open",
        before=plain(query.before),
        limit=query.limit + 1,
    )
    page = [order_view(each) for each in records[: query.limit]]
    return OrderPage(page, page[-1].position if len(records) > query.limit else None)


@OPERATIONS.add(
    "GET",
    "/v1/accounts/{address}/fills",
    path_type=AccountPath,
    query_type=FillQuery,
    answer=FillPage,
    access="session",
    problems=_PRIVATE,
)
async def list_fills(desk: Desk, call: Call) -> FillPage:
    """List fills of the account, newest first, with how far their settlement is."""
    account = _own(call)
    query: FillQuery = call.query
    records = (await desk.current_views()).fills(
        account,
        market=plain(query.market),
        before=plain(query.before),
        limit=query.limit + 1,
    )
    page = records[: query.limit]
    return FillPage(
        [view for each in page for view in fill_views(each, account, desk.settlements)],
        Uint64(page[-1].fill.fill_id) if len(records) > query.limit else None,
    )


@OPERATIONS.add(
    "GET",
    "/v1/accounts/{address}/balances",
    path_type=AccountPath,
    answer=BalanceList,
    access="session",
    problems=_PRIVATE,
)
async def list_balances(desk: Desk, call: Call) -> BalanceList:
    """Read what the account has in escrow: available, reserved, unsettled, withdrawing."""
    account = _own(call)
    with desk.sequencer.reading() as engine:
        balances = engine.balances(account)
        exiting = engine.exiting(account)
        position = engine.position
    return BalanceList(
        Address(account),
        exiting,
        Uint64(position),
        [balance_view(token, balance) for token, balance in sorted(balances.items())],
    )


@OPERATIONS.add(
    "GET",
    "/v1/accounts/{address}/movements",
    path_type=AccountPath,
    query_type=PageQuery,
    answer=MovementPage,
    access="session",
    problems=_PRIVATE,
)
async def list_movements(desk: Desk, call: Call) -> MovementPage:
    """List deposits, withdrawals and exits of the account, newest first."""
    account = _own(call)
    query: PageQuery = call.query
    records = (await desk.current_views()).movements(
        account, before=plain(query.before), limit=query.limit + 1
    )
    page = [
        MovementView(
            Uint64(each.number),
            Uint64(each.position),
            Uint64(each.time_ms),
            Address(each.token),
            each.kind,
            Uint256(abs(each.amount)),
            "out" if each.amount < 0 else "in",
        )
        for each in records[: query.limit]
    ]
    return MovementPage(page, page[-1].number if len(records) > query.limit else None)


@OPERATIONS.add(
    "GET",
    "/v1/accounts/{address}/withdrawals",
    path_type=AccountPath,
    query_type=PageQuery,
    answer=WithdrawalPage,
    access="session",
    problems=_PRIVATE,
)
async def list_withdrawals(desk: Desk, call: Call) -> WithdrawalPage:
    """List withdrawals of the account, newest first."""
    account = _own(call)
    query: PageQuery = call.query
    records = (await desk.current_views()).withdrawals(
        account, before=plain(query.before), limit=query.limit + 1
    )
    page = [withdrawal_view(each, desk.cosign) for each in records[: query.limit]]
    return WithdrawalPage(page, page[-1].position if len(records) > query.limit else None)


@OPERATIONS.add(
    "POST",
    "/v1/accounts/{address}/withdrawals",
    path_type=AccountPath,
    body=WithdrawalRequest,
    answer=WithdrawalView,
    bucket="cancels",
    problems=(
        "insufficient_withdrawable",
        "amount_zero",
        "balance_too_large",
        "bad_signature",
        "nonce_out_of_range",
        "nonce_used",
        "withdrawal_expired",
        "too_many_withdrawals",
        "account_in_deficit",
        "overloaded",
        "stopping",
        "outcome_unknown",
    ),
)
async def create_withdrawal(desk: Desk, call: Call) -> WithdrawalView:
    """Withdraw at once, with the matcher's signature.

    The account signs EIP-712 `Withdrawal`. The amount is set aside, and the answer holds the
    matcher's signature over the same message; with both anybody can have it paid by the contract.
    The same request again gets the same answer.
    """
    request: WithdrawalRequest = call.body
    account = bytes(call.path.address)
    known = (await desk.current_views()).withdrawal(account, int(request.nonce))
    command = RequestWithdrawal(
        account,
        bytes(request.token),
        int(request.amount),
        bytes(request.to),
        int(request.nonce),
        int(request.deadline),
        bytes(request.signature),
    )
    if known is not None and _same(known, command):
        return withdrawal_view(known, desk.cosign)
    desk.limits.cancels.take(account)
    try:
        applied = await desk.intake.withdraw(command)
    except GavelbookError as error:
        if error.code == "bad_signature":
            desk.limits.cancels.give_back(account)
        raise
    signature = desk.cosign(
        Withdrawal(
            account, command.token, command.amount, command.to, command.nonce, command.deadline
        )
    )
    return WithdrawalView(
        Address(account),
        request.token,
        request.amount,
        request.to,
        request.nonce,
        request.deadline,
        "PENDING",
        Uint64(applied.position),
        Signature(signature),
    )


def _own(call: Call) -> bytes:
    """Return the account of the path, which has to be that of the session."""
    if call.account != call.path.address:
        message = "Expected the account of the session, was another"
        raise RequestError("foreign_account", message, account=call.path.address)
    return bytes(call.path.address)


def _same(record: WithdrawalRecord, command: RequestWithdrawal) -> bool:
    return (record.token, record.amount, record.to, record.deadline) == (
        command.token,
        command.amount,
        command.to,
        command.deadline,
    )
