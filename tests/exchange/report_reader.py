"""What a reader of the reports knows, and nobody told it but they."""

from __future__ import annotations

from collections import Counter

from gavelbook.exchange.orders import Side
from gavelbook.exchange.reports import (
    AccountExited,
    BalanceCredited,
    BalanceReversed,
    FillBusted,
    Filled,
    FillsSettled,
    OrderAccepted,
    OrderDone,
    OrderRested,
    Report,
    WithdrawalAccepted,
    WithdrawalEnded,
)
from tests.exchange.trading import EURO_MARKET, FEE_RECIPIENT, MARKET

MARKETS = {MARKET.id: MARKET, EURO_MARKET.id: EURO_MARKET}


class ReportReader:
    """What a reader of the reports knows: who owns what, what is open, what has not settled."""

    def __init__(self) -> None:
        self.owned: Counter[tuple[bytes, bytes]] = Counter()
        self.held: Counter[bytes] = Counter()
        self.withdrawing: Counter[tuple[bytes, bytes]] = Counter()
        self.unsettled: dict[int, Filled] = {}
        self.open: dict[bytes, OrderRested] = {}
        self.lots: dict[bytes, int] = {}
        self.over: set[bytes] = set()
        self.fills = 0
        self.accepted: set[bytes] = set()

    def read(self, report: Report) -> None:  # noqa: C901 - one case per kind of report
        match report:
            case OrderAccepted():
                assert report.order_hash not in self.accepted
                self.accepted.add(report.order_hash)
            case OrderRested():
                assert report.order_hash not in self.over
                self.open[report.order_hash] = report
                self.lots[report.order_hash] = report.lots
            case OrderDone():
                assert report.order_hash not in self.over
                assert report.rested == (report.order_hash in self.open)
                if report.rested:
                    assert report.lots == self.lots[report.order_hash]
                    del self.open[report.order_hash]
                self.over.add(report.order_hash)
            case Filled():
                self.fills += 1
                assert report.fill_id == self.fills
                self.unsettled[report.fill_id] = report
                self.lots[report.maker_hash] -= report.lots
                self.trade(report, 1)
            case FillBusted():
                self.trade(self.unsettled.pop(report.fill.fill_id), -1)
            case FillsSettled():
                self.settle(report)
            case BalanceCredited():
                self.move(report.account, report.token, report.amount)
            case BalanceReversed() | AccountExited():
                self.move(report.account, report.token, -report.amount)
            case WithdrawalAccepted():
                self.withdrawing[report.account, report.token] += report.amount
            case WithdrawalEnded():
                self.withdrawing[report.account, report.token] -= report.amount
                if report.paid:
                    self.move(report.account, report.token, -report.amount)

    def move(self, account: bytes, token: bytes, amount: int) -> None:
        self.owned[account, token] += amount
        self.held[token] += amount

    def trade(self, fill: Filled, sign: int) -> None:
        market = MARKETS[fill.market]
        base = fill.lots * market.lot_size
        assert fill.quote == fill.lots * fill.ticks * market.tick_value
        for account, fee, buys in (
            (fill.maker, fill.maker_fee, fill.taker_side is Side.SELL),
            (fill.taker, fill.taker_fee, fill.taker_side is Side.BUY),
        ):
            self.owned[account, market.base_token] += sign * (base if buys else -base)
            quote = -fill.quote - fee if buys else fill.quote - fee
            self.owned[account, market.quote_token] += sign * quote

    def settle(self, report: FillsSettled) -> None:
        ids = [
            each.fill_id
            for each in self.unsettled.values()
            if each.market == report.market
            and report.first_fill <= each.fill_id <= report.last_fill
        ]
        fills = [self.unsettled.pop(each) for each in ids]
        assert len(fills) == report.fill_count
        assert sum(each.maker_fee + each.taker_fee for each in fills) == report.fees
        self.owned[FEE_RECIPIENT, MARKETS[report.market].quote_token] += report.fees

    def unsettled_in(self, account: bytes, token: bytes) -> int:
        total = 0
        for fill in self.unsettled.values():
            market = MARKETS[fill.market]
            maker_buys = fill.taker_side is Side.SELL
            buyer, seller = (fill.maker, fill.taker) if maker_buys else (fill.taker, fill.maker)
            fee = fill.taker_fee if maker_buys else fill.maker_fee
            if (buyer, market.base_token) == (account, token):
                total += fill.lots * market.lot_size
            if (seller, market.quote_token) == (account, token):
                total += fill.quote - fee
        return total

    def pending_fees(self, token: bytes) -> int:
        return sum(
            each.maker_fee + each.taker_fee
            for each in self.unsettled.values()
            if MARKETS[each.market].quote_token == token
        )

    def reserved(self, account: bytes, token: bytes) -> int:
        total = 0
        for order_hash, order in self.open.items():
            market, lots = MARKETS[order.market], self.lots[order_hash]
            if order.account != account:
                continue
            if order.side is Side.SELL:
                total += lots * market.lot_size * (market.base_token == token)
            elif market.quote_token == token:
                quote = lots * order.ticks * market.tick_value
                total += quote + quote * market.maker_fee_bps // 10_000
        return total
