"""Whether an account has signed: with its key, or as a contract that says so (ERC-1271)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eth_abi.abi import encode
from eth_account import Account
from eth_account.messages import SignableMessage, encode_defunct, encode_typed_data
from eth_keys.exceptions import BadSignature
from eth_utils.address import is_same_address
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError
from web3.exceptions import ContractLogicError, Web3RPCError

from gavelbook.chain.errors import ChainError

if TYPE_CHECKING:
    from web3 import Web3

_SIGNATURE_BYTES = 65
_LOWEST_V = 27
_IS_VALID = bytes.fromhex("1626ba7e")
"""The selector of `isValidSignature(bytes32,bytes)`, which is also its answer."""


def checked_typed_data(web3: Web3, account: str, data: dict[str, Any], signature: bytes) -> bytes:
    """Return ``signature`` of ``account`` over the typed data ``data``, as contracts take it.

    Raises:
        ChainError: ``signature_of_another``.
        ChainUnreachable: the node does not answer; it is asked where the account has code.

    """
    return _checked(web3, account, encode_typed_data(full_message=data), signature)


def checked_message(web3: Web3, account: str, text: str, signature: bytes) -> bytes:
    """Return ``signature`` of ``account`` over ``text`` (EIP-191); errors as above."""
    return _checked(web3, account, encode_defunct(text=text), signature)


def _checked(web3: Web3, account: str, message: SignableMessage, signature: bytes) -> bytes:
    usual = _with_usual_v(signature)
    if _recovers(message, usual, account):
        return usual
    if _contract_agrees(web3, account, message, signature):
        return signature
    raise ChainError(
        "signature_of_another", f"Expected a signature of {account}, was another one's"
    )


def _with_usual_v(signature: bytes) -> bytes:
    """Return the signature with 27 or 28 at its end; some wallets write 0 or 1."""
    if len(signature) == _SIGNATURE_BYTES and signature[-1] < _LOWEST_V:
        return signature[:-1] + bytes([signature[-1] + _LOWEST_V])
    return signature


def _recovers(message: SignableMessage, signature: bytes, account: str) -> bool:
    if len(signature) != _SIGNATURE_BYTES:
        return False
    try:
        signer = Account.recover_message(message, signature=signature)
    except (BadSignature, ValidationError, ValueError):
        return False
    return is_same_address(signer, account)


def _contract_agrees(web3: Web3, account: str, message: SignableMessage, signature: bytes) -> bool:
    address = web3.to_checksum_address(account)
    if not web3.eth.get_code(address):
        return False
    digest = keccak(b"\x19" + message.version + message.header + message.body)
    question: Any = {
        "to": address,
        "data": _IS_VALID + encode(["bytes32", "bytes"], [digest, signature]),
    }
    try:
        answer = bytes(web3.eth.call(question))
    except (ContractLogicError, Web3RPCError):
        return False
    return answer[:4] == _IS_VALID and not any(answer[4:32])
