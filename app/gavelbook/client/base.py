"""What both clients are made of: how they are made, and the table of their calls."""

from __future__ import annotations

from functools import update_wrapper
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Generic,
    ParamSpec,
    Protocol,
    TypeVar,
    cast,
    overload,
)

from gavelbook.client.calls import Calls

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from eth_account.signers.local import LocalAccount

    from gavelbook.client.async_client import AsyncClient
    from gavelbook.client.lanes import Lanes
    from gavelbook.client.steps import Flow, Patience
    from gavelbook.client.sync_client import Client
    from gavelbook.wire.scalars import Address

P = ParamSpec("P")
T_co = TypeVar("T_co", covariant=True)
Transport = TypeVar("Transport")
TIMEOUT = 10.0


class _Call(Protocol[P, T_co]):
    """A method that gives one client the result, and the other what is awaited for it."""

    @overload
    def __get__(self, client: Client, kind: Any = None, /) -> Callable[P, T_co]: ...
    @overload
    def __get__(self, client: AsyncClient, kind: Any = None, /) -> Callable[P, Awaitable[T_co]]: ...
    def __get__(self, client: Any, kind: Any = None, /) -> Any: ...


def _call(flow: Callable[Concatenate[Calls, P], Flow[T_co]]) -> _Call[P, T_co]:
    def call(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> Any:
        return self.run(flow(self.calls, *args, **kwargs))

    method: Any = update_wrapper(call, flow)
    return cast("_Call[P, T_co]", method)


class ClientBase(Generic[Transport]):
    """Either client, without its way to wait: that is in `run`, `stream` and `close`."""

    def __init__(  # noqa: PLR0913
        self,
        url: str,
        *,
        account: LocalAccount | None = None,
        chain_id: int | None = None,
        contract: str | None = None,
        timeout: float = TIMEOUT,
        patience: Patience | None = None,
        lanes: Lanes | None = None,
        transport: Transport | None = None,
    ) -> None:
        self.url = url
        self.calls = Calls(account, chain_id, contract, patience, lanes)
        self._open(timeout, transport)

    def _open(self, timeout: float, transport: Transport | None) -> None:
        raise NotImplementedError

    @property
    def address(self) -> Address:
        """The account that signs."""
        return self.calls.address

    @property
    def lanes(self) -> Lanes:
        """Which lanes are used by what this client has placed."""
        return self.calls.lanes

    time = _call(Calls.time)
    status = _call(Calls.status)
    markets = _call(Calls.markets)
    book = _call(Calls.book)
    trades = _call(Calls.trades)
    candles = _call(Calls.candles)
    order = _call(Calls.order)
    receipt = _call(Calls.receipt)
    log = _call(Calls.log)

    sign_order = _call(Calls.sign_order)
    place = _call(Calls.place)
    limit = _call(Calls.limit)
    market_order = _call(Calls.market_order)
    place_batch = _call(Calls.place_batch)
    validate = _call(Calls.validate)
    cancel = _call(Calls.cancel)
    cancel_client_id = _call(Calls.cancel_client_id)
    cancel_market = _call(Calls.cancel_market)
    cancel_all = _call(Calls.cancel_all)

    sign_in = _call(Calls.sign_in)
    sign_out = _call(Calls.sign_out)
    orders = _call(Calls.orders)
    open_orders = _call(Calls.open_orders)
    fills = _call(Calls.fills)
    balances = _call(Calls.balances)
    movements = _call(Calls.movements)
    withdrawals = _call(Calls.withdrawals)
    withdraw = _call(Calls.withdraw)
