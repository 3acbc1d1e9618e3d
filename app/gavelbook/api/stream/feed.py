"""Turns what the engine reports into the channels of the stream."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Literal, get_args

from msgspec.structs import replace

from gavelbook.api.errors import RequestError
from gavelbook.api.settlements import Carrier
from gavelbook.api.stream.books import BookCopy
from gavelbook.api.stream.candles import OpenCandles, candle_view
from gavelbook.api.stream.channel import Channel
from gavelbook.api.stream.private import AccountChanges, accounts_of
from gavelbook.api.views import trade_of
from gavelbook.errors import shown
from gavelbook.exchange.orders import Side
from gavelbook.exchange.reports import (
    FillBusted,
    Filled,
    FillsSettled,
    MarketListed,
    OrderDone,
    OrderRested,
)
from gavelbook.wire.markets import BookSnapshot, Interval
from gavelbook.wire.scalars import Hash32, Uint16, Uint64
from gavelbook.wire.stream import Candles, Settlement, Trades

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from gavelbook.api.settlements import Settlements
    from gavelbook.exchange.engine import Engine
    from gavelbook.exchange.markets import Market
    from gavelbook.exchange.reports import Report
    from gavelbook.service.exchange.candles import Candle
    from gavelbook.service.exchange.entries import Applied
    from gavelbook.wire.markets import TradeView
    from gavelbook.wire.orders import FillState
    from gavelbook.wire.stream import AccountUpdate

    Reading = Callable[[], AbstractContextManager[Engine]]

ACCOUNT = "account"
LEVELS = 1_000
"""How deep the snapshots of the channels `book` are."""
_ALL_LEVELS = 2**31
_MOST_ACCOUNTS = 10_000
RECENT_TRADES = 100


class _MarketFeed:
    """The channels of one market, and what they say."""

    def __init__(self, market: int, position: int, kept: int) -> None:
        self.book = BookCopy()
        self.candles = OpenCandles()
        self.recent: deque[TradeView] = deque(maxlen=RECENT_TRADES)
        self._trades: list[TradeView] = []
        self._settlements: list[Settlement] = []
        self._book_moved = False
        self.candles_wrong = False
        """Whether they have a trade in them that was undone."""
        self._book = Channel(f"book.{market}", position, kept, lambda: self.book.best(LEVELS))
        self._trade = Channel(f"trades.{market}", position, kept, self._recent)
        self._candles = {
            interval: Channel(
                f"candles.{market}.{interval}",
                position,
                kept,
                lambda interval=interval: self._newest(interval),  # type: ignore[misc]
            )
            for interval in get_args(Interval)
        }
        every = (self._book, self._trade, *self._candles.values())
        self.channels = {channel.name: channel for channel in every}

    def add(self, report: OrderRested | OrderDone | Filled) -> None:
        """Follow one report about this market."""
        self._book_moved |= self.book.apply(report)
        if isinstance(report, Filled):
            self.candles.add(report)
            self._trades.append(trade_of(report))
            self.recent.append(self._trades[-1])

    def add_busted(self, fill: Filled) -> None:
        """Tell that a trade was undone; candles are right again after `mend_candles`."""
        self._trades.append(trade_of(fill, "BUSTED"))
        self._set_state(fill.fill_id, fill.fill_id, "BUSTED")
        self.candles_wrong = True

    def add_settlement(self, settlement: Settlement) -> None:
        """Tell that a range of trades has a new state."""
        self._settlements.append(settlement)
        self._set_state(settlement.first_fill, settlement.last_fill, settlement.state)

    def mend_candles(self, newest: Mapping[Interval, Candle]) -> None:
        """Put ``newest`` in the place of what was told."""
        for interval, candle in newest.items():
            self.candles.mend(interval, candle)
        self.candles_wrong = False

    def publish(self, seq: int) -> None:
        """Send what has come together."""
        if self._book_moved:
            self._book.publish(seq, self.book.changes())
            self._book_moved = False
        if self._trades or self._settlements:
            self._trade.publish(seq, Trades(self._trades, self._settlements))
            self._trades, self._settlements = [], []
        for interval, channel in self._candles.items():
            if changed := self.candles.changes(interval):
                channel.publish(seq, Candles(changed))

    def _recent(self) -> Trades:
        return Trades(list(self.recent))

    def _set_state(self, first: int, last: int, state: FillState) -> None:
        for place, trade in enumerate(self.recent):
            if first <= trade.fill_id <= last and trade.state != "BUSTED":
                self.recent[place] = replace(trade, state=state)

    def _newest(self, interval: Interval) -> Candles:
        newest = self.candles.newest(interval)
        return Candles([candle_view(newest)] if newest else [])


class Feed:
    """All channels. Not thread-safe: belongs to the event loop."""

    def __init__(self, reading: Reading, settlements: Settlements, kept: int) -> None:
        """Begin with the books as they stand; keep ``kept`` deltas a channel.

        ``reading`` is the sequencer's: it holds the engine still.
        """
        self._reading = reading
        self._settlements = settlements
        self._submitted = settlements.last_number()
        self._kept = kept
        self.position = 0
        self._tokens: dict[int, tuple[bytes, bytes]] = {}
        self._markets: dict[int, _MarketFeed] = {}
        self._touched: dict[int, _MarketFeed] = {}
        self._accounts: OrderedDict[bytes, tuple[Channel, AccountChanges]] = OrderedDict()
        self._touched_accounts: dict[bytes, None] = {}
        with reading() as engine:
            self.position = engine.position
            for market in engine.markets():
                feed = self._open(market)
                for side in Side:
                    levels = engine.depth(market.id, side, _ALL_LEVELS)
                    feed.book.load(side, ((level.ticks, level.lots) for level in levels))

    def load(
        self, market: int, trades: Iterable[TradeView], candles: Mapping[Interval, Candle]
    ) -> None:
        """Add what was traded before the start: the latest ``trades``, oldest first."""
        feed = self._market(market)
        feed.recent.extend(trades)
        for interval, candle in candles.items():
            feed.candles.load(interval, candle)

    def follow(self, commit: Sequence[Applied]) -> None:
        """Publish what one commit brought."""
        for applied in commit:
            # What the books began with is not told again.
            if applied.position > self.position:
                for report in applied.reports:
                    self._add(report, applied.position)
                self.position = applied.position
        self._publish()

    def look_for_batches(self) -> None:
        """Publish which fills were sent to the chain since the last look; no log has that.

        A batch counts once its transaction is known.
        """
        while (batch := self._settlements.batch(self._submitted + 1)) is not None:
            if batch.transaction_hash is None:
                break
            self._submitted += 1
            if batch.market in self._markets:
                self._add_settlement(_settlement(batch, "SUBMITTED"))
        self._publish()

    def mend_candles(self, position: int, read: Callable[[int], Mapping[Interval, Candle]]) -> None:
        """Publish anew candles of which a trade was undone.

        ``read`` gives the newest ones of a market as of ``position``; later is another time.
        """
        for market, feed in self._markets.items():
            if feed.candles_wrong and position == self.position:
                feed.mend_candles(read(market))
                self._touch(market)
        self._publish()

    def channel(self, name: str, account: bytes | None) -> Channel:
        """Return the channel ``name``, for a connection signed in as ``account``.

        Raises:
            RequestError: ``session_required`` or ``unknown_channel``.
        """
        if name == ACCOUNT:
            if account is None:
                message = "Expected to be signed in for the channel account, was not"
                raise RequestError("session_required", message)
            return self._account(account)
        market = name.split(".")[1] if "." in name else ""
        if market.isdecimal() and market.isascii() and len(market) <= len("65535"):
            feed = self._markets.get(int(market))
            if feed is not None and name in feed.channels:
                return feed.channels[name]
        text = f"Expected a channel of a market, or account, was {shown(name)}"
        raise RequestError("unknown_channel", text, value=name)

    def knows(self, market: int) -> bool:
        """Return whether a market is listed."""
        return market in self._markets

    def book(self, market: int, depth: int) -> BookSnapshot:
        """Return the best levels of a book.

        Raises:
            RequestError: ``unknown_market``.
        """
        best = self._market(market).book.best(depth)
        return BookSnapshot(Uint16(market), Uint64(self.position), best.bids, best.asks)

    def newest_candle(self, market: int, interval: Interval) -> Candle | None:
        """Return the newest candle, with what the views may not have seen yet."""
        return self._market(market).candles.newest(interval)

    def _market(self, market: int) -> _MarketFeed:
        feed = self._markets.get(market)
        if feed is None:
            message = f"Expected a market that is listed, was {market}"
            raise RequestError("unknown_market", message, market=market)
        return feed

    def _open(self, market: Market) -> _MarketFeed:
        feed = self._markets[market.id] = _MarketFeed(market.id, self.position, self._kept)
        self._tokens[market.id] = (market.base_token, market.quote_token)
        return feed

    def _account(self, account: bytes) -> Channel:
        found = self._accounts.get(account)
        if found is None:
            changes = AccountChanges(account, self._tokens)
            channel = Channel(
                ACCOUNT, self.position, self._kept, lambda: self._account_snapshot(changes)
            )
            found = self._accounts[account] = (channel, changes)
            self._forget_accounts()
        self._accounts.move_to_end(account)
        return found[0]

    def _account_snapshot(self, changes: AccountChanges) -> AccountUpdate:
        with self._reading() as engine:
            return changes.snapshot(engine)

    def _forget_accounts(self) -> None:
        """Drop the channels of those who left long ago."""
        if len(self._accounts) > _MOST_ACCOUNTS:
            for account, (channel, _) in list(self._accounts.items())[: _MOST_ACCOUNTS // 10]:
                if not channel.has_listeners and account not in self._touched_accounts:
                    del self._accounts[account]

    def _add(self, report: Report, position: int) -> None:
        if isinstance(report, (OrderRested, OrderDone, Filled)):
            self._touch(report.market).add(report)
        elif isinstance(report, FillBusted):
            self._touch(report.fill.market).add_busted(report.fill)
        elif isinstance(report, MarketListed):
            self._open(report.market)
        elif isinstance(report, FillsSettled):
            # What has settled is not told to be on its way afterwards.
            self._submitted = max(self._submitted, report.number)
            batch = self._settlements.batch(report.number)
            sent = None if batch is None else batch.transaction_hash
            carrier = Carrier(
                report.number, report.market, report.first_fill, report.last_fill, sent
            )
            self._add_settlement(_settlement(carrier, "SETTLED"))
        if self._accounts:
            for account in accounts_of(report):
                if account in self._accounts:
                    self._accounts[account][1].add(report, position)
                    self._touched_accounts[account] = None

    def _add_settlement(self, settlement: Settlement) -> None:
        self._touch(settlement.market).add_settlement(settlement)
        for account, (_, changes) in self._accounts.items():
            changes.add_settlement(settlement)
            self._touched_accounts[account] = None

    def _touch(self, market: int) -> _MarketFeed:
        feed = self._touched[market] = self._markets[market]
        return feed

    def _publish(self) -> None:
        for market in self._touched.values():
            market.publish(self.position)
        self._touched.clear()
        if self._touched_accounts:
            accounts = [self._accounts[account] for account in self._touched_accounts]
            self._touched_accounts.clear()
            with self._reading() as engine:
                updates = [(channel, changes.take(engine)) for channel, changes in accounts]
            for channel, update in updates:
                channel.publish(self.position, update)


def _settlement(batch: Carrier, state: Literal["SUBMITTED", "SETTLED"]) -> Settlement:
    return Settlement(
        Uint16(batch.market),
        Uint64(batch.first_fill),
        Uint64(batch.last_fill),
        state,
        Uint64(batch.number),
        Hash32(batch.transaction_hash) if batch.transaction_hash else None,
    )
