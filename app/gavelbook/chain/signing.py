"""EIP-712 signatures that the contracts check: clearings, admissions and ERC-2612 permits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data
from eth_utils.address import to_checksum_address

from gavelbook.chain.sale_types import ClearingHint, Permit

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

SALE_DOMAIN_NAME = "Gavelbook TokenSale"
SALE_DOMAIN_VERSION = "1"

_DOMAIN = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
]
_CLEARING = [
    {"name": "marginalTick", "type": "uint256"},
    {"name": "level", "type": "uint256"},
    {"name": "cut", "type": "uint256"},
    {"name": "digest", "type": "bytes32"},
]
_ADMISSION = [
    {"name": "bidder", "type": "address"},
    {"name": "entity", "type": "bytes32"},
    {"name": "deadline", "type": "uint256"},
]
_PERMIT = [
    {"name": "owner", "type": "address"},
    {"name": "spender", "type": "address"},
    {"name": "value", "type": "uint256"},
    {"name": "nonce", "type": "uint256"},
    {"name": "deadline", "type": "uint256"},
]


def clearing_message(
    chain_id: int, sale: str, clearing: ClearingHint, digest: bytes | None = None
) -> dict[str, Any]:
    """Return the typed data of ``clearing``; ``digest`` (32 bytes) takes the place of its own."""
    message = {
        "marginalTick": clearing.marginal_tick,
        "level": clearing.level,
        "cut": clearing.cut,
        "digest": clearing.digest if digest is None else digest,
    }
    return _typed_data(_sale_domain(chain_id, sale), "Clearing", _CLEARING, message)


def admission_message(
    chain_id: int, sale: str, bidder: str, entity: bytes, deadline: int
) -> dict[str, Any]:
    """Return the typed data that admits ``bidder`` as a wallet of ``entity`` (32 bytes)."""
    message = {"bidder": to_checksum_address(bidder), "entity": entity, "deadline": deadline}
    return _typed_data(_sale_domain(chain_id, sale), "Admission", _ADMISSION, message)


def permit_message(  # noqa: PLR0913, PLR0917 -- ERC-2612 has so many fields
    chain_id: int,
    token: str,
    token_name: str,
    owner: str,
    spender: str,
    value: int,
    nonce: int,
    deadline: int,
    version: str = "1",
) -> dict[str, Any]:
    """Return the typed data by which ``owner`` allows ``spender`` ``value`` base units."""
    message = {
        "owner": to_checksum_address(owner),
        "spender": to_checksum_address(spender),
        "value": value,
        "nonce": nonce,
        "deadline": deadline,
    }
    return _typed_data(_domain(token_name, version, chain_id, token), "Permit", _PERMIT, message)


def sign_clearing(
    account: LocalAccount,
    chain_id: int,
    sale: str,
    clearing: ClearingHint,
    digest: bytes | None = None,
) -> bytes:
    """Return the signature (65 bytes) of ``account`` over `clearing_message`."""
    return _sign(account, clearing_message(chain_id, sale, clearing, digest))


def sign_admission(  # noqa: PLR0913, PLR0917
    account: LocalAccount, chain_id: int, sale: str, bidder: str, entity: bytes, deadline: int
) -> bytes:
    """Return the signature (65 bytes) of ``account`` over `admission_message`."""
    return _sign(account, admission_message(chain_id, sale, bidder, entity, deadline))


def sign_permit(  # noqa: PLR0913, PLR0917
    account: LocalAccount,
    chain_id: int,
    token: str,
    token_name: str,
    spender: str,
    value: int,
    nonce: int,
    deadline: int,
    version: str = "1",
) -> Permit:
    """Return the permit of ``account`` over `permit_message`."""
    message = permit_message(
        chain_id, token, token_name, account.address, spender, value, nonce, deadline, version
    )
    signed = account.sign_message(_signable(message))
    word = 32
    r, s = (number.to_bytes(word, "big") for number in (signed.r, signed.s))
    return Permit(value, deadline, signed.v, r, s)


def recover(message: dict[str, Any], signature: bytes) -> str:
    """Return the address that signed the typed data ``message``."""
    return str(Account.recover_message(_signable(message), signature=signature))


def recover_clearing(
    chain_id: int, sale: str, clearing: ClearingHint, signature: bytes, digest: bytes | None = None
) -> str:
    """Return the address that signed ``clearing``."""
    return recover(clearing_message(chain_id, sale, clearing, digest), signature)


def recover_admission(  # noqa: PLR0913, PLR0917
    chain_id: int, sale: str, bidder: str, entity: bytes, deadline: int, signature: bytes
) -> str:
    """Return the address that signed the admission."""
    return recover(admission_message(chain_id, sale, bidder, entity, deadline), signature)


def _sale_domain(chain_id: int, sale: str) -> dict[str, Any]:
    return _domain(SALE_DOMAIN_NAME, SALE_DOMAIN_VERSION, chain_id, sale)


def _domain(name: str, version: str, chain_id: int, contract: str) -> dict[str, Any]:
    return {
        "name": name,
        "version": version,
        "chainId": chain_id,
        "verifyingContract": to_checksum_address(contract),
    }


def _typed_data(
    domain: dict[str, Any], kind: str, fields: list[dict[str, str]], message: dict[str, Any]
) -> dict[str, Any]:
    types = {"EIP712Domain": _DOMAIN, kind: fields}
    return {"types": types, "primaryType": kind, "domain": domain, "message": message}


def _signable(message: dict[str, Any]) -> SignableMessage:
    return encode_typed_data(full_message=message)


def _sign(account: LocalAccount, message: dict[str, Any]) -> bytes:
    return bytes(account.sign_message(_signable(message)).signature)
