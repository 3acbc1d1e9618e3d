"""With every key of the operator gone, everybody leaves the exchange with all their money.

Nobody signs batches or withdrawals, nobody unpauses: whatever is called here is called by the
account itself or by a stranger.
"""

from __future__ import annotations

from functools import partial
from random import Random

import pytest

from gavelbook.exchange.orders import Side
from tests.evm.compiled import contract
from tests.evm.exchange import (
    DAY,
    EXIT_DELAY,
    FEES,
    HOUR,
    LOT_SIZE,
    TICK_VALUE,
    encode,
)
from tests.evm.machine import account, words
from tests.evm.sale import STRANGER, ZERO_ADDRESS, Token
from tests.evm.signatures import Key
from tests.hostile.scene import refused
from tests.hostile.trading_scene import (
    LIMITS,
    LOTS,
    MAKER,
    PEOPLE,
    TAKER,
    THIEF,
    TradingStage,
    floor,
)

CENTURY = 100 * 365 * DAY
CROWD = 12


@pytest.fixture(params=["running", "paused", "ownerless", "paused and ownerless"])
def stage(_leave_no_trace: None, request: pytest.FixtureRequest) -> TradingStage:
    """An exchange in the middle of trading whose operator is gone for good."""
    stage = TradingStage(floor())
    stage.settle(stage.batch(fills=[(1, 0, 4)], taker_fee_bps=30, maker_fee_bps=20))
    if "paused" in request.param:
        stage.exchange.administer("pause")
    stage.exchange.administer("revokeMatcher")
    if "ownerless" in request.param:
        stage.exchange.administer("renounceOwnership")
    return stage


def both() -> tuple[Token, Token]:
    return floor().base, floor().quote


def addresses() -> list[str]:
    return [token.address for token in floor().tokens]


def everybody_is_out(stage: TradingStage) -> None:
    """Nothing is left, and the wallets hold what four lots at 100 ticks made of everybody's."""
    quote = 4 * LIMITS[Side.SELL] * TICK_VALUE
    taker_fee, maker_fee = quote * 30 // 10_000, quote * 20 // 10_000
    moved = {
        MAKER.address: (-4 * LOT_SIZE, quote - maker_fee),
        TAKER.address: (4 * LOT_SIZE, -quote - taker_fee),
        THIEF.address: (0, 0),
    }
    for key in PEOPLE:
        base, paid = moved[key.address]
        assert floor().base.balance(key.address) == 10**12 + base
        assert floor().quote.balance(key.address) == 10**12 + paid
    assert floor().quote.balance(FEES) == taker_fee + maker_fee
    assert [token.balance(stage.exchange.address) for token in floor().tokens] == [0, 0, 0]


def test_everybody_leaves_alone(stage: TradingStage) -> None:
    owners = [*(key.address for key in PEOPLE), FEES]
    for owner in owners:
        stage.exchange.request_exit(owner, addresses())
    due = floor().machine.now + EXIT_DELAY

    floor().machine.now = due - 1
    for owner in owners:
        for token in both():
            early = partial(stage.exchange.exit, owner, token.address)
            assert refused(early) == "ExitNotDue"
            early = partial(stage.exchange.exit_for, owner, token.address)
            assert refused(early) == "ExitNotDue"
    floor().machine.now = due
    for owner in owners:
        for token in both():
            stage.exchange.exit(owner, token.address)
            again = partial(stage.exchange.exit, owner, token.address)
            assert refused(again) == "NoExit"

    everybody_is_out(stage)


def test_stranger_helps_everybody_out_after_a_century(stage: TradingStage) -> None:
    for owner in [*(key.address for key in PEOPLE), FEES]:
        stage.exchange.request_exit(owner, addresses())
    floor().machine.now += CENTURY

    for owner in [*(key.address for key in PEOPLE), FEES]:
        for token in both():
            stage.exchange.exit_for(owner, token.address, STRANGER)

    everybody_is_out(stage)


def test_notice_given_in_a_century_counts(stage: TradingStage) -> None:
    floor().machine.now += CENTURY
    test_everybody_leaves_alone(stage)


