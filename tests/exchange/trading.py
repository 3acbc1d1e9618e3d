"""An engine with markets and funded traders, and short ways to command it."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from gavelbook.exchange import commands
from gavelbook.exchange.engine import Engine, EngineTerms
from gavelbook.exchange.errors import ExchangeError
from gavelbook.exchange.markets import Market
from gavelbook.exchange.orders import Order, Side, TimeInForce
from gavelbook.exchange.reports import Filled, OrderDone, Report


def address(name: str) -> bytes:
    """Return 20 bytes that stand for ``name``."""
    return hashlib.sha256(name.encode()).digest()[:20]


BUY, SELL = Side.BUY, Side.SELL
GAVEL, USD, EURO = address("gavel"), address("usd"), address("euro")
MAKER, TAKER, TRADER = address("maker"), address("taker"), address("trader")
FEE_RECIPIENT = address("fee recipient")
TRADERS = (MAKER, TAKER, TRADER)
TOKENS = (GAVEL, USD, EURO)
WINDOW_S = 100
START_MS = 1_000_000
EXPIRY = 10_000
"""In seconds, far beyond what the tests' clocks reach."""

MARKET = Market(1, GAVEL, USD, lot_size=7, tick_value=1_003, taker_fee_bps=20, maker_fee_bps=10)
EURO_MARKET = Market(2, GAVEL, EURO, lot_size=3, tick_value=501, taker_fee_bps=0, maker_fee_bps=30)
RICH = 10**12


class Trading:
    """An engine, its log of accepted commands, and what it reported."""

    def __init__(self, *, funds: int = RICH, **terms: Any) -> None:
        self.terms = EngineTerms(FEE_RECIPIENT, settlement_window=WINDOW_S, **terms)
        self.engine = Engine(self.terms)
        self.time_ms = START_MS
        self.log: list[tuple[int, int, commands.Command]] = []
        self.reports: list[Report] = []
        self.sequences: dict[tuple[bytes, int], int] = {}
        self.hashes = 0
        self.apply(commands.ListMarket(MARKET))
        self.apply(commands.ListMarket(EURO_MARKET))
        if funds:
            for trader in TRADERS:
                for token in TOKENS:
                    self.apply(commands.Deposit(trader, token, funds))

    def apply(self, command: commands.Command) -> list[Report]:
        """Apply a command at the next position; one that is refused must leave no trace."""
        before = self.engine.state_hash()
        position = self.engine.position + 1
        try:
            reports = self.engine.apply(position, self.time_ms, command)
        except ExchangeError:
            assert self.engine.state_hash() == before
            raise
        self.log.append((position, self.time_ms, command))
        self.reports += reports
        return reports

    def refusal(self, command: commands.Command) -> ExchangeError:
        """Apply a command that is refused, and return why."""
        with pytest.raises(ExchangeError) as error:
            self.apply(command)
        return error.value

    def order(
        self,
        maker: bytes,
        side: Side,
        lots: int,
        ticks: int,
        *,
        market: int = 1,
        lane: int | None = None,
        sequence: int | None = None,
        expiry: int = EXPIRY,
        max_fee_bps: int = 100,
        **instructions: Any,
    ) -> commands.PlaceOrder:
        """Return the command for an order, in a lane of its own unless one is given."""
        self.hashes += 1
        lane = self.hashes if lane is None else lane
        if sequence is None:
            sequence = self.sequences.get((maker, lane), 0) + 1
            self.sequences[maker, lane] = sequence
        signed = Order(market, maker, side, lots, ticks, lane, sequence, expiry, max_fee_bps)
        order_hash = self.hashes.to_bytes(32, "big")
        return commands.PlaceOrder(signed, order_hash, b"s" * 65, **instructions)

    def place(self, maker: bytes, side: Side, lots: int, ticks: int, **rest: Any) -> bytes:
        """Place an order and return its hash."""
        command = self.order(maker, side, lots, ticks, **rest)
        self.apply(command)
        return command.order_hash

    def buy(self, trader: bytes, lots: int, ticks: int, **rest: Any) -> bytes:
        """Place an order to buy and return its hash."""
        return self.place(trader, BUY, lots, ticks, **rest)

    def sell(self, trader: bytes, lots: int, ticks: int, **rest: Any) -> bytes:
        """Place an order to sell and return its hash."""
        return self.place(trader, SELL, lots, ticks, **rest)

    def pass_ms(self, milliseconds: int) -> list[Report]:
        """Let time pass and tell the engine."""
        self.time_ms += milliseconds
        return self.apply(commands.Clock())

    def fills(self) -> list[tuple[bytes, bytes, int, int]]:
        """Return all fills so far as maker's hash, taker's hash, lots and ticks."""
        return [
            (each.maker_hash, each.taker_hash, each.lots, each.ticks)
            for each in self.reports
            if isinstance(each, Filled)
        ]

    def ends(self) -> dict[bytes, tuple[str, int]]:
        """Return reason and lots left of each order that is over."""
        return {
            each.order_hash: (each.reason.value, each.lots)
            for each in self.reports
            if isinstance(each, OrderDone)
        }

    def available(self, account: bytes, token: bytes) -> int:
        """Return what an account may trade with."""
        return self.engine.balance(account, token).available

    def reserved(self, account: bytes, token: bytes) -> int:
        """Return what the open orders of an account hold."""
        return self.engine.balance(account, token).reserved

    def depth(self, side: Side, market: int = 1) -> list[tuple[int, int, int]]:
        """Return a side of a book as ticks, lots and number of orders, best first."""
        return [tuple(level) for level in self.engine.depth(market, side, 1_000_000)]

    def replayed(self) -> tuple[Engine, list[Report]]:
        """Return a new engine that went through the log, and its reports."""
        engine, reports = Engine(self.terms), []
        for position, time_ms, command in self.log:
            entry = commands.decode(commands.encode(command))
            reports += engine.apply(position, time_ms, entry)
        return engine, reports


def market_buy(trading: Trading, trader: bytes, lots: int, ticks: int) -> bytes:
    """Buy at once what there is up to ``ticks``."""
    return trading.buy(trader, lots, ticks, time_in_force=TimeInForce.IOC)
