"""What the signer knows of its chain: the recorded contracts, and what they say."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from gavelbook.accounts.policy.venue import KnownSale, KnownToken, Owner, Venue
from gavelbook.chain.errors import ChainError, ChainUnreachable
from gavelbook.chain.exchange import Exchange
from gavelbook.chain.sale import Sale
from gavelbook.chain.token import Token
from gavelbook.exchange.typed_data import checksum_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from web3 import Web3

    from gavelbook.accounts.policy.venue import SignInPlace
    from gavelbook.chain.deployments import DeploymentStore
    from gavelbook.exchange.markets import Market

_FRESH_SECONDS = 10.0
_RETRY_SECONDS = 1.0
_SYMBOL_LENGTH = 24
_ANYBODY = "0x" + 40 * "1"
"""An account with a key, as far as a token can tell."""


class VenueReader:
    """Reads a `Venue`, and keeps it for some seconds. Safe to share between threads.

    What is recorded is believed: whoever can write the deployments decides what is a sale.
    """

    def __init__(
        self,
        web3: Web3,
        deployments: DeploymentStore,
        exchange: str | None,
        sign_in: tuple[SignInPlace, ...],
    ) -> None:
        """Take the exchange's address; None for the one recorded, if one is."""
        self.web3 = web3
        self._deployments = deployments
        self._exchange = None if exchange is None else str(web3.to_checksum_address(exchange))
        self._sign_in = sign_in
        self.chain_id = int(web3.eth.chain_id)
        self._lock = threading.Lock()
        self._venue: Venue | None = None
        self._read_at = 0.0
        # None of these ever changes on the chain.
        self._sales: dict[str, KnownSale] = {}
        self._tokens: dict[str, KnownToken] = {}
        self._markets: dict[int, Market] = {}
        self._deposit_addresses: dict[str, str] = {}
        self._read_exchange: str | None = None

    def venue(self, *, again: bool = False) -> Venue:
        """Return what is known; ``again`` where something was missing a moment ago.

        Raises:
            ChainError: the node or a recorded contract does not answer.
            DeploymentsError: the records are malformed.

        """
        with self._lock:
            age = time.monotonic() - self._read_at
            if self._venue is None or age > (_RETRY_SECONDS if again else _FRESH_SECONDS):
                self._venue = self._read()
                self._read_at = time.monotonic()
            return self._venue

    def owner(self, address: str) -> Owner:
        """Return the account of ``address`` with its deposit address at the exchange."""
        known = self._deposit_addresses
        found = known.get(address)
        if found is None:
            exchange = self.venue().exchange
            if exchange is None:
                return Owner(address)
            found = Exchange(self.web3, exchange).forwarder_of(address)
            known[address] = found
        return Owner(address, found)

    def chain_time(self) -> int:
        """Return the time of the latest block in Unix seconds."""
        return int(self.web3.eth.get_block("latest")["timestamp"])

    def _read(self) -> Venue:
        recorded = self._deployments.contracts(self.chain_id)
        exchange = self._exchange
        if exchange is None:
            record = self._deployments.exchange(self.chain_id)
            exchange = None if record is None else self._checksummed(record.address)
        if exchange != self._read_exchange:
            # Another one was recorded: what is known is of the last.
            self._markets, self._deposit_addresses = {}, {}
            self._read_exchange = exchange
        if exchange is not None:
            self._read_markets(Exchange(self.web3, exchange))
        for sale in self._deployments.sales(self.chain_id):
            with _passing_over(sale.address):
                self._read_sale(self._checksummed(sale.address), sale.label)
        for address in self._token_addresses():
            with _passing_over(address):
                self._read_token(address)
        return Venue(
            chain_id=self.chain_id,
            exchange=exchange,
            markets=dict(self._markets),
            tokens=dict(self._tokens),
            sales=dict(self._sales),
            sign_in=self._sign_in,
            contracts=frozenset(self._checksummed(each.address) for each in recorded.values()),
        )

    def _read_markets(self, exchange: Exchange) -> None:
        for number in range(len(self._markets) + 1, exchange.market_count() + 1):
            self._markets[number] = exchange.market(number)

    def _read_sale(self, address: str, label: str) -> None:
        if address not in self._sales:
            terms = Sale(self.web3, address).terms()
            sold, paid = str(terms.sale_token), str(terms.payment_token)
            self._sales[address] = KnownSale(address, _plain(label), sold, paid, terms.auction)

    def _token_addresses(self) -> Iterator[str]:
        for market in self._markets.values():
            yield checksum_address(market.base_token)
            yield checksum_address(market.quote_token)
        for sale in self._sales.values():
            yield sale.sale_token
            yield sale.payment_token

    def _read_token(self, address: str) -> None:
        if address not in self._tokens:
            token = Token(self.web3, address)
            name, version = token.name(), None
            if token.takes_permits(_ANYBODY):
                name, version = token.permit_domain()
            self._tokens[address] = KnownToken(
                address, name, _plain(token.symbol()), token.decimals(), version
            )

    def _checksummed(self, address: str) -> str:
        return str(self.web3.to_checksum_address(address))


@contextmanager
def _passing_over(address: str) -> Iterator[None]:
    """Go on without a contract that does not answer as it should: nothing is signed for it."""
    try:
        yield
    except ChainUnreachable:
        raise
    except ChainError as error:
        log = structlog.get_logger()
        log.warning("contract_passed_over", address=address, code=error.code)


def _plain(text: str) -> str:
    """Return a token's or sale's own word for itself, cut short and on one line."""
    kept = "".join(each if each.isprintable() else " " for each in text)
    return kept if len(kept) <= _SYMBOL_LENGTH else f"{kept[:_SYMBOL_LENGTH]}…"
