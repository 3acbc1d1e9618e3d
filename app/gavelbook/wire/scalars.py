"""Numbers, hashes and addresses as they stand in JSON, each an `int` or `bytes` here."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar, Self, TypeVar

import msgspec

from gavelbook.errors import shown
from gavelbook.exchange.typed_data import checksum_address

T = TypeVar("T")
CLIENT_ID_LENGTH = 36


class Uint(int):
    """A whole number >= 0, on the wire a decimal string without sign, space or leading zero."""

    bits: ClassVar[int] = 256
    highest: ClassVar[int] = 2**256 - 1
    digits: ClassVar[int] = 78

    def __init_subclass__(cls) -> None:
        """Work out what `parse` needs once."""
        cls.highest = 2**cls.bits - 1
        cls.digits = len(str(cls.highest))

    @classmethod
    def parse(cls, text: object) -> Self:
        """Return the number ``text`` stands for.

        Raises:
            ValueError: It is no decimal string, or the number needs more than ``bits`` bits.
        """
        if (
            type(text) is str
            and text.isdecimal()
            and text.isascii()
            and len(text) <= cls.digits
            and (text[0] != "0" or text == "0")
        ):
            value = cls(text)
            if value <= cls.highest:
                return value
        raise ValueError(
            f"Expected a decimal string from 0 to 2**{cls.bits} - 1, was {shown(text)}"
        )

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """Return the JSON schema."""
        return {
            "type": "string",
            "pattern": "^(0|[1-9][0-9]*)$",
            "maxLength": cls.digits,
            "description": f"A whole number below 2**{cls.bits} in decimal digits.",
        }

    def text(self) -> str:
        """Return what goes over the wire."""
        return str(int(self))


class Uint16(Uint):
    """Markets and basis points."""

    bits = 16


class Uint32(Uint):
    """Lanes and sequences."""

    bits = 32


class Uint40(Uint):
    """Unix seconds that a contract reads."""

    bits = 40


class Uint64(Uint):
    """Lots, ticks, log positions, unix milliseconds."""

    bits = 64


class Uint256(Uint):
    """Amounts in base units of a token."""


class Octets(bytes):
    """Bytes, on the wire `0x` and two hexadecimal digits each."""

    sizes: ClassVar[tuple[int, ...]] = ()
    """The lengths allowed; empty: any."""

    @classmethod
    def parse(cls, text: object) -> Self:
        """Return the bytes ``text`` stands for.

        Raises:
            ValueError: It is no `0x` text of an allowed length.
        """
        if type(text) is str and text.startswith("0x"):
            try:
                value = cls.fromhex(text[2:])
            except ValueError:
                value = None
            # Both lengths, since fromhex passes over spaces.
            if (
                value is not None
                and len(text) == 2 + 2 * len(value)
                and (not cls.sizes or len(value) in cls.sizes)
            ):
                return value
        raise ValueError(f"Expected {cls.wanted()}, was {shown(text)}")

    @classmethod
    def wanted(cls) -> str:
        """Return what is expected, for messages."""
        lengths = " or ".join(str(size) for size in cls.sizes) or "any number of"
        return f"0x and {lengths} bytes in hexadecimal"

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """Return the JSON schema."""
        repeats = "|".join(f"[0-9a-fA-F]{{{2 * size}}}" if size else "" for size in cls.sizes)
        return {
            "type": "string",
            "pattern": f"^0x({repeats})$" if cls.sizes else "^0x([0-9a-fA-F]{2})*$",
            "description": f"{cls.wanted()[0].upper()}{cls.wanted()[1:]}.",
        }

    def text(self) -> str:
        """Return what goes over the wire."""
        return f"0x{self.hex()}"

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.text()})"


class Hash32(Octets):
    """A hash: of an order, a batch, a log head, a transaction."""

    sizes = (32,)


class Signature(Octets):
    """A signature: r, s and v, or r and vs (EIP-2098)."""

    sizes: ClassVar[tuple[int, ...]] = (64, 65)


class OrderSignature(Signature):
    """A signature, or nothing (`0x`) for an order that a contract wallet approved on chain."""

    sizes = (0, 64, 65)


class Address(Octets):
    """An account or a contract; written with the checksum of EIP-55, read with or without it."""

    sizes = (20,)

    def text(self) -> str:
        """Return the address with its checksum."""
        return _checksummed(bytes(self))


class ClientId(str):
    """A name that a client gives an order: 1 to 36 printable ASCII characters, no spaces."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: object) -> Self:
        """Return ``text`` as it is.

        Raises:
            ValueError: It is not 1 to 36 characters from `!` to `~`.
        """
        if (
            type(text) is not str
            or not 0 < len(text) <= CLIENT_ID_LENGTH
            or not all("!" <= each <= "~" for each in text)
        ):
            raise ValueError(
                f"Expected 1 to {CLIENT_ID_LENGTH} printable ASCII characters without spaces, "
                f"was {shown(text)}"
            )
        return cls(text)

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """Return the JSON schema."""
        return {
            "type": "string",
            "pattern": "^[!-~]+$",
            "minLength": 1,
            "maxLength": CLIENT_ID_LENGTH,
            "description": "A name of the client's own for the order.",
        }

    def text(self) -> str:
        """Return what goes over the wire."""
        return str(self)


@lru_cache(maxsize=65_536)
def _checksummed(address: bytes) -> str:
    return checksum_address(address)


def decode_scalar(kind: type, value: object) -> Any:
    """Decode one of these types: the ``dec_hook`` of msgspec."""
    return kind.parse(value)  # type: ignore[attr-defined]


def encode_scalar(value: object) -> str:
    """Encode one of these types: the ``enc_hook`` of msgspec."""
    text: str = value.text()  # type: ignore[attr-defined]
    return text


SCALARS = (
    Uint16,
    Uint32,
    Uint40,
    Uint64,
    Uint256,
    Octets,
    Hash32,
    Signature,
    OrderSignature,
    Address,
    ClientId,
)
"""Every type that has a schema of its own."""


ENCODER = msgspec.json.Encoder(enc_hook=encode_scalar)
"""Writes every type of this package."""


def decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    """Return a strict decoder of ``kind``."""
    return msgspec.json.Decoder(kind, dec_hook=decode_scalar)
