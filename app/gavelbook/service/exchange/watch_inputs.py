"""What an event of the exchange contract means for the engine, and what its disappearance means.

Some things are not undone when a reorganisation takes their event back, because it will come again
or because holding on to them is the safe side: a settled batch (the same batch is sent again), a
withdrawal (it stays signed until its deadline), a market (halted meanwhile), a cancelled lane. For
these the memory says what was applied, so that they are not applied twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from gavelbook.chain.exchange_events import ExchangeEvent, ExchangeEventKind
from gavelbook.exchange import commands
from gavelbook.exchange.commands import Command
from gavelbook.exchange.markets import Market

if TYPE_CHECKING:
    from collections.abc import Callable

Kind = ExchangeEventKind

CHAIN_COMMANDS = (
    commands.ListMarket,
    commands.Deposit,
    commands.ReverseDeposit,
    commands.WithdrawalDone,
    commands.ExitRequested,
    commands.ExitCancelled,
    commands.Exited,
    commands.ChainCancel,
    commands.BatchSettled,
    commands.SetFeeRecipient,
)
"""The commands that nothing but an event leads to, so that each in the log is of one event.

The others may be refused, as when a trader has cancelled an order that loses its approval."""

_GONE = "gone"
_PAID = "paid"


class LandedBatch(NamedTuple):
    """A batch was settled; which fills that are, the batches' own store knows."""

    number: int
    content_hash: bytes


class Contradiction(NamedTuple):
    """The chain took something back and then did otherwise than what the engine has applied."""

    what: str


Input = Command | LandedBatch | Contradiction


class Memory(Protocol):
    """What was applied of that which is not undone, by a name of ours."""

    def recall(self, name: str) -> str | None:
        """Return what is remembered under ``name``."""

    def remember(self, name: str, value: str) -> None:
        """Remember ``value`` under ``name``."""

    def fee_recipient(self) -> bytes | None:
        """Return the account that the fees go to by the events read."""


def withdrawal_name(event: ExchangeEvent) -> str:
    """Return the name under which the withdrawal of ``event`` is remembered."""
    account, token = (each.hex() for each in _holding(event))
    return f"withdrawal {account} {token} {event.integer('amount')} {event.integer('nonce')}"


def vanished_withdrawal(name: str, value: str) -> tuple[bytes, bytes, int, int] | None:
    """Return account, token, amount and nonce of a withdrawal that the chain took back."""
    kind, *fields = name.split(" ")
    if kind != "withdrawal" or value != _GONE:
        return None
    account, token, amount, nonce = fields
    return bytes.fromhex(account), bytes.fromhex(token), int(amount), int(nonce)


def _holding(event: ExchangeEvent) -> tuple[bytes, bytes]:
    return event.account("account"), event.account("token")


def _withdrawn(event: ExchangeEvent, memory: Memory) -> list[Input]:
    name = withdrawal_name(event)
    again = memory.recall(name) is not None
    memory.remember(name, _PAID)
    done = commands.WithdrawalDone(event.account("account"), event.integer("nonce"))
    return [] if again else [done]


def _cancelled(event: ExchangeEvent, memory: Memory) -> list[Input]:
    account = event.account("account")
    lane, sequence = event.integer("lane"), event.integer("sequence")
    name = f"cancel {account.hex()} {lane} {sequence}"
    again = memory.recall(name) is not None
    memory.remember(name, "")
    return [] if again else [commands.ChainCancel(account, lane, sequence)]


def _settled(event: ExchangeEvent, memory: Memory) -> list[Input]:
    number, content_hash = event.integer("number"), event.hash("content_hash")
    name = f"batch {number}"
    before = memory.recall(name)
    memory.remember(name, content_hash.hex())
    if before is None:
        return [LandedBatch(number, content_hash)]
    if before == content_hash.hex():
        return []
    return [Contradiction(f"batch {number} settled with another content after a reorganisation")]


