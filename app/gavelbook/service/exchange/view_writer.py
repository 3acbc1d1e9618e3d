"""Writes the views: follows the log and keeps what readers ask for in SQLite tables."""

from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING

import msgspec

from gavelbook.exchange.commands import PlaceOrder, RequestWithdrawal
from gavelbook.exchange.reports import (
    AccountExited,
    BalanceCredited,
    BalanceReversed,
    FillBusted,
    Filled,
    FillsSettled,
    OrderDone,
    OrderRested,
    WithdrawalEnded,
)
from gavelbook.service.exchange.candles import CandleWriter
from gavelbook.service.exchange.many_rows import execute_rows
from gavelbook.service.exchange.view_queries import Views
from gavelbook.service.exchange.view_tables import hash_key, open_views, remove_views, unusable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import Any

    from gavelbook.exchange.reports import DoneReason
    from gavelbook.service.exchange.entries import Applied

_encode = msgspec.msgpack.Encoder().encode
# MessagePack has no integers above 2**64 - 1.
_encode_large = msgspec.json.Encoder().encode

_INSERT_ORDERS = "INSERT INTO orders {rows}"
_ORDER_WIDTH = 12
_UPDATE_ORDERS = (
    "UPDATE orders SET remaining_lots = column2, done_reason = column3, done_position = column4, "
    "done_time_ms = column5 FROM ({rows}) WHERE position = column1"
)
_UPDATE_WIDTH = 5
_INSERT_FILLS = "INSERT INTO fills {rows}"
_FILL_WIDTH = 18
_SETTLE = (
    "UPDATE fills SET batch = ? WHERE market = ? AND fill_id BETWEEN ? AND ? "
    "AND batch = 0 AND busted = 0"
)


class _OrderRow:
    """What may change of an order, and whether it is in the table yet."""

    __slots__ = (
        "done_position",
        "done_reason",
        "done_time_ms",
        "leaves_at_ms",
        "position",
        "remaining_lots",
    )

    def __init__(self, position: int, remaining_lots: int) -> None:
        self.position = position
        self.remaining_lots = remaining_lots
        self.leaves_at_ms = 0
        self.done_reason: DoneReason | None = None
        self.done_position = 0
        self.done_time_ms = 0


