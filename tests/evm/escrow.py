"""An exchange kept a second time, in plain Python: what the contract must say and do.

It knows every reason why a batch cannot settle and not only the first one found, so it does not say
in which order the contract looks.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from coincurve import PublicKey
from eth_utils.crypto import keccak

from gavelbook.exchange.markets import fee_of
from gavelbook.exchange.orders import Side
from tests.evm.exchange import (
    CANCEL_NOTICE,
    EXIT_DELAY,
    FEES,
    MATCHER,
    MAX_BALANCE,
    Balance,
    Exchange,
    Lane,
    text,
)
from tests.evm.exchange_signing import order_hash
from tests.evm.signatures import SECP256K1_ORDER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gavelbook.exchange.markets import Market
    from gavelbook.exchange.orders import Order
    from tests.evm.exchange_signing import Batch, Domain, SignedOrder

NEVER = 2**256 - 1
NO_BALANCE = Balance(0, 0)
NEW_LANE = Lane(0, 0, 0, 0)


@dataclass
class Turnover:
    """What the fills of a batch come to for one of its orders, in lots and quote units."""

    lots: int = 0
    quote: int = 0
    fees: int = 0


@dataclass
class Escrow:
    """Balances by account and token, lanes by account and number, and the rest of the state."""

    domain: Domain
    markets: dict[int, Market]
    balances: dict[tuple[str, str], Balance] = field(default_factory=dict)
    lanes: dict[tuple[str, int], Lane] = field(default_factory=dict)
    approvals: dict[tuple[str, bytes], int] = field(default_factory=dict)
    nonces: dict[str, int] = field(default_factory=dict)
    matcher: str | None = MATCHER.address
    fee_recipient: str = FEES
    paused: bool = False
    last_batch: int = 0

    # --- Balances ---

    def balance(self, owner: str, token: str) -> Balance:
        """What an account has in escrow."""
        return self.balances.get((owner, token), NO_BALANCE)

    def add(self, owner: str, token: str, amount: int) -> None:
        """Credit or, below zero, debit."""
        found = self.balance(owner, token)
        assert 0 <= found.amount + amount <= MAX_BALANCE
        self.balances[owner, token] = found._replace(amount=found.amount + amount)

    def total(self, token: str) -> int:
        """What all accounts together have of a token."""
        return sum(found.amount for (_, each), found in self.balances.items() if each == token)

    def request_exit(self, owner: str, token: str, now: int) -> None:
        """Give notice."""
        found = self.balance(owner, token)
        if not found.exit_at:
            self.balances[owner, token] = found._replace(exit_at=now + EXIT_DELAY)

    def cancel_exit(self, owner: str, token: str) -> str | None:
        """Take a notice back, or return the error that meets it."""
        found = self.balance(owner, token)
        if not found.exit_at:
            return "NoExit"
        self.balances[owner, token] = found._replace(exit_at=0)
        return None

    def exit_refusal(self, owner: str, token: str, now: int) -> str | None:
        """Return the error that meets an exit."""
        found = self.balance(owner, token)
        if not found.exit_at:
            return "NoExit"
        return "ExitNotDue" if now < found.exit_at else None

    # --- Lanes ---

    def lane(self, owner: str, lane: int) -> Lane:
        """A lane of an account."""
        return self.lanes.get((owner, lane), NEW_LANE)

    def cancel(self, owner: str, lane: int, sequence: int, now: int) -> str | None:
        """Give notice of a cancel, or return the error that meets it."""
        found = self.lane(owner, lane)
        last, filled = found[:2]
        if found.cancel_at:
            if sequence <= found.cancelled_sequence:
                return "NothingToCancel"
            if now < found.cancel_at:
                return "CancelPending"
            if last <= found.cancelled_sequence:
                last, filled = found.cancelled_sequence + 1, 0
        if not sequence or sequence < last:
            return "NothingToCancel"
        self.lanes[owner, lane] = Lane(last, filled, now + CANCEL_NOTICE, sequence)
        return None

    def void_below(self, owner: str, lane: int, now: int) -> int:
        """Return the lowest sequence of a lane that can still be filled."""
        found = self.lane(owner, lane)
        cancelled = found.cancelled_sequence + 1 if 0 < found.cancel_at <= now else 0
        return max(found.sequence, cancelled)

    # --- Batches ---

    def obstacles(self, batch: Batch, now: int, signer: str | None = MATCHER.address) -> set[str]:
        """Return every error that a batch signed by ``signer`` could meet; none if it settles."""
        found = set(self._header_obstacles(batch, signer))
        market = self.markets.get(batch.market)
        if market is None:
            return found
        for entry in batch.orders:
            if now > entry.order.expiry:
                found.add("OrderExpired")
            if not self._vouched(entry, market, now):
                found.add("BadOrderSignature")
        found.update(self._fill_obstacles(batch))
        turnover = self._turnover(batch, market)
        if not all(each.lots for each in turnover):
            found.add("OrderUnused")
        found.update(name for _, name in self._lane_steps(batch, turnover, now) if name)
        found.update(self._balance_obstacles(batch, market, turnover, now))
        return found

    def settle(self, batch: Batch, now: int) -> None:
        """Book a batch that meets no obstacle."""
        market = self.markets[batch.market]
        turnover = self._turnover(batch, market)
        for (key, lane), _ in list(self._lane_steps(batch, turnover, now)):
            self.lanes[key] = lane
        fees = sum(each.fees for each in turnover)
        moves = self._moves(batch, market, turnover)
        if fees:
            moves.append((self.fee_recipient, text(market.quote_token), fees))
        for owner, token, amount in sorted(moves, key=lambda move: -move[2]):
            self.add(owner, token, amount)
        self.last_batch += 1

    def _header_obstacles(self, batch: Batch, signer: str | None) -> Iterator[str]:
        if self.paused:
            yield "ExchangePaused"
        if self.matcher is None or signer != self.matcher:
            yield "BadMatcherSignature"
        if batch.number != self.last_batch + 1:
            yield "WrongBatchNumber"
        if not batch.fills:
            yield "MalformedBatch"
        market = self.markets.get(batch.market)
        if market is None:
            yield "UnknownMarket"
        elif (
            batch.taker_fee_bps > market.taker_fee_bps or batch.maker_fee_bps > market.maker_fee_bps
        ):
            yield "FeeAboveMarket"

    def _vouched(self, entry: SignedOrder, market: Market, now: int) -> bool:
        digest = order_hash(self.domain, market, entry.order)
        if entry.approved:
            return now < self.approvals.get((text(entry.order.maker), digest), 0)
        return signer_of(digest, entry.signature) == entry.order.maker

    def _fill_obstacles(self, batch: Batch) -> Iterator[str]:
        count = len(batch.orders)
        for fill in batch.fills:
            if fill.taker >= count or fill.maker >= count:
                yield "OrderIndexInvalid"
                continue
            taker, maker = (batch.orders[i].order for i in (fill.taker, fill.maker))
            if not fill.lots:
                yield "FillEmpty"
            if batch.taker_fee_bps > taker.max_fee_bps or batch.maker_fee_bps > maker.max_fee_bps:
                yield "FeeAboveOrder"
            if taker.side == maker.side:
                yield "SameSide"
            if taker.maker == maker.maker:
                yield "SelfTrade"
            buyer, seller = (taker, maker) if taker.side == Side.BUY else (maker, taker)
            if buyer.ticks < seller.ticks:
                yield "PriceOutsideLimit"

    def _turnover(self, batch: Batch, market: Market) -> list[Turnover]:
        found = [Turnover() for _ in batch.orders]
        for fill in batch.fills:
            if max(fill.taker, fill.maker) >= len(found):
                continue
            quote = market.quote_amount(fill.lots, batch.orders[fill.maker].order.ticks)
            for index, fee_bps in (
                (fill.taker, batch.taker_fee_bps),
                (fill.maker, batch.maker_fee_bps),
            ):
                found[index].lots += fill.lots
                found[index].quote += quote
                found[index].fees += fee_of(quote, fee_bps)
        return found

    def _lane_steps(
        self, batch: Batch, turnover: list[Turnover], now: int
    ) -> Iterator[tuple[tuple[tuple[str, int], Lane], str]]:
        """Yield each lane after each order, and the error where the order is refused."""
        lanes: dict[tuple[str, int], Lane] = {}
        for entry, done in zip(batch.orders, turnover, strict=True):
            order = entry.order
            key = (text(order.maker), order.lane)
            lane = lanes.get(key, self.lane(*key))
            filled = done.lots + (lane.filled_lots if order.sequence == lane.sequence else 0)
            name = ""
            if order.sequence < lane.sequence:
                name = "SequencePassed"
            elif filled > order.lots:
                name = "Overfilled"
            elif 0 < lane.cancel_at <= now and order.sequence <= lane.cancelled_sequence:
                name = "OrderCancelled"
            kept = lane[2:] if order.sequence <= lane.cancelled_sequence else (0, 0)
            lanes[key] = lane if name else Lane(order.sequence, filled, *kept)
            yield (key, lanes[key]), name

    def _moves(
        self, batch: Batch, market: Market, turnover: list[Turnover]
    ) -> list[tuple[str, str, int]]:
        moves = []
        base_token, quote_token = text(market.base_token), text(market.quote_token)
        for entry, done in zip(batch.orders, turnover, strict=True):
            owner, base = text(entry.order.maker), market.base_amount(done.lots)
            if entry.order.side == Side.BUY:
                moves += [
                    (owner, base_token, base),
                    (owner, quote_token, -done.quote - done.fees),
                ]
            else:
                moves += [
                    (owner, quote_token, done.quote - done.fees),
                    (owner, base_token, -base),
                ]
        return moves

    def _balance_obstacles(
        self, batch: Batch, market: Market, turnover: list[Turnover], now: int
    ) -> Iterator[str]:
        gains: dict[tuple[str, str], int] = defaultdict(int)
        costs: dict[tuple[str, str], int] = defaultdict(int)
        for owner, token, amount in self._moves(batch, market, turnover):
            (gains if amount > 0 else costs)[owner, token] += abs(amount)
            if 0 < self.balance(owner, token).exit_at <= now:
                yield "AccountExited"
        fees = sum(each.fees for each in turnover)
        gains[self.fee_recipient, text(market.quote_token)] += fees
        for key, amount in costs.items():
            if self.balance(*key).amount + gains[key] < amount:
                yield "InsufficientBalance"

    # --- Comparing ---

    def check(self, exchange: Exchange) -> None:
        """Compare everything with the contract."""
        for (owner, token), found in self.balances.items():
            assert exchange.balance(owner, token) == found
        for (owner, lane), kept in self.lanes.items():
            assert exchange.lane(owner, lane) == kept
        for (owner, digest), until in self.approvals.items():
            assert exchange.approval(owner, digest) == until
        for owner, nonce in self.nonces.items():
            assert exchange.number("withdrawalNonce", owner) == nonce
        assert exchange.last_batch() == self.last_batch
        assert exchange.number("paused") == self.paused
        assert exchange.number("matcher") == int(self.matcher or "0", 16)
        assert exchange.number("feeRecipient") == int(self.fee_recipient, 16)


def signer_of(digest: bytes, signature: bytes) -> bytes:
    """Return the 20 bytes of who made a signature of 64 bytes (ERC-2098); empty if nobody did."""
    vs = int.from_bytes(signature[32:], "big")
    s = vs & (1 << 255) - 1
    r = int.from_bytes(signature[:32], "big")
    if not 0 < r < SECP256K1_ORDER or not 0 < s < SECP256K1_ORDER:
        return b""
    whole = signature[:32] + s.to_bytes(32, "big") + bytes([vs >> 255])
    try:
        point = PublicKey.from_signature_and_message(whole, digest, hasher=None)
    except ValueError:
        return b""
    return keccak(point.format(compressed=False)[1:])[-20:]


def order_of(escrow: Escrow, order: Order) -> tuple[str, bytes]:
    """Return maker and hash of an order, by which approvals are kept."""
    return text(order.maker), order_hash(escrow.domain, escrow.markets[order.market], order)
