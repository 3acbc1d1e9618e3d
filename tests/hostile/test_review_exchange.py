"""Attacks from outside that a review thought of: settlement goes on, whoever would hold it up.

What a trader does on the chain is played on the real contract, and the planner is asked what to do
about it: matched trades settle, or are undone once that is for good.
"""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING

import msgspec
import pytest
from eth_account import Account
from eth_account.messages import encode_defunct

from gavelbook.api.errors import RequestError
from gavelbook.api.limits import Limits
from gavelbook.api.operations import Call
from gavelbook.api.routes.orders import submit_orders
from gavelbook.api.sessions import Sessions
from gavelbook.api.settings import ApiSettings
from gavelbook.api.stream import connection
from gavelbook.api.stream.channel import Channel
from gavelbook.chain.exchange_types import Escrow
from gavelbook.chain.exchange_types import Lane as LaneOnChain
from gavelbook.exchange.orders import Side
from gavelbook.exchange.reports import Filled
from gavelbook.service.exchange.batch_planner import (
    Bust,
    ChainFacts,
    Obstacle,
    OpenFill,
    Plan,
    SignedOrder,
    plan_batch,
)
from tests.evm.exchange import (
    CANCEL_NOTICE,
    FEES,
    MATCHER,
    MAX_BALANCE,
    TICK_VALUE,
    Exchange,
    raw,
)
from tests.evm.exchange_signing import Withdrawal, sign_batch, sign_order
from tests.evm.signatures import Key
from tests.hostile.trading_scene import LIMITS, LOTS, MAKER, TAKER, THIEF, TradingStage, floor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gavelbook.exchange.markets import Market
    from tests.evm.exchange_signing import SignedOrder as OnChain


def open_fill(
    stage: TradingStage, number: int, maker: OnChain, taker: OnChain, lots: int, market: Market
) -> OpenFill:
    """Return a fill as the engine reports it."""
    hashes = [stage.exchange.order_hash(each.order) for each in (maker, taker)]
    filled = Filled(
        number,
        market.id,
        *hashes,
        maker.order.maker,
        taker.order.maker,
        lots,
        maker.order.ticks,
        taker.order.side,
        market.quote_amount(lots, maker.order.ticks),
        0,
        0,
        0,
    )
    signed = [
        SignedOrder(each.order, digest, each.signature)
        for each, digest in zip((maker, taker), hashes, strict=True)
    ]
    return OpenFill(filled, *signed)


def plan(
    stage: TradingStage, fills: Sequence[OpenFill], markets: Mapping[int, Market], confirmed: int
) -> Plan:
    """Return the next batch by what the contract says, ``confirmed`` being final."""
    exchange = stage.exchange
    orders = [each.order for entry in fills for each in (entry.maker, entry.taker)]
    tokens = {token for each in markets.values() for token in (each.base_token, each.quote_token)}
    balances = {
        (order.maker, token): Escrow(*exchange.balance(_text(order.maker), _text(token)))
        for order in orders
        for token in tokens
    }
    lanes = {
        (order.maker, order.lane): LaneOnChain(*exchange.lane(_text(order.maker), order.lane))
        for order in orders
    }
    facts = ChainFacts(stage.machine.now, confirmed, balances, lanes, cancel_notice=CANCEL_NOTICE)
    return plan_batch(fills, markets, facts, raw(FEES), max_fills=100)


def _text(address: bytes) -> str:
    return "0x" + address.hex()


def settle(stage: TradingStage, fills: Sequence[OpenFill], market: Market) -> None:
    """Settle fills in one batch, each order once in the order of first use."""
    orders: dict[bytes, SignedOrder] = {}
    for entry in fills:
        for each in (entry.taker, entry.maker):
            orders.setdefault(each.order_hash, each)
    places = list(orders)
    stage.settle(
        stage.batch(
            [stage.maker._replace(order=o.order, signature=o.signature) for o in orders.values()],
            [
                (places.index(e.taker.order_hash), places.index(e.maker.order_hash), e.fill.lots)
                for e in fills
            ],
            market=market.id,
        )
    )


# --- Cancels -----------------------------------------------------------------------------------


def test_a_cancel_of_nothing_is_refused(stage: TradingStage) -> None:
    """Sequences count from 1: an event of sequence 0 would be an alarm at the price of gas."""
    stage.refuses_call(
        lambda: stage.exchange.cancel(THIEF.address, 5, 0), "NothingToCancel", THIEF.address, 5, 0
    )


