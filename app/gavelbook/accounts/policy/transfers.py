"""Where tokens may be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eth_utils.address import is_address, to_checksum_address

from gavelbook.accounts.errors import PolicyError
from gavelbook.errors import shown

if TYPE_CHECKING:
    from gavelbook.accounts.policy.venue import Owner, Venue

_RESERVED = 2**16
"""Addresses below are precompiled contracts and nobody's; the zero address is among them."""


def check_destination(venue: Venue, owner: Owner, address: str) -> str:
    """Return ``address`` if tokens of ``owner`` may be sent there.

    Raises:
        PolicyError: ``address_malformed``, ``checksum_missing``, ``checksum_wrong``,
            ``destination_zero``, ``destination_reserved``, ``destination_own``,
            ``destination_is_contract``.

    """
    if not address.startswith("0x") or not is_address(address):
        message = f"Expected an address with a right checksum, was {shown(address)}"
        raise PolicyError("address_malformed", message)
    checksummed = str(to_checksum_address(address))
    if checksummed != address:
        plain = address[2:] in {address[2:].lower(), address[2:].upper()}
        message = (
            "Expected an address with its checksum (capital and small letters), was "
            f"{'without' if plain else 'one with a slip in it'}: copy it from the wallet itself"
        )
        raise PolicyError("checksum_missing" if plain else "checksum_wrong", message)
    if int(address, 16) == 0:
        raise PolicyError("destination_zero", "Expected an address of somebody, was zero")
    if int(address, 16) < _RESERVED:
        message = f"Expected an address of somebody, was the reserved {address}"
        raise PolicyError("destination_reserved", message)
    if address == owner.address:
        message = "Expected another address than the account's own, was the same"
        raise PolicyError("destination_own", message)
    known = {venue.exchange, *venue.tokens, *venue.sales, *venue.contracts}
    if address in known:
        message = f"Expected an account's address, was the contract {address}: it would be lost"
        raise PolicyError("destination_is_contract", message)
    return address
