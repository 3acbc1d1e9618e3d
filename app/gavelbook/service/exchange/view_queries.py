"""Reading the views: orders, fills, trades, candles, withdrawals and movements of the past.

Everything is kept up to `Views.position` of the log, a moment behind what is durable. Pages are
newest first; ``before`` is exclusive, the last key of the page before.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from gavelbook.exchange.commands import PlaceOrder, RequestWithdrawal
from gavelbook.exchange.orders import Order, SelfTradePrevention, Side, TimeInForce
from gavelbook.exchange.reports import DoneReason, Filled, OrderAccepted, OrderDone, OrderRested
from gavelbook.service.exchange.candles import INTERVALS_MS, Candle, candle_of
from gavelbook.service.exchange.entries import Applied
from gavelbook.service.exchange.readers import Readers
from gavelbook.service.exchange.view_tables import hash_key, unusable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


_decode_order = msgspec.msgpack.Decoder(PlaceOrder).decode
# MessagePack has no integers above 2**64 - 1.
_decode_withdrawal = msgspec.json.Decoder(RequestWithdrawal).decode
Row = tuple[Any, ...]

_NO_LIMIT = 2**63 - 1
_CHUNK = 1_000
_ORDERS = (
    "SELECT position, time_ms, order_hash, command, remaining_lots, done_reason, done_position, "
    "done_time_ms FROM orders"
)
_FILLS = (
    "SELECT fill_id, position, time_ms, market, maker_hash, taker_hash, maker, taker, lots, ticks, "
    "taker_side, quote, maker_fee, taker_fee, batch, busted FROM fills"
)
_WITHDRAWALS = "SELECT position, time_ms, command, paid FROM withdrawals"


class OrderRecord(msgspec.Struct, frozen=True):
    """An accepted order, and how it fared. ``done_*`` are None and 0 while it is open.

    ``remaining_lots`` are what rests in the book, or was left when the order ended.
    """

    position: int
    time_ms: int
    order: Order
    order_hash: bytes
    signature: bytes
    time_in_force: TimeInForce
    good_till: int
    post_only: bool
    self_trade_prevention: SelfTradePrevention
    client_id: str
    remaining_lots: int
    settled_lots: int
    done_reason: DoneReason | None
    done_position: int
    done_time_ms: int


class FillRecord(msgspec.Struct, frozen=True):
    """A fill, where it is in the log, and how far it is: ``batch`` 0 until it is settled."""

    fill: Filled
    position: int
    batch: int
    busted: bool


class WithdrawalRecord(msgspec.Struct, frozen=True):
    """A withdrawal; ``paid`` is None while it is pending, False once it has expired."""

    position: int
    time_ms: int
    account: bytes
    token: bytes
    amount: int
    to: bytes
    nonce: int
    deadline: int
    signature: bytes
    paid: bool | None


class Movement(msgspec.Struct, frozen=True):
    """A change of what an account has in escrow other than by trading; ``amount`` is signed.

    ``kind`` is deposit, deposit_reversed, withdrawal or exit.
    """

    number: int
    position: int
    time_ms: int
    token: bytes
    kind: str
    amount: int


class Progress(Protocol):
    """How far the views are."""

    @property
    def position(self) -> int:
        """The log position up to which everything is in the tables."""

    def wait_for(self, position: int, timeout: float) -> bool:
        """Wait until `position` is reached, at most ``timeout`` seconds; return whether it is."""


class Views:
    """All queries; safe to call from any thread.

    Raises:
        ViewError: ``views_unusable``, from any query.

    """

    def __init__(self, path: Path, progress: Progress) -> None:
        self._path = path
        self._progress = progress
        self._readers = Readers(path)

    @property
    def position(self) -> int:
        """The log position up to which everything is here."""
        return self._progress.position

    def wait_for(self, position: int, timeout: float) -> bool:
        """Wait until `position` is reached, at most ``timeout`` seconds; return whether it is."""
        return self._progress.wait_for(position, timeout)

    def order(self, order_hash: bytes) -> OrderRecord | None:
        """Return the order with this hash."""
        rows = self._query(
            f"{_ORDERS} WHERE hash_key = ? AND order_hash = ?", hash_key(order_hash), order_hash
        )
        return self._order(rows[0]) if rows else None

    def orders(
        self,
        account: bytes,
        *,
        market: int | None = None,
        open_only: bool = False,
        before: int | None = None,
        limit: int = 100,
    ) -> list[OrderRecord]:
        """Return orders of ``account``; ``before`` is a log position."""
        condition = "maker = ?"
        if open_only:
            condition += " AND done_reason IS NULL"
        values = [account]
        rows = self._page(_ORDERS, "position", condition, values, market, before, limit)
        return [self._order(row) for row in rows]

    def fills(
        self,
        account: bytes,
        *,
        market: int | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[FillRecord]:
        """Return fills in which ``account`` took part; ``before`` is a fill id."""
        sides = [
            self._page(_FILLS, "fill_id", f"{side} = ?", [account], market, before, limit)
            for side in ("maker", "taker")
        ]
        by_id = {row[0]: row for side in sides for row in side}
        return [_fill(by_id[fill_id]) for fill_id in sorted(by_id, reverse=True)[:limit]]

    def fills_of_order(self, order_hash: bytes) -> list[FillRecord]:
        """Return all fills of one order, oldest first."""
        query = "SELECT position FROM orders WHERE hash_key = ? AND order_hash = ?"
        rows = self._query(query, hash_key(order_hash), order_hash)
        return [_fill(row) for row in self._fills_of(rows[0][0])] if rows else []

    def trades(
        self, market: int, *, before: int | None = None, limit: int = 100
    ) -> list[FillRecord]:
        """Return the fills of ``market``; ``before`` is a fill id."""
        rows = self._page(_FILLS, "fill_id", "TRUE", [], market, before, limit)
        return [_fill(row) for row in rows]

    def fill(self, fill_id: int) -> FillRecord | None:
        """Return one fill."""
        rows = self._query(f"{_FILLS} WHERE fill_id = ?", fill_id)
        return _fill(rows[0]) if rows else None

    def open_fills(self, after: int = 0, limit: int | None = None) -> Iterator[FillRecord]:
        """Yield fills above the id ``after`` that are neither settled nor busted, oldest first."""
        left = _NO_LIMIT if limit is None else limit
        # Left to itself SQLite would walk through all fills there ever were.
        query = (
            f"{_FILLS} INDEXED BY open_fills "
            "WHERE batch = 0 AND busted = 0 AND fill_id > ? ORDER BY fill_id LIMIT ?"
        )
        while left > 0:
            rows = self._query(query, after, min(left, _CHUNK))
            yield from map(_fill, rows)
            left -= len(rows)
            if len(rows) < _CHUNK:
                return
            after = rows[-1][0]

    def candles(
        self, market: int, interval: str, *, before: int | None = None, limit: int = 100
    ) -> list[Candle]:
        """Return candles of ``interval``, a key of `INTERVALS_MS`, that start before ``before``."""
        query = (
            "SELECT start_ms, open, high, low, close, lots, quote, trades FROM candles "
            "WHERE market = ? AND length_ms = ? AND start_ms < ? ORDER BY start_ms DESC LIMIT ?"
        )
        highest = _NO_LIMIT if before is None else before
        rows = self._query(query, market, INTERVALS_MS[interval], highest, limit)
        return [candle_of(row) for row in rows]

    def withdrawal(self, account: bytes, nonce: int) -> WithdrawalRecord | None:
        """Return the withdrawal of ``account`` with ``nonce``."""
        query = f"{_WITHDRAWALS} WHERE account = ? AND nonce = ?"
        rows = self._query(query, account, str(nonce))
        return _withdrawal(rows[0]) if rows else None

    def withdrawals(
        self, account: bytes, *, before: int | None = None, limit: int = 100
    ) -> list[WithdrawalRecord]:
        """Return withdrawals of ``account``; ``before`` is a log position."""
        rows = self._page(_WITHDRAWALS, "position", "account = ?", [account], None, before, limit)
        return [_withdrawal(row) for row in rows]

    def pending_withdrawals(self, before: int) -> list[WithdrawalRecord]:
        """Return pending withdrawals whose deadline (unix seconds) is below ``before``."""
        query = (
            f"{_WITHDRAWALS} INDEXED BY pending_withdrawals "
            "WHERE paid IS NULL AND deadline < ? ORDER BY position"
        )
        return [_withdrawal(row) for row in self._query(query, before)]

    def withdrawal_deadline(self, account: bytes, nonce: int) -> int | None:
        """Return the deadline of a withdrawal, paid or not; None where it is not known."""
        found = self.withdrawal(account, nonce)
        return None if found is None else found.deadline

    def movements(
        self, account: bytes, *, before: int | None = None, limit: int = 100
    ) -> list[Movement]:
        """Return deposits, withdrawals and exits of ``account``; ``before`` is a number."""
        columns = "SELECT number, position, time_ms, token, kind, amount FROM movements"
        rows = self._page(columns, "number", "account = ?", [account], None, before, limit)
        return [
            Movement(number, position, time_ms, token, kind, int(amount))
            for number, position, time_ms, token, kind, amount in rows
        ]

    def first_answer(self, order_hash: bytes) -> Applied | None:
        """Return what was answered when the order with this hash was placed.

        Of what happened to other orders then, their fills alone are told.
        """
        rows = self._query(
            "SELECT position, time_ms, command, leaves_at_ms, done_reason, done_position "
            "FROM orders WHERE hash_key = ? AND order_hash = ?",
            hash_key(order_hash),
            order_hash,
        )
        if not rows:
            return None
        position, time_ms, content, leaves_at_ms, done_reason, done_position = rows[0]
        command = _decode_order(content)
        order = command.order
        query = f"{_FILLS} WHERE taker_order = ? ORDER BY fill_id"
        fills = [_fill(row).fill for row in self._query(query, position)]
        left = order.lots - sum(fill.lots for fill in fills)
        about = (order_hash, order.maker, order.market, order.side, left, order.ticks)
        outcome = (
            OrderDone(*about, rested=False, reason=DoneReason(done_reason))
            if done_position == position
            else OrderRested(*about, leaves_at_ms=leaves_at_ms)
        )
        accepted = OrderAccepted(order_hash, order.maker, order.market, command.client_id)
        return Applied(position, time_ms, command, [accepted, *fills, outcome])

    def close(self) -> None:
        """Close the file."""
        self._readers.close()

    def _order(self, row: Row) -> OrderRecord:
        position, time_ms, order_hash, content, remaining_lots, reason, *done = row
        command = _decode_order(content)
        fills = self._fills_of(position) if int(remaining_lots) != command.order.lots else []
        settled = (
            record.fill.lots for record in map(_fill, fills) if record.batch and not record.busted
        )
        return OrderRecord(
            position,
            time_ms,
            command.order,
            order_hash,
            command.signature,
            command.time_in_force,
            command.good_till,
            command.post_only,
            command.self_trade_prevention,
            command.client_id,
            int(remaining_lots),
            sum(settled),
            None if reason is None else DoneReason(reason),
            *done,
        )

    def _fills_of(self, position: int) -> list[Row]:
        """Return the fills of the order at ``position``, oldest first."""
        query = f"{_FILLS} WHERE maker_order = ? UNION {_FILLS} WHERE taker_order = ? ORDER BY 1"
        return self._query(query, position, position)

    def _page(  # noqa: PLR0913, PLR0917 -- a query has so many parts
        self,
        columns: str,
        key: str,
        condition: str,
        values: list[Any],
        market: int | None,
        before: int | None,
        limit: int,
    ) -> list[Row]:
        """Return rows of the newest keys below ``before``."""
        if market is not None:
            condition += " AND market = ?"
            values.append(market)
        values += [_NO_LIMIT if before is None else before, limit]
        query = f"{columns} WHERE {condition} AND {key} < ? ORDER BY {key} DESC LIMIT ?"
        return self._query(query, *values)

    def _query(self, query: str, *values: Any) -> list[Row]:
        try:
            return self._readers.query(query, values)
        except sqlite3.Error as error:
            raise unusable(self._path, error) from error


def _fill(row: Row) -> FillRecord:
    fill_id, position, time_ms, market, maker_hash, taker_hash, maker, taker = row[:8]
    lots, ticks, taker_side, quote, maker_fee, taker_fee, batch, busted = row[8:]
    fill = Filled(
        fill_id,
        market,
        maker_hash,
        taker_hash,
        maker,
        taker,
        int(lots),
        int(ticks),
        Side(taker_side),
        int(quote),
        int(maker_fee),
        int(taker_fee),
        time_ms,
    )
    return FillRecord(fill, position, batch, bool(busted))


def _withdrawal(row: Row) -> WithdrawalRecord:
    position, time_ms, content, paid = row
    command = _decode_withdrawal(content)
    return WithdrawalRecord(
        position,
        time_ms,
        command.account,
        command.token,
        command.amount,
        command.to,
        command.nonce,
        command.deadline,
        command.signature,
        None if paid is None else bool(paid),
    )
