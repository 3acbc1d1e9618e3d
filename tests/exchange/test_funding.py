"""Money comes and goes.

├── deposits, up to what a contract can hold, and their reversal
├── withdrawals of what is neither reserved nor unsettled
├── exits: no orders from the announcement on
└── a deficit freezes the account until it is covered
"""

from __future__ import annotations

import pytest

from gavelbook.exchange import commands
from gavelbook.exchange.errors import ExchangeError
from gavelbook.exchange.reports import (
    AccountExited,
    AccountExiting,
    BalanceCredited,
    BalanceReversed,
    ExitWithdrawn,
    WithdrawalAccepted,
    WithdrawalEnded,
)
from tests.exchange.trading import (
    BUY,
    FEE_RECIPIENT,
    GAVEL,
    MAKER,
    RICH,
    SELL,
    START_MS,
    TAKER,
    TRADER,
    USD,
    Trading,
)

DEADLINE = START_MS // 1_000 + 60
NOBODY = b"n" * 20


def withdrawal(
    amount: int, nonce: int = 1, *, account: bytes = MAKER, deadline: int = DEADLINE
) -> commands.RequestWithdrawal:
    return commands.RequestWithdrawal(account, USD, amount, TRADER, nonce, deadline)


def test_deposit_may_be_traded_with(trading: Trading) -> None:
    reports = trading.apply(commands.Deposit(NOBODY, USD, 5))

    assert reports == [BalanceCredited(NOBODY, USD, 5)]
    assert trading.available(NOBODY, USD) == 5
    assert trading.engine.held(USD) == 3 * RICH + 5


def test_contract_holds_less_than_2_to_the_216_of_a_token() -> None:
    trading = Trading(funds=0)
    trading.apply(commands.Deposit(MAKER, USD, 2**216 - 1))

    assert trading.refusal(commands.Deposit(TAKER, USD, 1)).code == "balance_too_large"
    assert trading.refusal(commands.Deposit(TAKER, GAVEL, 2**216)).code == "balance_too_large"
    trading.apply(commands.Deposit(TAKER, GAVEL, 1))


@pytest.mark.parametrize("kind", [commands.Deposit, commands.ReverseDeposit])
@pytest.mark.parametrize(
    ("values", "code"),
    [
        ((MAKER, USD, 0), "amount_zero"),
        ((MAKER, USD, -1), "balance_too_large"),
        ((MAKER, USD, 1.0), "balance_too_large"),
        ((b"x", USD, 1), "address_malformed"),
        ((MAKER, b"x", 1), "address_malformed"),
    ],
)
def test_transfer_out_of_range(trading: Trading, kind: type, values: tuple, code: str) -> None:
    assert trading.refusal(kind(*values)).code == code


def test_reversed_deposit_takes_the_newest_orders_with_it_until_it_is_covered() -> None:
    trading = Trading(funds=100_000)
    old, new = (trading.buy(MAKER, 1, 40) for _ in range(2))
    other = trading.sell(MAKER, 1, 50)

    reports = trading.apply(commands.ReverseDeposit(MAKER, USD, 50_000))

    assert reports[0] == BalanceReversed(MAKER, USD, 50_000, deficit=0)
    assert trading.ends() == {new: ("deficit", 1)}
    assert {each.order_hash for each in trading.engine.open_orders(MAKER)} == {old, other}


def test_deficit_ends_all_orders_and_freezes_until_covered() -> None:
    trading = Trading(funds=100_000)
    for _ in range(2):
        trading.apply(commands.Deposit(MAKER, USD, 100_000))
    trading.sell(TAKER, 2, 90)
    trading.buy(MAKER, 2, 90)
    order = trading.sell(MAKER, 1, 95)

    for _ in range(2):
        reports = trading.apply(commands.ReverseDeposit(MAKER, USD, 100_000))

    lacks = -trading.available(MAKER, USD)
    assert reports[0].deficit == lacks > 0
    assert trading.ends()[order] == ("deficit", 1)
    assert trading.engine.in_deficit(MAKER)
    assert trading.refusal(trading.order(MAKER, SELL, 1, 99)).code == "account_in_deficit"
    give = commands.RequestWithdrawal(MAKER, GAVEL, 1, MAKER, 1, DEADLINE)
    assert trading.refusal(give).code == "account_in_deficit"
    trading.apply(commands.Deposit(MAKER, USD, lacks - 1))
    assert trading.engine.in_deficit(MAKER)
    trading.apply(commands.Deposit(MAKER, USD, 1))
    trading.sell(MAKER, 1, 99)


