"""Gas of trading in the steady state of a busy exchange.

Steady state: accounts hold both tokens in escrow before and after, have used their lane before,
and all orders are new, so that no signature and no state is spared. Both sides sign, partial fills
are allowed, each fill has its event, both fees are charged unless said.
"""

from __future__ import annotations

from statistics import median_low
from typing import TYPE_CHECKING

from gavelbook.exchange.batch_codec import BatchFill
from gavelbook.exchange.orders import Side
from tests.bench.bench_exchange import LOTS, BenchExchange, Trader, traders

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.bench.anvil_chain import AnvilChain, Receipt

MANY = 50
_EACH = 20
_MAKERS, _TAKERS, _FILLS = 5, 10, 100


def action_gas(chain: AnvilChain) -> dict[str, int]:
    """Return the gas of each action by its name; of a fill, that of the transaction divided."""
    exchange = BenchExchange(chain)
    figures = {"exchange, deploy": exchange.deployment.gas}
    for part in (_money, _trading, _orders):
        with chain.undone():
            figures.update(part(exchange))
    return figures


def _trading(exchange: BenchExchange) -> dict[str, int]:
    makers, takers = traders("maker", MANY), traders("taker", MANY)
    exchange.admit(makers + takers)
    pairs = list(zip(makers, takers, strict=True))

    def steady(settle: Callable[[], Receipt], fills: int) -> int:
        settle()
        return round(settle().gas / fills)

    return {
        "settle one fill": steady(lambda: settle_pairs(exchange, pairs[:1]), 1),
        "settle one fill without fees": steady(
            lambda: settle_pairs(exchange, pairs[:1], fees=False), 1
        ),
        "settle 50 pairs, each fill": steady(lambda: settle_pairs(exchange, pairs), MANY),
        "settle one maker against 50 takers, each fill": steady(
            lambda: settle_one_maker(exchange, makers[0], takers), MANY
        ),
        "settle 5 makers and 10 takers, each of 100 fills": steady(
            lambda: settle_netted(exchange, makers[:_MAKERS], takers[:_TAKERS]), _FILLS
        ),
    }


def settle_pairs(
    exchange: BenchExchange, pairs: Sequence[tuple[Trader, Trader]], *, fees: bool = True
) -> Receipt:
    """Settle one fill for each pair of traders, half of both orders."""
    orders = [
        exchange.order(trader, side)
        for maker, taker in pairs
        for trader, side in ((maker, Side.SELL), (taker, Side.BUY))
    ]
    fills = [BatchFill(2 * i + 1, 2 * i, LOTS // 2) for i in range(len(pairs))]
    return exchange.settle(orders, fills, fees=fees)


def settle_one_maker(exchange: BenchExchange, maker: Trader, takers: Sequence[Trader]) -> Receipt:
    """Settle one order against an order of each taker."""
    orders = [
        exchange.order(maker, Side.SELL, lots=LOTS * len(takers)),
        *(exchange.order(taker, Side.BUY) for taker in takers),
    ]
    return exchange.settle(orders, [BatchFill(i + 1, 0, LOTS // 2) for i in range(len(takers))])


def settle_netted(
    exchange: BenchExchange, makers: Sequence[Trader], takers: Sequence[Trader]
) -> Receipt:
    """Settle 100 orders of few takers against one order of each maker."""
    orders = [exchange.order(maker, Side.SELL, lots=LOTS * _FILLS) for maker in makers]
    orders += [exchange.order(takers[i % len(takers)], Side.BUY) for i in range(_FILLS)]
    fills = [BatchFill(len(makers) + i, i % len(makers), LOTS // 2) for i in range(_FILLS)]
    return exchange.settle(orders, fills)


def _money(exchange: BenchExchange) -> dict[str, int]:
    people = traders("saver", _EACH)
    addresses = [trader.address for trader in people]
    exchange.fund(people)
    base = exchange.base.address

    def each(name: str, *arguments: object) -> int:
        return _median(exchange, *(exchange.call(who, name, *arguments) for who in addresses))

    figures = {
        "deposit, first of an account": each("deposit", base, 10**24),
        "deposit, later": each("deposit", base, 10**24),
        "sweep, first of an account": _sweep(exchange, people),
        "sweep, later": _sweep(exchange, people),
    }
    for nonce in (1, 2):
        calls = (exchange.withdrawal(who, nonce) for who in people)
        figures["withdraw"] = _median(exchange, *calls)
    calls = (exchange.withdrawal(who, 3, by_relayer=True) for who in people)
    figures["withdraw, sent by another"] = _median(exchange, *calls)
    figures["request exit"] = each("requestExit", [base])
    figures["cancel exit"] = each("cancelExit", [base])
    return figures


def _sweep(exchange: BenchExchange, people: Sequence[Trader]) -> int:
    forwarders = [
        exchange.code.answer(
            "forwarderOf",
            exchange.chain.view(exchange.address, exchange.code.call("forwarderOf", who.address)),
        )[0]
        for who in people
    ]
    exchange.base.fund(forwarders)
    token = exchange.base.address
    return _median(
        exchange, *(exchange.call(who.address, "sweep", who.address, token) for who in people)
    )


def _orders(exchange: BenchExchange) -> dict[str, int]:
    people = traders("canceller", _EACH)
    return {
        "cancel a lane, never used": _median(
            exchange, *(exchange.call(who.address, "cancel", 0, 1) for who in people)
        ),
    }


def _median(exchange: BenchExchange, *calls: object) -> int:
    return median_low(receipt.gas for receipt in exchange.chain.send(*calls))
