"""Orders as traders sign them, and what they may ask for beside."""

from __future__ import annotations

from enum import IntEnum, StrEnum

import msgspec

MAX_LOTS = 2**64 - 1
MAX_TICKS = 2**64 - 1
MAX_LANE = 2**32 - 1
MAX_SEQUENCE = 2**32 - 1
MAX_EXPIRY = 2**40 - 1
MAX_FEE_BPS = 1_000
MAX_CLIENT_ID_LENGTH = 36


class Side(IntEnum):
    """Which way an order trades. Numbered as in a packed batch."""

    BUY = 0
    SELL = 1


class TimeInForce(StrEnum):
    """How long an order stays."""

    GTC = "GTC"
    """Until it is filled, cancelled or its signature expires."""

    GTT = "GTT"
    """Like GTC, but at most until ``good_till``."""

    IOC = "IOC"
    """What does not fill at once is cancelled. A market order is this at the worst price."""

    FOK = "FOK"
    """All of it at once or nothing."""


class SelfTradePrevention(StrEnum):
    """What happens where an incoming order meets a resting one of the same account."""

    CANCEL_NEWEST = "cancel_newest"
    """The incoming order ends; what it filled before stays."""

    CANCEL_OLDEST = "cancel_oldest"
    """The resting order ends; the incoming one goes on."""

    CANCEL_BOTH = "cancel_both"
    """Both end."""


class Order(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The signed part of an order.

    Units: ``lots`` and ``ticks`` as the market fixes them (1 to 2**64 - 1); ``expiry`` in unix
    seconds, the last at which a fill may settle; ``max_fee_bps`` in 1/10,000 of quote. ``maker``
    is the 20 bytes of the account's address. A higher ``sequence`` replaces what is open in its
    ``lane``.
    """

    market: int
    maker: bytes
    side: Side
    lots: int
    ticks: int
    lane: int
    sequence: int
    expiry: int
    max_fee_bps: int