def _listed(event: ExchangeEvent, memory: Memory) -> list[Input]:
    market = Market(
        id=event.integer("id"),
        base_token=event.account("base"),
        quote_token=event.account("quote"),
        lot_size=event.integer("lot_size"),
        tick_value=event.integer("tick_value"),
        taker_fee_bps=event.integer("taker_fee_bps"),
        maker_fee_bps=event.integer("maker_fee_bps"),
    )
    listing = commands.ListMarket(market)
    name, terms = f"market {market.id}", commands.encode(listing).decode()
    before = memory.recall(name)
    memory.remember(name, terms)
    if before is None:
        return [listing]
    if before == terms:
        return [commands.ResumeMarket(market.id)]
    return [Contradiction(f"market {market.id} listed otherwise after a reorganisation")]


def _deposited(event: ExchangeEvent, _: Memory) -> list[Input]:
    return [commands.Deposit(*_holding(event), event.integer("amount"))]


def _undeposited(event: ExchangeEvent, _: Memory) -> list[Input]:
    return [commands.ReverseDeposit(*_holding(event), event.integer("amount"))]


def _exit_asked(event: ExchangeEvent, _: Memory) -> list[Input]:
    return [commands.ExitRequested(*_holding(event))]


def _exit_cancelled(event: ExchangeEvent, _: Memory) -> list[Input]:
    return [commands.ExitCancelled(*_holding(event))]


def _exited(event: ExchangeEvent, _: Memory) -> list[Input]:
    return [commands.Exited(*_holding(event), event.integer("amount"))]


def _unexited(event: ExchangeEvent, memory: Memory) -> list[Input]:
    back = _deposited(event, memory) if event.integer("amount") else []
    return [*back, *_exit_asked(event, memory)]


def _recipient_changed(event: ExchangeEvent, _: Memory) -> list[Input]:
    return [commands.SetFeeRecipient(event.account("recipient"))]


def _recipient_unchanged(_: ExchangeEvent, memory: Memory) -> list[Input]:
    before = memory.fee_recipient()
    return [] if before is None else [commands.SetFeeRecipient(before)]


def _unwithdrawn(event: ExchangeEvent, memory: Memory) -> list[Input]:
    memory.remember(withdrawal_name(event), _GONE)
    return []


def _revoked(event: ExchangeEvent, _: Memory) -> list[Input]:
    return [commands.CancelOrder(event.account("account"), event.hash("order_hash"))]


def _unlisted(event: ExchangeEvent, _: Memory) -> list[Input]:
    return [commands.HaltMarket(event.integer("id"))]


def _nothing(_: ExchangeEvent, __: Memory) -> list[Input]:
    return []


class _Meaning(NamedTuple):
    """What the coming and the going of an event ask of the engine."""

    come: Callable[[ExchangeEvent, Memory], list[Input]]
    gone: Callable[[ExchangeEvent, Memory], list[Input]] = _nothing


_MEANINGS = {
    Kind.DEPOSITED: _Meaning(_deposited, _undeposited),
    Kind.WITHDRAWN: _Meaning(_withdrawn, _unwithdrawn),
    Kind.EXIT_REQUESTED: _Meaning(_exit_asked, _exit_cancelled),
    Kind.EXIT_CANCELLED: _Meaning(_exit_cancelled, _exit_asked),
    Kind.EXITED: _Meaning(_exited, _unexited),
    Kind.BATCH_SETTLED: _Meaning(_settled),
    Kind.CANCEL_REQUESTED: _Meaning(_cancelled),
    Kind.APPROVAL_REVOKED: _Meaning(_revoked),
    Kind.MARKET_LISTED: _Meaning(_listed, _unlisted),
    Kind.FEE_RECIPIENT_CHANGED: _Meaning(_recipient_changed, _recipient_unchanged),
}

WATCHED = frozenset(_MEANINGS)
"""The events that the engine has to know about."""


def inputs_of(event: ExchangeEvent, memory: Memory) -> list[Input]:
    """Return what the watched ``event`` asks of the engine, in order."""
    return _MEANINGS[event.kind].come(event, memory)


def inputs_undoing(event: ExchangeEvent, memory: Memory) -> list[Input]:
    """Return what the disappearance of ``event`` asks of the engine; ``memory`` is without it."""
    return _MEANINGS[event.kind].gone(event, memory)
