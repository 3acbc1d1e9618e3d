"""Typed data (EIP-712) that the signer understands: orders, cancels, withdrawals and permits.

What was asked for is only read. The digest that is signed is that of a message which is put
together here, and which has to be the one that was asked for, member by member.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak

from gavelbook.accounts.errors import PolicyError
from gavelbook.accounts.policy.fields import Fields
from gavelbook.accounts.policy.venue import Line, check_own
from gavelbook.chain.signing import permit_message
from gavelbook.errors import shown
from gavelbook.exchange import signing
from gavelbook.exchange.orders import Order, Side
from gavelbook.exchange.signing import CancelRequest, Withdrawal
from gavelbook.exchange.typed_data import (
    cancel_typed_data,
    checksum_address,
    order_typed_data,
    withdrawal_typed_data,
)
from gavelbook.service.amounts import decimal_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from gavelbook.accounts.policy.venue import KnownToken, Owner, Venue
    from gavelbook.exchange.markets import Market
    from gavelbook.exchange.signing import Domain

PERMIT_SECONDS = 24 * 60 * 60
"""How far ahead the end of a permit may lie."""
WITHDRAWAL_SECONDS = 7 * 24 * 60 * 60
"""How far ahead the end of a withdrawal may lie, and its number, which counts milliseconds."""
ORDER_SECONDS = 400 * 24 * 60 * 60
"""How far ahead the end of an order may lie."""

_SCOPES = frozenset({"order", "client", "market", "all"})
_PERMIT_FIELDS = ("owner", "spender", "value", "nonce", "deadline")
_DOMAIN_FIELDS = ("name", "version", "chainId", "verifyingContract")


@dataclass(frozen=True, slots=True)
class Understood:
    """Something to sign: ``digest`` (32 bytes) is the signer's own, ``lines`` say what it means."""

    kind: str
    digest: bytes
    lines: tuple[Line, ...]


def understand_typed_data(
    venue: Venue, owner: Owner, typed_data: dict[str, Any], now: int
) -> Understood:
    """Return what ``owner`` would sign; ``now`` is in Unix seconds.

    Raises:
        PolicyError: the code names the rule: ``typed_data_malformed``, ``type_unknown``,
            ``types_foreign``, ``domain_foreign``, ``account_not_own``, ``recipient_not_own``,
            ``market_unknown``, ``tokens_foreign``, ``amount_not_in_lots``, ``order_out_of_range``,
            ``fee_too_high``, ``scope_unknown``, ``token_unknown``, ``spender_unknown``,
            ``spender_takes_other_token``, ``permits_not_taken``, ``nonce_too_high``,
            ``deadline_passed``, ``deadline_too_far``.

    """
    Fields("typed data", typed_data, ("types", "primaryType", "domain", "message"))
    kind = typed_data["primaryType"]
    understand = _KINDS.get(kind) if isinstance(kind, str) else None
    if understand is None:
        message = f"Expected an order, cancel, withdrawal or permit, was {shown(kind)}"
        raise PolicyError("type_unknown", message, type=shown(kind))
    own, understood = understand(venue, owner, typed_data, now)
    _check_types(typed_data["types"], own["types"])
    _check_domain(typed_data["domain"], own["domain"])
    return understood


_Answer = tuple[dict[str, Any], Understood]


def _order(venue: Venue, owner: Owner, typed_data: dict[str, Any], now: int) -> _Answer:
    domain = _exchange_domain(venue)
    names = (
        "side", "baseAmount", "baseToken", "quoteLimit", "quoteToken", "maxFeeBps", "maker",
        "market", "lane", "sequence", "expiry",
    )  # fmt: skip
    fields = Fields("the order", typed_data["message"], names)
    check_own("the maker", fields.address("maker"), owner)
    market = venue.markets.get(fields.number("market", 16))
    if market is None:
        message = f"Expected a market of the exchange, was {fields.number('market', 16)}"
        raise PolicyError("market_unknown", message)
    _check_tokens(fields, market)
    order = _order_of(fields, market, owner)
    highest = max(market.taker_fee_bps, market.maker_fee_bps)
    if order.max_fee_bps > highest:
        message = f"Expected a fee of at most {highest} basis points, was {order.max_fee_bps}"
        raise PolicyError("fee_too_high", message, most=highest)
    _check_deadline("the order's expiry", order.expiry, now, ORDER_SECONDS)
    digest = signing.order_hash(domain, market, order)
    return order_typed_data(domain, market, order), Understood(
        "order", digest, _order_lines(venue, market, order)
    )