def test_who_repeats_his_cancel_does_not_hold_up_settlement(stage: TradingStage) -> None:
    """A fill waits through an outage; its taker cancels, and again whenever the cancel is due.

    The fill can never settle, as the lane has moved on, and is undone once that is for good.
    """
    exchange, machine = stage.exchange, stage.machine
    late = machine.now + 100 * CANCEL_NOTICE
    maker, taker = (
        stage.sign(MAKER, Side.SELL, expiry=late),
        stage.sign(TAKER, Side.BUY, expiry=late),
    )
    fills = [open_fill(stage, 1, maker, taker, LOTS, stage.market)]
    markets = {1: stage.market}
    exchange.cancel(TAKER.address, 0, 1)
    assert plan(stage, fills, markets, machine.now).fills
    for again in range(2, 6):
        machine.now = exchange.lane(TAKER.address, 0).cancel_at
        exchange.cancel(TAKER.address, 0, again)
        stage.refuses(stage.batch([maker, taker]), "SequencePassed", 1, again, 1)
        blocked = plan(stage, fills, markets, machine.now - 1)
        assert (blocked.busts, blocked.fills) == ((), ())
        assert blocked.blocked == Bust(1, Obstacle.ORDER_CANCELLED)
        assert plan(stage, fills, markets, machine.now).busts == (
            Bust(1, Obstacle.ORDER_CANCELLED),
        )


def test_a_repeated_cancel_leaves_what_is_above_it_alone(stage: TradingStage) -> None:
    """The next sequence settles while the second cancel is pending, with what was filled."""
    exchange, machine = stage.exchange, stage.machine
    exchange.cancel(TAKER.address, 0, 1)
    machine.now += CANCEL_NOTICE
    exchange.cancel(TAKER.address, 0, 2)
    taker = stage.sign(TAKER, Side.BUY, sequence=2)
    fills = [open_fill(stage, 1, stage.maker, taker, LOTS, stage.market)]
    planned = plan(stage, fills, {1: stage.market}, machine.now)
    assert planned.fills == tuple(fills)
    settle(stage, planned.fills, stage.market)
    assert exchange.lane(TAKER.address, 0).filled_lots == LOTS


# --- Amounts beyond reason ---------------------------------------------------------------------


def test_money_going_round_is_not_credited_beyond_a_balance(stage: TradingStage) -> None:
    """Two accounts pass half of all there can be to and fro, by orders with several fills each.

    In one batch the credits alone would not fit into a balance; in several they settle.
    """
    third, lots = floor().third, 2**45
    market = msgspec.structs.replace(
        stage.market, id=3, quote_token=raw(third.address), lot_size=1, tick_value=2**107
    )
    stage.exchange.list_market(market)
    one, two = Key("rich"), Key("richer")
    half = 2**215
    floor().fund(one.address, third, half)
    floor().fund(two.address, floor().base, lots)

    def sign(key: Key, side: Side, size: int) -> OnChain:
        order = floor().order(key.address, side, size, 2**63, lane=int(side), market=3)
        return sign_order(key, stage.exchange.domain, market, order)

    one_buys, one_sells = (sign(one, side, 2 * lots) for side in Side)
    two_buys, two_sells = (sign(two, side, 2 * lots) for side in Side)
    pairs = [(two_sells, one_buys), (one_sells, two_buys)] * 2
    fills = [open_fill(stage, number, *pair, lots, market) for number, pair in enumerate(pairs, 1)]
    stage.refuses_call(lambda: settle(stage, fills, market), "BalanceTooLarge")
    batches = 0
    while fills:
        planned = plan(stage, fills, {3: market}, stage.machine.now).fills
        assert planned == tuple(fills[: len(planned)])
        settle(stage, planned, market)
        fills = fills[len(planned) :]
        batches += 1
    assert batches > 1
    assert stage.exchange.held(one.address, third.address) == half <= MAX_BALANCE


# --- Gas ---------------------------------------------------------------------------------------


def test_emptied_balances_make_a_batch_dearer_by_less_than_what_is_retried(
    stage: TradingStage,
) -> None:
    """Traders who leave between estimate and block: the batch needs more than the room of 20 %.

    It needs less than twice the estimate, which the settler gives it after one in vain.
    """
    exchange, base, quote = stage.exchange, floor().base, floor().quote
    crowd = [Key(f"one of many {i}") for i in range(20)]
    for key in crowd:
        floor().fund(key.address, base, 1)
        floor().fund(key.address, quote, 2 * LIMITS[Side.SELL] * TICK_VALUE)
    takers = [stage.sign(key, Side.BUY, lots=1) for key in crowd]
    maker = stage.sign(MAKER, Side.SELL, lots=len(crowd))
    batch = stage.batch([maker, *takers], [(1 + i, 0, 1) for i in range(len(crowd))])
    call = (batch.pack(), sign_batch(MATCHER, exchange.domain, batch))

    def cost() -> int:
        machine = stage.machine.cold()
        Exchange(machine, exchange.address).settle(*call)
        return machine.gas_used()

    estimate = cost()
    for key in crowd:
        wish = Withdrawal(key.address, base.address, 1, key.address, 1, stage.machine.now)
        floor().withdraw(key, wish)
    assert estimate * 12 // 10 < cost() < estimate * 2


