"""What happened to an account's money, newest first: from events of the chain and own fills."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from gavelbook.chain.exchange_events import ExchangeEvent, ExchangeEventKind
from gavelbook.chain.sale_events import EventKind, SaleEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from gavelbook.auction import SaleTerms
    from gavelbook.chain.account_logs import AccountEvent, Transfer
    from gavelbook.service.portfolio_reader import ListedMarket, PortfolioReader
    from gavelbook.service.sale_view import Token
    from gavelbook.wire.orders import FillPage, FillView

_PAGE = 500
_MILLISECONDS = 1_000


class Happening(StrEnum):
    """What happened."""

    DEPOSIT = "deposit"
    ETHER_RETURNED = "ether returned"
    WITHDRAWAL = "withdrawal"
    EXIT_REQUESTED = "exit requested"
    EXIT_CANCELLED = "exit cancelled"
    EXIT = "exit"
    LANE_CANCELLED = "lane cancelled"
    BID = "bid"
    BID_CANCELLED = "bid cancelled"
    TOKENS_CLAIMED = "tokens claimed"
    REFUND_CLAIMED = "refund claimed"
    RECEIVED = "received"
    SENT = "sent"
    BOUGHT = "bought"
    SOLD = "sold"


class Settlement(StrEnum):
    """How final it is."""

    ON_CHAIN = "on chain"
    MATCHED = "matched"
    SUBMITTED = "submitted"
    UNDONE = "undone"


_FILL_STATES = {
    "MATCHED": Settlement.MATCHED,
    "SUBMITTED": Settlement.SUBMITTED,
    "SETTLED": Settlement.ON_CHAIN,
    "BUSTED": Settlement.UNDONE,
}


@dataclass(frozen=True, slots=True)
class Sum:
    """An amount of a token in base units."""

    token: Token
    units: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened; ``time`` in Unix seconds.

    ``amount`` is what moved: what was received in a trade, before the fee. ``paid`` is what a trade
    gave for it.
    """

    time: int
    what: Happening
    place: str
    amount: Sum | None = None
    paid: Sum | None = None
    fee: Sum | None = None
    other: str = ""
    """The address that paid in or sent, or that was paid; empty for a trade."""
    note: str = ""
    state: Settlement = Settlement.ON_CHAIN
    transaction: str = ""
    block: int = 0
    """0 for a trade: its block is that of the transaction, where there is one."""
    order: tuple[int, int] = (0, 0)
    """Decides among entries of one second."""


@dataclass(frozen=True, slots=True)
class History:
    """The newest entries; ``complete`` where there are no older ones."""

    entries: tuple[Entry, ...]
    complete: bool


def read_history(
    reader: PortfolioReader,
    address: str,
    fills: Callable[[int | None, int], FillPage] | None,
    count: int | None = None,
) -> History:
    """Return the newest ``count`` entries of the account, or all.

    Args:
        reader: where the chain is read.
        address: the account.
        fills: reads a page of the account's fills: those before a number (None: the newest), at
            most so many; None leaves fills out.
        count: how many entries.

    Raises:
        ChainError: the chain cannot be read.
        GavelbookError: what ``fills`` raises.

    """
    # First, so that there is no transfer of a deposit or claim without its event.
    transfers = reader.transfers(address)
    events = reader.events(address)
    moved = _not_told(transfers, events)
    reader.clock.learn(each.event.block for each in events)
    reader.clock.learn(each.block for each in moved)
    names = reader.place_names()
    told = [_entry(reader, each, names) for each in events]
    told += [_transfer(reader, each, address, names) for each in moved]
    trades, all_trades = _trades(reader, fills, count) if fills is not None else ([], True)
    entries = sorted([*told, *trades], key=lambda entry: (entry.time, entry.order), reverse=True)
    shown = entries if count is None else entries[:count]
    return History(tuple(shown), all_trades and len(shown) == len(entries))


def _trades(
    reader: PortfolioReader, fills: Callable[[int | None, int], FillPage], count: int | None
) -> tuple[list[Entry], bool]:
    """Return the newest ``count`` trades, and whether these are all."""
    found: list[FillView] = []
    before: int | None = None
    while count is None or len(found) < count:
        page = fills(before, _PAGE)
        found += page.fills
        if page.next is None:
            before = None
            break
        before = int(page.next)
    markets = {market.number: market for market in reader.markets()}
    return [_trade(fill, markets[int(fill.market)]) for fill in found], before is None


def _trade(fill: FillView, market: ListedMarket) -> Entry:
    bought = fill.side == "buy"
    goods = Sum(market.base, int(fill.lots) * market.lot_size)
    money = Sum(market.quote, int(fill.quote))
    return Entry(
        time=int(fill.time) // _MILLISECONDS,
        what=Happening.BOUGHT if bought else Happening.SOLD,
        place=market.name,
        amount=goods if bought else money,
        paid=money if bought else goods,
        fee=Sum(market.quote, int(fill.fee)),
        note=f"fill {int(fill.fill_id)}, {fill.role}",
        state=_FILL_STATES[fill.state],
        transaction="" if fill.transaction_hash is None else fill.transaction_hash.text(),
        order=(1, int(fill.fill_id)),
    )