def _order_of(fields: Fields, market: Market, owner: Owner) -> Order:
    """Return the order whose amounts are whole lots and ticks of the market."""
    base, quote = fields.number("baseAmount"), fields.number("quoteLimit")
    side = fields.text("side")
    if side not in signing.SIDE_NAMES:
        message = f"Expected a side of buy or sell, was {shown(side)}"
        raise PolicyError("order_out_of_range", message)
    lots, odd_base = divmod(base, market.lot_size)
    ticks, odd_quote = divmod(quote, lots * market.tick_value) if lots else (0, 0)
    if odd_base or odd_quote or not lots or not ticks:
        message = "Expected amounts of whole lots and ticks of the market, was otherwise"
        raise PolicyError("amount_not_in_lots", message)
    if lots >= 2**64 or ticks >= 2**64:
        message = "Expected lots and ticks below 2**64, was more"
        raise PolicyError("order_out_of_range", message)
    return Order(
        market=market.id,
        maker=bytes.fromhex(owner.address[2:]),
        side=Side(signing.SIDE_NAMES.index(side)),
        lots=lots,
        ticks=ticks,
        lane=fields.number("lane", 32),
        sequence=fields.number("sequence", 32),
        expiry=fields.number("expiry", 40),
        max_fee_bps=fields.number("maxFeeBps", 16),
    )


def _check_tokens(fields: Fields, market: Market) -> None:
    for name, token in (("baseToken", market.base_token), ("quoteToken", market.quote_token)):
        if bytes.fromhex(fields.address(name)[2:]) != token:
            message = f"Expected {name} of market {market.id}, was {fields.address(name)}"
            raise PolicyError("tokens_foreign", message, market=market.id)


def _order_lines(venue: Venue, market: Market, order: Order) -> tuple[Line, ...]:
    base, quote = (_token_of(venue, each) for each in (market.base_token, market.quote_token))
    worst = quote.amount(market.quote_amount(order.lots, order.ticks))
    buys = order.side is Side.BUY
    return (
        Line("Buy" if buys else "Sell", base.amount(market.base_amount(order.lots))),
        Line("For at most" if buys else "For at least", worst),
        Line("Fee at most", f"{decimal_text(order.max_fee_bps, 2)} %"),
        Line("Good until", f"{datetime.fromtimestamp(order.expiry, UTC):%Y-%m-%d %H:%M} UTC"),
    )


def _token_of(venue: Venue, address: bytes) -> KnownToken:
    return venue.token(checksum_address(address))


def _cancel(venue: Venue, owner: Owner, typed_data: dict[str, Any], now: int) -> _Answer:
    del now
    domain = _exchange_domain(venue)
    names = ("account", "market", "scope", "target", "timestamp")
    fields = Fields("the cancel", typed_data["message"], names)
    check_own("the account", fields.address("account"), owner)
    market, scope = fields.number("market", 16), fields.text("scope")
    if scope not in _SCOPES:
        message = f"Expected a scope of order, client, market or all, was {shown(scope)}"
        raise PolicyError("scope_unknown", message)
    if market and market not in venue.markets:
        raise PolicyError("market_unknown", f"Expected a market of the exchange, was {market}")
    request = CancelRequest(
        bytes.fromhex(owner.address[2:]),
        market,
        scope,
        fields.text("target"),
        fields.number("timestamp", 64),
    )
    lines = (Line("Cancel", scope), Line("Of market", str(market) if market else "all"))
    understood = Understood("cancel", signing.cancel_hash(domain, request), lines)
    return cancel_typed_data(domain, request), understood