# --- Memory and time of the API ----------------------------------------------------------------


class GreedySocket:
    """A WebSocket whose client asks for the same channel again and again, and reads ``reads``."""

    def __init__(self, asks: int, reads: int) -> None:
        self.closed: list[int] = []
        self._asks, self._reads = asks, reads

    async def accept(self) -> None:
        """Let it in."""

    async def receive(self) -> dict[str, str]:
        if not self._asks:
            await asyncio.sleep(60)
        self._asks -= 1
        text = '{"op": "subscribe", "channel": "account"}'
        return {"type": "websocket.receive", "text": text}

    async def send(self, _message: object) -> None:
        if not self._reads:
            await asyncio.sleep(60)
        self._reads -= 1

    async def close(self, code: int, _reason: str) -> None:
        self.closed.append(code)


@pytest.mark.parametrize("reads", [0, 1_000])
def test_large_snapshots_asked_for_again_and_again(reads: int) -> None:
    """Someone with as many orders as one may have: a snapshot is 2 MB and takes 100 ms."""
    made: list[int] = []

    def snapshot() -> str:
        made.append(1)
        return "order" * 400_000

    async def attack() -> list[int]:
        channel = Channel("account", 0, 4, snapshot)
        feed = SimpleNamespace(channel=lambda _name, _account: channel)
        desk = SimpleNamespace(settings=ApiSettings(), feed=feed, sessions=None)
        greedy = GreedySocket(90, reads)
        await asyncio.wait_for(connection.Connection(desk, greedy).run(), 20)
        return greedy.closed

    assert asyncio.run(attack()) == [connection.TOO_MANY_MESSAGES]
    assert len(made) <= 3


def test_small_snapshots_cost_nothing_more() -> None:
    """A client may follow many channels: as many messages as it may send are answered."""

    async def follow() -> list[int]:
        channel = Channel("account", 0, 4, lambda: "order" * 1_000)
        feed = SimpleNamespace(channel=lambda _name, _account: channel)
        desk = SimpleNamespace(settings=ApiSettings(), feed=feed, sessions=None)
        modest = GreedySocket(90, 1_000)
        running = asyncio.create_task(connection.Connection(desk, modest).run())
        await asyncio.sleep(0.5)
        assert not running.done()
        running.cancel()
        return modest.closed

    assert asyncio.run(follow()) == []


def test_sessions_that_ended_are_forgotten() -> None:
    """Whoever signs in all day with ever new accounts leaves nothing behind a day later."""
    now = [1_790_000_000.0]
    sessions = Sessions(ApiSettings(), 31_337, None, lambda: now[0])

    def sign_in(number: int) -> str:
        key = Account.from_key(number.to_bytes(32, "big"))
        _, message, _ = sessions.message_for(bytes.fromhex(key.address[2:]))
        return sessions.open(message, key.sign_message(encode_defunct(text=message)).signature)[0]

    ended = [sign_in(number) for number in range(1, 21)]
    sessions.rotate(ended[0])
    sessions.close(ended[1])
    now[0] += ApiSettings().session_lifetime
    last = sign_in(1)
    assert sessions.account_of(last)
    assert len(sessions._sessions) == len(sessions._tokens) == 1


def test_a_batch_refused_for_its_rate_costs_others_nothing() -> None:
    """Orders in the name of a victim, unsigned, before some of an attacker who is out of tokens.

    The whole batch is refused before any signature is looked at.
    """
    clock = [0.0]
    settings = ApiSettings()
    limits = Limits(settings.rates, lambda: clock[0])
    desk = SimpleNamespace(settings=settings, limits=limits, cancel_only=False)
    victim, attacker = b"v" * 20, b"a" * 20
    burst = settings.rates.orders_per_account.burst
    limits.orders.take(attacker, burst)
    for _ in range(20):
        call = Call("")
        orders = [*[SimpleNamespace(maker=victim)] * 90, *[SimpleNamespace(maker=attacker)] * 10]
        call.body = SimpleNamespace(orders=orders)
        with pytest.raises(RequestError) as caught:
            submit_orders(desk, call)
        assert caught.value.code == "rate_limited"
    assert limits.orders.take(victim, burst) == 0
