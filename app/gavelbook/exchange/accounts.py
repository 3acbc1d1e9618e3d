"""What an account has, owes and may do, as the engine keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from gavelbook.exchange.book import LiveOrder


class Withdrawal(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An amount set aside until the contract pays it or its deadline (unix seconds) passes."""

    nonce: int
    token: bytes
    amount: int
    to: bytes
    deadline: int


class Balance:
    """What an account has of one token, in base units.

    Attributes:
        available: Free to trade with; below 0 where a chain event took what was already used.
        reserved: What the open orders need.
        unsettled_in: Credits of fills that have not settled on chain; they may be traded with
            but not withdrawn, and are a part of what was added to ``available``.
        withdrawing: Set aside for withdrawals.

    """

    __slots__ = ("available", "reserved", "unsettled_in", "withdrawing")

    def __init__(
        self, available: int = 0, reserved: int = 0, unsettled_in: int = 0, withdrawing: int = 0
    ) -> None:
        self.available = available
        self.reserved = reserved
        self.unsettled_in = unsettled_in
        self.withdrawing = withdrawing

    @property
    def withdrawable(self) -> int:
        """What may leave without any unsettled fill, open order or withdrawal missing it."""
        return max(0, self.available - self.unsettled_in)


class Account:
    """Everything the engine knows of one account.

    Attributes:
        address: 20 bytes.
        balances: By token.
        lanes: The last sequence seen by lane.
        open_orders: By lane: each holds at most one.
        clients: Open orders by client id, for those that have one.
        exits: Tokens with an exit announced on chain.
        withdrawals: Pending ones by nonce, in rising order.
        last_nonce: The highest nonce of a withdrawal so far.
        in_deficit: Whether some balance is below 0; no orders are taken then.

    """

    __slots__ = (
        "address",
        "balances",
        "clients",
        "exits",
        "in_deficit",
        "lanes",
        "last_nonce",
        "open_orders",
        "withdrawals",
    )

    def __init__(self, address: bytes) -> None:
        self.address = address
        self.balances: dict[bytes, Balance] = {}
        self.lanes: dict[int, int] = {}
        self.open_orders: dict[int, LiveOrder] = {}
        self.clients: dict[str, LiveOrder] = {}
        self.exits: dict[bytes, None] = {}
        self.withdrawals: dict[int, Withdrawal] = {}
        self.last_nonce = 0
        self.in_deficit = False

    def balance(self, token: bytes) -> Balance:
        """Return the balance of ``token``, new and empty if there was none."""
        balance = self.balances.get(token)
        if balance is None:
            balance = self.balances[token] = Balance()
        return balance

    def orders(self) -> list[LiveOrder]:
        """Return the open orders, oldest first."""
        return sorted(self.open_orders.values(), key=lambda order: order.position)
