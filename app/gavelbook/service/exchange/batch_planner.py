"""Which fills the next batch settles, and which can never settle: pure, from what the chain says.

The engine matched every fill against money that was there in fill order, so settling in fill order
always works. A batch is of one market. It may take fills from behind those of other markets where
that cannot leave these without money: what the fills that wait will pay stays untouched, and what
they will receive is not counted on.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from gavelbook.chain.exchange_types import Escrow, Lane
from gavelbook.exchange.orders import Side
from gavelbook.exchange.state import MAX_HELD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from gavelbook.exchange.markets import Market
    from gavelbook.exchange.orders import Order
    from gavelbook.exchange.reports import Filled

Holding = tuple[bytes, bytes]
"""An account and a token."""


class SignedOrder(NamedTuple):
    """An order as it goes into a batch; ``signature`` is empty where it is approved on chain."""

    order: Order
    order_hash: bytes
    signature: bytes


class OpenFill(NamedTuple):
    """A fill that is not known to be settled, and its two orders."""

    fill: Filled
    maker: SignedOrder
    taker: SignedOrder


_NOTHING = Escrow(0)
_UNUSED = Lane()


@dataclass(frozen=True, slots=True)
class ChainFacts:
    """What a batch meets on the chain.

    Attributes:
        time: unix seconds at which a transaction sent now may be mined.
        confirmed_time: time of the last block that counts as final. What fails by the clock at
            this time fails for ever.
        balances: of every account and token of the fills.
        lanes: of every account and lane of the fills.
        deficits: holdings that lack money for a reason the log knows, as a deposit that vanished
            in a reorganisation or an exit during a long outage.
        approvals: until when orders without signature are approved on chain, by hash.
        cancel_notice: seconds from a cancel until it takes effect; 0 where no lane makes it matter.

    """

    time: int
    confirmed_time: int
    balances: Mapping[Holding, Escrow]
    lanes: Mapping[tuple[bytes, int], Lane]
    deficits: AbstractSet[Holding] = frozenset()
    approvals: Mapping[bytes, int] = field(default_factory=dict)
    cancel_notice: int = 0


class Obstacle(StrEnum):
    """Why a fill cannot settle now; named as the contract's errors."""

    ORDER_EXPIRED = "order_expired"
    ORDER_CANCELLED = "order_cancelled"
    ORDER_NOT_APPROVED = "order_not_approved"
    ACCOUNT_EXITED = "account_exited"
    INSUFFICIENT_BALANCE = "insufficient_balance"
    SEQUENCE_PASSED = "sequence_passed"
    OVERFILLED = "overfilled"


class Bust(NamedTuple):
    """A fill that can never settle."""

    fill_id: int
    obstacle: Obstacle


class Plan(NamedTuple):
    """What to do next.

    Attributes:
        fills: the next batch, all of one market, in fill order; none where there is nothing to do.
        busts: fills to undo before anything else; then plan again.
        blocked: the first fill that cannot settle at present, and why; what comes after it waits.

    """

    fills: tuple[OpenFill, ...] = ()
    busts: tuple[Bust, ...] = ()
    blocked: Bust | None = None


class Movement(NamedTuple):
    """What a fill does to one holding, in base units; fees included."""

    holding: Holding
    credit: int
    debit: int


def movements(fill: Filled, market: Market) -> tuple[Movement, ...]:
    """Return what ``fill`` credits and debits to its buyer and its seller; fees go elsewhere."""
    base = market.base_amount(fill.lots)
    taker_buys = fill.taker_side == Side.BUY
    buyer, seller = (fill.taker, fill.maker) if taker_buys else (fill.maker, fill.taker)
    fees = (fill.taker_fee, fill.maker_fee)
    buyer_fee, seller_fee = fees if taker_buys else fees[::-1]
    return (
        Movement((buyer, market.base_token), base, 0),
        Movement((seller, market.quote_token), fill.quote - seller_fee, 0),
        Movement((buyer, market.quote_token), 0, fill.quote + buyer_fee),
        Movement((seller, market.base_token), 0, base),
    )


