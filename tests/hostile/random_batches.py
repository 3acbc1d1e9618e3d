"""Batches of a thief who has the matcher's key: any orders people signed, in any combination."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gavelbook.exchange.orders import Side
from tests.evm.exchange import HOUR, MAKER_FEE_BPS, TAKER_FEE_BPS, text
from tests.evm.exchange_signing import Batch, Fill, SignedOrder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from gavelbook.exchange.orders import Order
    from tests.evm.escrow import Escrow
    from tests.evm.exchange import Floor
    from tests.evm.signatures import Key

HIGHEST_TICKS = 9
LANES = (0, 1, 2, 2**32 - 1)


class Signers:
    """Traders who sign orders at random, and remember what they signed."""

    def __init__(self, floor: Floor, escrow: Escrow, keys: Sequence[Key]) -> None:
        self.floor = floor
        self.escrow = escrow
        self.keys = keys
        self.signed: list[SignedOrder] = []

    def sign(
        self,
        random: Random,
        key: Key | None = None,
        side: Side | None = None,
        market: int | None = None,
    ) -> SignedOrder:
        """Return an order; most of them good, and many at the edge of something."""
        key = key or random.choice(self.keys)
        lane = random.choice(LANES)
        lowest = self.escrow.void_below(key.address, lane, self.floor.machine.now)
        now = self.floor.machine.now
        side = random.choice(list(Side)) if side is None else side
        order = self.floor.order(
            key.address,
            side,
            random.choice((1, 2, 5, 20, 20, 20, 10**6)),
            random.randint(1, 6) if side == Side.SELL else random.randint(4, HIGHEST_TICKS),
            lane=lane,
            sequence=max(1, lowest) + random.choice((0, 0, 0, 1, 2)),
            expiry=now + random.choice((0, 60, HOUR, HOUR, 30 * HOUR, 30 * HOUR)),
            max_fee_bps=random.choice((0, 20, 29, 30, 50, 50, 50, 2**16 - 1)),
            market=market or random.choice((1, 1, 1, 2)),
        )
        entry = self.floor.sign(key, order)
        self.signed.append(entry)
        return entry

    def batch(self, random: Random) -> Batch:
        """Return a batch that may well settle: new and old orders, crossing where they can."""
        market = random.choice((1, 1, 1, 2))
        known = [entry for entry in self.signed[-12:] if entry.order.market == market]
        orders = random.sample(known, min(len(known), random.choice((0, 0, 1, 2))))
        buyer, seller = random.sample(self.keys, 2)
        orders += [
            self.sign(random, buyer, Side.BUY, market),
            self.sign(random, seller, Side.SELL, market),
            *(self.sign(random, market=market) for _ in range(random.choice((0, 0, 1, 2)))),
        ]
        pairs = [
            (taker, maker)
            for taker, one in enumerate(orders)
            for maker, two in enumerate(orders)
            if crosses(one.order, two.order)
        ]
        fills = [
            Fill(*random.choice(pairs), random.choice((1, 1, 2, 3)))
            for _ in range(random.choice((1, 1, 2, 3)) if pairs else 0)
        ]
        used = {index for fill in fills for index in fill[:2]}
        places = {old: new for new, old in enumerate(sorted(used))}
        return Batch(
            number=self.escrow.last_batch + 1,
            orders=tuple(orders[old] for old in places),
            fills=tuple(Fill(places[f.taker], places[f.maker], f.lots) for f in fills),
            taker_fee_bps=random.choice((0, 0, 20, TAKER_FEE_BPS)),
            maker_fee_bps=random.choice((0, 0, MAKER_FEE_BPS)),
            market=market,
            log_head=random.randbytes(32),
        )

    def spoilt(self, random: Random, batch: Batch) -> Batch:
        """Return the batch with one thing wrong, most of the time."""
        ways = [
            lambda: batch._replace(number=random.choice((0, batch.number - 1, batch.number + 1))),
            lambda: batch._replace(market=random.choice((0, 1, 2, 3))),
            lambda: batch._replace(taker_fee_bps=random.choice((1, 29, 31, 2**16 - 1))),
            lambda: batch._replace(maker_fee_bps=random.choice((1, 19, 21, 2**16 - 1))),
            lambda: batch._replace(orders=(*batch.orders, self.sign(random))),
            lambda: batch._replace(orders=tuple(reversed(batch.orders))),
            lambda: batch._replace(orders=batch.orders[:-1]),
            lambda: batch._replace(orders=(*batch.orders, *batch.orders)),
            lambda: batch._replace(fills=()),
            lambda: batch._replace(fills=batch.fills * 2),
            lambda: batch._replace(fills=(*batch.fills, _any_fill(random, batch))),
            lambda: batch._replace(
                fills=tuple(Fill(f.maker, f.taker, f.lots) for f in batch.fills)
            ),
            lambda: batch._replace(orders=_altered(random, batch.orders)),
            lambda: batch._replace(orders=_altered(random, batch.orders)),
        ]
        return random.choice(ways)()


def crosses(taker: Order, maker: Order) -> bool:
    """Whether two orders can meet."""
    buyer, seller = (taker, maker) if taker.side == Side.BUY else (maker, taker)
    return buyer.side != seller.side and buyer.ticks >= seller.ticks and buyer.maker != seller.maker


def _any_fill(random: Random, batch: Batch) -> Fill:
    count = len(batch.orders)
    index = (*range(count + 1), 2**16 - 1)
    return Fill(random.choice(index), random.choice(index), random.choice((0, 1, 1, 2, 2**64 - 1)))


def _altered(random: Random, orders: tuple[SignedOrder, ...]) -> tuple[SignedOrder, ...]:
    if not orders:
        return orders
    at = random.randrange(len(orders))
    entry = orders[at]
    order = entry.order
    changes: list[dict[str, object]] = [
        {"maker": orders[at - 1].order.maker},
        {"maker": bytes(20)},
        {"side": Side(1 - order.side)},
        {"lots": order.lots + 1},
        {"ticks": HIGHEST_TICKS if order.side == Side.BUY else 1},
        {"lane": order.lane ^ 1},
        {"sequence": order.sequence + 1},
        {"expiry": order.expiry + 1},
        {"max_fee_bps": 1_000},
    ]
    changed = random.choice(
        (
            entry._replace(order=msgspec.structs.replace(order, **random.choice(changes))),
            entry._replace(signature=random.randbytes(64)),
            entry._replace(approved=not entry.approved),
        )
    )
    return (*orders[:at], changed, *orders[at + 1 :])


def limits_kept(
    batch: Batch,
    before: dict[tuple[str, str], int],
    after: dict[tuple[str, str], int],
    floor: Floor,
) -> None:
    """Check what every party paid and got against what it signed, from balances alone.

    A buyer pays at most its limit and its highest fee on that, a seller gets at least its limit
    less its highest fee, for exactly the lots that changed hands.
    """
    market = floor.markets[batch.market]
    base, quote = text(market.base_token), text(market.quote_token)
    lots = [0] * len(batch.orders)
    for fill in batch.fills:
        lots[fill.taker] += fill.lots
        lots[fill.maker] += fill.lots
    cap = max(market.taker_fee_bps, market.maker_fee_bps)
    for owner in {text(entry.order.maker) for entry in batch.orders}:
        moved = least = 0
        for entry, filled in zip(batch.orders, lots, strict=True):
            order = entry.order
            if text(order.maker) != owner:
                continue
            assert filled <= order.lots
            limit = filled * order.ticks * market.tick_value
            fee = limit * min(order.max_fee_bps, cap) // 10_000
            sign = 1 if order.side == Side.BUY else -1
            moved += sign * filled * market.lot_size
            least -= sign * limit + fee
        assert after[owner, base] - before[owner, base] == moved
        assert after[owner, quote] - before[owner, quote] >= least
