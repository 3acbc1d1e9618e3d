"""Calls that the signer sends: an allow-list of functions, each with what its arguments may be."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import collapse_if_tuple
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from gavelbook.accounts.errors import PolicyError
from gavelbook.accounts.policy.venue import Line, check_own
from gavelbook.chain.abi import load_abi

if TYPE_CHECKING:
    from collections.abc import Callable

    from gavelbook.accounts.policy.venue import KnownSale, Owner, Venue

ContractName = Literal["Exchange", "TokenSale", "FixedSupplyToken"]

MOST_TOKENS = 32
"""Tokens named in one call at most."""
_SELECTOR = 4
_NOBODY = "0x" + 40 * "0"
_TRANSFERS = ("transfer", "transferFrom")


@dataclass(frozen=True, slots=True)
class UnderstoodCall:
    """A call to send: ``arguments`` by name, and in order; ``lines`` say what it means."""

    kind: str
    contract: ContractName
    address: str
    function: str
    arguments: dict[str, Any]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class _Form:
    function: str
    names: tuple[str, ...]
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A call that was taken apart, and who asks for it."""

    venue: Venue
    owner: Owner
    address: str
    arguments: dict[str, Any]

    def own(self, name: str, code: str = "account_not_own") -> None:
        """Refuse another address than the owner's as argument ``name``."""
        check_own(f"{name} of the call", self.arguments[name], self.owner, code)

    def amount(self, token: str, amount: str = "amount") -> str:
        """Return the amount of the token that arguments name; the token has to be known."""
        return self.venue.token(self.arguments[token]).amount(self.arguments[amount])

    def sale(self) -> KnownSale:
        """Return the sale that is called."""
        return self.venue.sales[self.address]


def understand_call(venue: Venue, owner: Owner, to: str, data: bytes, value: int) -> UnderstoodCall:
    """Return the call that ``owner`` would send to ``to`` (with checksum) with ``value`` wei.

    Raises:
        PolicyError: the code names the rule: ``contract_unknown``, ``function_not_allowed``,
            ``transfer_needs_confirmation``, ``calldata_malformed``, ``ether_not_allowed``,
            ``account_not_own``, ``recipient_not_own``, ``token_unknown``, ``spender_unknown``,
            ``spender_takes_other_token``, ``too_many_tokens``.

    """
    contract = _contract_at(venue, to)
    form = _forms(contract).get(data[:_SELECTOR])
    rule = _RULES[contract].get(form.function) if form else None
    if form is None or rule is None:
        raise _not_allowed(contract, form)
    if value:
        message = f"Expected a call without ether, was {value} wei"
        raise PolicyError("ether_not_allowed", message)
    arguments = dict(zip(form.names, _arguments(form, data), strict=True))
    lines = tuple(rule(_Asked(venue, owner, to, arguments)))
    kind = f"{_SHORT[contract]}.{form.function}"
    return UnderstoodCall(kind, contract, to, form.function, arguments, lines)


def _contract_at(venue: Venue, to: str) -> ContractName:
    if to == venue.exchange:
        return "Exchange"
    if to in venue.sales:
        return "TokenSale"
    if to in venue.tokens:
        return "FixedSupplyToken"
    message = f"Expected the exchange, a recorded sale or a known token, was {to}"
    raise PolicyError("contract_unknown", message, contract=to)


def _not_allowed(contract: ContractName, form: _Form | None) -> PolicyError:
    name = form.function if form else "an unknown function"
    if contract == "FixedSupplyToken" and name in _TRANSFERS:
        message = "Expected a transfer that is asked for and confirmed with the password, was not"
        return PolicyError("transfer_needs_confirmation", message)
    listed = ", ".join(sorted(_RULES[contract]))
    message = f"Expected one of {listed}, was {name}"
    return PolicyError("function_not_allowed", message, function=name)


def _arguments(form: _Form, data: bytes) -> tuple[Any, ...]:
    """Return the arguments; what is not written exactly as it should be is refused."""
    body = data[_SELECTOR:]
    try:
        values = decode(form.types, body)
        exact = encode(form.types, values) == body
    except (DecodingError, OverflowError, ValueError) as error:
        message = f"Expected the arguments of {form.function}, was {type(error).__name__}"
        raise PolicyError("calldata_malformed", message) from None
    if not exact:
        message = f"Expected the arguments of {form.function} and nothing more, was otherwise"
        raise PolicyError("calldata_malformed", message)
    return tuple(_checksummed(kind, each) for kind, each in zip(form.types, values, strict=True))


def _checksummed(kind: str, value: Any) -> Any:
    if kind == "address":
        return str(to_checksum_address(value))
    if kind == "address[]":
        return [str(to_checksum_address(each)) for each in value]
    return value


# The sale


def _bid(asked: _Asked) -> list[Line]:
    sale, tick, lots = asked.sale(), asked.arguments["tick"], asked.arguments["lots"]
    sold = asked.venue.token(sale.sale_token)
    lines = [Line("Bid in", sale.label), Line("For", sold.amount(lots * sale.auction.lot_size))]
    if tick < sale.auction.tick_count:
        paid = asked.venue.token(sale.payment_token)
        lines.append(Line("You pay at most", paid.amount(lots * sale.auction.price(tick))))
    return lines


def _bid_with_permit(asked: _Asked) -> list[Line]:
    paid = asked.venue.token(asked.sale().payment_token)
    return [*_bid(asked), Line("Allowance", paid.amount(asked.arguments["value"]))]


