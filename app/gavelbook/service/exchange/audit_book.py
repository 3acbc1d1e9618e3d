"""A second, plain book that judges every fill: was it the best price's oldest order?

It shares nothing with the engine's book but the reports, and looks for the best order the slow way.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from gavelbook.chain.audit_difference import AuditDifference
from gavelbook.exchange.commands import PlaceOrder
from gavelbook.exchange.orders import Side
from gavelbook.exchange.reports import Filled, OrderDone, OrderRested

if TYPE_CHECKING:
    from gavelbook.exchange.commands import Command
    from gavelbook.exchange.reports import Report

_Resting = dict[bytes, int]
"""The lots of the orders at one price, oldest first."""


class AuditBook:
    """Follows commands and reports, and refuses a fill that passes a better or older order over."""

    def __init__(self) -> None:
        self._sides: dict[tuple[int, Side], dict[int, _Resting]] = defaultdict(dict)
        self._places: dict[bytes, tuple[int, Side, int]] = {}
        self._arrivals: dict[bytes, int] = {}

    def follow(self, position: int, command: Command, reports: list[Report]) -> None:
        """Take what ``command`` at ``position`` led to.

        Raises:
            AuditDifference: ``priority_violated`` or ``limit_violated``.

        """
        for report in reports:
            if isinstance(report, Filled):
                self._judge(report, command, position)
                self._fill(report)
            elif isinstance(report, OrderRested):
                prices = self._sides[report.market, Side(report.side)]
                prices.setdefault(report.ticks, {})[report.order_hash] = report.lots
                self._places[report.order_hash] = (
                    report.market,
                    Side(report.side),
                    report.ticks,
                )
                self._arrivals[report.order_hash] = position
            elif isinstance(report, OrderDone):
                self._remove(report.order_hash)

    def arrival(self, order_hash: bytes) -> int | None:
        """Return the log position of a resting order."""
        return self._arrivals.get(order_hash)

    def _judge(self, fill: Filled, command: Command, position: int) -> None:
        taker_side = Side(fill.taker_side)
        maker_side = Side.BUY if taker_side is Side.SELL else Side.SELL
        prices = self._sides[fill.market, maker_side]
        if not prices:
            raise _passed_over(fill, position, "a resting order", "none")
        best = min(prices) if maker_side is Side.SELL else max(prices)
        oldest = next(iter(prices[best]))
        if (fill.ticks, fill.maker_hash) != (best, oldest):
            expected = f"order 0x{oldest.hex()} at {best} ticks"
            raise _passed_over(
                fill, position, expected, f"0x{fill.maker_hash.hex()} at {fill.ticks}"
            )
        if fill.lots > prices[best][oldest]:
            raise _passed_over(
                fill, position, f"at most {prices[best][oldest]} lots", str(fill.lots)
            )
        if isinstance(command, PlaceOrder) and command.order_hash == fill.taker_hash:
            limit = command.order.ticks
            beyond = fill.ticks > limit if taker_side is Side.BUY else fill.ticks < limit
            if beyond:
                message = (
                    f"Expected fill {fill.fill_id} within the limit of {limit} ticks, "
                    f"was at {fill.ticks}"
                )
                raise AuditDifference("limit_violated", message, position=position)

    def _fill(self, fill: Filled) -> None:
        market, side, ticks = self._places[fill.maker_hash]
        orders = self._sides[market, side][ticks]
        orders[fill.maker_hash] -= fill.lots
        if not orders[fill.maker_hash]:
            self._remove(fill.maker_hash)

    def _remove(self, order_hash: bytes) -> None:
        place = self._places.pop(order_hash, None)
        self._arrivals.pop(order_hash, None)
        if place is None:
            return
        market, side, ticks = place
        orders = self._sides[market, side][ticks]
        del orders[order_hash]
        if not orders:
            del self._sides[market, side][ticks]


def _passed_over(fill: Filled, position: int, expected: str, was: str) -> AuditDifference:
    message = (
        f"Expected fill {fill.fill_id} at position {position} to be with {expected}, was {was}"
    )
    return AuditDifference("priority_violated", message, position=position, fill_id=fill.fill_id)
