"""Two honest traders whose orders cross, and a thief with money of his own and others' keys."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import msgspec
import pytest

from gavelbook.exchange.orders import Side
from tests.evm.exchange import FEES, MATCHER, Floor
from tests.evm.exchange_signing import sign_content
from tests.evm.machine import Reverted
from tests.evm.signatures import Key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gavelbook.exchange.markets import Market
    from tests.evm.exchange_signing import Batch, SignedOrder
    from tests.evm.sale import Token

MAKER, TAKER, THIEF = Key("honest maker"), Key("honest taker"), Key("thief")
PEOPLE = (MAKER, TAKER, THIEF)
WEALTH = 10**12
"""What each has in escrow of base and of quote token, in base units."""

LOTS = 10
LIMITS = {Side.SELL: 100, Side.BUY: 120}
"""Size and limits of the two orders."""


@cache
def floor() -> Floor:
    """Return the exchange that the tests share."""
    return Floor()


class TradingStage:
    """An exchange where the order of MAKER rests and the one of TAKER takes it."""

    def __init__(self, floor: Floor, maker_side: Side = Side.SELL) -> None:
        self.floor = floor
        self.exchange = floor.exchange
        self.machine = floor.machine
        for key in PEOPLE:
            for token in (floor.base, floor.quote):
                floor.fund(key.address, token, WEALTH)
        self.maker_side = maker_side
        self.taker_side = Side(1 - maker_side)
        self.maker = self.sign(MAKER, maker_side)
        self.taker = self.sign(TAKER, self.taker_side)

    @property
    def market(self) -> Market:
        """The market they trade at."""
        return self.floor.markets[1]

    def sign(self, key: Key, side: Side, lots: int = LOTS, **terms: int) -> SignedOrder:
        """Sign an order, at the side's limit unless told otherwise."""
        ticks = terms.pop("ticks", LIMITS[side])
        return self.floor.sign(key, self.floor.order(key.address, side, lots, ticks, **terms))

    def batch(
        self,
        orders: Sequence[SignedOrder] = (),
        fills: Sequence[tuple[int, int, int]] = ((1, 0, LOTS),),
        **other: int,
    ) -> Batch:
        """Return the next batch, of the two orders unless told otherwise."""
        return self.floor.batch(orders or (self.maker, self.taker), fills, **other)

    def settle(self, batch: Batch) -> None:
        """Have a batch settled that the matcher signs."""
        self.floor.settle(batch)

    def settles(self, *orders: SignedOrder) -> None:
        """Settle both traders' orders in whole: what was refused before was refused rightly."""
        self.settle(self.batch(orders))
        for key in (MAKER, TAKER):
            assert self.exchange.lane(key.address, 0).filled_lots == LOTS

    def refuses(self, batch: Batch, name: str, *arguments: object) -> None:
        """Settlement of a batch that the matcher signs meets this error and changes nothing."""
        self.refuses_call(lambda: self.floor.settle(batch), name, *arguments)

    def refuses_content(self, content: bytes, name: str, *arguments: object) -> None:
        """As `refuses`, of bytes that the matcher signs as what their head says they are."""
        head = content.ljust(14, b"\0")
        market, number = (int.from_bytes(head[i:j], "big") for i, j in ((0, 2), (6, 14)))
        signature = sign_content(MATCHER, self.exchange.domain, market, number, content)
        self.refuses_call(lambda: self.exchange.settle(content, signature), name, *arguments)

    def refuses_call(self, call: Callable[[], object], name: str, *arguments: object) -> None:
        """Check that a call meets this error, with these arguments if any, and changes nothing."""
        before = self.picture()
        with pytest.raises(Reverted) as caught:
            call()
        assert caught.value.name == name, str(caught.value)
        if arguments:
            assert caught.value.arguments == arguments
        assert self.picture() == before

    def picture(self) -> tuple[object, ...]:
        """Return all that a settlement could change."""
        exchange = self.exchange
        return (
            exchange.last_batch(),
            *(self.wealth(token) for token in self.floor.tokens),
            *(exchange.lane(key.address, lane) for key in PEOPLE for lane in (0, 1, 2)),
            *(exchange.number("withdrawalNonce", key.address) for key in PEOPLE),
        )

    def wealth(self, token: Token) -> tuple[object, ...]:
        """Return what everybody has of a token, in escrow and outside."""
        owners = (*(key.address for key in PEOPLE), FEES)
        held = tuple(self.exchange.balance(owner, token.address) for owner in owners)
        return (*held, *(token.balance(owner) for owner in (*owners, self.exchange.address)))

    def altered(self, entry: SignedOrder, **fields: object) -> SignedOrder:
        """Return an order with other terms under the same signature."""
        return entry._replace(order=msgspec.structs.replace(entry.order, **fields))

    def leave(self, key: Key) -> None:
        """Give notice for both tokens, and wait until it is due."""
        exchange, floor = self.exchange, self.floor
        exchange.request_exit(key.address, (floor.base.address, floor.quote.address))
        floor.machine.now = self.exit_due(key)

    def exit_due(self, key: Key) -> int:
        """Return when the balance of base tokens can be taken out."""
        return self.exchange.balance(key.address, self.floor.base.address).exit_at
