"""Money comes and goes on chain: deposits, withdrawals and exits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gavelbook.exchange.accounts import Withdrawal
from gavelbook.exchange.errors import ExchangeError, check_address, check_range
from gavelbook.exchange.reports import (
    AccountExited,
    AccountExiting,
    BalanceCredited,
    BalanceReversed,
    DoneReason,
    ExitWithdrawn,
    WithdrawalAccepted,
    WithdrawalEnded,
)
from gavelbook.exchange.state import MAX_HELD, State

if TYPE_CHECKING:
    from gavelbook.exchange.accounts import Account
    from gavelbook.exchange.commands import (
        Deposit,
        ExitCancelled,
        Exited,
        ExitRequested,
        RequestWithdrawal,
        ReverseDeposit,
        SetFeeRecipient,
        WithdrawalDone,
        WithdrawalExpired,
    )
    from gavelbook.exchange.reports import Report

MAX_NONCE = 2**256 - 1
MAX_DEADLINE = 2**256 - 1
MAX_PENDING_WITHDRAWALS = 1_000


def deposit(state: State, command: Deposit) -> list[Report]:
    """Credit a deposit.

    Raises:
        ExchangeError: ``address_malformed``, ``amount_zero``, ``balance_too_large``.

    """
    account, token, amount = command.account, command.token, command.amount
    _check_transfer(account, token, amount)
    held = state.held.get(token, 0)
    if held + amount > MAX_HELD:
        raise ExchangeError.refuse(
            "balance_too_large", "amount", amount, "at most what keeps the token below 2**216"
        )
    state.held[token] = held + amount
    owner = state.account(account)
    owner.balance(token).available += amount
    state.check_deficit(owner)
    return [BalanceCredited(account, token, amount)]


def reverse_deposit(state: State, command: ReverseDeposit) -> list[Report]:
    """Take a deposit back that is no longer on chain; what it covered ends.

    Raises:
        ExchangeError: ``address_malformed``, ``amount_zero``, ``insufficient_balance`` where the
            contract never held as much.

    """
    account, token, amount = command.account, command.token, command.amount
    _check_transfer(account, token, amount)
    _take_from_held(state, token, amount)
    owner = state.account(account)
    owner.balance(token).available -= amount
    ended: list[Report] = []
    deficit = state.cover(owner, token, ended)
    return [BalanceReversed(account, token, amount, deficit), *ended]


def request_withdrawal(state: State, command: RequestWithdrawal) -> list[Report]:
    """Set an amount aside that may leave by a co-signed withdrawal.

    Raises:
        ExchangeError: ``address_malformed``, ``amount_zero``, ``balance_too_large``,
            ``nonce_out_of_range``, ``deadline_out_of_range``, ``nonce_used``,
            ``withdrawal_expired``, ``account_in_deficit``, ``too_many_withdrawals`` or
            ``insufficient_withdrawable``.

    """
    token, amount, nonce = command.token, command.amount, command.nonce
    _check_transfer(command.account, token, amount)
    check_address("to", command.to)
    check_range("nonce_out_of_range", "nonce", nonce, 1, MAX_NONCE)
    check_range("deadline_out_of_range", "deadline", command.deadline, 0, MAX_DEADLINE)
    account = state.accounts.get(command.account)
    balance = account.balances.get(token) if account is not None else None
    if account is not None:
        _check_withdrawer(state, account, command)
    withdrawable = balance.withdrawable if balance is not None else 0
    if account is None or balance is None or withdrawable < amount:
        raise ExchangeError(
            "insufficient_withdrawable",
            f"Expected at most {withdrawable} base units, was {amount}: what orders reserve or "
            "what has not settled cannot leave",
            withdrawable=withdrawable,
            amount=amount,
        )
    balance.available -= amount
    balance.withdrawing += amount
    account.last_nonce = nonce
    account.withdrawals[nonce] = Withdrawal(nonce, token, amount, command.to, command.deadline)
    return [WithdrawalAccepted(command.account, token, amount, command.to, nonce, command.deadline)]


def _check_withdrawer(state: State, account: Account, command: RequestWithdrawal) -> None:
    if command.nonce <= account.last_nonce:
        raise ExchangeError(
            "nonce_used",
            f"Expected nonce above {account.last_nonce}, was {command.nonce}",
            last=account.last_nonce,
            nonce=command.nonce,
        )
    if command.deadline * 1_000 <= state.time_ms:
        raise ExchangeError.refuse(
            "withdrawal_expired", "deadline", command.deadline, "to be in the future"
        )
    if account.in_deficit:
        raise ExchangeError(
            "account_in_deficit", "Expected an account without deficit, was one that lacks money"
        )
    if len(account.withdrawals) >= MAX_PENDING_WITHDRAWALS:
        raise ExchangeError.refuse(
            "too_many_withdrawals",
            "pending withdrawals",
            len(account.withdrawals),
            f"less than {MAX_PENDING_WITHDRAWALS}",
        )


def withdrawal_done(state: State, command: WithdrawalDone) -> list[Report]:
    """Let a paid withdrawal go, and give back those with earlier nonces.

    Raises:
        ExchangeError: ``unknown_withdrawal``, or ``insufficient_balance`` where the contract never
            held as much.

    """
    account, withdrawal = _pending(state, command.account, command.nonce)
    _take_from_held(state, withdrawal.token, withdrawal.amount)
    overtaken = [nonce for nonce in account.withdrawals if nonce < command.nonce]
    reports = [_give_back(state, account, nonce) for nonce in overtaken]
    del account.withdrawals[command.nonce]
    account.balance(withdrawal.token).withdrawing -= withdrawal.amount
    reports.append(_ended(account, withdrawal, paid=True))
    return reports


def withdrawal_expired(state: State, command: WithdrawalExpired) -> list[Report]:
    """Give back what can no longer be withdrawn.

    Raises:
        ExchangeError: ``unknown_withdrawal``, ``withdrawal_pending`` before its deadline.

    """
    account, withdrawal = _pending(state, command.account, command.nonce)
    if state.time_ms <= withdrawal.deadline * 1_000:
        raise ExchangeError.refuse(
            "withdrawal_pending", "deadline", withdrawal.deadline, "to be in the past"
        )
    return [_give_back(state, account, command.nonce)]


def exit_requested(state: State, command: ExitRequested) -> list[Report]:
    """End an account's orders and take no new ones.

    Raises:
        ExchangeError: ``address_malformed``, ``exit_pending`` where it is announced already.

    """
    check_address("account", command.account)
    check_address("token", command.token)
    account = state.accounts.get(command.account)
    if account is not None and command.token in account.exits:
        raise ExchangeError.refuse(
            "exit_pending", "token", command.token.hex(), "one without an exit announced"
        )
    account = state.account(command.account)
    account.exits[command.token] = None
    reports: list[Report] = [AccountExiting(command.account, command.token)]
    state.end_all(account, DoneReason.EXIT, reports)
    return reports


def exit_cancelled(state: State, command: ExitCancelled) -> list[Report]:
    """Take orders again, unless an exit of another token is announced.

    Raises:
        ExchangeError: ``no_exit``.

    """
    account = state.accounts.get(command.account)
    if account is None or command.token not in account.exits:
        raise ExchangeError.refuse(
            "no_exit", "token", command.token.hex(), "one with an exit announced"
        )
    del account.exits[command.token]
    return [ExitWithdrawn(command.account, command.token)]


def exited(state: State, command: Exited) -> list[Report]:
    """Take off what left by an exit; a withdrawal it overtook leaves a deficit until it expires.

    Raises:
        ExchangeError: ``no_exit``, ``amount_out_of_range``, ``insufficient_balance`` where the
            contract never held as much.

    """
    account = state.accounts.get(command.account)
    if account is None or command.token not in account.exits:
        raise ExchangeError.refuse(
            "no_exit", "token", command.token.hex(), "one with an exit announced"
        )
    check_range("amount_out_of_range", "amount", command.amount, 0, MAX_HELD)
    _take_from_held(state, command.token, command.amount)
    del account.exits[command.token]
    account.balance(command.token).available -= command.amount
    ended: list[Report] = []
    deficit = state.cover(account, command.token, ended)
    return [AccountExited(command.account, command.token, command.amount, deficit), *ended]


def set_fee_recipient(state: State, command: SetFeeRecipient) -> list[Report]:
    """Pay fees of fills that settle from now on to another account.

    Raises:
        ExchangeError: ``address_malformed``.

    """
    check_address("account", command.account)
    state.fee_recipient = command.account
    return []


def _check_transfer(account: bytes, token: bytes, amount: int) -> None:
    check_address("account", account)
    check_address("token", token)
    if amount == 0:
        raise ExchangeError.refuse("amount_zero", "amount", amount, "at least 1 base unit")
    check_range("balance_too_large", "amount", amount, 1, MAX_HELD)


def _take_from_held(state: State, token: bytes, amount: int) -> None:
    held = state.held.get(token, 0)
    if amount > held:
        raise ExchangeError.refuse(
            "insufficient_balance", "amount", amount, f"at most the {held} held in the contract"
        )
    state.held[token] = held - amount


def _pending(state: State, address: bytes, nonce: int) -> tuple[Account, Withdrawal]:
    account = state.accounts.get(address)
    withdrawal = account.withdrawals.get(nonce) if account is not None else None
    if account is None or withdrawal is None:
        raise ExchangeError.refuse("unknown_withdrawal", "nonce", nonce, "of a pending withdrawal")
    return account, withdrawal


def _give_back(state: State, account: Account, nonce: int) -> Report:
    withdrawal = account.withdrawals.pop(nonce)
    balance = account.balance(withdrawal.token)
    balance.withdrawing -= withdrawal.amount
    balance.available += withdrawal.amount
    state.check_deficit(account)
    return _ended(account, withdrawal, paid=False)


def _ended(account: Account, withdrawal: Withdrawal, *, paid: bool) -> WithdrawalEnded:
    return WithdrawalEnded(
        account.address, withdrawal.token, withdrawal.amount, withdrawal.nonce, paid
    )
