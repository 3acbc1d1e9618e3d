"""What the market page can ask for: the markets, and trading for the accounts of a demo.

The pages see plain values; the API, keys and web3 stay behind this desk.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gavelbook.chain.exchange import Exchange
from gavelbook.exchange.markets import Market
from gavelbook.exchange.orders import Order
from gavelbook.exchange.orders import Side as EngineSide
from gavelbook.exchange.signing import Domain, Withdrawal
from gavelbook.exchange.typed_data import order_typed_data
from gavelbook.service.market_reader import MarketReader
from gavelbook.wire.orders import OrderRequest
from gavelbook.wire.scalars import Address, Hash32, OrderSignature, Uint16, Uint32, Uint40, Uint64

if TYPE_CHECKING:
    from web3.contract.contract import ContractFunction

    from gavelbook.service.account_view import AccountView
    from gavelbook.service.customers import Customer, Customers
    from gavelbook.service.market_api import MarketApi
    from gavelbook.service.market_view import Board, Candle, MarketTerms
    from gavelbook.service.sale_view import Token
    from gavelbook.service.ticket import Ticket

INTERVALS = {
    "1m": 60_000,
    "5m": 300_000,
    "15m": 900_000,
    "1h": 3_600_000,
    "4h": 14_400_000,
    "1d": 86_400_000,
}
"""Spans of candles in milliseconds."""

_HOUR = 60 * 60
_GTC_SECONDS = 30 * 24 * _HOUR
_PERMIT_SECONDS = _HOUR
_DRAFT_SECONDS = 60
_LANE_REST_SECONDS = 30
_LISTED_TRIES, _LISTED_PAUSE = 20, 0.05


@dataclass(frozen=True)
class Draft:
    """An order ready to be signed: what is shown is what is signed."""

    market: MarketTerms
    customer: Customer
    ticket: Ticket
    order: Order
    typed_data: dict[str, Any]
    made_at: float


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of an order on arrival; amounts in base units of the quote token."""

    order_hash: str
    filled: int
    remaining: int
    quote: int
    fee: int


