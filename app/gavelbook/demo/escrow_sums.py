"""Escrow counted in four ways, which must agree to the unit: events, accounts, tokens, ledger."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gavelbook.chain.exchange_events import ExchangeEventKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gavelbook.chain.token import Token
    from gavelbook.demo.exchange_scene import ExchangeScene

    Ledger = Mapping[tuple[bytes, bytes], int]
    """Base units by account and token."""


@dataclass(frozen=True, slots=True)
class EscrowSums:
    """One token in escrow, in base units.

    ``differing`` is the number of accounts whose balance in the contract is not the same as in the
    matcher's ledger.
    """

    symbol: str
    paid_in: int
    withdrawn: int
    exited: int
    of_accounts: int
    held: int
    in_ledger: int
    differing: int

    @property
    def right(self) -> bool:
        """Whether everything agrees."""
        by_events = self.paid_in - self.withdrawn - self.exited
        same = by_events == self.of_accounts == self.held == self.in_ledger
        return same and self.differing == 0


class EscrowEvents:
    """All money that ever came to the exchange or left it, by the events of its contract."""

    def __init__(self, scene: ExchangeScene) -> None:
        """Read the events."""
        self._scene = scene
        self._moved: Counter[tuple[ExchangeEventKind, str]] = Counter()
        self.accounts = {str(scene.scene.cast.fee_recipient.address)}
        """Everybody who can have something in escrow."""
        for event in scene.facts().events:
            if {"account", "token", "amount"} <= event.values.keys():
                self._moved[event.kind, str(event.values["token"])] += event.integer("amount")
                self.accounts.add(str(event.values["account"]))

    def sums(self, ledger: Ledger) -> list[EscrowSums]:
        """Count both tokens of the market; ``ledger`` is what the matcher says."""
        tokens = (self._scene.scene.sale_token, self._scene.scene.payment_token)
        return [self._sums_of(token, ledger) for token in tokens]

    def _sums_of(self, token: Token, ledger: Ledger) -> EscrowSums:
        exchange, code = self._scene.exchange, bytes.fromhex(token.address[2:])
        escrow = {
            bytes.fromhex(each[2:]): exchange.balance_of(each, token.address).amount
            for each in self.accounts
        }
        return EscrowSums(
            symbol=token.symbol(),
            paid_in=self._moved[ExchangeEventKind.DEPOSITED, token.address],
            withdrawn=self._moved[ExchangeEventKind.WITHDRAWN, token.address],
            exited=self._moved[ExchangeEventKind.EXITED, token.address],
            of_accounts=sum(escrow.values()),
            held=token.balance_of(exchange.address),
            in_ledger=sum(amount for (_, known), amount in ledger.items() if known == code),
            differing=sum(
                ledger.get((account, code), 0) != amount for account, amount in escrow.items()
            ),
        )
