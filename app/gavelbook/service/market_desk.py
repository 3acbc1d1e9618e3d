"""What the market page can ask for: the markets, and trading for whoever acts.

The pages see plain values; the API, keys and web3 stay behind this desk.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec

from gavelbook.chain.exchange import Exchange
from gavelbook.errors import GavelbookError
from gavelbook.exchange.markets import Market
from gavelbook.exchange.orders import Order
from gavelbook.exchange.orders import Side as EngineSide
from gavelbook.exchange.signing import CancelRequest as SignedCancel
from gavelbook.exchange.signing import Domain, order_hash
from gavelbook.exchange.typed_data import cancel_typed_data, order_typed_data
from gavelbook.service.acting import Action, Line, SignTypedData
from gavelbook.service.action_lines import order_lines
from gavelbook.service.escrow_actions import EscrowActions
from gavelbook.service.market_reader import MarketReader
from gavelbook.wire.orders import CancelRequest, OrderRequest
from gavelbook.wire.scalars import (
    Address,
    Hash32,
    OrderSignature,
    Signature,
    Uint16,
    Uint32,
    Uint40,
    Uint64,
)

if TYPE_CHECKING:
    from web3 import Web3

    from gavelbook.service.account_view import AccountView, OwnOrder
    from gavelbook.service.acting import Actor
    from gavelbook.service.market_api import MarketApi
    from gavelbook.service.market_view import Board, MarketTerms
    from gavelbook.service.sale_view import Token
    from gavelbook.service.ticket import Ticket
    from gavelbook.wire.accounts import WithdrawalRequest, WithdrawalView

_HOUR = 60 * 60
_GTC_SECONDS = 30 * 24 * _HOUR
_DRAFT_SECONDS = 60
_LANE_REST_SECONDS = 30
_LISTED_TRIES, _LISTED_PAUSE = 20, 0.05


@dataclass(frozen=True)
class Draft:
    """An order ready to be signed: what is shown is what is signed."""

    market: MarketTerms
    actor: Actor
    ticket: Ticket
    order: Order
    order_hash: str
    """By which the exchange knows it: the same draft is placed once, however often it is sent."""
    typed_data: dict[str, Any]
    made_at: float
    replaces: OwnOrder | None = None


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

    Reading raises as `MarketReader` does. Actions raise `ApiError` where the exchange refuses,
    `NetworkError` where no answer came (what was asked may have happened), and `ChainError` where
    a contract or the chain refuses.
    """

    def __init__(self, api: MarketApi, web3: Web3) -> None:
        """Ask ``api``, and the chain behind ``web3``."""
        self.api_url = api.url
        self._api = api
        self._reader = MarketReader(api, web3)
        self._web3 = web3
        self._lanes_used: dict[tuple[str, int], float] = {}
        self._lock = threading.Lock()

    @property
    def api(self) -> MarketApi:
        """The exchange's API, with the sessions that were opened through this desk."""
        return self._api

    def markets(self) -> list[MarketTerms]:
        """Return all markets by their numbers."""
        return self._reader.markets()

    def board(self, terms: MarketTerms) -> Board:
        """Return what everybody sees of a market, as of a moment ago."""
        return self._reader.board(terms)

    def takes_orders(self) -> bool:
        """Return whether the exchange takes new orders; those in the book can be cancelled."""
        return self._reader.status().status == "open"

    def is_paused(self) -> bool:
        """Return whether the contract takes no deposits and settles nothing for now."""
        return self._reader.is_paused()

    def account(self, terms: MarketTerms, actor: Actor) -> AccountView:
        """Return balances, orders and fills of ``actor``, as of a moment ago.

        Raises:
            ClientError: ``sign_in_required``, until the action of `sign_in` was carried out.

        """
        self._api.require_session(actor)
        return self._reader.account(terms, actor)

    def may_read(self, actor: Actor) -> bool:
        """Return whether `account` can be read without signing in first."""
        return self._api.may_read(actor)

    def sign_in(self, actor: Actor) -> Action[None]:
        """Open a session of ``actor`` with the exchange."""
        return self._api.sign_in(actor)

    def sign_out(self, actor: Actor) -> None:
        """End the session of ``actor`` with the exchange."""
        self._api.sign_out(actor)

    def refresh(self, terms: MarketTerms, actor: Actor | None = None) -> None:
        """Read again at the next look: something has just changed."""
        self._reader.expire(terms, actor)

    def now_ms(self) -> int:
        """Return the time in Unix milliseconds."""
        return time.time_ns() // 1_000_000

    # Orders

    def draft(
        self,
        terms: MarketTerms,
        actor: Actor,
        ticket: Ticket,
        known: Draft | None = None,
        replaces: OwnOrder | None = None,
    ) -> Draft:
        """Return the order that ``ticket`` asks for; ``known`` where that is still good.

        It takes the place of the open order ``replaces``, in whose lane it is.
        """
        if (
            known is not None
            and (known.market, known.actor, known.ticket) == (terms, actor, ticket)
            and known.replaces == replaces
            and time.monotonic() - known.made_at < _DRAFT_SECONDS
            and (replaces is not None or self._lane_free(terms, actor, known.order.lane))
        ):
            return known
        if replaces is not None:
            sequence = max(self._now(), replaces.sequence + 1)
            made = self._drafted(terms, actor, ticket, replaces.lane, sequence)
            return replace(made, replaces=replaces)
        lane = 0
        while not self._lane_free(terms, actor, lane):
            lane += 1
        # The time lies above every sequence the lane has had.
        return self._drafted(terms, actor, ticket, lane, self._now())

    def place(self, draft: Draft) -> Action[Placed]:
        """Sign ``draft`` and place it: once, however often it is asked for."""
        actor, order = draft.actor, draft.order
        lines = order_lines(draft.market, draft.ticket, order)
        signature = yield SignTypedData("Sign the order", draft.typed_data, lines)
        self._note_lane(actor, order.lane)
        request = self._request(draft, signature)
        placement = self._api.send(actor, lambda calls: calls.place(request))
        self._wait_until_listed(draft.market, actor, draft.order_hash)
        return Placed(
            order_hash=draft.order_hash,
            filled=int(placement.filled_lots),
            remaining=int(placement.remaining_lots),
            quote=sum(int(fill.quote) for fill in placement.fills),
            fee=sum(int(fill.fee) for fill in placement.fills),
        )

    def cancel(self, terms: MarketTerms, actor: Actor, order_hash: str) -> Action[None]:
        """Take an order off the book."""
        yield from self._cancel(terms, actor, "order", Hash32.parse(order_hash).text())

    def cancel_all(self, terms: MarketTerms, actor: Actor) -> Action[int]:
        """Take all orders of a market off the book; results in how many."""
        return (yield from self._cancel(terms, actor, "market", ""))

    def cancel_on_chain(self, terms: MarketTerms, actor: Actor, order: OwnOrder) -> Action[str]:
        """Void the orders of a lane up to ``order``, without the exchange; results in the hash."""
        action = self._escrow(actor).cancel_lane(order.lane, order.sequence)
        return self._refreshing(terms, actor, action)

    # Money

    def deposit(self, terms: MarketTerms, actor: Actor, token: Token, amount: int) -> Action[str]:
        """Pay ``amount`` base units into escrow; results in the transaction's hash."""
        contract = self._reader.contract(token)
        action = self._escrow(actor).deposit(contract, token, amount, self._now())
        return self._refreshing(terms, actor, action)

    def withdraw(self, terms: MarketTerms, actor: Actor, token: Token, amount: int) -> Action[str]:
        """Take ``amount`` base units out of escrow with the matcher's consent; the hash."""

        def consent(account: Address, request: WithdrawalRequest) -> WithdrawalView:
            return self._api.send(actor, lambda calls: calls.send_withdrawal(account, request))

        action = self._escrow(actor).withdraw(consent, token, amount, self._now())
        return self._refreshing(terms, actor, action)

    # Inside

    def _refreshing(self, terms: MarketTerms, actor: Actor, action: Action[str]) -> Action[str]:
        try:
            return (yield from action)
        finally:
            self.refresh(terms, actor)

    def _escrow(self, actor: Actor) -> EscrowActions:
        return EscrowActions(Exchange(self._web3, self._reader.contract_address()), actor.address)

    def _now(self) -> int:
        """Return the later of this machine's clock and the chain's, in Unix seconds."""
        chain_time = int(self._web3.eth.get_block("pending")["timestamp"])
        return max(self.now_ms() // 1000, chain_time)

    def _domain(self) -> Domain:
        status = self._reader.status()
        return Domain(int(status.chain_id), bytes(status.exchange))

    def _drafted(
        self, terms: MarketTerms, actor: Actor, ticket: Ticket, lane: int, sequence: int
    ) -> Draft:
        order = Order(
            market=terms.market,
            maker=_bytes(actor.address),
            side=EngineSide.BUY if ticket.side == "buy" else EngineSide.SELL,
            lots=ticket.lots,
            ticks=ticket.ticks,
            lane=lane,
            sequence=sequence,
            expiry=self._now() + self._life(ticket),
            max_fee_bps=ticket.fee_bps(terms),
        )
        domain, market = self._domain(), _engine_market(terms)
        known_as = Hash32(order_hash(domain, market, order)).text()
        data = order_typed_data(domain, market, order)
        return Draft(terms, actor, ticket, order, known_as, data, time.monotonic())

    def _request(self, draft: Draft, signature: bytes) -> OrderRequest:
        ticket, order = draft.ticket, draft.order
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
            OrderSignature(signature),
            time_in_force=ticket.time_in_force,
            post_only=ticket.post_only,
            good_till=Uint64(leaves) if ticket.time_in_force == "GTT" else None,
            self_trade_prevention=ticket.self_trade_prevention,
        )

    def _cancel(self, terms: MarketTerms, actor: Actor, scope: Any, target: str) -> Action[int]:
        market = terms.market if scope == "market" else None
        account = Address.parse(actor.address)
        request = CancelRequest(account, scope, target, None if market is None else Uint16(market))
        if self.may_read(actor):
            # The session is enough: nothing to sign.
            answer = self._api.ask_as(
                actor, lambda client: client.run(client.calls.send_cancel(request))
            )
        else:
            signed = SignedCancel(bytes(account), market or 0, scope, target, self.now_ms())
            what = "one order" if scope == "order" else f"all orders of {terms.name}"
            data = cancel_typed_data(self._domain(), signed)
            signature = yield SignTypedData("Cancel", data, (Line("Cancels", what),))
            proven = msgspec.structs.replace(
                request, timestamp=Uint64(signed.timestamp), signature=Signature(signature)
            )
            answer = self._api.send(actor, lambda calls: calls.send_cancel(proven))
        self.refresh(terms, actor)
        return len(answer.order_hashes)

    def _lane_free(self, terms: MarketTerms, actor: Actor, lane: int) -> bool:
        """Return whether no open order is in a lane, nor one that the lists do not show yet."""
        with self._lock:
            used = self._lanes_used.get((actor.address, lane))
        if used is not None and time.monotonic() - used < _LANE_REST_SECONDS:
            return False
        return lane not in self.account(terms, actor).lanes_in_use

    def _note_lane(self, actor: Actor, lane: int) -> None:
        now = time.monotonic()
        with self._lock:
            kept = self._lanes_used.items()
            resting = {place: at for place, at in kept if now - at < _LANE_REST_SECONDS}
            self._lanes_used = {**resting, (actor.address, lane): now}

    def _life(self, ticket: Ticket) -> int:
        """Return for how many seconds an order is signed."""
        if ticket.time_in_force == "GTC":
            return _GTC_SECONDS
        return ticket.good_for + self._reader.status().settlement_window_seconds + _HOUR

    def _wait_until_listed(self, terms: MarketTerms, actor: Actor, order_hash: str) -> None:
        """Wait until the lists show an order that was accepted; they follow a moment later."""
        # Lists that cannot be read say nothing against the order.
        with suppress(GavelbookError):
            for _ in range(_LISTED_TRIES if self.may_read(actor) else 0):
                self.refresh(terms, actor)
                orders = self.account(terms, actor).orders
                if any(order.order_hash == order_hash for order in orders):
                    return
                time.sleep(_LISTED_PAUSE)
        self.refresh(terms, actor)


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
