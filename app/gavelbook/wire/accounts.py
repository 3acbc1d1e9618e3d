"""Balances and withdrawals of an account; receipts and the public log."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from gavelbook.wire.scalars import Address, Hash32, Octets, Signature, Uint40, Uint64, Uint256


class BalanceView(Struct, frozen=True, rename="camel"):
    """What an account has of one token in escrow, in base units."""

    token: Address
    available: Uint256
    """Free for orders."""
    reserved: Uint256
    """Held for open orders."""
    unsettled: Uint256
    """Of what is available, credits of fills that are not on the chain yet: not withdrawable."""
    withdrawing: Uint256
    """Held for withdrawals that were signed and are not on the chain yet."""
    withdrawable: Uint256
    deficit: Uint256
    """What is lacking since the chain took back a deposit; until then no orders are taken."""


class BalanceList(Struct, frozen=True, rename="camel"):
    """All balances of an account."""

    account: Address
    exiting: bool
    """Whether a forced exit is under way: no new orders are taken."""
    position: Uint64
    """The log position the balances stand at."""
    balances: list[BalanceView]


class WithdrawalRequest(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A withdrawal signed by its account (EIP-712 `Withdrawal`)."""

    token: Address
    amount: Uint256
    to: Address
    nonce: Uint256
    deadline: Uint40
    """Unix seconds until which the chain takes it."""
    signature: Signature


class WithdrawalView(Struct, frozen=True, rename="camel"):
    """A withdrawal with the matcher's signature; anybody can send it to the chain."""

    account: Address
    token: Address
    amount: Uint256
    to: Address
    nonce: Uint256
    deadline: Uint40
    state: Literal["PENDING", "DONE", "EXPIRED"]
    position: Uint64
    matcher_signature: Signature | None = None
    transaction_hash: Hash32 | None = None


class WithdrawalPage(Struct, frozen=True, rename="camel"):
    """Withdrawals, newest first."""

    withdrawals: list[WithdrawalView]
    next: Uint64 | None = None


class MovementView(Struct, frozen=True, rename="camel"):
    """Money that came or went other than by trading."""

    number: Uint64
    position: Uint64
    time: Uint64
    token: Address
    kind: str
    """What happened: `deposit`, `deposit_reversed`, `withdrawal` or `exit`."""
    amount: Uint256
    direction: Literal["in", "out"]


class MovementPage(Struct, frozen=True, rename="camel"):
    """Movements, newest first."""

    movements: list[MovementView]
    next: Uint64 | None = None


class ReceiptView(Struct, frozen=True, rename="camel"):
    """Proof that an order is in the log.

    The first of `digests` is sha256 of position and time (8 bytes each, big endian) and `content`.
    Folding sha256 over `previousHead` and each of `digests` gives `head`, which the matcher signed
    as EIP-712 `LogHead(uint256 position,bytes32 head)`.
    """

    order_hash: Hash32
    position: Uint64
    time: Uint64
    content: Octets
    """The order's entry in the log; `digests` begins with the digest of it."""
    previous_head: Hash32
    digests: list[Hash32]
    head: Hash32
    head_position: Uint64
    signature: Signature


class LogEntryView(Struct, frozen=True, rename="camel"):
    """One entry of the public log."""

    position: Uint64
    time: Uint64
    entry: Octets
    """The bytes that were hashed."""
    head: Hash32


class LogPage(Struct, frozen=True, rename="camel"):
    """Entries of the log, oldest first."""

    origin: Octets
    """What the log begins with: JSON, and the head before the first entry is its SHA-256."""
    entries: list[LogEntryView]
    next: Uint64 | None = None
    """Give it as `from` for the next page; none at the end of the log."""
