"""Calls that a signature of the account authorizes."""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING, Any

from gavelbook.client.calls.core import hex_of, no_account
from gavelbook.client.calls.public import PublicCalls
from gavelbook.client.errors import ApiError, ClientError
from gavelbook.client.signer import SIDES, Signer
from gavelbook.client.steps import ask
from gavelbook.exchange.orders import Order
from gavelbook.exchange.signing import CancelRequest as SignedCancel
from gavelbook.wire import orders
from gavelbook.wire.scalars import (
    Address,
    ClientId,
    OrderSignature,
    Signature,
    Uint16,
    Uint32,
    Uint40,
    Uint64,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gavelbook.client.lanes import Place
    from gavelbook.client.steps import Flow
    from gavelbook.wire import markets

DAY = 86_400
"""Seconds for which orders are signed unless said otherwise."""
_MOST_TICKS = 2**64 - 1
_BPS = 10_000


class TradingCalls(PublicCalls):
    """Signing, placing and cancelling orders."""

    _signer: Signer | None = None

    def sign_order(  # noqa: PLR0913 -- an order says that much
        self,
        market: int,
        side: orders.Side,
        lots: int,
        ticks: int,
        *,
        place: Place | None = None,
        lifetime: int = DAY,
        max_fee_bps: int | None = None,
        time_in_force: orders.TimeInForce = "GTC",
        post_only: bool = False,
        good_till: int | None = None,
        self_trade_prevention: orders.SelfTradePrevention = "cancel_newest",
        client_id: str | None = None,
    ) -> Flow[orders.OrderRequest]:
        """Make and sign an order, without placing it.

        It takes a lane of its own unless ``place`` is given, may settle for ``lifetime`` seconds
        and allows the fees of the market. ``good_till`` is in unix milliseconds, with GTT.

        Example:
            >>> order = client.sign_order(1, "buy", lots=5, ticks=99)
            >>> len(order.signature)
            65
        """
        signer = yield from self.ready_signer()
        terms = yield from self.market_terms(market)
        lane, sequence = place or self.lanes.take()
        if max_fee_bps is None:
            max_fee_bps = max(int(terms.taker_fee_bps), int(terms.maker_fee_bps))
        order = Order(
            market,
            bytes(signer.address),
            SIDES[side],
            lots,
            ticks,
            lane,
            sequence,
            int(time()) + lifetime,
            max_fee_bps,
        )
        order_hash, signature = signer.order(terms, order)
        self.lane_of[order_hash] = lane
        return orders.OrderRequest(
            Uint16(market),
            signer.address,
            side,
            Uint64(lots),
            Uint64(ticks),
            Uint32(lane),
            Uint32(sequence),
            Uint40(order.expiry),
            Uint16(max_fee_bps),
            OrderSignature(signature),
            time_in_force,
            post_only,
            None if good_till is None else Uint64(good_till),
            self_trade_prevention,
            None if client_id is None else ClientId(client_id),
        )

    def place(self, order: orders.OrderRequest) -> Flow[orders.Placement]:
        """Place a signed order; again after a broken connection, and never twice.

        Example:
            >>> order = client.sign_order(1, "buy", lots=1, ticks=90)
            >>> client.place(order).duplicate, client.place(order).duplicate
            (False, True)
        """
        request = self.post("/v1/orders", order)
        try:
            placed = yield from ask(request, orders.Placement, self.patience)
        except ApiError as error:
            self._refused(order, error)
            raise
        self._placed(order, placed)
        return placed

    def limit(
        self, /, market: int, side: orders.Side, lots: int, ticks: int, **options: Any
    ) -> Flow[orders.Placement]:
        """Sign and place a limit order; ``options`` are those of `sign_order`.

        Where another program has used the lane beyond our sequence, it is signed once more, above.

        Example:
            >>> client.limit(1, "buy", lots=1, ticks=91, post_only=True).state
            'OPEN'
        """
        order = yield from self.sign_order(market, side, lots, ticks, **options)
        try:
            return (yield from self.place(order))
        except ApiError as error:
            # Refused for good, so that nothing can be placed twice.
            if error.code != "sequence_passed" or "place" in options:
                raise
        place = self.lanes.replace(int(order.lane))
        order = yield from self.sign_order(market, side, lots, ticks, place=place, **options)
        return (yield from self.place(order))

    def market_order(
        self, /, market: int, side: orders.Side, lots: int, *, room_bps: int = 100, **options: Any
    ) -> Flow[orders.Placement]:
        """Trade at once at the best prices, ``room_bps`` (1/10,000) worse than the best at most.

        Raises:
            ClientError: ``empty_book``, where nobody is on the other side.

        Example:
            >>> placed = client.market_order(1, "sell", lots=1)
            >>> placed.state, int(placed.fills[0].ticks)
            ('FILLED', 99)
        """
        book = yield from self.book(market, depth=1)
        levels = book.asks if side == "buy" else book.bids
        if not levels:
            message = f"Expected somebody to trade with in market {market}, was nobody"
            raise ClientError("empty_book", message, market=market)
        best = int(levels[0][0])
        room = -(-best * room_bps // _BPS)
        ticks = min(best + room, _MOST_TICKS) if side == "buy" else max(best - room, 1)
        return (
            yield from self.limit(market, side, lots, ticks, **{"time_in_force": "IOC", **options})
        )

    def place_batch(self, batch: Sequence[orders.OrderRequest]) -> Flow[list[orders.BatchItem]]:
        """Place up to 50 signed orders; each is answered by a placement or a problem.

        Example:
            >>> batch = [client.sign_order(1, "buy", lots=1, ticks=80 + n) for n in range(3)]
            >>> [item.placement.state for item in client.place_batch(batch)]
            ['OPEN', 'OPEN', 'OPEN']
        """
        request = self.post("/v1/orders/batch", orders.BatchRequest(list(batch)))
        answer = yield from ask(request, orders.BatchAnswer, self.patience)
        for order, item in zip(batch, answer.answers, strict=True):
            if item.placement is not None:
                self._placed(order, item.placement)
            elif item.problem is not None:
                self._refused(order, ApiError.of(item.problem))
        return answer.answers

    def validate(self, order: orders.OrderRequest) -> Flow[orders.Validation]:
        """Ask whether an order would be accepted, and what it would reserve.

        Example:
            >>> order = client.sign_order(1, "sell", lots=2, ticks=300)
            >>> int(client.validate(order).reserve) > 0
            True
        """
        request = self.post("/v1/orders/validate", order)
        return (yield from ask(request, orders.Validation, self.patience))

    def cancel(self, order_hash: bytes) -> Flow[orders.Cancellation]:
        """Cancel one order.

        Example:
            >>> placed = client.limit(1, "buy", lots=1, ticks=70)
            >>> client.cancel(placed.order_hash).order_hashes == [placed.order_hash]
            True
        """
        return (yield from self._cancel("order", hex_of(order_hash)))

    def cancel_client_id(self, client_id: str) -> Flow[orders.Cancellation]:
        """Cancel the order with a name of ours.

        Example:
            >>> _ = client.limit(1, "buy", lots=1, ticks=71, client_id="quote-1")
            >>> len(client.cancel_client_id("quote-1").order_hashes)
            1
        """
        return (yield from self._cancel("client", client_id))

    def cancel_market(self, market: int) -> Flow[orders.Cancellation]:
        """Cancel all orders in one market.

        Example:
            >>> _ = client.limit(1, "buy", lots=1, ticks=72)
            >>> len(client.cancel_market(1).order_hashes) > 0
            True
        """
        return (yield from self._cancel("market", market=market))

    def cancel_all(self) -> Flow[orders.Cancellation]:
        """Cancel all orders of the account.

        Example:
            >>> client.cancel_all().order_hashes
            []
        """
        return (yield from self._cancel("all"))

    def ready_signer(self) -> Flow[Signer]:
        """Return the signer, once it is known which contract it signs for."""
        if self._signer is None:
            if self.account is None:
                raise no_account()
            if self.chain_id is None or self.contract is None:
                status = yield from self.status()
                self.chain_id = self.chain_id or int(status.chain_id)
                self.contract = self.contract or status.exchange.text()
            self._signer = Signer(
                self.account,
                self.chain_id,
                bytes(Address.parse(self.contract)),
            )
        return self._signer

    def market_terms(self, market: int) -> Flow[markets.MarketView]:
        """Return the terms of a market, asking once.

        Raises:
            ClientError: ``unknown_market``.
        """
        if market not in self.known_markets:
            yield from self.markets()
        if market not in self.known_markets:
            message = f"Expected a market that is listed, was {market}"
            raise ClientError("unknown_market", message, market=market)
        return self.known_markets[market]

    def _cancel(
        self, scope: Any, target: str = "", market: int | None = None
    ) -> Flow[orders.Cancellation]:
        signer = yield from self.ready_signer()
        timestamp = int(time() * 1000)
        signature: Signature = signer.cancel(
            SignedCancel(bytes(signer.address), market or 0, scope, target, timestamp)
        )
        request = orders.CancelRequest(
            signer.address,
            scope,
            target,
            None if market is None else Uint16(market),
            Uint64(timestamp),
            signature,
        )
        return (yield from self.send_cancel(request))

    def send_cancel(self, request: orders.CancelRequest) -> Flow[orders.Cancellation]:
        """Cancel as ``request`` says: signed, or else by the session."""
        path = "/v1/orders/cancel"
        headers = self.with_session("POST", path).headers if request.signature is None else {}
        message = self.post(path, request)
        message.headers.update(headers)
        answer = yield from ask(message, orders.Cancellation, self.patience)
        for order_hash in answer.order_hashes:
            self.ended(order_hash)
        return answer

    def ended(self, order_hash: bytes) -> None:
        """Note that an order has ended: its lane can be used again."""
        lane = self.lane_of.pop(order_hash, None)
        if lane is not None:
            self.lanes.free(lane)

    def _placed(self, order: orders.OrderRequest, placed: orders.Placement) -> None:
        self.lane_of[placed.order_hash] = int(order.lane)
        if placed.state != "OPEN":
            self.ended(placed.order_hash)

    def _refused(self, order: orders.OrderRequest, error: ApiError) -> None:
        lane = int(order.lane)
        if error.code == "sequence_passed":
            self.lanes.occupy(lane, int(error.details.get("last", 0)))
        self.lanes.free(lane)
