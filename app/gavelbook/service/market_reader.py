"""Reads markets and accounts from the API and the chain, once for all who look at them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from gavelbook.chain.exchange import Exchange
from gavelbook.chain.token import Token as TokenContract
from gavelbook.service.account_view import AccountView, Holding, OwnFill, OwnOrder
from gavelbook.service.market_view import (
    Board,
    Book,
    Candle,
    MarketTerms,
    Trade,
    day_of,
    levels,
)
from gavelbook.service.recent_reads import RecentReads
from gavelbook.service.sale_view import Token
from gavelbook.wire.scalars import Address

if TYPE_CHECKING:
    from web3 import Web3

    from gavelbook.service.acting import Actor
    from gavelbook.service.market_api import MarketApi
    from gavelbook.service.market_view import Day
    from gavelbook.wire.accounts import BalanceList
    from gavelbook.wire.markets import CandleView, MarketView, Status, TradeView
    from gavelbook.wire.orders import FillView, OrderView

_BOARD_SECONDS, _ACCOUNT_SECONDS, _SLOW_SECONDS = 0.8, 1.5, 4.0
_KEPT = 128
_LEVELS, _TRADES, _CANDLES, _OWN = 60, 40, 120, 100


class MarketReader:
    """What the exchange and the chain say, as of a moment ago. Safe to share between threads.

    All methods raise `ApiError`, `NetworkError` and `AnswerError` where the exchange cannot be
    asked, and `ChainError` where the chain cannot.
    """

    def __init__(self, api: MarketApi, web3: Web3) -> None:
        self._api = api
        self._web3 = web3
        self._boards = RecentReads(_BOARD_SECONDS, _KEPT)
        self._accounts = RecentReads(_ACCOUNT_SECONDS, _KEPT)
        self._slow = RecentReads(_SLOW_SECONDS, _KEPT)
        self._tokens: dict[bytes, Token] = {}
        self._contract: str | None = None

    def status(self) -> Status:
        """Return what a signer has to know."""
        found = self._slow.get("status", lambda: self._api.ask(lambda client: client.status()))
        self._contract = found.exchange.text()
        return found

    def contract_address(self) -> str:
        """Return where the exchange's contract is; known for good once it was read."""
        return self._contract or self.status().exchange.text()

    def is_paused(self) -> bool:
        """Return whether the contract takes no deposits and settles nothing for now."""
        address = self.contract_address()
        return self._slow.get("paused", lambda: Exchange(self._web3, address).paused())

    def markets(self) -> list[MarketTerms]:
        """Return all markets by their numbers."""
        return self._slow.get("markets", self._read_markets)

    def board(self, terms: MarketTerms) -> Board:
        """Return book, trades and the last day of a market."""
        return self._boards.get(terms.market, lambda: self._read_board(terms))

    def account(self, terms: MarketTerms, actor: Actor) -> AccountView:
        """Return balances, orders and fills of ``actor`` on a market."""
        return self._accounts.get((actor, terms.market), lambda: self._read_account(terms, actor))

    def expire(self, terms: MarketTerms, actor: Actor | None = None) -> None:
        """Read again at the next look: something has just changed."""
        self._boards.forget(terms.market)
        if actor is not None:
            self._accounts.forget((actor, terms.market))

    def contract(self, token: Token) -> TokenContract:
        """Return the contract of a token."""
        return TokenContract(self._web3, token.address)

    def _read_markets(self) -> list[MarketTerms]:
        markets = self._api.ask(lambda client: client.markets())
        return [self._terms(market) for market in markets]

    def _terms(self, market: MarketView) -> MarketTerms:
        return MarketTerms(
            market=int(market.market),
            base=self._token(bytes(market.base_token)),
            quote=self._token(bytes(market.quote_token)),
            lot_size=int(market.lot_size),
            tick_value=int(market.tick_value),
            taker_fee_bps=int(market.taker_fee_bps),
            maker_fee_bps=int(market.maker_fee_bps),
            halted=market.halted,
        )

    def _token(self, address: bytes) -> Token:
        if address not in self._tokens:
            contract = TokenContract(self._web3, Address(address).text())
            self._tokens[address] = Token(
                str(contract.address), contract.name(), contract.symbol(), contract.decimals()
            )
        return self._tokens[address]

    def _read_board(self, terms: MarketTerms) -> Board:
        book = self._api.ask(lambda client: client.book(terms.market, _LEVELS))
        page = self._api.ask(lambda client: client.trades(terms.market, limit=_TRADES))
        return Board(
            terms=terms,
            book=Book(int(book.seq), levels(book.bids), levels(book.asks)),
            trades=tuple(_trade(trade) for trade in page.trades),
            day=self._slow.get((terms.market, "day"), lambda: self._read_day(terms)),
        )

    def _read_day(self, terms: MarketTerms) -> Day | None:
        return day_of(self._read_candles(terms, "15m"), time.time_ns() // 1_000_000)

    def _read_candles(self, terms: MarketTerms, interval: Any) -> tuple[Candle, ...]:
        page = self._api.ask(lambda client: client.candles(terms.market, interval, limit=_CANDLES))
        return tuple(_candle(candle) for candle in reversed(page.candles))

    def _read_account(self, terms: MarketTerms, actor: Actor) -> AccountView:
        market = terms.market
        ask = self._api.ask_as
        balances = ask(actor, lambda client: client.balances())
        recent = ask(actor, lambda client: client.orders(market=market, limit=_OWN))
        # All of them: one left out could lose its lane to the next that is placed.
        opened = ask(actor, lambda client: client.open_orders())
        fills = ask(actor, lambda client: client.fills(market=market, limit=_OWN))
        live = [order for order in opened if order.market == market]
        listed = {order.order_hash for order in recent.orders}
        # An old order may be open still, below the newest ones.
        orders = [*recent.orders, *(each for each in live if each.order_hash not in listed)]
        return AccountView(
            address=actor.address,
            exiting=balances.exiting,
            base=self._holding(terms.base, actor, balances),
            quote=self._holding(terms.quote, actor, balances),
            orders=tuple(_own_order(order) for order in orders),
            fills=tuple(_own_fill(fill) for fill in fills.fills),
            lanes_in_use=frozenset(int(order.lane) for order in opened),
        )

    def _holding(self, token: Token, actor: Actor, balances: BalanceList) -> Holding:
        wallet = self.contract(token).balance_of(actor.address)
        for escrow in balances.balances:
            if escrow.token.text() == token.address:
                return Holding(
                    token,
                    wallet,
                    available=int(escrow.available),
                    reserved=int(escrow.reserved),
                    in_flight=int(escrow.unsettled),
                    withdrawing=int(escrow.withdrawing),
                    withdrawable=int(escrow.withdrawable),
                )
        return Holding(token, wallet)


def _trade(trade: TradeView) -> Trade:
    return Trade(
        fill_id=int(trade.fill_id),
        lots=int(trade.lots),
        ticks=int(trade.ticks),
        taker_side=trade.taker_side,
        time=int(trade.time),
        state=trade.state,
    )


def _candle(candle: CandleView) -> Candle:
    return Candle(
        start=int(candle.start),
        open=int(candle.open),
        high=int(candle.high),
        low=int(candle.low),
        close=int(candle.close),
        lots=int(candle.lots),
        quote=int(candle.quote),
    )


def _own_order(order: OrderView) -> OwnOrder:
    return OwnOrder(
        order_hash=order.order_hash.text(),
        side=order.side,
        lots=int(order.lots),
        ticks=int(order.ticks),
        lane=int(order.lane),
        sequence=int(order.sequence),
        filled=int(order.filled_lots),
        remaining=int(order.remaining_lots),
        settled=int(order.settled_lots),
        state=order.state,
        reason=order.reason or "",
        time=int(order.time),
        time_in_force=order.time_in_force,
        post_only=order.post_only,
        expiry=int(order.expiry),
    )


def _own_fill(fill: FillView) -> OwnFill:
    return OwnFill(
        fill_id=int(fill.fill_id),
        order_hash=fill.order_hash.text(),
        side=fill.side,
        role=fill.role,
        lots=int(fill.lots),
        ticks=int(fill.ticks),
        quote=int(fill.quote),
        fee=int(fill.fee),
        time=int(fill.time),
        state=fill.state,
        batch=None if fill.batch is None else int(fill.batch),
        transaction="" if fill.transaction_hash is None else fill.transaction_hash.text(),
    )
