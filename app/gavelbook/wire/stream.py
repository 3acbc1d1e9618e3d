"""Messages of the WebSocket `/v1/stream`, each a JSON object with its kind in `op`.

Channels: `book.MARKET`, `trades.MARKET`, `candles.MARKET.INTERVAL` and, signed in, `account`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from gavelbook.wire.accounts import BalanceView
from gavelbook.wire.markets import CandleView, Level, TradeView
from gavelbook.wire.orders import FillView, OrderState, Side
from gavelbook.wire.scalars import ClientId, Hash32, Uint16, Uint32, Uint64

Name = Annotated[str, Meta(min_length=1, max_length=64)]
RequestId = Annotated[str, Meta(max_length=36)]


class Subscribe(
    Struct, frozen=True, forbid_unknown_fields=True, rename="camel", tag_field="op", tag="subscribe"
):
    """Ask for a channel: a snapshot and then its deltas, or just the deltas missed."""

    channel: Name
    resume_from: Uint64 | None = None
    """The last `seq` seen; a snapshot follows all the same where what came since is gone."""
    id: RequestId | None = None


class Unsubscribe(
    Struct,
    frozen=True,
    forbid_unknown_fields=True,
    rename="camel",
    tag_field="op",
    tag="unsubscribe",
):
    """Leave a channel."""

    channel: Name
    id: RequestId | None = None


class Authenticate(
    Struct,
    frozen=True,
    forbid_unknown_fields=True,
    rename="camel",
    tag_field="op",
    tag="authenticate",
):
    """Sign in with the token of a session, for the channel `account`."""

    token: Annotated[str, Meta(max_length=128)]
    id: RequestId | None = None


class CancelOnDisconnect(
    Struct,
    frozen=True,
    forbid_unknown_fields=True,
    rename="camel",
    tag_field="op",
    tag="cancelOnDisconnect",
):
    """Have all orders of the account cancelled when this connection ends or falls silent."""

    enabled: bool
    timeout_seconds: Annotated[int, Meta(ge=5, le=300)] = 30
    """Silence after which the connection counts as ended: send a `ping` more often."""
    id: RequestId | None = None


class Ping(
    Struct, frozen=True, forbid_unknown_fields=True, rename="camel", tag_field="op", tag="ping"
):
    """Show that this side is there."""

    id: RequestId | None = None


ClientMessage = Subscribe | Unsubscribe | Authenticate | CancelOnDisconnect | Ping


class Done(Struct, frozen=True, rename="camel", tag_field="op", tag="done"):
    """What was asked under this id is done."""

    id: RequestId | None = None


class Pong(Struct, frozen=True, rename="camel", tag_field="op", tag="pong"):
    """The answer to a ping."""

    time: Uint64
    id: RequestId | None = None


class Heartbeat(Struct, frozen=True, rename="camel", tag_field="op", tag="heartbeat"):
    """Nothing was wrong a moment ago; sent however quiet the channels are."""

    time: Uint64
    position: Uint64
    """Of the log: what was published up to here has been sent."""


class Refusal(Struct, frozen=True, rename="camel", tag_field="op", tag="error"):
    """What was asked is refused."""

    problem: dict[str, Any]
    id: RequestId | None = None


class Snapshot(Struct, frozen=True, rename="camel", tag_field="op", tag="snapshot"):
    """Everything a channel says, as of `seq`."""

    channel: Name
    seq: Uint64
    data: Any


class Delta(Struct, frozen=True, rename="camel", tag_field="op", tag="delta"):
    """What changed in a channel; `prev` is the `seq` of the message before, else one is missing."""

    channel: Name
    prev: Uint64
    seq: Uint64
    data: Any


class BookLevels(Struct, frozen=True, rename="camel"):
    """Data of `book`: levels with their whole new size; 0 lots means that a level is gone."""

    bids: list[Level]
    asks: list[Level]


class Settlement(Struct, frozen=True, rename="camel"):
    """All fills of a market from one id to another have a new state."""

    market: Uint16
    first_fill: Uint64
    last_fill: Uint64
    state: Literal["SUBMITTED", "SETTLED"]
    batch: Uint64
    transaction_hash: Hash32 | None = None


class Trades(Struct, frozen=True, rename="camel"):
    """Data of `trades`: new trades, busted ones, and ranges that settled."""

    trades: list[TradeView]
    settlements: list[Settlement] = []


class Candles(Struct, frozen=True, rename="camel"):
    """Data of `candles`: candles as they stand now, oldest first."""

    candles: list[CandleView]


class OrderUpdate(Struct, frozen=True, rename="camel"):
    """An order as it stands now."""

    order_hash: Hash32
    market: Uint16
    state: OrderState
    remaining_lots: Uint64
    side: Side | None = None
    ticks: Uint64 | None = None
    lane: Uint32 | None = None
    sequence: Uint32 | None = None
    reason: str | None = None
    client_id: ClientId | None = None


class AccountUpdate(Struct, frozen=True, rename="camel"):
    """Data of `account`: what changed, each as it stands now."""

    orders: list[OrderUpdate] = []
    fills: list[FillView] = []
    balances: list[BalanceView] = []
    settlements: list[Settlement] = []
