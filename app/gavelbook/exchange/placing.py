"""An order comes in: it is checked, matched and rests, or is refused and nothing has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gavelbook.exchange.admission import check_account, check_values, highest_fee
from gavelbook.exchange.book import LiveOrder
from gavelbook.exchange.errors import ExchangeError
from gavelbook.exchange.markets import BPS
from gavelbook.exchange.orders import SelfTradePrevention, Side, TimeInForce
from gavelbook.exchange.reports import DoneReason, Filled, OrderAccepted, OrderRested
from gavelbook.exchange.state import done, needed

if TYPE_CHECKING:
    from gavelbook.exchange.accounts import Account
    from gavelbook.exchange.commands import PlaceOrder
    from gavelbook.exchange.reports import Report
    from gavelbook.exchange.state import Listing, State

_IOC, _FOK, _GTT = TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTT
_CANCEL_NEWEST = SelfTradePrevention.CANCEL_NEWEST
_CANCEL_OLDEST = SelfTradePrevention.CANCEL_OLDEST


def place(state: State, command: PlaceOrder) -> list[Report]:
    """Take an order, match it and let the rest of it rest.

    Raises:
        ExchangeError: a value is out of range (``lots_out_of_range``, ``ticks_out_of_range``,
            ``lane_out_of_range``, ``sequence_out_of_range``, ``expiry_out_of_range``,
            ``max_fee_bps_out_of_range``, ``address_malformed``, ``order_hash_malformed``,
            ``signature_malformed``, ``client_id_malformed``, ``good_till_out_of_range``,
            ``good_till_unexpected``, ``post_only_immediate``), or the order cannot be taken now
            (``unknown_market``, ``market_halted``, ``order_expired``, ``account_exiting``,
            ``account_in_deficit``, ``duplicate_order``, ``sequence_passed``, ``too_many_lanes``,
            ``too_many_orders``, ``duplicate_client_id``, ``fee_above_order``,
            ``post_only_would_cross``, ``insufficient_balance``).

    """
    listing, account, leaves_at_ms = check(state, command)
    signed, market = command.order, listing.market
    order = LiveOrder(
        command.order_hash,
        account,
        signed.side,
        signed.ticks,
        signed.lots,
        state.position,
        leaves_at_ms,
        market,
        command,
        account.balance(market.base_token),
        account.balance(market.quote_token),
    )
    reports: list[Report] = [
        OrderAccepted(command.order_hash, signed.maker, signed.market, command.client_id)
    ]
    replaced = account.open_orders.get(signed.lane)
    if replaced is not None:
        state.end(replaced, DoneReason.REPLACED, reports)
    account.lanes[signed.lane] = signed.sequence
    _execute(state, listing, order, reports)
    return reports


def check(state: State, command: PlaceOrder) -> tuple[Listing, Account, int]:
    """Return the market, the account, and when the order leaves its book; change nothing.

    Raises:
        ExchangeError: as `place`.

    """
    signed = command.order
    check_values(command, signed)
    listing = state.listings.get(signed.market)
    if listing is None or listing.halted:
        listing = state.listing(signed.market)
        raise ExchangeError.refuse("market_halted", "market", signed.market, "one that trades")
    leaves_at_ms = (signed.expiry - state.terms.settlement_window) * 1_000
    if command.time_in_force is _GTT:
        leaves_at_ms = min(leaves_at_ms, command.good_till)
    if leaves_at_ms <= state.time_ms:
        raise _late(state, leaves_at_ms)
    market, side = listing.market, signed.side
    fee_bps = highest_fee(command, market)
    if signed.max_fee_bps < fee_bps:
        raise _fee_above(signed.max_fee_bps, fee_bps)
    needs = needed(market, side, signed.lots, signed.ticks, fee_bps)
    account = state.accounts.get(signed.maker)
    if account is None:
        raise _insufficient(0, needs)
    replaced = account.open_orders.get(signed.lane)
    check_account(state, account, command, replaced)
    if command.post_only and listing.book.crosses(side, signed.ticks, replaced):
        raise ExchangeError.refuse(
            "post_only_would_cross", "ticks", signed.ticks, "that meet no resting order"
        )
    gives = account.balances.get(market.base_token if side else market.quote_token)
    available = gives.available if gives is not None else 0
    if replaced is not None and (replaced.base if replaced.side else replaced.quote) is gives:
        available += replaced.reserved
    if needs > available:
        raise _insufficient(available, needs)
    return listing, account, leaves_at_ms


def _execute(state: State, listing: Listing, order: LiveOrder, reports: list[Report]) -> None:
    """Match ``order`` and let rest or end what is left of it."""
    command, book = order.command, listing.book
    if command.time_in_force is _FOK and not book.can_fill(
        order, past_own=command.self_trade_prevention is _CANCEL_OLDEST
    ):
        reports.append(done(order, DoneReason.FOK, rested=False))
        return
    ends_now = command.time_in_force is _IOC or command.time_in_force is _FOK
    match = book.match if ends_now else book.place
    own: LiveOrder | None = order
    while own is not None:
        matches: list[tuple[LiveOrder, int]] = []
        own = match(order, matches)
        if matches:
            _account_for(state, order, matches, reports)
        if own is not None and _ends_by_self_trade(state, order, own, reports):
            return
    if not order.lots:
        reports.append(done(order, DoneReason.FILLED, rested=False))
    elif ends_now:
        reports.append(done(order, DoneReason.IOC, rested=False))
    else:
        _reserve(state, order, reports)


def _ends_by_self_trade(
    state: State, order: LiveOrder, own: LiveOrder, reports: list[Report]
) -> bool:
    """End one or both of two orders of one account that meet; return whether ``order`` ended."""
    prevention = order.command.self_trade_prevention
    if prevention is not _CANCEL_NEWEST:
        state.end(own, DoneReason.SELF_TRADE, reports)
    if prevention is _CANCEL_OLDEST:
        return False
    reports.append(done(order, DoneReason.SELF_TRADE, rested=False))
    return True


def _reserve(state: State, order: LiveOrder, reports: list[Report]) -> None:
    """Set aside what ``order``, which rests now, needs."""
    market, owner, command = order.market, order.owner, order.command
    side, lots, ticks = order.side, order.lots, order.ticks
    reserved = needed(market, side, lots, ticks, market.maker_fee_bps)
    balance = order.base if side else order.quote
    order.reserved = reserved
    balance.available -= reserved
    balance.reserved += reserved
    owner.open_orders[command.order.lane] = order
    if command.client_id:
        owner.clients[command.client_id] = order
    state.expiries.add(order)
    reports.append(
        OrderRested(
            order.order_hash, owner.address, market.id, side, lots, ticks, order.leaves_at_ms
        )
    )


def _account_for(
    state: State,
    taker: LiveOrder,
    matches: list[tuple[LiveOrder, int]],
    reports: list[Report],
) -> None:
    """Move the money of ``matches`` and report them."""
    market, side = taker.market, taker.side
    market_id, lot_size, tick_value = market.id, market.lot_size, market.tick_value
    taker_bps, maker_bps = market.taker_fee_bps, market.maker_fee_bps
    taker_base, taker_quote = taker.base, taker.quote
    fill_id, fees = state.last_fill, 0
    for maker, lots in matches:
        ticks, maker_base, maker_quote = maker.ticks, maker.base, maker.quote
        base, quote = lots * lot_size, lots * ticks * tick_value
        taker_fee, maker_fee = quote * taker_bps // BPS, quote * maker_bps // BPS
        fees += taker_fee + maker_fee
        if side:
            keeps = needed(market, Side.BUY, maker.lots, ticks, maker_bps)
            freed = maker.reserved - keeps
            maker.reserved = keeps
            maker_quote.reserved -= freed
            maker_quote.available += freed - quote - maker_fee
            maker_base.available += base
            maker_base.unsettled_in += base
            taker_base.available -= base
            taker_quote.available += quote - taker_fee
            taker_quote.unsettled_in += quote - taker_fee
        else:
            maker.reserved -= base
            maker_base.reserved -= base
            maker_quote.available += quote - maker_fee
            maker_quote.unsettled_in += quote - maker_fee
            taker_quote.available -= quote + taker_fee
            taker_base.available += base
            taker_base.unsettled_in += base
        fill_id += 1
        filled = state.unsettled[fill_id] = Filled(
            fill_id,
            market_id,
            maker.order_hash,
            taker.order_hash,
            maker.owner.address,
            taker.owner.address,
            lots,
            ticks,
            side,
            quote,
            maker_fee,
            taker_fee,
            state.time_ms,
        )
        reports.append(filled)
        if not maker.lots:
            state.forget(maker)
            reports.append(done(maker, DoneReason.FILLED, rested=True))
    state.last_fill = fill_id
    token = market.quote_token
    state.pending_fees[token] = state.pending_fees.get(token, 0) + fees


def _late(state: State, leaves_at_ms: int) -> ExchangeError:
    window = state.terms.settlement_window
    return ExchangeError(
        "order_expired",
        f"Expected an order that stays beyond {state.time_ms} ms, was one that leaves the book at "
        f"{leaves_at_ms} ms, at least {window} s before it expires",
        leaves_at_ms=leaves_at_ms,
        settlement_window=window,
    )


def _fee_above(max_fee_bps: int, fee_bps: int) -> ExchangeError:
    return ExchangeError(
        "fee_above_order",
        f"Expected max_fee_bps of at least {fee_bps} in this market, was {max_fee_bps}",
        max_fee_bps=max_fee_bps,
        fee_bps=fee_bps,
    )


def _insufficient(available: int, needs: int) -> ExchangeError:
    return ExchangeError(
        "insufficient_balance",
        f"Expected at least {needs} base units available, was {available}",
        available=available,
        needed=needs,
    )
