"""What an account has, in which places, token by token; plain values that add up.

Amounts are integers in base units, ether in wei, times in Unix seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gavelbook.service.sale_view import Token

GAS_OF_A_FEW_STEPS = 600_000
"""Gas for an approval, a deposit and an exit, generously."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What the exchange counts for an account of one token.

    ``available``, ``reserved`` and ``withdrawing`` add up to all of it. ``coming`` is the part of
    it that comes from trades not settled yet, and ``going`` is what such trades take that the
    contract still holds for the account.
    """

    available: int = 0
    reserved: int = 0
    withdrawing: int = 0
    coming: int = 0
    going: int = 0
    withdrawable: int = 0

    @property
    def total(self) -> int:
        """Everything that the exchange counts."""
        return self.available + self.reserved + self.withdrawing

    @property
    def on_chain(self) -> int:
        """What the contract should hold for the account if nothing else is under way."""
        return self.total - self.coming + self.going


@dataclass(frozen=True, slots=True)
class Pots:
    """All of one token that an account has, in the places where it can be."""

    token: Token
    wallet: int = 0
    arrived: int = 0
    """At the deposit address, not in escrow yet."""
    escrow: int = 0
    """What the contract of the exchange holds for the account."""
    exit_at: int = 0
    """When the balance can be taken out without the exchange; 0 where that was not asked for."""
    locked: int = 0
    """In bids of sales that are not decided."""
    claimable: int = 0
    vesting: int = 0
    """Won, and claimable only later."""
    counted: Counted | None = None
    """None where the exchange does not say: it tells nobody but the account itself."""

    @property
    def in_escrow(self) -> int:
        """What is in escrow as far as known: as the exchange counts, else as the contract does."""
        return self.escrow if self.counted is None else self.counted.total

    @property
    def free(self) -> int:
        """In escrow and free for orders."""
        return 0 if self.exit_at else self._available

    @property
    def reserved(self) -> int:
        """In escrow, held for open orders."""
        return 0 if self.counted is None else self.counted.reserved

    @property
    def leaving(self) -> int:
        """In escrow and on its way out: by a withdrawal signed already, or by an exit."""
        if self.counted is None:
            return self.escrow if self.exit_at else 0
        return self.withdrawing + (self._available if self.exit_at else 0)

    @property
    def withdrawing(self) -> int:
        """In escrow, and the exchange has consented to its withdrawal."""
        return 0 if self.counted is None else max(self.counted.withdrawing - self.paid_out, 0)

    @property
    def booking(self) -> int:
        """Paid in, and not seen by the exchange yet."""
        return max(self.being_booked, 0)

    @property
    def unsplit(self) -> int:
        """In escrow, where it is not known how much of it is free."""
        return self.escrow if self.counted is None and not self.exit_at else 0

    @property
    def total(self) -> int:
        """Everything, wherever it is: the sum of the columns of the page."""
        return (
            self.wallet
            + self.arrived
            + self.free
            + self.reserved
            + self.leaving
            + self.booking
            + self.unsplit
            + self.locked
            + self.claimable
            + self.vesting
        )

    @property
    def being_booked(self) -> int:
        """What the contract holds beyond what the exchange counts; below 0 where it holds less.

        0 when all is quiet. A deposit is here until the exchange has seen its block, and a
        withdrawal (below 0) until the exchange has seen that it was paid.
        """
        return 0 if self.counted is None else self.escrow - self.counted.on_chain

    @property
    def paid_out(self) -> int:
        """Counted by the exchange still, though the contract has paid it out."""
        return max(-self.being_booked, 0)

    @property
    def _available(self) -> int:
        if self.counted is None:
            return 0
        return self.counted.available - max(self.paid_out - self.counted.withdrawing, 0)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing of it anywhere."""
        return not (self.total or self.escrow or self.exit_at)


@dataclass(frozen=True, slots=True)
class Claim:
    """What an account can claim from a decided sale, now and later."""

    sale: str
    name: str
    sale_token: Token
    payment_token: Token
    tokens_now: int
    tokens_later: int
    refund: int
    vesting_end: int

    @property
    def has_something_now(self) -> bool:
        """Whether there is something to claim now."""
        return bool(self.tokens_now or self.refund)


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order in the book, by the lane that a cancel on the chain names; price in ticks."""

    market: str
    side: str
    lots: int
    ticks: int
    lane: int
    sequence: int
    expiry: int


@dataclass(frozen=True, slots=True)
class Consent:
    """A withdrawal that the exchange has signed and that is not on the chain yet."""

    token: Token
    amount: int
    nonce: int
    deadline: int


@dataclass(frozen=True)
class Portfolio:
    """An account at the end of one block."""

    address: str
    block: int
    now: int
    """The time of the block that comes next."""
    deposit_address: str
    """Empty where there is no exchange."""
    exit_delay: int
    ether: int
    gas_price: int
    pots: tuple[Pots, ...]
    claims: tuple[Claim, ...] = ()
    sales: tuple[str, ...] = ()
    """Addresses of the sales that the account has bid in."""
    orders: tuple[OpenOrder, ...] = ()
    consents: tuple[Consent, ...] = ()
    exchange_silent: str = ""
    """Why the exchange did not say how the escrow is split; empty where it did or was not asked."""

    @property
    def ether_is_low(self) -> bool:
        """Whether the ether may not pay for the next few transactions."""
        return self.ether < GAS_OF_A_FEW_STEPS * self.gas_price

    @property
    def is_settling(self) -> bool:
        """Whether exchange and chain are about to catch up with each other."""
        return any(
            pots.being_booked or (pots.counted and (pots.counted.coming or pots.counted.going))
            for pots in self.pots
        )

    def pots_of(self, token: str) -> Pots | None:
        """Return the pots of the token at an address; None for an unknown one."""
        return next((each for each in self.pots if each.token.address == token), None)

    @property
    def exiting(self) -> tuple[Pots, ...]:
        """Tokens of which an exit was asked for."""
        return tuple(each for each in self.pots if each.exit_at)
