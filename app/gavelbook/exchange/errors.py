"""What the exchange refuses, with stable codes; nothing has changed when one is raised."""

from __future__ import annotations

from typing import Self

from gavelbook.errors import GavelbookError, shown

ADDRESS_LENGTH = 20


class ExchangeError(GavelbookError):
    """A command, order or market is refused: ``code`` says why, and nothing was applied."""

    @classmethod
    def refuse(cls, code: str, key: str, value: object, expected: str) -> Self:
        """Return the error about ``value`` of ``key``; ``expected`` completes the sentence."""
        return cls(code, f"Expected {key} {expected}, was {shown(value)}", key=key, value=value)


def check_range(code: str, key: str, value: object, lowest: int, highest: int) -> None:
    """Refuse what is not an integer from ``lowest`` to ``highest``.

    Raises:
        ExchangeError: with ``code``.

    """
    if type(value) is not int or not lowest <= value <= highest:
        raise ExchangeError.refuse(code, key, value, f"an integer from {lowest} to {highest}")


def check_address(key: str, value: object) -> None:
    """Refuse what is not the 20 bytes of an address.

    Raises:
        ExchangeError: ``address_malformed``.

    """
    if type(value) is not bytes or len(value) != ADDRESS_LENGTH:
        raise ExchangeError.refuse("address_malformed", key, value, "20 bytes")
