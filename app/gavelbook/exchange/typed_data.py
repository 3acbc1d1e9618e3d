"""The messages of the exchange as typed data (EIP-712), the way wallets ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tiny_keccak import keccak256

from gavelbook.exchange import signing

if TYPE_CHECKING:
    from gavelbook.exchange.markets import Market
    from gavelbook.exchange.orders import Order
    from gavelbook.exchange.signing import CancelRequest, Domain, Withdrawal


def order_typed_data(domain: Domain, market: Market, order: Order) -> dict[str, Any]:
    """Return what the maker of ``order`` signs; numbers are decimal text, for JSON.

    ``market`` is the order's own.
    """
    return _typed_data(
        domain,
        signing.ORDER_TYPE,
        {
            "side": signing.SIDE_NAMES[order.side],
            "baseAmount": str(market.base_amount(order.lots)),
            "baseToken": checksum_address(market.base_token),
            "quoteLimit": str(market.quote_amount(order.lots, order.ticks)),
            "quoteToken": checksum_address(market.quote_token),
            "maxFeeBps": str(order.max_fee_bps),
            "maker": checksum_address(order.maker),
            "market": str(order.market),
            "lane": str(order.lane),
            "sequence": str(order.sequence),
            "expiry": str(order.expiry),
        },
    )


def cancel_typed_data(domain: Domain, request: CancelRequest) -> dict[str, Any]:
    """Return what an account signs to cancel through the API."""
    return _typed_data(
        domain,
        signing.CANCEL_TYPE,
        {
            "account": checksum_address(request.account),
            "market": str(request.market),
            "scope": request.scope,
            "target": request.target,
            "timestamp": str(request.timestamp),
        },
    )


def withdrawal_typed_data(domain: Domain, withdrawal: Withdrawal) -> dict[str, Any]:
    """Return what an account and the matcher sign for a withdrawal."""
    return _typed_data(
        domain,
        signing.WITHDRAWAL_TYPE,
        {
            "account": checksum_address(withdrawal.account),
            "token": checksum_address(withdrawal.token),
            "amount": str(withdrawal.amount),
            "to": checksum_address(withdrawal.to),
            "nonce": str(withdrawal.nonce),
            "deadline": str(withdrawal.deadline),
        },
    )


def batch_typed_data(domain: Domain, market: int, number: int, content: bytes) -> dict[str, Any]:
    """Return what the matcher signs for batch ``number`` with the packed ``content``."""
    return _typed_data(
        domain,
        signing.BATCH_TYPE,
        {
            "market": str(market),
            "number": str(number),
            "contentHash": f"0x{keccak256(content).hex()}",
        },
    )


def log_head_typed_data(domain: Domain, position: int, head: bytes) -> dict[str, Any]:
    """Return what the matcher signs for the ``head`` of its log."""
    message = {"position": str(position), "head": f"0x{head.hex()}"}
    return _typed_data(domain, signing.LOG_HEAD_TYPE, message)


def checksum_address(address: bytes) -> str:
    """Return ``address`` (20 bytes) as text with the checksum of EIP-55."""
    digits = address.hex()
    marks = keccak256(digits.encode()).hex()
    return "0x" + "".join(
        digit.upper() if int(mark, 16) > 7 else digit  # noqa: PLR2004 -- EIP-55 says 8 and above
        for digit, mark in zip(digits, marks, strict=False)
    )


def _typed_data(domain: Domain, encoded_type: str, message: dict[str, str]) -> dict[str, Any]:
    kind, fields = _fields_of(encoded_type)
    domain_kind, domain_fields = _fields_of(signing.DOMAIN_TYPE)
    return {
        "types": {domain_kind: domain_fields, kind: fields},
        "primaryType": kind,
        "domain": {
            "name": signing.DOMAIN_NAME,
            "version": signing.DOMAIN_VERSION,
            "chainId": domain.chain_id,
            "verifyingContract": checksum_address(domain.contract),
        },
        "message": message,
    }


def _fields_of(encoded_type: str) -> tuple[str, list[dict[str, str]]]:
    """Return name and fields of a type in the notation of EIP-712."""
    kind, _, rest = encoded_type.rstrip(")").partition("(")
    pairs = (field.split(" ") for field in rest.split(","))
    return kind, [{"name": name, "type": type_name} for type_name, name in pairs]
