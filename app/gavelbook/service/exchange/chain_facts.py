"""Reading from the chain what the planner of batches needs to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gavelbook.service.exchange.batch_planner import ChainFacts, movements

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from gavelbook.chain.exchange import Exchange
    from gavelbook.exchange.markets import Market
    from gavelbook.service.exchange.batch_planner import Holding, OpenFill


def read_facts(  # noqa: PLR0913
    exchange: Exchange,
    fills: Sequence[OpenFill],
    markets: Mapping[int, Market],
    *,
    block: int,
    time: int,
    confirmed_time: int,
    deficits: AbstractSet[Holding],
) -> ChainFacts:
    """Return what the chain says at the end of ``block`` about everything in ``fills``.

    Raises:
        ChainError: as `Exchange`.
        ChainUnreachable: the node does not answer.

    """
    holdings = list(
        dict.fromkeys(
            movement.holding
            for entry in fills
            for movement in movements(entry.fill, markets[entry.fill.market])
        )
    )
    orders = {each.order_hash: each for entry in fills for each in (entry.maker, entry.taker)}
    lanes = list(dict.fromkeys((o.order.maker, o.order.lane) for o in orders.values()))
    approved = [each for each in orders.values() if not each.signature]
    found = dict(zip(lanes, exchange.lanes(lanes, block), strict=True))
    repeated = any(lane.sequence and not lane.filled_lots for lane in found.values())
    return ChainFacts(
        time=time,
        confirmed_time=confirmed_time,
        balances=dict(zip(holdings, exchange.balances(holdings, block), strict=True)),
        lanes=found,
        deficits=deficits,
        approvals={
            each.order_hash: exchange.approval_of(each.order.maker, each.order_hash, block)
            for each in approved
        },
        cancel_notice=exchange.delays().cancel_notice if repeated else 0,
    )
