"""Fills become final on chain, or turn out never to and are undone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gavelbook.exchange.errors import ExchangeError
from gavelbook.exchange.reports import FillBusted, FillsSettled

if TYPE_CHECKING:
    from gavelbook.exchange.accounts import Balance
    from gavelbook.exchange.commands import BatchSettled, BustFill
    from gavelbook.exchange.reports import Filled, Report
    from gavelbook.exchange.state import State


def batch_settled(state: State, command: BatchSettled) -> list[Report]:
    """Make the credits of settled fills withdrawable and their fees the recipient's.

    Raises:
        ExchangeError: ``wrong_batch_number``, ``unknown_market``, or ``batch_mismatch`` where
            not ``fill_count`` unsettled fills of the market have ids in the range.

    """
    if command.number != state.last_batch + 1:
        raise ExchangeError.refuse(
            "wrong_batch_number", "batch number", command.number, str(state.last_batch + 1)
        )
    market = state.listing(command.market).market
    fills = _unsettled(state, command)
    fees = 0
    for fill in fills:
        del state.unsettled[fill.fill_id]
        buyer_base, seller_quote = _credited(state, fill)
        buyer_base.unsettled_in -= market.base_amount(fill.lots)
        seller_quote.unsettled_in -= fill.quote - _seller_fee(fill)
        fees += fill.maker_fee + fill.taker_fee
    if fees:
        state.pending_fees[market.quote_token] -= fees
        recipient = state.account(state.fee_recipient)
        recipient.balance(market.quote_token).available += fees
        state.check_deficit(recipient)
    state.last_batch = command.number
    return [
        FillsSettled(
            command.number,
            command.market,
            command.first_fill,
            command.last_fill,
            len(fills),
            fees,
        )
    ]


def bust_fill(state: State, command: BustFill) -> list[Report]:
    """Undo a fill that can never settle; orders that lose their cover by that end.

    What an account has already traded on with leaves it in deficit: the caller undoes the later
    fills that can no longer settle either, in the order of their ids.

    Raises:
        ExchangeError: ``unknown_fill``, where it is none or settled or undone.

    """
    fill = state.unsettled.get(command.fill_id)
    if fill is None:
        raise ExchangeError.refuse(
            "unknown_fill", "fill_id", command.fill_id, "of an unsettled fill"
        )
    del state.unsettled[command.fill_id]
    market = state.listing(fill.market).market
    base, proceeds = market.base_amount(fill.lots), fill.quote - _seller_fee(fill)
    buyer, seller = (state.accounts[address] for address in _parties(fill))
    buyer_base, seller_quote = _credited(state, fill)
    buyer_base.available -= base
    buyer_base.unsettled_in -= base
    seller_quote.available -= proceeds
    seller_quote.unsettled_in -= proceeds
    seller.balance(market.base_token).available += base
    buyer.balance(market.quote_token).available += fill.quote + _buyer_fee(fill)
    state.pending_fees[market.quote_token] -= fill.maker_fee + fill.taker_fee
    reports: list[Report] = [FillBusted(fill)]
    state.cover(buyer, market.base_token, reports)
    state.cover(seller, market.quote_token, reports)
    return reports


def _unsettled(state: State, command: BatchSettled) -> list[Filled]:
    """Return the fills of the batch; none has been touched yet."""
    last = min(command.last_fill, state.last_fill)
    found = [state.unsettled.get(fill_id) for fill_id in range(command.first_fill, last + 1)]
    fills = [fill for fill in found if fill is not None and fill.market == command.market]
    if len(fills) != command.fill_count:
        raise ExchangeError(
            "batch_mismatch",
            f"Expected {command.fill_count} unsettled fills of market {command.market} from "
            f"{command.first_fill} to {command.last_fill}, was {len(fills)}",
            expected=command.fill_count,
            was=len(fills),
        )
    return fills


def _parties(fill: Filled) -> tuple[bytes, bytes]:
    """Return buyer and seller."""
    return (fill.maker, fill.taker) if fill.taker_side else (fill.taker, fill.maker)


def _buyer_fee(fill: Filled) -> int:
    return fill.maker_fee if fill.taker_side else fill.taker_fee


def _seller_fee(fill: Filled) -> int:
    return fill.taker_fee if fill.taker_side else fill.maker_fee


def _credited(state: State, fill: Filled) -> tuple[Balance, Balance]:
    """Return the balances that the fill credited: the buyer's base and the seller's quote."""
    market = state.listing(fill.market).market
    buyer, seller = _parties(fill)
    return (
        state.accounts[buyer].balance(market.base_token),
        state.accounts[seller].balance(market.quote_token),
    )
