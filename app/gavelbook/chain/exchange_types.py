"""What an exchange contract holds and answers, as plain values."""

from __future__ import annotations

from typing import NamedTuple


class Escrow(NamedTuple):
    """What the contract holds for an account of a token, in base units.

    ``exit_at`` is the time, in unix seconds, from which it can leave and is out of settlement; 0
    where nobody asked for it.
    """

    amount: int
    exit_at: int = 0


class Lane(NamedTuple):
    """How far a lane is used: the last sequence filled, and the lots filled of it.

    From ``cancel_at`` (unix seconds; 0 for never) on all up to ``cancelled_sequence`` is void.
    """

    sequence: int = 0
    filled_lots: int = 0
    cancel_at: int = 0
    cancelled_sequence: int = 0


class Delays(NamedTuple):
    """Seconds between asking and having: an exit, a cancel, a new key."""

    exit: int
    cancel_notice: int
    key: int


class Proposal(NamedTuple):
    """A successor proposed, who can be accepted from ``ready_at`` (unix seconds) on."""

    account: str
    ready_at: int
