"""Reading the members of typed data strictly: none missing, none more, none out of range."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gavelbook.accounts.errors import PolicyError
from gavelbook.chain.addresses import checksummed
from gavelbook.chain.errors import ChainError
from gavelbook.errors import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

_DIGITS = 78
_TEXT_LENGTH = 200


class Fields:
    """The members of ``content``, which shall be a JSON object with exactly ``names``.

    All methods raise `PolicyError` ``typed_data_malformed``.
    """

    def __init__(self, place: str, content: Any, names: Iterable[str]) -> None:
        """Take an object that is called ``place`` in messages."""
        self._place = place
        wanted = set(names)
        if not isinstance(content, dict) or set(content) != wanted:
            listed = ", ".join(sorted(wanted))
            message = f"Expected {place} with exactly {listed}, was otherwise"
            raise PolicyError("typed_data_malformed", message, place=place)
        self._content: dict[str, Any] = content

    def number(self, name: str, bits: int = 256) -> int:
        """Return a whole number below 2**``bits``, given as such or as decimal text."""
        value = self._content[name]
        if isinstance(value, str) and self._is_decimal(value):
            value = int(value)
        if type(value) is not int or not 0 <= value < 2**bits:
            raise self._malformed(name, f"a whole number below 2**{bits}")
        return value

    def address(self, name: str) -> str:
        """Return an address, with checksum; one that has another checksum is refused."""
        value = self._content[name]
        if not isinstance(value, str) or not value.startswith("0x"):
            raise self._malformed(name, "an address")
        try:
            return checksummed(value)
        except ChainError:
            raise self._malformed(name, "an address with a right checksum or none") from None

    def text(self, name: str) -> str:
        """Return a text of at most 200 characters."""
        value = self._content[name]
        if not isinstance(value, str) or len(value) > _TEXT_LENGTH:
            raise self._malformed(name, f"a text of at most {_TEXT_LENGTH} characters")
        return value

    @staticmethod
    def _is_decimal(value: str) -> bool:
        plain = value.isascii() and value.isdecimal() and len(value) <= _DIGITS
        return plain and (value[0] != "0" or value == "0")

    def _malformed(self, name: str, expected: str) -> PolicyError:
        message = (
            f"Expected {name} of {self._place} to be {expected}, was {shown(self._content[name])}"
        )
        return PolicyError("typed_data_malformed", message, place=f"{self._place}.{name}")
