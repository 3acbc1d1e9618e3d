"""What the portfolio page can ask for: all of an account's money, its history, and moving it.

The page sees plain values; the chain, the exchange's API and keys stay behind this desk.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from gavelbook.chain.token import Token as TokenContract
from gavelbook.errors import GavelbookError, shown
from gavelbook.service.escrow_actions import EscrowActions, claim_to_wallet
from gavelbook.service.portfolio import Consent, Counted, OpenOrder, Portfolio
from gavelbook.service.portfolio_csv import history_csv
from gavelbook.service.portfolio_history import of_transaction, read_history
from gavelbook.service.portfolio_reader import PortfolioReader
from gavelbook.service.recent_reads import RecentReads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from web3 import Web3

    from gavelbook.chain.deployments import DeploymentStore
    from gavelbook.chain.exchange import Exchange
    from gavelbook.service.acting import Action, Actor
    from gavelbook.service.market_api import MarketApi
    from gavelbook.service.portfolio import Claim, Pots
    from gavelbook.service.portfolio_history import Entry, History
    from gavelbook.service.portfolio_reader import ListedMarket
    from gavelbook.service.sale_view import Token
    from gavelbook.wire.accounts import BalanceList, WithdrawalRequest, WithdrawalView
    from gavelbook.wire.orders import FillPage, FillView, OrderView
    from gavelbook.wire.scalars import Address

_FRESH_SECONDS = 1.0
_KEPT = 128
_MOST = 500
_UNSETTLED = frozenset({"MATCHED", "SUBMITTED"})


class PortfolioError(GavelbookError):
    """What was asked of the portfolio is not there: nothing was sent."""


class PortfolioDesk:
    """One desk serves all sessions. Safe to share between threads.

    Reading raises `ChainError` where the chain cannot be read. What the exchange does not answer
    is left out and said so: the chain's part is there all the same.
    """

    def __init__(
        self, web3: Web3, store: DeploymentStore, chain_id: int, api: MarketApi | None = None
    ) -> None:
        """Read the chain and, for those who may, ``api``."""
        self._web3 = web3
        self._api = api
        self._reader = PortfolioReader(web3, store, chain_id)
        self._private = RecentReads(_FRESH_SECONDS, _KEPT)

    # Reading

    def public(self, address: str) -> Portfolio:
        """Return what everybody can see of an account."""
        return self._reader.portfolio(self._checksummed(address))

    def of(self, actor: Actor) -> Portfolio:
        """Return all of an account, with what the exchange tells the account alone."""
        seen = self._reader.portfolio(actor.address)
        if self._api is None or not self._api.may_read(actor) or not seen.deposit_address:
            return seen
        try:
            return self._private.get(actor, lambda: self._counted(actor, seen))
        except GavelbookError as error:
            return replace(seen, exchange_silent=error.message)

    def history(self, actor: Actor, count: int | None = None) -> History:
        """Return the newest ``count`` entries, or all; raises as `MarketApi.ask_as`, too."""
        return read_history(self._reader, actor.address, self._fills_of(actor), count)

    def public_history(self, address: str, count: int | None = None) -> History:
        """Return the newest entries that everybody can see: all but trades."""
        return read_history(self._reader, self._checksummed(address), None, count)

    def history_file(self, actor: Actor) -> bytes:
        """Return the whole history as CSV."""
        return history_csv(self.history(actor).entries)

    def entries_of(self, actor: Actor, transaction: str) -> tuple[Entry, ...]:
        """Return what one transaction did to the account."""
        return of_transaction(self.history(actor).entries, transaction)

    def knows_trades(self, actor: Actor) -> bool:
        """Return whether the exchange tells this session about the actor's trades."""
        return self._api is not None and self._api.may_read(actor)

    def expire(self, actor: Actor) -> None:
        """Read the account again at the next look: something has just changed."""
        self._reader.expire(actor.address)
        self._private.forget(actor)

    # Moving money

    def deposit(self, actor: Actor, token: Token, amount: int) -> Action[str]:
        """Pay into escrow."""
        contract = TokenContract(self._web3, token.address)
        return self._as(actor, self._escrow(actor).deposit(contract, token, amount, self._now()))

    def sweep(self, actor: Actor, owner: str, token: Token) -> Action[str]:
        """Book what arrived at the deposit address of ``owner``; ``actor`` only sends it."""
        return self._as(actor, EscrowActions(self._exchange(), owner).sweep(token), owner)

    def withdraw(self, actor: Actor, token: Token, amount: int) -> Action[str]:
        """Take out of escrow to the own wallet, with the exchange's consent.

        Raises:
            ApiError: ``insufficient_withdrawable``, ``account_in_deficit``: it does not consent.

        """
        api = self._asked()

        def consent(account: Address, request: WithdrawalRequest) -> WithdrawalView:
            return api.send(actor, lambda calls: calls.send_withdrawal(account, request))

        action = self._escrow(actor).withdraw(consent, token, amount, self._now())
        return self._as(actor, action)

    def pay_out(self, actor: Actor, consent: Consent) -> Action[str]:
        """Send a withdrawal to the chain that the exchange consented to before."""
        page = self._asked().ask_as(actor, lambda client: client.withdrawals(limit=_MOST))
        for each in page.withdrawals:
            if int(each.nonce) == consent.nonce:
                return self._as(actor, self._escrow(actor).pay_out(each, consent.token))
        message = f"Expected a withdrawal with number {consent.nonce}, was none"
        raise PortfolioError("unknown_withdrawal", message)

    def request_exit(self, actor: Actor, tokens: Sequence[Token]) -> Action[str]:
        """Announce that everything of ``tokens`` leaves escrow without the exchange's consent."""
        return self._as(actor, self._escrow(actor).request_exit(tokens))

    def cancel_exit(self, actor: Actor, tokens: Sequence[Token]) -> Action[str]:
        """Take the announcement back."""
        return self._as(actor, self._escrow(actor).cancel_exit(tokens))

    def take_out(self, actor: Actor, token: Token, amount: int) -> Action[str]:
        """Take everything of ``token`` out, which is ``amount`` now; the delay is over."""
        return self._as(actor, self._escrow(actor).take_out(token, amount))

    def cancel_lane(self, actor: Actor, lane: int, sequence: int) -> Action[str]:
        """Void the orders of a lane up to a sequence on the chain, without the exchange."""
        return self._as(actor, self._escrow(actor).cancel_lane(lane, sequence))

    def claim(self, actor: Actor, claim: Claim) -> Action[str]:
        """Claim everything from a sale to the wallet."""
        sale, _ = self._reader.sale(claim.sale)
        return self._as(actor, claim_to_wallet(sale, actor.address, claim))

    def claim_into_escrow(self, actor: Actor, claim: Claim) -> Action[str]:
        """Claim the tokens won straight into escrow, in two transactions."""
        sale, _ = self._reader.sale(claim.sale)
        return self._as(actor, self._escrow(actor).claim_and_book(sale, claim))

    # Inside

    def _escrow(self, actor: Actor) -> EscrowActions:
        return EscrowActions(self._exchange(), actor.address)

    def _as(self, actor: Actor, action: Action[str], owner: str = "") -> Action[str]:
        """Take the steps of ``action``; whatever came of it, read the account again."""
        try:
            return (yield from action)
        finally:
            self.expire(actor)
            self._reader.expire(owner or actor.address)

    def _counted(self, actor: Actor, seen: Portfolio) -> Portfolio:
        """Return ``seen`` with how the exchange splits the escrow."""
        api = self._asked()
        balances = api.ask_as(actor, lambda client: client.balances())
        fills = api.ask_as(actor, lambda client: client.fills(limit=_MOST))
        opened = api.ask_as(actor, lambda client: client.orders(state="open", limit=_MOST))
        signed = api.ask_as(actor, lambda client: client.withdrawals(limit=_MOST))
        markets = {market.number: market for market in self._reader.markets()}
        split = _split(balances, _going(fills.fills, markets))
        tokens = {pots.token.address: pots.token for pots in seen.pots}
        pots = tuple(
            replace(each, counted=split.get(each.token.address, Counted())) for each in seen.pots
        )
        consents = [
            _consent(each, tokens)
            for each in signed.withdrawals
            if each.state == "PENDING" and int(each.deadline) > seen.now
        ]
        return replace(
            seen,
            pots=pots,
            orders=tuple(_order(each, markets) for each in opened.orders),
            consents=_unpaid(consents, pots),
        )

    def _fills_of(self, actor: Actor) -> Callable[[int | None, int], FillPage] | None:
        api = self._api
        if api is None or not api.may_read(actor):
            return None
        return lambda before, limit: api.ask_as(
            actor, lambda client: client.fills(before=before, limit=limit)
        )

    def _asked(self) -> MarketApi:
        if self._api is None:
            raise PortfolioError("exchange_missing", "Expected an exchange to ask, was none")
        return self._api

    def _exchange(self) -> Exchange:
        exchange = self._reader.exchange()
        if exchange is None:
            raise PortfolioError("exchange_missing", "Expected a recorded exchange, was none")
        return exchange

    def _now(self) -> int:
        """Return the later of this machine's clock and the chain's, in Unix seconds."""
        return max(int(time.time()), int(self._web3.eth.get_block("pending")["timestamp"]))

    def _checksummed(self, address: str) -> str:
        try:
            return str(self._web3.to_checksum_address(address.strip()))
        except ValueError as error:
            message = f"Expected an address of 0x and 40 digits, was {shown(address)}"
            raise PortfolioError("address_malformed", message) from error


