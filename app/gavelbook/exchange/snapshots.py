"""The whole state as bytes, in one canonical way: the same state, the same bytes."""

from __future__ import annotations

import msgspec

from gavelbook.exchange.accounts import Balance, Withdrawal
from gavelbook.exchange.book import LiveOrder
from gavelbook.exchange.commands import PlaceOrder
from gavelbook.exchange.errors import ExchangeError
from gavelbook.exchange.markets import Market
from gavelbook.exchange.reports import Filled
from gavelbook.exchange.state import EngineTerms, State, needed

_FORMAT = 1


class _Account(msgspec.Struct, frozen=True, array_like=True):
    address: bytes
    balances: list[tuple[bytes, int, int, int, int]]
    lanes: list[tuple[int, int]]
    exits: list[bytes]
    withdrawals: list[Withdrawal]
    last_nonce: int


class _Order(msgspec.Struct, frozen=True, array_like=True):
    position: int
    lots: int
    leaves_at_ms: int
    command: PlaceOrder


class _Snapshot(msgspec.Struct, frozen=True, array_like=True):
    format: int
    terms: EngineTerms
    position: int
    time_ms: int
    last_fill: int
    last_batch: int
    fee_recipient: bytes
    listings: list[tuple[Market, bool]]
    accounts: list[_Account]
    orders: list[_Order]
    unsettled: list[Filled]
    pending_fees: list[tuple[bytes, int]]
    held: list[tuple[bytes, int]]


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Snapshot)


def write(state: State) -> bytes:
    """Return the whole ``state``: equal for equal states, whatever their history."""
    snapshot = _Snapshot(
        _FORMAT,
        state.terms,
        state.position,
        state.time_ms,
        state.last_fill,
        state.last_batch,
        state.fee_recipient,
        [(each.market, each.halted) for _, each in sorted(state.listings.items())],
        [_account(state, address) for address in sorted(state.accounts)],
        [
            _Order(order.position, order.lots, order.leaves_at_ms, order.command)
            for order in sorted(state.orders.values(), key=lambda order: order.position)
        ],
        [fill for _, fill in sorted(state.unsettled.items())],
        sorted(state.pending_fees.items()),
        sorted(state.held.items()),
    )
    return _encoder.encode(snapshot)


def _account(state: State, address: bytes) -> _Account:
    account = state.accounts[address]
    return _Account(
        address,
        [
            (token, each.available, each.reserved, each.unsettled_in, each.withdrawing)
            for token, each in sorted(account.balances.items())
        ],
        sorted(account.lanes.items()),
        sorted(account.exits),
        [account.withdrawals[nonce] for nonce in sorted(account.withdrawals)],
        account.last_nonce,
    )


def read(snapshot: bytes) -> State:
    """Return the state in ``snapshot``.

    Raises:
        ExchangeError: ``snapshot_malformed``.

    """
    try:
        found = _decoder.decode(snapshot)
    except (msgspec.MsgspecError, RecursionError) as error:
        message = f"Expected a snapshot of an engine, was otherwise: {error}"
        raise ExchangeError("snapshot_malformed", message) from error
    if found.format != _FORMAT:
        raise ExchangeError.refuse("snapshot_malformed", "format", found.format, str(_FORMAT))
    state = State(found.terms)
    state.position, state.time_ms = found.position, found.time_ms
    state.last_fill, state.last_batch = found.last_fill, found.last_batch
    state.fee_recipient = found.fee_recipient
    for market, halted in found.listings:
        state.list_market(market).halted = halted
    for each in found.accounts:
        _restore_account(state, each)
    try:
        for order in found.orders:
            _restore_order(state, order)
    except KeyError as error:
        message = "Expected orders of accounts, lanes and markets in the snapshot, was another"
        raise ExchangeError("snapshot_malformed", message) from error
    state.unsettled = {fill.fill_id: fill for fill in found.unsettled}
    state.pending_fees = dict(found.pending_fees)
    state.held = dict(found.held)
    return state


def _restore_account(state: State, found: _Account) -> None:
    account = state.account(found.address)
    account.balances = {token: Balance(*amounts) for token, *amounts in found.balances}
    account.lanes = dict(found.lanes)
    account.exits = dict.fromkeys(found.exits)
    account.withdrawals = {each.nonce: each for each in found.withdrawals}
    account.last_nonce = found.last_nonce
    state.check_deficit(account)


def _restore_order(state: State, found: _Order) -> None:
    command, signed = found.command, found.command.order
    owner = state.accounts[signed.maker]
    listing = state.listings[signed.market]
    market = listing.market
    order = LiveOrder(
        command.order_hash,
        owner,
        signed.side,
        signed.ticks,
        found.lots,
        found.position,
        found.leaves_at_ms,
        market,
        command,
        owner.balances[market.base_token],
        owner.balances[market.quote_token],
    )
    order.reserved = needed(market, order.side, order.lots, order.ticks, market.maker_fee_bps)
    owner.open_orders[signed.lane] = order
    if command.client_id:
        owner.clients[command.client_id] = order
    listing.book.place(order, [])
    state.expiries.add(order)
