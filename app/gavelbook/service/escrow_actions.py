"""Paying into escrow and leaving it, as steps; whoever owns the account takes them.

Amounts are in base units, times in Unix seconds. Each action ends with the hash of its last
transaction, and raises what a step raises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gavelbook.exchange.signing import Domain, Withdrawal
from gavelbook.exchange.typed_data import withdrawal_typed_data
from gavelbook.service.acting import Action, Line, SendTransaction, SignTypedData
from gavelbook.service.allowance import PERMIT_SECONDS, allow
from gavelbook.wire.accounts import WithdrawalRequest
from gavelbook.wire.scalars import Address, Signature, Uint40, Uint256

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from web3.contract.contract import ContractFunction

    from gavelbook.chain.exchange import Exchange
    from gavelbook.chain.sale import Sale
    from gavelbook.chain.token import Token as TokenContract
    from gavelbook.service.portfolio import Claim
    from gavelbook.service.sale_view import Token
    from gavelbook.wire.accounts import WithdrawalView

    Consenting = Callable[[Address, WithdrawalRequest], WithdrawalView]

_CONSENT_SECONDS = 24 * 60 * 60
_MILLISECONDS = 1_000
_MINUTE, _HOUR, _DAY = 60, 60 * 60, 24 * 60 * 60


def send(title: str, call: ContractFunction, *lines: Line) -> Action[str]:
    """Send one transaction."""
    transaction: str = yield SendTransaction(title, call, lines=lines)
    return transaction


class EscrowActions:
    """What ``owner`` can do with the escrow at ``exchange``."""

    def __init__(self, exchange: Exchange, owner: str) -> None:
        self._exchange = exchange
        self._owner = owner

    def deposit(self, contract: TokenContract, token: Token, amount: int, now: int) -> Action[str]:
        """Pay ``amount`` in: one signature and one transaction.

        A token that takes no signed allowances needs two transactions.
        """
        lines = Line("You pay in", token.amount(amount)), Line("To", "your escrow in the exchange")
        spender = self._exchange.address
        permit = yield from allow(
            contract, self._owner, spender, amount, now + PERMIT_SECONDS, lines
        )
        if permit is None:
            call = self._exchange.deposit(token.address, amount)
        else:
            call = self._exchange.deposit_with_permit(self._owner, token.address, permit)
        return (yield from send(f"Pay in {token.amount(amount)}", call, *lines))

    def withdraw(self, consent: Consenting, token: Token, amount: int, now: int) -> Action[str]:
        """Take ``amount`` out to the own wallet, with the exchange's consent.

        Args:
            consent: asks the matcher to sign what the account has signed.
            token: what is taken out.
            amount: in base units.
            now: the time, by which the number of the withdrawal rises above all earlier ones.

        Raises:
            ApiError: the matcher does not consent.

        """
        account = Address.parse(self._owner)
        withdrawal = Withdrawal(
            account=bytes(account),
            token=bytes(Address.parse(token.address)),
            amount=amount,
            to=bytes(account),
            nonce=max(now * _MILLISECONDS, self._exchange.withdrawal_nonce(self._owner) + 1),
            deadline=now + _CONSENT_SECONDS,
        )
        contract = bytes(Address.parse(self._exchange.address))
        domain = Domain(int(self._exchange.web3.eth.chain_id), contract)
        lines = Line("You take out", token.amount(amount)), Line("To", self._owner)
        signature = yield SignTypedData(
            f"Ask for {token.amount(amount)} back",
            withdrawal_typed_data(domain, withdrawal),
            (*lines, Line("Good for", in_words(_CONSENT_SECONDS))),
        )
        request = WithdrawalRequest(
            Address(withdrawal.token),
            Uint256(withdrawal.amount),
            Address(withdrawal.to),
            Uint256(withdrawal.nonce),
            Uint40(withdrawal.deadline),
            Signature(signature),
        )
        return (yield from self.pay_out(consent(account, request), token))

    def pay_out(self, consented: WithdrawalView, token: Token) -> Action[str]:
        """Send a withdrawal that the exchange has consented to."""
        withdrawal = Withdrawal(
            account=bytes(consented.account),
            token=bytes(consented.token),
            amount=int(consented.amount),
            to=bytes(consented.to),
            nonce=int(consented.nonce),
            deadline=int(consented.deadline),
        )
        call = self._exchange.withdraw(withdrawal, bytes(consented.matcher_signature or b""))
        amount = token.amount(withdrawal.amount)
        lines = Line("You take out", amount), Line("To", consented.to.text())
        return (yield from send(f"Take out {amount}", call, *lines))

    def sweep(self, token: Token) -> Action[str]:
        """Book what is at the deposit address; anybody may do it."""
        call = self._exchange.sweep(self._owner, token.address)
        line = Line("Goes to the escrow of", self._owner)
        return (yield from send(f"Book the {token.symbol} that arrived", call, line))

    def request_exit(self, tokens: Sequence[Token]) -> Action[str]:
        """Announce that everything of ``tokens`` leaves."""
        call = self._exchange.request_exit([token.address for token in tokens])
        lines = (
            Line("Everything in escrow of", _symbols(tokens)),
            Line("Can be taken out after", in_words(self._exchange.delays().exit)),
            Line("Until then", "no new orders; trades already matched still settle"),
        )
        return (yield from send("Announce that you leave", call, *lines))

    def cancel_exit(self, tokens: Sequence[Token]) -> Action[str]:
        """Take the announcement back."""
        call = self._exchange.cancel_exit([token.address for token in tokens])
        return (yield from send("Stay after all", call, Line("Stays in escrow", _symbols(tokens))))

    def take_out(self, token: Token, amount: int) -> Action[str]:
        """Take the whole balance, ``amount``, out without anybody's consent."""
        call = self._exchange.exit(token.address, self._owner)
        lines = Line("You take out", token.amount(amount)), Line("To", self._owner)
        return (yield from send(f"Take out all {token.symbol}", call, *lines))

    def cancel_lane(self, lane: int, sequence: int) -> Action[str]:
        """Void the orders of a lane up to ``sequence`` on the chain."""
        call = self._exchange.cancel(lane, sequence)
        lines = (
            Line("Void", f"every order of lane {lane} up to number {sequence}"),
            Line("Takes effect after", in_words(self._exchange.delays().cancel_notice)),
        )
        return (yield from send("Cancel on the chain", call, *lines))

    def claim_and_book(self, sale: Sale, claim: Claim) -> Action[str]:
        """Claim the tokens won to the deposit address and book them: ready to be traded."""
        call = sale.claim_to(self._exchange.forwarder_of(self._owner), None)
        lines = (
            Line("You claim", claim.sale_token.amount(claim.tokens_now)),
            Line("To", "your deposit address, then into escrow"),
        )
        yield from send("Claim to your deposit address", call, *lines)
        return (yield from self.sweep(claim.sale_token))


def claim_to_wallet(sale: Sale, owner: str, claim: Claim) -> Action[str]:
    """Claim everything that a sale owes ``owner`` now."""
    parts = (claim.sale_token, claim.tokens_now), (claim.payment_token, claim.refund)
    lines = [Line("You claim", token.amount(units)) for token, units in parts if units]
    return (yield from send("Claim", sale.claim(owner), *lines))


def in_words(seconds: int) -> str:
    """Return a delay in its largest whole unit."""
    for unit, name in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if seconds >= unit and seconds % unit == 0:
            count = seconds // unit
            return f"{count} {name}{'' if count == 1 else 's'}"
    return f"{seconds} seconds"


def _symbols(tokens: Sequence[Token]) -> str:
    return ", ".join(token.symbol for token in tokens)