class MarketDesk:
    """One desk serves all sessions. Safe to share between threads.

    Reading raises as `MarketReader` does.
    """

    def __init__(self, api: MarketApi, signers: Customers) -> None:
        """Ask ``api``; ``signers`` sign and send."""
        self.api_url = api.url
        self.customers = signers.all
        self._api = api
        self._signers = signers
        self._reader = MarketReader(api, signers.web3)
        self._lanes_used: dict[tuple[str, int], float] = {}
        self._lock = threading.Lock()

    def markets(self) -> list[MarketTerms]:
        """Return all markets by their numbers."""
        return self._reader.markets()

    def board(self, terms: MarketTerms) -> Board:
        """Return what everybody sees of a market, as of a moment ago."""
        return self._reader.board(terms)

    def candles(self, terms: MarketTerms, interval: str) -> tuple[Candle, ...]:
        """Return the newest candles, oldest first; ``interval`` is a key of `INTERVALS`."""
        return self._reader.candles(terms, interval)

    def account(self, terms: MarketTerms, customer: Customer) -> AccountView:
        """Return balances, orders and fills of ``customer``, as of a moment ago."""
        return self._reader.account(terms, customer)

    def now_ms(self) -> int:
        """Return the time in Unix milliseconds."""
        return time.time_ns() // 1_000_000

    # Orders

    def draft(
        self, terms: MarketTerms, customer: Customer, ticket: Ticket, known: Draft | None = None
    ) -> Draft:
        """Return the order that ``ticket`` asks for; ``known`` where that is still good."""
        if (
            known is not None
            and (known.market, known.customer, known.ticket) == (terms, customer, ticket)
            and time.monotonic() - known.made_at < _DRAFT_SECONDS
            and self._lane_free(terms, customer, known.order.lane)
        ):
            return known
        now = self._now()
        lane = 0
        while not self._lane_free(terms, customer, lane):
            lane += 1
        order = Order(
            market=terms.market,
            maker=_bytes(customer.address),
            side=EngineSide.BUY if ticket.side == "buy" else EngineSide.SELL,
            lots=ticket.lots,
            ticks=ticket.ticks,
            lane=lane,
            # The time lies above every sequence the lane has had.
            sequence=now,
            expiry=now + self._life(ticket),
            max_fee_bps=ticket.fee_bps(terms),
        )
        status = self._reader.status()
        domain = Domain(int(status.chain_id), bytes(status.exchange))
        typed_data = order_typed_data(domain, _engine_market(terms), order)
        return Draft(terms, customer, ticket, order, typed_data, time.monotonic())

    def place(self, draft: Draft) -> Placed:
        """Sign ``draft`` and place it.

        Raises:
            ApiError: the exchange refuses the order.
            NetworkError: no answer came; the order may have been placed.

        """
        customer, order = draft.customer, draft.order
        with self._lock:
            self._lanes_used[customer.address, order.lane] = time.monotonic()
        request = self._signed(draft)
        placement = self._api.ask_as(customer, lambda client: client.place(request))
        order_hash = placement.order_hash.text()
        self._wait_until_listed(draft.market, customer, order_hash)
        return Placed(
            order_hash=order_hash,
            filled=int(placement.filled_lots),
            remaining=int(placement.remaining_lots),
            quote=sum(int(fill.quote) for fill in placement.fills),
            fee=sum(int(fill.fee) for fill in placement.fills),
        )

    def cancel(self, terms: MarketTerms, customer: Customer, order_hash: str) -> None:
        """Take an order off the book; errors as `place`."""
        self._api.ask_as(customer, lambda client: client.cancel(Hash32.parse(order_hash)))
        self._reader.expire(terms, customer)

    def cancel_all(self, terms: MarketTerms, customer: Customer) -> int:
        """Take all orders of a market off the book; return how many; errors as `place`."""
        answer = self._api.ask_as(customer, lambda client: client.cancel_market(terms.market))
        self._reader.expire(terms, customer)
        return len(answer.order_hashes)

    # Money

    def deposit(self, terms: MarketTerms, customer: Customer, token: Token, amount: int) -> str:
        """Pay into escrow in one transaction with its own allowance; return its hash.

        Raises:
            TransactionRefused: the contract refuses; nothing was sent.
            ChainError: as `Sender.send_and_wait`.

        """
        exchange = self._exchange()
        permit = self._reader.contract(token).sign_permit(
            self._signers.account(customer), exchange.address, amount, self._now() + _PERMIT_SECONDS
        )
        call = exchange.deposit_with_permit(customer.address, token.address, permit)
        return self._send(terms, customer, call)

    def withdraw(self, terms: MarketTerms, customer: Customer, token: Token, amount: int) -> str:
        """Take out of escrow with the matcher's consent; return the transaction's hash.

        Raises:
            ApiError: the matcher does not consent.
            NetworkError, ChainError: as `place` and `deposit`.

        """
        consent = self._api.ask_as(customer, lambda client: client.withdraw(token.address, amount))
        withdrawal = Withdrawal(
            account=bytes(consent.account),
            token=bytes(consent.token),
            amount=int(consent.amount),
            to=bytes(consent.to),
            nonce=int(consent.nonce),
            deadline=int(consent.deadline),
        )
        signature = bytes(consent.matcher_signature or b"")
        return self._send(terms, customer, self._exchange().withdraw(withdrawal, signature))

    # Inside

    def _signed(self, draft: Draft) -> OrderRequest:
        ticket, order = draft.ticket, draft.order
        account = self._signers.account(draft.customer)
        signed = account.sign_typed_data(full_message=draft.typed_data)
        leaves = self.now_ms() + ticket.good_for * 1000
        return OrderRequest(
            Uint16(order.market),
            Address(order.maker),
            ticket.side,
            Uint64(order.lots),
            Uint64(order.ticks),
            Uint32(order.lane),
            Uint32(order.sequence),
            Uint40(order.expiry),
            Uint16(order.max_fee_bps),
            OrderSignature(signed.signature),
            time_in_force=ticket.time_in_force,
            post_only=ticket.post_only,
            good_till=Uint64(leaves) if ticket.time_in_force == "GTT" else None,
        )

    def _send(self, terms: MarketTerms, customer: Customer, call: ContractFunction) -> str:
        receipt = self._signers.send(customer, call)
        self._reader.expire(terms, customer)
        return str(receipt["transactionHash"].to_0x_hex())

    def _lane_free(self, terms: MarketTerms, customer: Customer, lane: int) -> bool:
        """Return whether no open order is in a lane, nor one that the lists do not show yet."""
        with self._lock:
            used = self._lanes_used.get((customer.address, lane))
        if used is not None and time.monotonic() - used < _LANE_REST_SECONDS:
            return False
        return lane not in self.account(terms, customer).lanes_in_use

    def _life(self, ticket: Ticket) -> int:
        """Return for how many seconds an order is signed."""
        if ticket.time_in_force == "GTC":
            return _GTC_SECONDS
        return ticket.good_for + self._reader.status().settlement_window_seconds + _HOUR

    def _now(self) -> int:
        """Return the later of this machine's clock and the chain's, in Unix seconds."""
        return max(self.now_ms() // 1000, self._signers.chain_time())

    def _wait_until_listed(self, terms: MarketTerms, customer: Customer, order_hash: str) -> None:
        """Wait until the lists show an order that was accepted; they follow a moment later."""
        for _ in range(_LISTED_TRIES):
            self._reader.expire(terms, customer)
            orders = self.account(terms, customer).orders
            if any(order.order_hash == order_hash for order in orders):
                return
            time.sleep(_LISTED_PAUSE)

    def _exchange(self) -> Exchange:
        return Exchange(self._signers.web3, self._reader.status().exchange.text())


def _engine_market(terms: MarketTerms) -> Market:
    return Market(
        id=terms.market,
        base_token=_bytes(terms.base.address),
        quote_token=_bytes(terms.quote.address),
        lot_size=terms.lot_size,
        tick_value=terms.tick_value,
        taker_fee_bps=terms.taker_fee_bps,
        maker_fee_bps=terms.maker_fee_bps,
    )


def _bytes(address: str) -> bytes:
    return bytes.fromhex(address[2:])
