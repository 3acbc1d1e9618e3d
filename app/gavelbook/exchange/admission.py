"""What an order must be, and what its account must have, to be taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from gavelbook.exchange import orders as limits
from gavelbook.exchange.errors import ADDRESS_LENGTH, ExchangeError, check_address, check_range
from gavelbook.exchange.orders import TimeInForce

if TYPE_CHECKING:
    from gavelbook.exchange.accounts import Account
    from gavelbook.exchange.book import LiveOrder
    from gavelbook.exchange.commands import PlaceOrder
    from gavelbook.exchange.markets import Market
    from gavelbook.exchange.orders import Order
    from gavelbook.exchange.state import State

_HASH_LENGTH = 32
_SIGNATURE_LENGTHS = (65, 64, 0)
_MAX_GOOD_TILL = limits.MAX_EXPIRY * 1_000
_IOC, _FOK, _GTT = TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTT


def check_values(command: PlaceOrder, signed: Order) -> None:
    """Refuse values that no order can hold.

    Raises:
        ExchangeError: see `placing.place`.

    """
    if not (
        0 < signed.lots <= limits.MAX_LOTS
        and 0 < signed.ticks <= limits.MAX_TICKS
        and 0 < signed.sequence <= limits.MAX_SEQUENCE
        and 0 <= signed.lane <= limits.MAX_LANE
        and 0 <= signed.max_fee_bps <= limits.MAX_FEE_BPS
        and 0 <= signed.expiry <= limits.MAX_EXPIRY
        and len(signed.maker) == ADDRESS_LENGTH
        and len(command.order_hash) == _HASH_LENGTH
        and len(command.signature) in _SIGNATURE_LENGTHS
    ):
        _refuse_values(command, signed)
    if command.client_id:
        _check_client_id(command.client_id)
    in_force = command.time_in_force
    if in_force is _GTT:
        check_range("good_till_out_of_range", "good_till", command.good_till, 1, _MAX_GOOD_TILL)
    elif command.good_till:
        raise ExchangeError.refuse(
            "good_till_unexpected", "good_till", command.good_till, f"0 with {in_force}"
        )
    if command.post_only and (in_force is _IOC or in_force is _FOK):
        raise ExchangeError.refuse(
            "post_only_immediate", "time_in_force", in_force.value, "GTC or GTT where post_only"
        )


def check_account(
    state: State, account: Account, command: PlaceOrder, replaced: LiveOrder | None
) -> None:
    """Refuse an order that the account may not place now; ``replaced`` is open in its lane.

    Raises:
        ExchangeError: see `placing.place`.

    """
    signed = command.order
    if account.exits:
        raise ExchangeError(
            "account_exiting", "Expected an account without an exit announced, was one that leaves"
        )
    if account.in_deficit:
        raise ExchangeError(
            "account_in_deficit", "Expected an account without deficit, was one that lacks money"
        )
    if command.order_hash in state.orders:
        raise ExchangeError.refuse(
            "duplicate_order", "order_hash", command.order_hash.hex(), "of no open order"
        )
    last = account.lanes.get(signed.lane, 0)
    if signed.sequence <= last:
        raise ExchangeError(
            "sequence_passed",
            f"Expected sequence above {last} in lane {signed.lane}, was {signed.sequence}",
            last=last,
            sequence=signed.sequence,
        )
    if replaced is None:
        _check_room(state, account, last)
    if command.client_id:
        other = account.clients.get(command.client_id)
        if other is not None and other is not replaced:
            raise ExchangeError.refuse(
                "duplicate_client_id", "client_id", command.client_id, "of no open order"
            )


def highest_fee(command: PlaceOrder, market: Market) -> int:
    """Return the highest fee in bps that a fill of the order may bear."""
    if command.post_only:
        return market.maker_fee_bps
    taker, maker, in_force = market.taker_fee_bps, market.maker_fee_bps, command.time_in_force
    return taker if taker >= maker or in_force is _IOC or in_force is _FOK else maker


def _check_room(state: State, account: Account, last: int) -> None:
    terms = state.terms
    if len(account.open_orders) >= terms.max_open_orders:
        raise ExchangeError.refuse(
            "too_many_orders",
            "open orders",
            len(account.open_orders),
            f"less than {terms.max_open_orders}",
        )
    if not last and len(account.lanes) >= terms.max_lanes:
        raise ExchangeError.refuse(
            "too_many_lanes", "lanes in use", len(account.lanes), f"less than {terms.max_lanes}"
        )


def _check_client_id(client_id: str) -> None:
    longest = limits.MAX_CLIENT_ID_LENGTH
    if len(client_id) > longest or not (client_id.isascii() and client_id.isprintable()):
        expected = f"at most {longest} printable ASCII characters"
        raise ExchangeError.refuse("client_id_malformed", "client_id", client_id, expected)


def _refuse_values(command: PlaceOrder, signed: Order) -> NoReturn:
    for key, lowest, highest in (
        ("lots", 1, limits.MAX_LOTS),
        ("ticks", 1, limits.MAX_TICKS),
        ("lane", 0, limits.MAX_LANE),
        ("sequence", 1, limits.MAX_SEQUENCE),
        ("expiry", 0, limits.MAX_EXPIRY),
        ("max_fee_bps", 0, limits.MAX_FEE_BPS),
    ):
        check_range(f"{key}_out_of_range", key, getattr(signed, key), lowest, highest)
    check_address("maker", signed.maker)
    if len(command.order_hash) != _HASH_LENGTH:
        raise ExchangeError.refuse(
            "order_hash_malformed", "order_hash", command.order_hash, "32 bytes"
        )
    raise ExchangeError.refuse(
        "signature_malformed", "signature", command.signature, "64 or 65 bytes, or none"
    )