def plan_batch(
    fills: Sequence[OpenFill],
    markets: Mapping[int, Market],
    facts: ChainFacts,
    fee_recipient: bytes,
    *,
    max_fills: int,
) -> Plan:
    """Return the next batch of ``fills``, which come in fill order, or what has to go before it.

    Args:
        fills: the open fills from the first on; a part of all will do.
        markets: their markets, by number.
        facts: what the chain says about them.
        fee_recipient: the account that fees go to.
        max_fills: most fills of the batch.

    """
    checked = _check(fills, markets, facts, fee_recipient)
    if checked.busts:
        return Plan(busts=checked.busts)
    batch = _collect(checked.fills, markets, facts, fee_recipient, max_fills)
    return Plan(batch, (), checked.blocked)


def _check(
    fills: Sequence[OpenFill],
    markets: Mapping[int, Market],
    facts: ChainFacts,
    fee_recipient: bytes,
) -> Plan:
    """Play the fills one by one: what can settle, up to the first that cannot at present."""
    purses = _Purses(facts.balances)
    lanes = _Lanes(facts.lanes)
    lacking = set(facts.deficits)
    settling: list[OpenFill] = []
    busts: list[Bust] = []
    for entry in fills:
        market = markets[entry.fill.market]
        moved = movements(entry.fill, market)
        obstacle = _order_obstacle(entry, facts) or _exit_obstacle(moved, facts)
        forever = obstacle is not None and _is_final(obstacle, entry, moved, facts)
        if obstacle is None:
            obstacle = lanes.obstacle(entry)
        if obstacle is None:
            short = purses.shortage(moved)
            if short is not None:
                obstacle, forever = Obstacle.INSUFFICIENT_BALANCE, short in lacking
        if obstacle is None:
            purses.move(moved)
            fees = entry.fill.maker_fee + entry.fill.taker_fee
            purses.add((fee_recipient, market.quote_token), fees)
            lanes.use(entry)
            settling.append(entry)
        elif forever:
            busts.append(Bust(entry.fill.fill_id, obstacle))
            # Whoever does not get this may lack it later on; fees are missed by their account.
            lacking |= {movement.holding for movement in moved if movement.credit}
            lacking.add((fee_recipient, market.quote_token))
        else:
            return Plan(tuple(settling), tuple(busts), Bust(entry.fill.fill_id, obstacle))
    return Plan(tuple(settling), tuple(busts))


def _collect(
    fills: Sequence[OpenFill],
    markets: Mapping[int, Market],
    facts: ChainFacts,
    fee_recipient: bytes,
    max_fills: int,
) -> tuple[OpenFill, ...]:
    """Return fills of the first one's market that may settle before those between them."""
    batch: list[OpenFill] = []
    purses = _Purses(facts.balances)
    credited = _Credits(facts.balances)
    waiting_lanes: set[tuple[bytes, int]] = set()
    for entry in fills:
        fill = entry.fill
        moved = movements(fill, markets[fill.market])
        if fill.market != fills[0].fill.market:
            purses.set_aside(moved)
            waiting_lanes |= set(_lanes_of(entry))
            continue
        held_back = purses.shortage(moved) is not None
        if len(batch) == max_fills or held_back or not waiting_lanes.isdisjoint(_lanes_of(entry)):
            break
        fees = Movement(
            (fee_recipient, markets[fill.market].quote_token), fill.maker_fee + fill.taker_fee, 0
        )
        if not credited.fit((*moved, fees)) and batch:
            break
        purses.move(moved)
        batch.append(entry)
    return tuple(batch)


class _Purses:
    """Money on the chain while fills are played. Fees of a batch are credited at its end."""

    def __init__(self, balances: Mapping[Holding, Escrow]) -> None:
        self._balances = balances
        self._changes: dict[Holding, int] = defaultdict(int)

    def shortage(self, moved: Iterable[Movement]) -> Holding | None:
        """Return the first holding that could not pay; a fill credits before it debits."""
        changes: dict[Holding, int] = defaultdict(int)
        for movement in moved:
            changes[movement.holding] += movement.credit - movement.debit
        for holding, change in changes.items():
            amount = self._balances.get(holding, _NOTHING).amount
            if change < 0 and amount + self._changes[holding] + change < 0:
                return holding
        return None

    def move(self, moved: Iterable[Movement]) -> None:
        for movement in moved:
            self._changes[movement.holding] += movement.credit - movement.debit

    def set_aside(self, moved: Iterable[Movement]) -> None:
        for movement in moved:
            self._changes[movement.holding] -= movement.debit

    def add(self, holding: Holding, amount: int) -> None:
        self._changes[holding] += amount