def test_more_than_the_contract_held_cannot_be_reversed() -> None:
    trading = Trading(funds=10)

    assert trading.refusal(commands.ReverseDeposit(MAKER, USD, 31)).code == "insufficient_balance"


def test_withdrawal_is_set_aside_and_then_paid(trading: Trading) -> None:
    reports = trading.apply(withdrawal(400))

    assert reports == [WithdrawalAccepted(MAKER, USD, 400, TRADER, 1, DEADLINE)]
    assert trading.engine.balance(MAKER, USD).withdrawing == 400
    assert trading.available(MAKER, USD) == RICH - 400
    paid = trading.apply(commands.WithdrawalDone(MAKER, 1))
    assert paid == [WithdrawalEnded(MAKER, USD, 400, 1, paid=True)]
    assert trading.engine.balance(MAKER, USD).withdrawing == 0
    assert trading.engine.held(USD) == 3 * RICH - 400
    assert trading.refusal(commands.WithdrawalDone(MAKER, 1)).code == "unknown_withdrawal"


def test_withdrawal_comes_back_after_its_deadline(trading: Trading) -> None:
    trading.apply(withdrawal(400))
    assert trading.refusal(commands.WithdrawalExpired(MAKER, 1)).code == "withdrawal_pending"
    trading.pass_ms(60_000)
    assert trading.refusal(commands.WithdrawalExpired(MAKER, 1)).code == "withdrawal_pending"
    trading.pass_ms(1)

    reports = trading.apply(commands.WithdrawalExpired(MAKER, 1))

    assert reports == [WithdrawalEnded(MAKER, USD, 400, 1, paid=False)]
    assert trading.available(MAKER, USD) == RICH
    assert trading.refusal(commands.WithdrawalExpired(NOBODY, 1)).code == "unknown_withdrawal"


def test_payment_gives_back_withdrawals_with_earlier_nonces(trading: Trading) -> None:
    for nonce in (1, 2, 5):
        trading.apply(withdrawal(100 * nonce, nonce))

    reports = trading.apply(commands.WithdrawalDone(MAKER, 2))

    assert [(each.nonce, each.paid) for each in reports] == [(1, False), (2, True)]
    assert trading.engine.balance(MAKER, USD).withdrawing == 500
    assert trading.available(MAKER, USD) == RICH - 700
    assert trading.refusal(withdrawal(1, 5)).code == "nonce_used"
    assert trading.engine.withdrawal_nonce(MAKER) == 5


def test_what_orders_reserve_cannot_leave() -> None:
    trading = Trading(funds=100_000)
    trading.buy(MAKER, 1, 50)
    free = trading.available(MAKER, USD)

    with pytest.raises(ExchangeError) as error:
        trading.apply(withdrawal(free + 1))
    assert error.value.code == "insufficient_withdrawable"
    assert error.value.details == {"withdrawable": free, "amount": free + 1}
    trading.apply(withdrawal(free))


def test_proceeds_cannot_leave_before_they_settle() -> None:
    trading = Trading(funds=100_000)
    trading.sell(MAKER, 1, 50)
    trading.buy(TAKER, 1, 50)

    assert trading.available(MAKER, USD) > 100_000
    assert trading.refusal(withdrawal(100_001)).code == "insufficient_withdrawable"
    trading.apply(commands.BatchSettled(1, 1, 1, 1, 1))
    trading.apply(withdrawal(100_001))


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (withdrawal(0), "amount_zero"),
        (withdrawal(1, 0), "nonce_out_of_range"),
        (withdrawal(1, 2**256), "nonce_out_of_range"),
        (withdrawal(1, deadline=START_MS // 1_000), "withdrawal_expired"),
        (withdrawal(1, deadline=2**256), "deadline_out_of_range"),
        (withdrawal(1, account=b"x"), "address_malformed"),
        (withdrawal(1, account=NOBODY), "insufficient_withdrawable"),
        (commands.RequestWithdrawal(MAKER, USD, 1, b"x", 1, DEADLINE), "address_malformed"),
    ],
)
def test_withdrawal_out_of_range(
    trading: Trading, command: commands.RequestWithdrawal, code: str
) -> None:
    assert trading.refusal(command).code == code