def _cancel_bid(asked: _Asked) -> list[Line]:
    return [Line("Cancel bid", f"{asked.arguments['index']} in {asked.sale().label}")]


def _admit(asked: _Asked) -> list[Line]:
    asked.own("bidder")
    return [Line("Admit", f"this account to {asked.sale().label}")]


def _claim(asked: _Asked) -> list[Line]:
    asked.own("bidder")
    return [Line("Claim", f"what {asked.sale().label} owes to this account")]


def _claim_to(asked: _Asked) -> list[Line]:
    lines = [Line("Claim", f"what {asked.sale().label} owes to this account")]
    own = {asked.owner.address: "the account itself"}
    if asked.owner.deposit_address is not None:
        own[asked.owner.deposit_address] = "escrow at the exchange"
    for name, label in (("tokensTo", "Tokens go to"), ("refundTo", "Refund goes to")):
        recipient = asked.arguments[name]
        if recipient == _NOBODY:
            continue
        if recipient not in own:
            message = f"Expected {name} of the call to be the account's own, was {recipient}"
            raise PolicyError("recipient_not_own", message, address=recipient)
        lines.append(Line(label, own[recipient]))
    if asked.arguments["unwrap"]:
        message = "Expected a refund in tokens, was one in ether, which this account cannot send"
        raise PolicyError("ether_not_allowed", message)
    return lines


# The exchange


def _deposit(asked: _Asked) -> list[Line]:
    return [Line("Pay into escrow", asked.amount("token"))]


def _deposit_for(asked: _Asked) -> list[Line]:
    asked.own("account")
    return _deposit(asked)


def _deposit_with_permit(asked: _Asked) -> list[Line]:
    asked.own("owner_")
    return _deposit(asked)


def _sweep(asked: _Asked) -> list[Line]:
    asked.own("account")
    token = asked.venue.token(asked.arguments["token"])
    return [Line("Take into escrow", f"the {token.symbol} at the deposit address")]


def _withdraw(asked: _Asked) -> list[Line]:
    asked.own("account")
    asked.own("to", "recipient_not_own")
    return [Line("Take out of escrow", asked.amount("token")), Line("To", "the account itself")]


def _symbols(asked: _Asked) -> str:
    tokens = asked.arguments["tokens"]
    if not 0 < len(tokens) <= MOST_TOKENS:
        message = f"Expected 1 to {MOST_TOKENS} tokens, was {len(tokens)}"
        raise PolicyError("too_many_tokens", message)
    return ", ".join(asked.venue.token(token).symbol for token in tokens)


def _request_exit(asked: _Asked) -> list[Line]:
    return [Line("Give notice to take out all", _symbols(asked))]


def _cancel_exit(asked: _Asked) -> list[Line]:
    return [Line("Take back the notice for", _symbols(asked))]


def _exit(asked: _Asked) -> list[Line]:
    asked.own("to", "recipient_not_own")
    token = asked.venue.token(asked.arguments["token"])
    return [Line("Take out of escrow", f"all {token.symbol}"), Line("To", "the account itself")]


def _exit_for(asked: _Asked) -> list[Line]:
    asked.own("account")
    token = asked.venue.token(asked.arguments["token"])
    return [Line("Take out of escrow", f"all {token.symbol}"), Line("To", "the account itself")]


def _cancel_lane(asked: _Asked) -> list[Line]:
    lane, sequence = asked.arguments["lane"], asked.arguments["sequence"]
    return [Line("Void orders of lane", f"{lane}, up to number {sequence}")]


# Tokens


def _approve(asked: _Asked) -> list[Line]:
    spender = asked.arguments["spender"]
    name = asked.venue.spender_name(asked.address, spender)
    token = asked.venue.token(asked.address)
    return [Line("Allow", name), Line("To take", token.amount(asked.arguments["value"]))]


_SHORT: dict[ContractName, str] = {
    "Exchange": "exchange",
    "TokenSale": "sale",
    "FixedSupplyToken": "token",
}
_RULES: dict[ContractName, dict[str, Callable[[_Asked], list[Line]]]] = {
    "TokenSale": {
        "bid": _bid,
        "bidWithPermit": _bid_with_permit,
        "cancel": _cancel_bid,
        "admit": _admit,
        "claim": _claim,
        "claimTokens": _claim,
        "claimRefund": _claim,
        "claimTo": _claim_to,
    },
    "Exchange": {
        "deposit": _deposit,
        "depositFor": _deposit_for,
        "depositWithPermit": _deposit_with_permit,
        "sweep": _sweep,
        "withdraw": _withdraw,
        "requestExit": _request_exit,
        "cancelExit": _cancel_exit,
        "exit": _exit,
        "exitFor": _exit_for,
        "cancel": _cancel_lane,
    },
    "FixedSupplyToken": {"approve": _approve},
}


@cache
def _forms(contract: ContractName) -> dict[bytes, _Form]:
    """Return the functions of a contract by their selectors."""
    forms = {}
    for entry in load_abi(contract):
        if entry["type"] != "function":
            continue
        types = tuple(collapse_if_tuple(value) for value in entry["inputs"])
        names = tuple(value["name"] or f"value{i}" for i, value in enumerate(entry["inputs"]))
        selector = keccak(text=f"{entry['name']}({','.join(types)})")[:_SELECTOR]
        forms[selector] = _Form(entry["name"], names, types)
    return forms