class _Credits:
    """Credits of a batch on top of what is there: the contract may book them before any debit."""

    def __init__(self, balances: Mapping[Holding, Escrow]) -> None:
        self._balances = balances
        self._sums: dict[Holding, int] = defaultdict(int)

    def fit(self, moved: Iterable[Movement]) -> bool:
        """Add what ``moved`` credits; return whether every balance can still hold it."""
        fits = True
        for movement in moved:
            holding = movement.holding
            self._sums[holding] += movement.credit
            amount = self._balances.get(holding, _NOTHING).amount
            fits = fits and amount + self._sums[holding] <= MAX_HELD
        return fits


@dataclass(slots=True)
class _Lanes:
    """Lanes on the chain while fills are played."""

    on_chain: Mapping[tuple[bytes, int], Lane]
    _used: dict[tuple[bytes, int], tuple[int, int]] = field(default_factory=dict)

    def obstacle(self, entry: OpenFill) -> Obstacle | None:
        for signed in (entry.maker, entry.taker):
            order = signed.order
            sequence, filled = self._state(order)
            if order.sequence < sequence:
                return Obstacle.SEQUENCE_PASSED
            if filled + entry.fill.lots > order.lots:
                return Obstacle.OVERFILLED
        return None

    def use(self, entry: OpenFill) -> None:
        for signed in (entry.maker, entry.taker):
            order = signed.order
            _, filled = self._state(order)
            self._used[order.maker, order.lane] = (order.sequence, filled + entry.fill.lots)

    def _state(self, order: Order) -> tuple[int, int]:
        """Return the lane's sequence, and what is filled of ``order`` if it is the order's own."""
        key = (order.maker, order.lane)
        lane = self.on_chain.get(key, _UNUSED)
        sequence, filled = self._used.get(key, (lane.sequence, lane.filled_lots))
        return sequence, filled if sequence == order.sequence else 0


def _lanes_of(entry: OpenFill) -> tuple[tuple[bytes, int], ...]:
    return tuple((each.order.maker, each.order.lane) for each in (entry.maker, entry.taker))


def _order_obstacle(entry: OpenFill, facts: ChainFacts, at: int | None = None) -> Obstacle | None:
    """Return what stands against the orders of a fill at the time ``at``, by default soon."""
    now = facts.time if at is None else at
    for signed in (entry.maker, entry.taker):
        order = signed.order
        lane = facts.lanes.get((order.maker, order.lane), _UNUSED)
        if order.expiry < now:
            return Obstacle.ORDER_EXPIRED
        if _is_cancelled(order.sequence, lane, facts.cancel_notice, now):
            return Obstacle.ORDER_CANCELLED
        if not signed.signature and facts.approvals.get(signed.order_hash, 0) <= now:
            return Obstacle.ORDER_NOT_APPROVED
    return None


def _is_cancelled(sequence: int, lane: Lane, notice: int, now: int) -> bool:
    """Return whether a cancel voids ``sequence`` at ``now``.

    One that follows another, which is due by then, leaves that in the lane as a sequence without
    fills. Whoever repeats his cancel whenever it falls due is not pending for ever.
    """
    if sequence <= lane.cancelled_sequence and 0 < lane.cancel_at <= now:
        return True
    is_left = sequence < lane.sequence and not lane.filled_lots
    return is_left and 0 < lane.cancel_at <= now + notice


def _exit_obstacle(
    moved: Iterable[Movement], facts: ChainFacts, at: int | None = None
) -> Obstacle | None:
    now = facts.time if at is None else at
    due = (facts.balances.get(movement.holding, _NOTHING).exit_at for movement in moved)
    return Obstacle.ACCOUNT_EXITED if any(0 < exit_at <= now for exit_at in due) else None


def _is_final(
    obstacle: Obstacle, entry: OpenFill, moved: Iterable[Movement], facts: ChainFacts
) -> bool:
    """Return whether ``obstacle`` was there at the last final block, too, and so stays."""
    at = facts.confirmed_time
    if obstacle is Obstacle.ACCOUNT_EXITED:
        return _exit_obstacle(moved, facts, at) is not None
    return _order_obstacle(entry, facts, at) is not None