def test_money_on_its_way_in_leaves_as_well(stage: TradingStage) -> None:
    """What was sent to a deposit address can be booked and taken out, paused or not."""
    arriving = stage.exchange.forwarder_of(MAKER.address)
    floor().third.mint(arriving, 777)
    stage.exchange.request_exit(MAKER.address, addresses())
    floor().machine.now += EXIT_DELAY

    assert stage.exchange.sweep(MAKER.address, floor().third.address) == 777
    stage.exchange.exit(MAKER.address, floor().third.address)

    assert floor().third.balance(MAKER.address) == 777
    late = partial(floor().fund, MAKER.address, floor().base, 5)
    if stage.exchange.number("paused"):
        assert refused(late) == "ExchangePaused"
        floor().base.seize(MAKER.address, 5)


def test_deposit_after_the_notice_leaves_with_the_rest() -> None:
    stage = TradingStage(floor())
    stage.exchange.request_exit(MAKER.address, addresses())
    floor().machine.now += EXIT_DELAY
    floor().fund(MAKER.address, floor().base, 5)

    stage.exchange.exit(MAKER.address, floor().base.address)

    assert floor().base.balance(MAKER.address) == 10**12 + 5


def test_leaving_to_another_address_is_the_accounts_own_choice(stage: TradingStage) -> None:
    stage.exchange.request_exit(MAKER.address, addresses())
    floor().machine.now += EXIT_DELAY
    base, vault = floor().base, account("vault")

    for to in (ZERO_ADDRESS, stage.exchange.address):
        call = partial(stage.exchange.exit, MAKER.address, base.address, to)
        assert refused(call) == "RecipientInvalid"
    stolen = partial(stage.exchange.exit, THIEF.address, base.address, THIEF.address)
    assert refused(stolen) == "NoExit"
    held = stage.exchange.held(MAKER.address, base.address)
    stage.exchange.exit(MAKER.address, base.address, vault)

    assert base.balance(vault) == held


def test_frozen_token_keeps_nobody_from_the_others(stage: TradingStage) -> None:
    stage.exchange.request_exit(MAKER.address, addresses())
    floor().machine.now += EXIT_DELAY
    floor().base.freeze(stage.exchange.address)

    stuck = partial(stage.exchange.exit, MAKER.address, floor().base.address)
    assert refused(stuck) == "Frozen"
    stage.exchange.exit(MAKER.address, floor().quote.address)
    floor().base.freeze(stage.exchange.address, on=False)
    stuck()

    assert all(stage.exchange.held(MAKER.address, token.address) == 0 for token in both())


def test_frozen_account_takes_its_money_elsewhere(stage: TradingStage) -> None:
    stage.exchange.request_exit(MAKER.address, addresses())
    floor().machine.now += EXIT_DELAY
    floor().base.freeze(MAKER.address)

    helped = partial(stage.exchange.exit_for, MAKER.address, floor().base.address)
    assert refused(helped) == "Frozen"
    stage.exchange.exit(MAKER.address, floor().base.address, account("vault"))

    assert floor().base.balance(account("vault")) == 10**12 - 4 * LOT_SIZE


@pytest.mark.parametrize("name", ["MockSilentToken", "MockFalseToken"])
def test_odd_tokens_leave(name: str) -> None:
    """Tokens that answer nothing or false: what is taken out has arrived, or nothing happened."""
    stage, machine = TradingStage(floor()), floor().machine
    code = contract(name)
    token = machine.deploy(code.creation + words(1_000), MAKER.address)
    approve, balance = (code.functions[each].selector for each in ("approve", "balanceOf"))
    machine.call(MAKER.address, token, approve + words(stage.exchange.address, 1_000))
    stage.exchange.deposit(MAKER.address, token, 1_000)
    stage.exchange.request_exit(MAKER.address, [token])
    machine.now += EXIT_DELAY
    if "refuse" in code.functions:
        machine.call(STRANGER, token, code.functions["refuse"].selector)
        refusal = partial(stage.exchange.exit, MAKER.address, token)
        assert refused(refusal) == "SafeERC20FailedOperation"
        assert stage.exchange.held(MAKER.address, token) == 1_000
        machine.call(STRANGER, token, code.functions["relent"].selector)

    stage.exchange.exit(MAKER.address, token)

    assert int.from_bytes(machine.call(STRANGER, token, balance + words(MAKER.address))) == 1_000


