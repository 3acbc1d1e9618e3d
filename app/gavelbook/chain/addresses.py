"""Addresses as people type them."""

from __future__ import annotations

from eth_utils.address import is_address, is_checksum_address, to_checksum_address

from gavelbook.chain.errors import ChainError
from gavelbook.errors import shown


def checksummed(address: str) -> str:
    """Return ``address`` with checksum.

    Raises:
        ChainError: ``address_malformed``, also for a wrong checksum.

    """
    digits = address[2:]
    # One without any checksum is in small letters or capitals throughout.
    unmarked = digits in {digits.lower(), digits.upper()}
    if (
        not is_address(address)
        or not address.startswith(("0x", "0X"))
        or not (unmarked or is_checksum_address(f"0x{digits}"))
    ):
        message = (
            "Expected an address (0x and 40 hexadecimal digits, with a right checksum or none), "
            f"was {shown(address)}"
        )
        raise ChainError("address_malformed", message, address=address)
    return str(to_checksum_address(address))
