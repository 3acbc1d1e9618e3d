"""Everything that can happen to the engine: its inputs, and what the log consists of.

Amounts are in base units of their token, accounts and tokens the 20 bytes of addresses. In the log
a command is a JSON array that begins with its name: exact for integers of any size, and anybody
can read it.
"""

from __future__ import annotations

import msgspec

from gavelbook.exchange.errors import ExchangeError
from gavelbook.exchange.markets import Market
from gavelbook.exchange.orders import Order, SelfTradePrevention, TimeInForce
from gavelbook.exchange.reports import DoneReason


class PlaceOrder(msgspec.Struct, frozen=True, array_like=True, tag="place_order", gc=False):
    """A signed order with what its trader asks for beside.

    ``signature`` is empty where the order is approved on chain. ``good_till`` (unix milliseconds)
    goes with GTT, and is 0 otherwise. ``client_id`` is empty or up to 36 printable characters, and
    unique among the account's open orders.
    """

    order: Order
    order_hash: bytes
    signature: bytes = b""
    time_in_force: TimeInForce = TimeInForce.GTC
    good_till: int = 0
    post_only: bool = False
    self_trade_prevention: SelfTradePrevention = SelfTradePrevention.CANCEL_NEWEST
    client_id: str = ""


class CancelOrder(msgspec.Struct, frozen=True, array_like=True, tag="cancel_order", gc=False):
    """Cancel one order of ``account`` by its hash."""

    account: bytes
    order_hash: bytes
    reason: DoneReason = DoneReason.CANCELLED


class CancelClient(msgspec.Struct, frozen=True, array_like=True, tag="cancel_client", gc=False):
    """Cancel one order of ``account`` by its client id."""

    account: bytes
    client_id: str
    reason: DoneReason = DoneReason.CANCELLED


class CancelMarket(msgspec.Struct, frozen=True, array_like=True, tag="cancel_market", gc=False):
    """Cancel all orders of ``account`` in one market; none is fine."""

    account: bytes
    market: int
    reason: DoneReason = DoneReason.CANCELLED


class CancelAll(msgspec.Struct, frozen=True, array_like=True, tag="cancel_all", gc=False):
    """Cancel all orders of ``account``; none is fine."""

    account: bytes
    reason: DoneReason = DoneReason.CANCELLED


class ListMarket(msgspec.Struct, frozen=True, array_like=True, tag="list_market"):
    """The contract listed a market."""

    market: Market


class HaltMarket(msgspec.Struct, frozen=True, array_like=True, tag="halt_market", gc=False):
    """Take no more orders in a market; with ``cancel_orders`` the open ones end, too."""

    market: int
    cancel_orders: bool = False


class ResumeMarket(msgspec.Struct, frozen=True, array_like=True, tag="resume_market", gc=False):
    """Take orders in a halted market again."""

    market: int


class Deposit(msgspec.Struct, frozen=True, array_like=True, tag="deposit", gc=False):
    """A deposit arrived on chain."""

    account: bytes
    token: bytes
    amount: int


class ReverseDeposit(msgspec.Struct, frozen=True, array_like=True, tag="reverse_deposit", gc=False):
    """A deposit vanished from the chain in a reorganisation."""

    account: bytes
    token: bytes
    amount: int


class RequestWithdrawal(
    msgspec.Struct, frozen=True, array_like=True, tag="request_withdrawal", gc=False
):
    """Set ``amount`` aside for a withdrawal, to be co-signed; ``deadline`` in unix seconds."""

    account: bytes
    token: bytes
    amount: int
    to: bytes
    nonce: int
    deadline: int
    signature: bytes = b""


class WithdrawalDone(msgspec.Struct, frozen=True, array_like=True, tag="withdrawal_done", gc=False):
    """The contract paid a withdrawal; earlier nonces of the account can no longer be paid."""

    account: bytes
    nonce: int


class WithdrawalExpired(
    msgspec.Struct, frozen=True, array_like=True, tag="withdrawal_expired", gc=False
):
    """The deadline of a withdrawal passed on chain without it."""

    account: bytes
    nonce: int


class ExitRequested(msgspec.Struct, frozen=True, array_like=True, tag="exit_requested", gc=False):
    """An account announced on chain to take all of ``token``."""

    account: bytes
    token: bytes


class ExitCancelled(msgspec.Struct, frozen=True, array_like=True, tag="exit_cancelled", gc=False):
    """An account took the announcement back."""

    account: bytes
    token: bytes


class Exited(msgspec.Struct, frozen=True, array_like=True, tag="exited", gc=False):
    """An account took its whole balance of ``token``, ``amount``, out of the contract."""

    account: bytes
    token: bytes
    amount: int


class ChainCancel(msgspec.Struct, frozen=True, array_like=True, tag="chain_cancel", gc=False):
    """An account cancelled on chain all orders of ``lane`` up to ``sequence``."""

    account: bytes
    lane: int
    sequence: int


class BatchSettled(msgspec.Struct, frozen=True, array_like=True, tag="batch_settled", gc=False):
    """Batch ``number`` settled the ``fill_count`` open fills of ``market`` within these ids."""

    number: int
    market: int
    first_fill: int
    last_fill: int
    fill_count: int


class BustFill(msgspec.Struct, frozen=True, array_like=True, tag="bust_fill", gc=False):
    """Undo a fill that can never settle; what lost its cover by that is for further ones."""

    fill_id: int


class SetFeeRecipient(
    msgspec.Struct, frozen=True, array_like=True, tag="set_fee_recipient", gc=False
):
    """Fees of fills that settle from now on are of ``account``."""

    account: bytes


class Clock(msgspec.Struct, frozen=True, array_like=True, tag="clock", gc=False):
    """Time passes, and orders whose time is over leave their books."""


Command = (
    PlaceOrder
    | CancelOrder
    | CancelClient
    | CancelMarket
    | CancelAll
    | ListMarket
    | HaltMarket
    | ResumeMarket
    | Deposit
    | ReverseDeposit
    | RequestWithdrawal
    | WithdrawalDone
    | WithdrawalExpired
    | ExitRequested
    | ExitCancelled
    | Exited
    | ChainCancel
    | BatchSettled
    | BustFill
    | SetFeeRecipient
    | Clock
)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)


def encode(command: Command) -> bytes:
    """Return ``command`` as the log keeps it: always the same bytes for equal commands."""
    return _encoder.encode(command)


def decode(entry: bytes) -> Command:
    """Return the command in ``entry``.

    Raises:
        ExchangeError: ``entry_malformed``, where it holds no command.

    """
    try:
        return _decoder.decode(entry)
    except (msgspec.MsgspecError, RecursionError) as error:
        message = f"Expected an entry that holds a command, was otherwise: {error}"
        raise ExchangeError("entry_malformed", message) from error