def _withdrawal(venue: Venue, owner: Owner, typed_data: dict[str, Any], now: int) -> _Answer:
    domain = _exchange_domain(venue)
    names = ("account", "token", "amount", "to", "nonce", "deadline")
    fields = Fields("the withdrawal", typed_data["message"], names)
    check_own("the account", fields.address("account"), owner)
    check_own("the recipient", fields.address("to"), owner, "recipient_not_own")
    token = venue.token(fields.address("token"))
    withdrawal = Withdrawal(
        account=bytes.fromhex(owner.address[2:]),
        token=bytes.fromhex(token.address[2:]),
        amount=fields.number("amount"),
        to=bytes.fromhex(owner.address[2:]),
        nonce=fields.number("nonce"),
        deadline=fields.number("deadline"),
    )
    _check_deadline("the withdrawal's deadline", withdrawal.deadline, now, WITHDRAWAL_SECONDS)
    most = (now + WITHDRAWAL_SECONDS) * 1_000
    if withdrawal.nonce > most:
        # The contract takes none below the last one: this would be the last for long.
        message = f"Expected a withdrawal's number up to {most}, was {withdrawal.nonce}"
        raise PolicyError("nonce_too_high", message, most=most)
    lines = (
        Line("Take out of escrow", token.amount(withdrawal.amount)),
        Line("To", "the account itself"),
    )
    understood = Understood("withdrawal", signing.withdrawal_hash(domain, withdrawal), lines)
    return withdrawal_typed_data(domain, withdrawal), understood


def _permit(venue: Venue, owner: Owner, typed_data: dict[str, Any], now: int) -> _Answer:
    fields = Fields("the permit", typed_data["message"], _PERMIT_FIELDS)
    contract = Fields("the domain", typed_data["domain"], _DOMAIN_FIELDS)
    token = venue.token(contract.address("verifyingContract"))
    if token.permit_version is None:
        message = f"Expected a token that takes permits, was {token.address}"
        raise PolicyError("permits_not_taken", message, token=token.address)
    check_own("the owner", fields.address("owner"), owner)
    spender = fields.address("spender")
    name = venue.spender_name(token.address, spender)
    value, deadline = fields.number("value"), fields.number("deadline")
    _check_deadline("the permit's deadline", deadline, now, PERMIT_SECONDS)
    own = permit_message(
        venue.chain_id,
        token.address,
        token.name,
        owner.address,
        spender,
        value,
        fields.number("nonce"),
        deadline,
        token.permit_version,
    )
    signable = encode_typed_data(full_message=own)
    digest = keccak(b"\x19" + signable.version + signable.header + signable.body)
    lines = (Line("Allow", name), Line("To take", token.amount(value)))
    return own, Understood("permit", digest, lines)


_KINDS: dict[str, Callable[[Venue, Owner, dict[str, Any], int], _Answer]] = {
    "Order": _order,
    "CancelOrders": _cancel,
    "Withdrawal": _withdrawal,
    "Permit": _permit,
}


def _exchange_domain(venue: Venue) -> Domain:
    if venue.domain is None:
        raise PolicyError("domain_foreign", "Expected an exchange to sign for, was none")
    return venue.domain


def _check_deadline(what: str, deadline: int, now: int, most: int) -> None:
    if deadline < now:
        message = f"Expected {what} to come, was {deadline} at {now}"
        raise PolicyError("deadline_passed", message, now=now)
    if deadline > now + most:
        message = f"Expected {what} within {most} seconds, was {deadline} at {now}"
        raise PolicyError("deadline_too_far", message, now=now, most=most)


def _check_types(asked: Any, own: dict[str, Any]) -> None:
    # Wallets fill the domain's type in where it is left out; any other difference is foreign.
    without_domain = {name: each for name, each in own.items() if name != "EIP712Domain"}
    if asked not in (own, without_domain):
        message = "Expected exactly the types of the message, was otherwise"
        raise PolicyError("types_foreign", message)


def _check_domain(asked: Any, own: dict[str, Any]) -> None:
    fields = Fields("the domain", asked, _DOMAIN_FIELDS)
    wanted = (own["name"], own["version"], own["chainId"], own["verifyingContract"])
    was = (
        fields.text("name"),
        fields.text("version"),
        fields.number("chainId"),
        fields.address("verifyingContract"),
    )
    if was != wanted:
        different = [n for n, a, b in zip(_DOMAIN_FIELDS, was, wanted, strict=True) if a != b]
        message = f"Expected the domain of a known contract, was another {', '.join(different)}"
        raise PolicyError("domain_foreign", message, fields=different)