class ViewWriter:
    """The views in the file ``path``, as a `Projection`; ``views`` is for readers.

    Raises:
        ViewError: ``views_unusable``.

    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._moved = threading.Condition()
        self._wanted = 0
        self._takers: dict[type, Callable[[Any, int, int], None]] = {
            Filled: self._take_filled,
            OrderRested: self._take_rested,
            OrderDone: self._take_done,
            FillBusted: self._take_busted,
            FillsSettled: self._take_settled,
            BalanceCredited: self._take_credited,
            BalanceReversed: self._take_reversed,
            WithdrawalEnded: self._take_withdrawn,
            AccountExited: self._take_exited,
        }
        self._database = open_views(path)
        self._load()
        self.views = Views(path, self)

    @property
    def position(self) -> int:
        """The log position up to which everything is kept."""
        return self._position

    @property
    def head(self) -> bytes:
        """The head of the log at `position`; empty at 0."""
        return self._head

    def wait_for(self, position: int, timeout: float) -> bool:
        """Wait until `position` is reached, at most ``timeout`` seconds; return whether it is."""
        with self._moved:
            if position > self._wanted:
                self._wanted = position
                self._moved.notify_all()
            return self._moved.wait_for(lambda: self._position >= position, timeout)

    def rest(self, seconds: float) -> None:
        """Wait ``seconds``, or until somebody waits for what is not here yet."""
        with self._moved:
            self._moved.wait_for(lambda: self._wanted > self._position, seconds)

    def follow(self, applied: Sequence[Applied], head: bytes) -> None:
        """Take what was committed, up to where the log's head is ``head``.

        Raises:
            ViewError: ``views_unusable``; nothing of it was kept.

        """
        for entry in applied:
            self._take(entry)
        position = applied[-1].position
        try:
            self._write(position, head)
        except sqlite3.Error as error:
            raise unusable(self._path, error) from error
        with self._moved:
            self._position, self._head = position, head
            self._moved.notify_all()

    def reset(self) -> None:
        """Forget everything, to begin anew.

        Raises:
            ViewError: ``views_unusable``.

        """
        self.views.close()
        self._database.close()
        remove_views(self._path)
        self._database = open_views(self._path)
        self._load()

    def first_answer(self, order_hash: bytes) -> Applied | None:
        """Return what was answered when the order with this hash was placed."""
        return self.views.first_answer(order_hash)

    def close(self) -> None:
        """Close the file."""
        self.views.close()
        self._database.close()

    def _load(self) -> None:
        """Begin where the tables are."""
        self._orders: list[tuple[_OrderRow, int, PlaceOrder]] = []
        self._changed: dict[int, _OrderRow] = {}
        self._fills: list[tuple[Any, ...]] = []
        self._later: list[tuple[str, tuple[Any, ...]]] = []
        self._candles = CandleWriter(self._database)
        try:
            query = "SELECT position, head FROM progress"
            self._position, self._head = self._database.execute(query).fetchone()
            query = (
                "SELECT order_hash, position, remaining_lots FROM orders WHERE done_reason IS NULL"
            )
            self._open = {
                order_hash: _OrderRow(position, int(remaining_lots))
                for order_hash, position, remaining_lots in self._database.execute(query)
            }
            query = "SELECT coalesce(max(number), 0) FROM movements"
            (self._movements,) = self._database.execute(query).fetchone()
        except sqlite3.Error as error:
            raise unusable(self._path, error) from error

    def _take(self, entry: Applied) -> None:
        position, time_ms, command, reports, _ = entry
        if type(command) is PlaceOrder:
            row = _OrderRow(position, command.order.lots)
            self._open[command.order_hash] = row
            self._orders.append((row, time_ms, command))
        elif type(command) is RequestWithdrawal:
            values = (command.account, str(command.nonce), command.deadline, _encode_large(command))
            self._later.append(
                (
                    "INSERT INTO withdrawals VALUES (?, ?, ?, ?, ?, ?, NULL)",
                    (position, time_ms, *values),
                )
            )
        for report in reports:
            take = self._takers.get(type(report))
            if take is not None:
                take(report, position, time_ms)

    def _take_filled(self, fill: Filled, position: int, time_ms: int) -> None:
        maker, taker = self._open[fill.maker_hash], self._open[fill.taker_hash]
        maker.remaining_lots -= fill.lots
        taker.remaining_lots -= fill.lots
        self._changed[maker.position] = maker
        self._fills.append(
            (
                fill.fill_id,
                position,
                time_ms,
                fill.market,
                maker.position,
                taker.position,
                fill.maker_hash,
                fill.taker_hash,
                fill.maker,
                fill.taker,
                str(fill.lots),
                str(fill.ticks),
                int(fill.taker_side),
                str(fill.quote),
                str(fill.maker_fee),
                str(fill.taker_fee),
                0,
                0,
            )
        )
        self._candles.add(fill)

    def _take_rested(self, report: OrderRested, _position: int, _time_ms: int) -> None:
        self._open[report.order_hash].leaves_at_ms = report.leaves_at_ms

    def _take_done(self, report: OrderDone, position: int, time_ms: int) -> None:
        row = self._open.pop(report.order_hash)
        row.remaining_lots = report.lots
        row.done_reason = report.reason
        row.done_position, row.done_time_ms = position, time_ms
        self._changed[row.position] = row

    def _take_busted(self, report: FillBusted, _position: int, _time_ms: int) -> None:
        self._later.append(
            ("UPDATE fills SET busted = 1 WHERE fill_id = ?", (report.fill.fill_id,))
        )
        self._candles.undo(report.fill)

    def _take_settled(self, report: FillsSettled, _position: int, _time_ms: int) -> None:
        values = (report.number, report.market, report.first_fill, report.last_fill)
        self._later.append((_SETTLE, values))

    def _take_credited(self, report: BalanceCredited, position: int, time_ms: int) -> None:
        self._move(position, time_ms, report.account, report.token, "deposit", report.amount)

    def _take_reversed(self, report: BalanceReversed, position: int, time_ms: int) -> None:
        kind = "deposit_reversed"
        self._move(position, time_ms, report.account, report.token, kind, -report.amount)

    def _take_withdrawn(self, report: WithdrawalEnded, position: int, time_ms: int) -> None:
        self._later.append(
            (
                "UPDATE withdrawals SET paid = ? WHERE account = ? AND nonce = ?",
                (int(report.paid), report.account, str(report.nonce)),
            )
        )
        if report.paid:
            kind = "withdrawal"
            self._move(position, time_ms, report.account, report.token, kind, -report.amount)

    def _take_exited(self, report: AccountExited, position: int, time_ms: int) -> None:
        self._move(position, time_ms, report.account, report.token, "exit", -report.amount)

    def _move(  # noqa: PLR0913, PLR0917 -- the columns of the table
        self, position: int, time_ms: int, account: bytes, token: bytes, kind: str, amount: int
    ) -> None:
        self._movements += 1
        values = (self._movements, position, time_ms, account, token, kind, str(amount))
        self._later.append(("INSERT INTO movements VALUES (?, ?, ?, ?, ?, ?, ?)", values))

    def _write(self, position: int, head: bytes) -> None:
        """Write what was taken, and how far it goes, in one transaction."""
        database = self._database
        database.execute("BEGIN IMMEDIATE")
        for row, _, _ in self._orders:
            self._changed.pop(row.position, None)
        execute_rows(database, _INSERT_ORDERS, map(_new_order, self._orders), _ORDER_WIDTH)
        changed = map(_changed_order, self._changed.values())
        execute_rows(database, _UPDATE_ORDERS, changed, _UPDATE_WIDTH)
        execute_rows(database, _INSERT_FILLS, self._fills, _FILL_WIDTH)
        for statement, values in self._later:
            database.execute(statement, values)
        self._candles.write()
        database.execute("UPDATE progress SET position = ?, head = ?", (position, head))
        database.execute("COMMIT")
        for taken in (self._orders, self._changed, self._fills, self._later):
            taken.clear()


def _new_order(taken: tuple[_OrderRow, int, PlaceOrder]) -> tuple[Any, ...]:
    row, time_ms, command = taken
    return (
        row.position,
        time_ms,
        hash_key(command.order_hash),
        command.order_hash,
        command.order.market,
        command.order.maker,
        _encode(command),
        row.leaves_at_ms,
        str(row.remaining_lots),
        row.done_reason,
        row.done_position,
        row.done_time_ms,
    )


def _changed_order(row: _OrderRow) -> tuple[Any, ...]:
    return (
        row.position,
        str(row.remaining_lots),
        row.done_reason,
        row.done_position,
        row.done_time_ms,
    )
