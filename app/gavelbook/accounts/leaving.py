"""Taking the key along, and closing an account once nothing is left in it."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, NamedTuple

from eth_account import Account as EthAccount

from gavelbook.accounts.bodies import Secret
from gavelbook.accounts.errors import AccountsError
from gavelbook.accounts.trail import Doing
from gavelbook.chain.errors import ContractRefused
from gavelbook.chain.exchange import Exchange
from gavelbook.chain.sale import Sale
from gavelbook.chain.token import Token
from gavelbook.wallet import check_passphrase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from web3 import Web3

    from gavelbook.accounts.doorkeeper import Doorkeeper, Visit
    from gavelbook.accounts.policy import KnownToken, Venue
    from gavelbook.accounts.posting import Post
    from gavelbook.accounts.sending_desk import SendingDesk
    from gavelbook.accounts.trail import Trail
    from gavelbook.accounts.transfers import Transfers
    from gavelbook.accounts.venue_reader import VenueReader


class Left(NamedTuple):
    """Something of worth that is left, and where."""

    place: str
    what: str


class LeavingDesk:
    """Gives keys away and closes accounts. Safe to share between threads."""

    def __init__(  # noqa: PLR0913, PLR0917 -- an account leaves all of these
        self,
        web3: Web3,
        reader: VenueReader,
        doorkeeper: Doorkeeper,
        transfers: Transfers,
        sending: SendingDesk,
        trail: Trail,
        *,
        work_factor: int,
    ) -> None:
        """Take the scrypt ``work_factor`` that locks exported keys."""
        self._web3 = web3
        self._reader = reader
        self._doorkeeper = doorkeeper
        self._transfers = transfers
        self._sending = sending
        self._trail = trail
        self._work_factor = work_factor
        # Each takes a second and much memory.
        self._one_export = threading.Lock()

    def export_key(
        self, visit: Visit, password: str, passphrase: str, *, understood: bool
    ) -> Secret:
        """Return the account's key as an encrypted keystore (version 3), as JSON.

        Raises:
            AccountsError: ``export_not_understood`` or ``password_wrong``.
            WalletError: ``passphrase_weak``.
            Throttled: ``throttled``.

        """
        if not understood:
            message = "Expected to have told the account what an export means, had not"
            raise AccountsError("export_not_understood", message)
        check_passphrase(passphrase)
        self._doorkeeper.confirm(visit, password)
        key = self._doorkeeper.registry.key(visit.account)
        self._trail.add(Doing(visit.account.id, visit.session.id, "key exported"))
        with self._one_export:
            keystore = EthAccount.encrypt(
                key.key, str.__str__(passphrase), kdf="scrypt", iterations=self._work_factor
            )
        return Secret(json.dumps(keystore))

    def close(self, visit: Visit, password: str, sweep_to: str | None) -> list[str]:
        """Close the account for good; return the transactions that emptied its wallet.

        What is in the wallet goes to ``sweep_to``, within the daily limits.

        Raises:
            AccountsError: ``money_left``, ``account_busy``, ``password_wrong``, and as
                `Transfers.confirm`.
            PolicyError: as `check_destination`.
            Throttled: ``throttled``.
            ChainError: what is left cannot be read.

        """
        self._doorkeeper.confirm(visit, password)
        account = visit.account
        with self._sending.turn(account) as post:
            venue = self._reader.venue(again=True)
            self._refuse(list(self._outside(venue, account.address)))
            swept = []
            if sweep_to is not None:
                swept = self._sweep(visit, post, sweep_to)
            if self._sending.is_under_way(account):
                message = "Expected no transaction under way, was one: try again in a moment"
                raise AccountsError("account_busy", message)
            self._refuse(list(self._in_wallet(venue, account.address)))
            self._doorkeeper.registry.close(account)
            self._doorkeeper.sessions.end_all(account.id)
            self._trail.add(Doing(account.id, visit.session.id, "account closed"))
        return swept

    def _sweep(self, visit: Visit, post: Post, to: str) -> list[str]:
        """Send all tokens of the wallet; all of them are checked before the first is sent."""
        venue = self._reader.venue()
        asked = [
            self._transfers.ask(visit, token.address, amount, to)
            for token, amount in self._held(venue, visit.account.address)
        ]
        return [self._transfers.send(visit, post, each.id).transaction for each in asked]

    def _held(self, venue: Venue, address: str) -> Iterator[tuple[KnownToken, int]]:
        for token in venue.tokens.values():
            amount = Token(self._web3, token.address).balance_of(address)
            if amount:
                yield token, amount

    def _in_wallet(self, venue: Venue, address: str) -> Iterator[Left]:
        for token, amount in self._held(venue, address):
            yield Left("the wallet", token.amount(amount))

    def _outside(self, venue: Venue, address: str) -> Iterator[Left]:
        """Yield what only the account itself can fetch: in escrow, under way to it, in sales."""
        if venue.exchange is not None:
            exchange = Exchange(self._web3, venue.exchange)
            for token in venue.tokens.values():
                escrow = exchange.balance_of(address, token.address).amount
                if escrow:
                    yield Left("escrow", token.amount(escrow))
            for token, amount in self._held(venue, exchange.forwarder_of(address)):
                yield Left("the deposit address", token.amount(amount))
        for known in venue.sales.values():
            if self._has_claims(Sale(self._web3, known.address), address):
                yield Left(f"the sale {known.label}", "bids or claims")

    @staticmethod
    def _has_claims(sale: Sale, address: str) -> bool:
        if sale.bids_of(address):
            return True
        try:
            return any(sale.owed(address))
        except ContractRefused:
            # Nothing is decided, and no bid is there.
            return False

    @staticmethod
    def _refuse(left: list[Left]) -> None:
        if left:
            listed = "; ".join(f"{each.what} in {each.place}" for each in left)
            message = f"Expected an empty account, was {listed}: take it out first"
            places = [f"{each.place}: {each.what}" for each in left]
            raise AccountsError("money_left", message, places=places)
