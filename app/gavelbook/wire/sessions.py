"""Signing in with an Ethereum account (ERC-4361)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from gavelbook.wire.scalars import Address, Signature, Uint64

MESSAGE_LENGTH = 2_000


class NonceRequest(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Who wants to sign in."""

    account: Address


class NonceAnswer(Struct, frozen=True, rename="camel"):
    """A message to sign (EIP-191 `personal_sign`), as it is or rebuilt with the same nonce."""

    nonce: str
    message: str
    expires_at: Uint64
    """Unix milliseconds until which the nonce can be used, once."""


class SessionRequest(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The message and its signature."""

    message: Annotated[str, Meta(min_length=1, max_length=MESSAGE_LENGTH)]
    signature: Signature


class SessionAnswer(Struct, frozen=True, rename="camel"):
    """A token for the header `Authorization: Bearer TOKEN`. It is shown this once."""

    token: str
    account: Address
    expires_at: Uint64