def _not_told(transfers: Iterable[Transfer], events: Iterable[AccountEvent]) -> list[Transfer]:
    """Leave out what sales and exchange tell of themselves: bids, deposits, claims and so on."""
    told = {(each.contract, each.event.transaction) for each in events}
    return [
        each
        for each in transfers
        if not {(each.sender, each.transaction), (each.receiver, each.transaction)} & told
    ]


def _transfer(
    reader: PortfolioReader, found: Transfer, address: str, names: Mapping[str, str]
) -> Entry:
    sent = found.sender.lower() == address.lower()
    other = found.receiver if sent else found.sender
    return Entry(
        time=reader.clock.time_of(found.block),
        what=Happening.SENT if sent else Happening.RECEIVED,
        place=names.get(other, "Wallet"),
        amount=Sum(reader.token(found.token), found.units),
        other=other,
        transaction=found.transaction,
        block=found.block,
        order=(found.block, found.log_index),
    )


def _entry(reader: PortfolioReader, found: AccountEvent, names: Mapping[str, str]) -> Entry:
    event = found.event
    place = names.get(found.contract, found.contract)
    if isinstance(event, SaleEvent):
        what, amount, other, note = _of_sale(reader, found.contract, event)
    else:
        what, amount, other, note = _of_exchange(reader, event)
    return Entry(
        time=reader.clock.time_of(event.block),
        what=what,
        place=place,
        amount=amount,
        other=other,
        note=note,
        transaction=event.transaction,
        block=event.block,
        order=(event.block, event.log_index),
    )


_Told = tuple[Happening, Sum | None, str, str]


def _of_sale(reader: PortfolioReader, address: str, event: SaleEvent) -> _Told:
    _, terms = reader.sale(address)
    values = event.values
    if event.kind in {EventKind.BID_PLACED, EventKind.BID_CANCELLED}:
        lots, tick = int(values["lots"]), int(values["tick"])
        money = Sum(reader.token(str(terms.payment_token)), _escrow(terms, lots, tick))
        what = Happening.BID if event.kind is EventKind.BID_PLACED else Happening.BID_CANCELLED
        return what, money, "", f"{lots} lots at tick {tick}"
    units, to = int(values["amount"]), str(values["to"])
    if event.kind is EventKind.TOKENS_CLAIMED:
        sold = Sum(reader.token(str(terms.sale_token)), units)
        return Happening.TOKENS_CLAIMED, sold, to, ""
    return (
        Happening.REFUND_CLAIMED,
        Sum(reader.token(str(terms.payment_token)), units),
        to,
        "",
    )


def _escrow(terms: SaleTerms, lots: int, tick: int) -> int:
    return lots * terms.auction.price(tick)


_MONEY = {
    ExchangeEventKind.DEPOSITED: (Happening.DEPOSIT, "payer"),
    ExchangeEventKind.WITHDRAWN: (Happening.WITHDRAWAL, "to"),
    ExchangeEventKind.EXITED: (Happening.EXIT, "to"),
}


def _of_exchange(reader: PortfolioReader, event: ExchangeEvent) -> _Told:
    values, kind = event.values, event.kind
    if kind in _MONEY:
        what, other = _MONEY[kind]
        token = reader.token(str(values["token"]))
        return what, Sum(token, event.integer("amount")), str(values[other]), ""
    if kind is ExchangeEventKind.ETHER_SWEPT:
        return Happening.ETHER_RETURNED, None, "", f"{event.integer('amount')} wei"
    if kind is ExchangeEventKind.CANCEL_REQUESTED:
        lane, sequence = event.integer("lane"), event.integer("sequence")
        note = f"lane {lane} up to {sequence}, void from {utc(event.integer('cancel_at'))}"
        return Happening.LANE_CANCELLED, None, "", note
    token = reader.token(str(values["token"]))
    asked = kind is ExchangeEventKind.EXIT_REQUESTED
    what = Happening.EXIT_REQUESTED if asked else Happening.EXIT_CANCELLED
    return what, Sum(token, 0), "", f"due {utc(event.integer('exit_at'))}" if asked else ""


def utc(time: int) -> str:
    """Return Unix seconds as `2030-01-07T12:00:00Z`."""
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%dT%H:%M:%SZ}"


def of_transaction(entries: Iterable[Entry], transaction: str) -> tuple[Entry, ...]:
    """Return the entries of one transaction."""
    wanted = transaction.lower()
    return tuple(entry for entry in entries if entry.transaction.lower() == wanted)