def test_contract_wallet_leaves(stage: TradingStage) -> None:
    """A wallet without a key of its own trades by approval and leaves by its own calls."""
    wallet = floor().machine.deploy(
        contract("MockSmartWallet").creation + words(TAKER.address), TAKER.address
    )
    execute = contract("MockSmartWallet").functions["execute"].selector

    def by_wallet(data: bytes) -> None:
        call = words(stage.exchange.address, 64, len(data)) + data + bytes(-len(data) % 32)
        floor().machine.call(TAKER.address, wallet, execute + call)

    paused = stage.exchange.number("paused")
    floor().third.mint(stage.exchange.forwarder_of(wallet), 9_000)
    stage.exchange.sweep(wallet, floor().third.address)
    assert stage.exchange.number("paused") == paused
    by_wallet(encode("requestExit", [floor().third.address]))
    floor().machine.now += EXIT_DELAY
    by_wallet(encode("exit", floor().third.address, TAKER.address))

    assert floor().third.balance(TAKER.address) == 9_000


def test_change_of_mind_costs_a_new_delay() -> None:
    stage = TradingStage(floor())
    exchange, base = stage.exchange, floor().base.address
    exchange.request_exit(MAKER.address, [base])
    first = exchange.balance(MAKER.address, base).exit_at
    floor().machine.now += HOUR
    exchange.request_exit(MAKER.address, [base])
    assert exchange.balance(MAKER.address, base).exit_at == first

    exchange.cancel_exit(MAKER.address, [base])
    exchange.request_exit(MAKER.address, [base])
    assert exchange.balance(MAKER.address, base).exit_at == floor().machine.now + EXIT_DELAY
    floor().machine.now += EXIT_DELAY
    exchange.cancel_exit(MAKER.address, [base])
    assert refused(partial(exchange.exit, MAKER.address, base)) == "NoExit"
    assert refused(partial(exchange.cancel_exit, MAKER.address, [base])) == "NoExit"
    stage.settle(stage.batch([stage.sign(MAKER, Side.SELL), stage.sign(TAKER, Side.BUY)]))
    assert exchange.lane(MAKER.address, 0).filled_lots == LOTS


@pytest.mark.parametrize("seed", range(6))
def test_random_crowd_leaves(seed: int) -> None:
    """After random trading everybody leaves in random order, and the exchange is empty."""
    random = Random(f"crowd {seed}")
    keys = [Key(f"crowd {number}") for number in range(CROWD)]
    exchange, machine = floor().exchange, floor().machine
    minted = dict.fromkeys((token.address for token in both()), 0)
    for key in keys:
        for token in both():
            amount = random.randrange(1, 10**10)
            floor().fund(key.address, token, amount)
            minted[token.address] += amount
    for number in range(1, 15):
        buyer, seller = random.sample(keys, 2)
        lots = random.randint(1, 50)
        orders = [
            floor().sign(
                key, floor().order(key.address, side, lots, ticks, lane=number, market=market)
            )
            for market in [random.choice((1, 2))]
            for key, side, ticks in ((seller, Side.SELL, 30), (buyer, Side.BUY, 60))
        ]
        roles = random.choice(((0, 1), (1, 0)))
        batch = floor().batch(
            orders,
            [(*roles, lots)],
            market=orders[0].order.market,
            taker_fee_bps=random.randrange(31),
        )
        refused(partial(floor().settle, batch))
    assert exchange.last_batch() > 5
    exchange.administer("revokeMatcher")
    owners = [*(key.address for key in keys), FEES]
    due = [(owner, token) for owner in owners for token in both()]
    random.shuffle(due)
    for owner, token in due:
        exchange.request_exit(owner, [token.address])
        machine.now += random.randrange(HOUR)
    machine.now += EXIT_DELAY
    random.shuffle(due)
    for owner, token in due:
        held = exchange.held(owner, token.address)
        if random.random() < 0.5:
            exchange.exit(owner, token.address)
        else:
            exchange.exit_for(owner, token.address)
        assert token.balance(owner) == held
    for token in both():
        assert token.balance(exchange.address) == 0
        assert sum(token.balance(owner) for owner in owners) == minted[token.address]