def test_pending_withdrawals_are_bounded(trading: Trading) -> None:
    engine, position = trading.engine, trading.engine.position
    for nonce in range(1, 1_001):
        engine.apply(position + nonce, START_MS, withdrawal(1, nonce))

    assert trading.refusal(withdrawal(1, 1_001)).code == "too_many_withdrawals"


def test_exit_ends_orders_and_bars_new_ones(trading: Trading) -> None:
    order = trading.buy(MAKER, 1, 1, market=2)

    reports = trading.apply(commands.ExitRequested(MAKER, GAVEL))

    assert reports[0] == AccountExiting(MAKER, GAVEL)
    assert trading.ends() == {order: ("exit", 1)}
    assert trading.engine.exiting(MAKER)
    assert trading.refusal(trading.order(MAKER, BUY, 1, 1)).code == "account_exiting"
    assert trading.refusal(commands.ExitRequested(MAKER, GAVEL)).code == "exit_pending"
    trading.apply(withdrawal(1))


def test_orders_are_taken_again_when_no_exit_is_left(trading: Trading) -> None:
    trading.apply(commands.ExitRequested(MAKER, GAVEL))
    trading.apply(commands.ExitRequested(MAKER, USD))

    assert trading.apply(commands.ExitCancelled(MAKER, GAVEL)) == [ExitWithdrawn(MAKER, GAVEL)]
    assert trading.refusal(trading.order(MAKER, BUY, 1, 1)).code == "account_exiting"
    assert trading.apply(commands.Exited(MAKER, USD, RICH)) == [
        AccountExited(MAKER, USD, RICH, deficit=0)
    ]
    assert trading.available(MAKER, USD) == 0
    assert trading.engine.held(USD) == 2 * RICH
    trading.sell(MAKER, 1, 1)


def test_exit_that_overtakes_a_withdrawal_leaves_a_deficit_until_it_expires(
    trading: Trading,
) -> None:
    trading.apply(withdrawal(400))
    trading.apply(commands.ExitRequested(MAKER, USD))

    reports = trading.apply(commands.Exited(MAKER, USD, RICH))

    assert reports == [AccountExited(MAKER, USD, RICH, deficit=400)]
    assert trading.refusal(trading.order(MAKER, SELL, 1, 1)).code == "account_in_deficit"
    trading.pass_ms(60_001)
    trading.apply(commands.WithdrawalExpired(MAKER, 1))
    trading.sell(MAKER, 1, 1)


@pytest.mark.parametrize("account", [MAKER, NOBODY])
def test_no_exit_without_an_announcement(trading: Trading, account: bytes) -> None:
    assert trading.refusal(commands.ExitCancelled(account, USD)).code == "no_exit"
    assert trading.refusal(commands.Exited(account, USD, 1)).code == "no_exit"


def test_exit_out_of_range(trading: Trading) -> None:
    trading.apply(commands.ExitRequested(MAKER, USD))

    assert trading.refusal(commands.Exited(MAKER, USD, -1)).code == "amount_out_of_range"
    assert trading.refusal(commands.Exited(MAKER, USD, 3 * RICH + 1)).code == "insufficient_balance"
    assert trading.refusal(commands.ExitRequested(b"x", USD)).code == "address_malformed"
    assert trading.refusal(commands.ExitRequested(MAKER, b"x")).code == "address_malformed"


def test_fees_go_to_whoever_is_the_recipient_when_they_settle(trading: Trading) -> None:
    for _ in range(2):
        trading.sell(MAKER, 10, 100)
        trading.buy(TAKER, 10, 100)
    fees = trading.engine.pending_fees(USD) // 2

    trading.apply(commands.BatchSettled(1, 1, 1, 1, 1))
    trading.apply(commands.SetFeeRecipient(TRADER))
    trading.apply(commands.BatchSettled(2, 1, 2, 2, 1))

    assert trading.available(FEE_RECIPIENT, USD) == fees > 0
    assert trading.available(TRADER, USD) == RICH + fees
    assert trading.engine.pending_fees(USD) == 0
    assert trading.refusal(commands.SetFeeRecipient(b"x")).code == "address_malformed"