def _going(fills: Sequence[FillView], markets: dict[int, ListedMarket]) -> dict[str, int]:
    """Return what trades that are not settled take, by token."""
    going: dict[str, int] = {}
    for fill in fills:
        if fill.state in _UNSETTLED:
            market = markets[int(fill.market)]
            if fill.side == "buy":
                token, units = market.quote, int(fill.quote) + int(fill.fee)
            else:
                token, units = market.base, int(fill.lots) * market.lot_size
            going[token.address] = going.get(token.address, 0) + units
    return going


def _split(balances: BalanceList, going: dict[str, int]) -> dict[str, Counted]:
    return {
        each.token.text(): Counted(
            available=int(each.available) - int(each.deficit),
            reserved=int(each.reserved),
            withdrawing=int(each.withdrawing),
            coming=int(each.unsettled),
            going=going.get(each.token.text(), 0),
            withdrawable=int(each.withdrawable),
        )
        for each in balances.balances
    }


def _order(order: OrderView, markets: dict[int, ListedMarket]) -> OpenOrder:
    return OpenOrder(
        market=markets[int(order.market)].name,
        side=order.side,
        lots=int(order.remaining_lots),
        ticks=int(order.ticks),
        lane=int(order.lane),
        sequence=int(order.sequence),
        expiry=int(order.expiry),
    )


def _unpaid(consents: Iterable[Consent], pots: Iterable[Pots]) -> tuple[Consent, ...]:
    """Leave out what the contract has paid already: the exchange learns of that a little later."""
    paid = {each.token.address: each.paid_out for each in pots}
    unpaid = []
    for consent in sorted(consents, key=lambda each: each.nonce):
        token = consent.token.address
        if consent.amount <= paid[token]:
            paid[token] -= consent.amount
        else:
            unpaid.append(consent)
    return tuple(unpaid)


def _consent(each: WithdrawalView, tokens: dict[str, Token]) -> Consent:
    return Consent(tokens[each.token.text()], int(each.amount), int(each.nonce), int(each.deadline))
