"""All terms of a sale: the auction, and what the contract needs besides."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from gavelbook.errors import TermsError

if TYPE_CHECKING:
    from gavelbook.auction.auction_terms import AuctionTerms

MAX_CONTRACT_SUPPLY_LOTS = 2**32 - 1

_DAY = 24 * 60 * 60
_MAX_TIME = 2**64 - 1
_MAX_ALLOCATOR_WINDOW = 7 * _DAY
_MIN_OPEN_CLEARING = 1 * _DAY
_MAX_ABORT_DELAY = 60 * _DAY
_MAX_VESTING_DELAY = 3650 * _DAY

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_NAME = re.compile(r"(?!0x)[A-Za-z][A-Za-z0-9_.:-]{0,63}")
_ZERO_ADDRESS = "0x" + 40 * "0"

ACCOUNT_KEYS = (
    "sale_token",
    "payment_token",
    "allocator",
    "proceeds_recipient",
    "unsold_recipient",
    "gate",
)
TIME_KEYS = (
    "start",
    "end",
    "cancel_until",
    "allocator_until",
    "abort_time",
    "vesting_start",
    "vesting_cliff",
    "vesting_end",
)
OPTIONAL_KEYS = ("gate", "cancel_until", "vesting_start", "vesting_cliff", "vesting_end")


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleTerms:
    """The terms of a sale contract. What an allocation does not need may be left None.

    Accounts are addresses (``0x`` and 40 hexadecimal digits) or names that the chain layer
    resolves. Times are Unix seconds. A ``gate`` of None, a ``cancel_until`` of 0 and vesting times
    of 0 mean that the sale has no such thing.

    Raises:
        TermsError: a value is malformed (``account_malformed``, ``time_malformed``), or the
            contract refuses it (``address_missing``, ``tokens_equal``, ``supply_invalid``,
            ``window_invalid``, ``cancel_invalid``, ``allocator_window_invalid``,
            ``abort_time_invalid``, ``vesting_invalid``).

    """

    auction: AuctionTerms
    sale_token: str | None = None
    payment_token: str | None = None
    allocator: str | None = None
    proceeds_recipient: str | None = None
    unsold_recipient: str | None = None
    gate: str | None = None
    start: int | None = None
    end: int | None = None
    cancel_until: int = 0
    allocator_until: int | None = None
    abort_time: int | None = None
    vesting_start: int = 0
    vesting_cliff: int = 0
    vesting_end: int = 0

    def __post_init__(self) -> None:
        """Check what is given; a missing part is checked when the whole is asked for."""
        self._check_accounts()
        for key in TIME_KEYS:
            value = getattr(self, key)
            integer = isinstance(value, int) and not isinstance(value, bool)
            if value is not None and not (integer and 0 <= value <= _MAX_TIME):
                raise TermsError.refuse("time_malformed", key, value, "Unix seconds below 2**64")
        self._check_window()
        self._check_after_window()
        self._check_vesting()
        if self._names_contract() and self.auction.supply_lots > MAX_CONTRACT_SUPPLY_LOTS:
            expected = f"from 1 to {MAX_CONTRACT_SUPPLY_LOTS} lots, as the contract holds"
            raise TermsError.refuse(
                "supply_invalid", "supply_lots", self.auction.supply_lots, expected
            )

    @property
    def missing(self) -> tuple[str, ...]:
        """Keys that a sale contract needs and these terms leave out."""
        return tuple(
            f.name
            for f in fields(self)
            if f.name not in OPTIONAL_KEYS and getattr(self, f.name) is None
        )

    def require_complete(self) -> None:
        """Refuse terms from which no sale contract can be made.

        Raises:
            TermsError: ``key_missing``, naming the first missing key.

        """
        if self.missing:
            key = self.missing[0]
            raise TermsError("key_missing", f"Expected the key {key}, was absent", key=key)

    def _names_contract(self) -> bool:
        return any(getattr(self, key) for key in (*ACCOUNT_KEYS, *TIME_KEYS))

    def _check_accounts(self) -> None:
        for key in ACCOUNT_KEYS:
            value = getattr(self, key)
            if value is None:
                continue
            if not isinstance(value, str) or not (
                _ADDRESS.fullmatch(value) or _NAME.fullmatch(value)
            ):
                expected = "an address (0x and 40 hexadecimal digits) or a name"
                raise TermsError.refuse("account_malformed", key, value, expected)
            if value == _ZERO_ADDRESS:
                expected = "an address other than zero, or no key where there is none"
                raise TermsError.refuse("address_missing", key, value, expected)
        if self.sale_token is None or self.payment_token is None:
            return
        if self.sale_token.lower() == self.payment_token.lower():
            expected = "another token than sale_token"
            raise TermsError.refuse("tokens_equal", "payment_token", self.payment_token, expected)

    def _check_window(self) -> None:
        if self.end is None:
            return
        if self.start is not None and self.start >= self.end:
            raise TermsError.refuse(
                "window_invalid", "end", self.end, f"after start ({self.start})"
            )
        if self.cancel_until > self.end:
            expected = f"at most end ({self.end})"
            raise TermsError.refuse("cancel_invalid", "cancel_until", self.cancel_until, expected)

    def _check_after_window(self) -> None:
        if self.end is None or self.allocator_until is None:
            return
        latest = self.end + _MAX_ALLOCATOR_WINDOW
        if not self.end <= self.allocator_until <= latest:
            expected = f"from end ({self.end}) to 7 days later ({latest})"
            raise TermsError.refuse(
                "allocator_window_invalid", "allocator_until", self.allocator_until, expected
            )
        if self.abort_time is None:
            return
        earliest, latest = self.allocator_until + _MIN_OPEN_CLEARING, self.end + _MAX_ABORT_DELAY
        if not earliest <= self.abort_time <= latest:
            expected = f"from allocator_until + 1 day ({earliest}) to end + 60 days ({latest})"
            raise TermsError.refuse("abort_time_invalid", "abort_time", self.abort_time, expected)

    def _check_vesting(self) -> None:
        start, cliff, end = self.vesting_start, self.vesting_cliff, self.vesting_end
        if start == cliff == end == 0:
            return
        if not (0 < start <= cliff <= end and start < end):
            expected = f"after vesting_start ({start}) and not before vesting_cliff ({cliff})"
            raise TermsError.refuse("vesting_invalid", "vesting_end", end, expected)
        if self.end is not None and end > self.end + _MAX_VESTING_DELAY:
            expected = f"at most end + 3650 days ({self.end + _MAX_VESTING_DELAY})"
            raise TermsError.refuse("vesting_invalid", "vesting_end", end, expected)
