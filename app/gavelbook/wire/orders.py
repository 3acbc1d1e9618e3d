"""Orders: what is asked, what is answered."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from gavelbook.wire.scalars import (
    Address,
    ClientId,
    Hash32,
    OrderSignature,
    Signature,
    Uint16,
    Uint32,
    Uint40,
    Uint64,
    Uint256,
)

Side = Literal["buy", "sell"]
TimeInForce = Literal["GTC", "GTT", "IOC", "FOK"]
SelfTradePrevention = Literal["cancel_newest", "cancel_oldest", "cancel_both"]
OrderState = Literal["OPEN", "FILLED", "CANCELLED", "EXPIRED"]
"""Where an accepted order stands; `reason` says why an order that ended did."""
FillState = Literal["MATCHED", "SUBMITTED", "SETTLED", "BUSTED"]
"""Matched in the log, sent to the chain, settled on the chain; or undone, which is final too."""

MOST_IN_BATCH = 50


class OrderRequest(Struct, frozen=True, forbid_unknown_fields=True, rename="camel", gc=False):
    """An order signed by its maker (EIP-712), with instructions that the signature leaves out."""

    market: Uint16
    maker: Address
    side: Side
    lots: Uint64
    """How many lots to trade at most, from 1."""
    ticks: Uint64
    """The limit price in ticks, from 1."""
    lane: Uint32
    sequence: Uint32
    """Above every earlier one of the lane; a live order of the lane is replaced."""
    expiry: Uint40
    """Unix seconds until which the order may settle."""
    max_fee_bps: Uint16
    signature: OrderSignature
    """Of EIP-712 `Order`; `0x` where a contract wallet approved the order on chain."""
    time_in_force: TimeInForce = "GTC"
    post_only: bool = False
    good_till: Uint64 | None = None
    """Unix milliseconds at which the order leaves the book; with GTT only."""
    self_trade_prevention: SelfTradePrevention = "cancel_newest"
    client_id: ClientId | None = None


class BatchRequest(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Orders that arrive together; each is accepted or refused on its own, in this order."""

    orders: Annotated[list[OrderRequest], Meta(min_length=1, max_length=MOST_IN_BATCH)]


class PlacementFill(Struct, frozen=True, rename="camel", gc=False):
    """What an order traded on arrival."""

    fill_id: Uint64
    lots: Uint64
    ticks: Uint64
    quote: Uint256
    """Base units of the quote token, before fees."""
    fee: Uint256


class Placement(Struct, frozen=True, rename="camel"):
    """An order that was accepted: it is in the log."""

    order_hash: Hash32
    position: Uint64
    """Of the order in the log."""
    time: Uint64
    """Unix milliseconds of the log."""
    state: OrderState
    filled_lots: Uint64
    remaining_lots: Uint64
    """Lots that rest in the book; 0 once the order has ended."""
    reason: str | None = None
    """Why the order ended."""
    fills: list[PlacementFill] = []
    duplicate: bool = False
    """Whether the very same order had been placed before: nothing new happened."""
    client_id: ClientId | None = None


class BatchItem(Struct, frozen=True, rename="camel"):
    """The answer to one order of a batch: a placement or a problem."""

    placement: Placement | None = None
    problem: Annotated[
        dict[str, Any] | None, Meta(description="The members of a `Problem`, with `code`.")
    ] = None


class BatchAnswer(Struct, frozen=True, rename="camel"):
    """The answers to a batch, in the order of the request."""

    answers: list[BatchItem]


class Validation(Struct, frozen=True, rename="camel"):
    """An order that would have been accepted just now; nothing was placed."""

    order_hash: Hash32
    """The EIP-712 hash that was computed, to compare with the signer's."""
    reserve_token: Address
    reserve: Uint256
    """What the order would reserve of the token."""


class Cancellation(Struct, frozen=True, rename="camel"):
    """Orders that were taken off the book."""

    order_hashes: list[Hash32]
    position: Uint64 | None = None
    """Of the cancellation in the log; none where nothing was open."""


class CancelRequest(Struct, frozen=True, forbid_unknown_fields=True, rename="camel", gc=False):
    """Cancel one order by hash or client id, those of a market, or all; signed or by session."""

    account: Address
    scope: Literal["order", "client", "market", "all"]
    target: Annotated[str, Meta(max_length=66)] = ""
    """The order hash, or the client id; empty with the other scopes."""
    market: Uint16 | None = None
    """The market with scope `market`; else left out, and 0 in what is signed."""
    timestamp: Uint64 | None = None
    """Unix milliseconds at signing, within the window of `/v1/status`; with a signature."""
    signature: Signature | None = None
    """Of EIP-712 `CancelOrders`; left out with a session of the account."""


class OrderView(Struct, frozen=True, rename="camel"):
    """An order and how it fared."""

    order_hash: Hash32
    market: Uint16
    maker: Address
    side: Side
    lots: Uint64
    ticks: Uint64
    lane: Uint32
    sequence: Uint32
    expiry: Uint40
    max_fee_bps: Uint16
    time_in_force: TimeInForce
    post_only: bool
    position: Uint64
    time: Uint64
    state: OrderState
    filled_lots: Uint64
    remaining_lots: Uint64
    settled_lots: Uint64
    """Of the filled lots, those whose batch is on the chain."""
    reason: str | None = None
    client_id: ClientId | None = None


class FillView(Struct, frozen=True, rename="camel"):
    """One side of a trade, and how far its settlement is."""

    fill_id: Uint64
    market: Uint16
    order_hash: Hash32
    side: Side
    role: Literal["maker", "taker"]
    lots: Uint64
    ticks: Uint64
    quote: Uint256
    fee: Uint256
    time: Uint64
    position: Uint64
    state: FillState
    batch: Uint64 | None = None
    transaction_hash: Hash32 | None = None


class OrderPage(Struct, frozen=True, rename="camel"):
    """Orders, newest first."""

    orders: list[OrderView]
    next: Uint64 | None = None
    """Give it as `before` for the next page; none on the last."""


class FillPage(Struct, frozen=True, rename="camel"):
    """Fills, newest first."""

    fills: list[FillView]
    next: Uint64 | None = None
