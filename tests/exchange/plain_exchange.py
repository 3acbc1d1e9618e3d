"""The rules of trading once more, as plainly as they can be said: lists, sorting, no speed.

Written from the rules and not from the engine, so that the two agree only where both are right.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gavelbook.exchange.orders import SelfTradePrevention, Side, TimeInForce

if TYPE_CHECKING:
    from gavelbook.exchange.commands import PlaceOrder
    from gavelbook.exchange.markets import Market


@dataclass
class PlainOrder:
    """An open order; ``arrival`` orders them in time."""

    arrival: int
    command: PlaceOrder
    left: int

    @property
    def owner(self) -> bytes:
        return self.command.order.maker

    @property
    def lane(self) -> tuple[bytes, int]:
        return self.owner, self.command.order.lane


@dataclass
class PlainExchange:
    """Open orders, and what each account owns in total, reserved or not."""

    markets: dict[int, Market]
    owned: dict[tuple[bytes, bytes], int] = field(default_factory=dict)
    open: list[PlainOrder] = field(default_factory=list)
    lanes: dict[tuple[bytes, int], int] = field(default_factory=dict)
    fees: dict[bytes, int] = field(default_factory=dict)
    trades: list[tuple[bytes, bytes, int, int]] = field(default_factory=list)
    arrivals: int = 0

    def refusals(self, command: PlaceOrder) -> set[str]:
        """Return every reason for which the order must be refused."""
        order, market, found = command.order, self.markets[command.order.market], set()
        kept = [each for each in self.open if each.lane != (order.maker, order.lane)]
        if order.sequence <= self.lanes.get((order.maker, order.lane), 0):
            found.add("sequence_passed")
        if command.client_id and any(
            each.command.client_id == command.client_id and each.owner == order.maker
            for each in kept
        ):
            found.add("duplicate_client_id")
        may_take, may_make = not command.post_only, not self.at_once(command)
        fee = max(market.taker_fee_bps * may_take, market.maker_fee_bps * may_make)
        if order.max_fee_bps < fee:
            found.add("fee_above_order")
        if command.post_only and self.crossing(command, kept):
            found.add("post_only_would_cross")
        if order.side is Side.SELL:
            needs, token = order.lots * market.lot_size, market.base_token
        else:
            quote = order.lots * order.ticks * market.tick_value
            needs, token = quote + quote * fee // 10_000, market.quote_token
        if needs > self.free(order.maker, token, kept):
            found.add("insufficient_balance")
        return found

    def place(self, command: PlaceOrder) -> None:
        """Take an order that is not refused."""
        order = command.order
        lane = order.maker, order.lane
        self.lanes[lane] = order.sequence
        self.open = [each for each in self.open if each.lane != lane]
        self.arrivals += 1
        incoming = PlainOrder(self.arrivals, command, order.lots)
        if command.time_in_force is TimeInForce.FOK and not self.fills_whole(incoming):
            return
        while incoming.left and (makers := self.crossing(command, self.open)):
            maker = makers[0]
            if maker.owner == incoming.owner:
                if command.self_trade_prevention is not SelfTradePrevention.CANCEL_NEWEST:
                    self.open.remove(maker)
                if command.self_trade_prevention is not SelfTradePrevention.CANCEL_OLDEST:
                    return
            else:
                self.trade(maker, incoming)
        if incoming.left and not self.at_once(command):
            self.open.append(incoming)

    def crossing(self, command: PlaceOrder, among: list[PlainOrder]) -> list[PlainOrder]:
        """Return the orders of ``among`` that ``command`` could meet, first in line first."""
        order = command.order
        sign = -1 if order.side is Side.SELL else 1
        met = [
            each
            for each in among
            if each.command.order.market == order.market
            and each.command.order.side != order.side
            and sign * each.command.order.ticks <= sign * order.ticks
        ]
        return sorted(met, key=lambda each: (sign * each.command.order.ticks, each.arrival))

    def fills_whole(self, incoming: PlainOrder) -> bool:
        """Return whether all of an order would trade."""
        lots = 0
        for maker in self.crossing(incoming.command, self.open):
            if maker.owner != incoming.owner:
                lots += maker.left
            elif incoming.command.self_trade_prevention is not SelfTradePrevention.CANCEL_OLDEST:
                break
            if lots >= incoming.left:
                return True
        return False

    def trade(self, maker: PlainOrder, taker: PlainOrder) -> None:
        """Exchange what both want at the maker's price."""
        market = self.markets[maker.command.order.market]
        lots, ticks = min(maker.left, taker.left), maker.command.order.ticks
        quote, base = lots * ticks * market.tick_value, lots * market.lot_size
        self.trades.append((maker.command.order_hash, taker.command.order_hash, lots, ticks))
        for order, fee_bps in ((maker, market.maker_fee_bps), (taker, market.taker_fee_bps)):
            fee = quote * fee_bps // 10_000
            buys = order.command.order.side is Side.BUY
            self.add(order.owner, market.base_token, base if buys else -base)
            self.add(order.owner, market.quote_token, -fee - quote if buys else quote - fee)
            self.fees[market.quote_token] = self.fees.get(market.quote_token, 0) + fee
            order.left -= lots
        self.open = [each for each in self.open if each.left]

    def add(self, account: bytes, token: bytes, amount: int) -> None:
        """Change what an account owns."""
        self.owned[account, token] = self.owned.get((account, token), 0) + amount

    def reserved(self, account: bytes, token: bytes, among: list[PlainOrder] | None = None) -> int:
        """Return what open orders of an account need of a token."""
        total = 0
        for each in self.open if among is None else among:
            order = each.command.order
            market = self.markets[order.market]
            if order.maker == account and order.side is Side.SELL:
                total += each.left * market.lot_size * (market.base_token == token)
            elif order.maker == account:
                quote = each.left * order.ticks * market.tick_value
                fee = quote * market.maker_fee_bps // 10_000
                total += (quote + fee) * (market.quote_token == token)
        return total

    def free(self, account: bytes, token: bytes, among: list[PlainOrder] | None = None) -> int:
        """Return what an account may still use."""
        return self.owned.get((account, token), 0) - self.reserved(account, token, among)

    @staticmethod
    def at_once(command: PlaceOrder) -> bool:
        """Return whether nothing of an order may rest."""
        return command.time_in_force in {TimeInForce.IOC, TimeInForce.FOK}
