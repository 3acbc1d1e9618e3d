"""Addresses as people type them."""

from __future__ import annotations

from eth_utils.address import is_address, to_checksum_address

from gavelbook.chain.errors import ChainError
from gavelbook.errors import shown


def checksummed(address: str) -> str:
    """Return ``address`` with checksum.

    Raises:
        ChainError: ``address_malformed``, also for a wrong checksum.

    """
    if not is_address(address) or not address.startswith(("0x", "0X")):
        message = f"Expected an address (0x and 40 hexadecimal digits), was {shown(address)}"
        raise ChainError("address_malformed", message, address=address)
    return str(to_checksum_address(address))
