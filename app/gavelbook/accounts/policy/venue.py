"""What a signer knows of the place it signs for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from gavelbook.accounts.errors import PolicyError
from gavelbook.errors import shown
from gavelbook.exchange.signing import Domain
from gavelbook.service.amounts import decimal_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gavelbook.auction import AuctionTerms
    from gavelbook.exchange.markets import Market

UNLIMITED = 2**256 - 1


class Line(NamedTuple):
    """What a signature means, in words."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class KnownToken:
    """A token that is traded or sold here; ``permit_version`` is None where it takes no permits.

    Name, symbol and version are the token's own words, and may be anything.
    """

    address: str
    name: str
    symbol: str
    decimals: int
    permit_version: str | None

    def amount(self, units: int) -> str:
        """Return base units as people read them, exact."""
        if units == UNLIMITED:
            return f"any amount of {self.symbol}"
        return f"{decimal_text(units, self.decimals)} {self.symbol}"


@dataclass(frozen=True, slots=True)
class KnownSale:
    """A recorded sale. Addresses have a checksum."""

    address: str
    label: str
    sale_token: str
    payment_token: str
    auction: AuctionTerms


@dataclass(frozen=True, slots=True)
class SignInPlace:
    """Where an account may sign in: what an ERC-4361 message has to name."""

    domain: str
    uri: str


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose key signs; ``deposit_address`` is the account's own at the exchange, if there is one.

    Addresses have a checksum.
    """

    address: str
    deposit_address: str | None = None


@dataclass(frozen=True)
class Venue:
    """The chain, contracts, markets, tokens and sign-in places that are known. Immutable."""

    chain_id: int
    exchange: str | None
    markets: Mapping[int, Market]
    tokens: Mapping[str, KnownToken]
    sales: Mapping[str, KnownSale]
    sign_in: tuple[SignInPlace, ...]
    contracts: frozenset[str] = frozenset()
    """Further contracts that were recorded, to which nothing is ever sent."""

    @cached_property
    def domain(self) -> Domain | None:
        """The exchange's EIP-712 domain."""
        if self.exchange is None:
            return None
        return Domain(self.chain_id, bytes.fromhex(self.exchange[2:]))

    def token(self, address: str) -> KnownToken:
        """Return a token.

        Raises:
            PolicyError: ``token_unknown``.

        """
        found = self.tokens.get(address)
        if found is None:
            message = f"Expected a token that is traded or sold here, was {address}"
            raise PolicyError("token_unknown", message, token=address)
        return found

    def spender_name(self, token: str, spender: str) -> str:
        """Return the name of a contract that may be allowed to take ``token``.

        Raises:
            PolicyError: ``spender_unknown``, or ``spender_takes_other_token``.

        """
        if spender == self.exchange:
            return "the exchange"
        sale = self.sales.get(spender)
        if sale is None:
            message = f"Expected the exchange or a recorded sale as spender, was {spender}"
            raise PolicyError("spender_unknown", message, spender=spender)
        if sale.payment_token != token:
            message = f"Expected the token that {shown(sale.label)} is paid in, was {token}"
            raise PolicyError("spender_takes_other_token", message, spender=spender, token=token)
        return f"the sale {sale.label}"


def check_own(what: str, address: str, owner: Owner, code: str = "account_not_own") -> None:
    """Refuse another address than the owner's.

    Raises:
        PolicyError: ``code``.

    """
    if address != owner.address:
        message = f"Expected {what} to be the account itself ({owner.address}), was {address}"
        raise PolicyError(code, message, address=address)
