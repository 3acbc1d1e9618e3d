"""Reads what an account has from the chain: everything here is public."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from gavelbook.chain.account_logs import AccountLogs, TransferLogs
from gavelbook.chain.exchange import Escrow, Exchange
from gavelbook.chain.sale import Owed, Sale
from gavelbook.chain.sale_events import EventKind
from gavelbook.chain.token import Token as TokenContract
from gavelbook.service.portfolio import Claim, Portfolio, Pots
from gavelbook.service.recent_reads import RecentReads
from gavelbook.service.sale_reader import BlockClock
from gavelbook.service.sale_view import Token

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from web3 import Web3

    from gavelbook.auction import SaleTerms
    from gavelbook.chain.account_logs import AccountEvent, Transfer
    from gavelbook.chain.deployments import DeploymentStore, SaleRecord
    from gavelbook.exchange.markets import Market

T = TypeVar("T")

_FRESH_SECONDS = 1.0
_KEPT_ACCOUNTS = 128


@dataclass(frozen=True, slots=True)
class ListedMarket:
    """A market and its tokens; ``lot_size`` and ``tick_value`` in base units."""

    number: int
    base: Token
    quote: Token
    lot_size: int
    tick_value: int

    @property
    def name(self) -> str:
        """The pair as people name it."""
        return f"{self.base.symbol} / {self.quote.symbol}"


@dataclass(frozen=True, slots=True)
class _Stake:
    """What an account has in one sale, in base units."""

    claim: Claim
    locked: int = 0


class PortfolioReader:
    """Sales, exchange and tokens as the chain has them. Safe to share between threads.

    All methods raise `ChainError` where the chain cannot be read, and `DeploymentsError`.
    """

    def __init__(self, web3: Web3, store: DeploymentStore, chain_id: int) -> None:
        self.web3 = web3
        self.clock = BlockClock(web3)
        self._store = store
        self._chain_id = chain_id
        self._accounts = RecentReads(_FRESH_SECONDS, _KEPT_ACCOUNTS)
        self._lock = threading.Lock()
        self._sales: dict[str, tuple[Sale, SaleTerms]] = {}
        self._tokens: dict[str, Token] = {}
        self._markets: dict[int, Market] = {}
        self._exchange: Exchange | None = None
        self._deposit_addresses: dict[str, str] = {}
        self._exit_delay = 0
        self._logs: OrderedDict[tuple[str, ...], AccountLogs] = OrderedDict()
        self._transfers: OrderedDict[tuple[str, ...], TransferLogs] = OrderedDict()

    # What there is

    def exchange(self) -> Exchange | None:
        """Return the recorded exchange; None where there is none."""
        record = self._store.exchange(self._chain_id)
        if record is None:
            return None
        address = self.web3.to_checksum_address(record.address)
        if self._exchange is None or self._exchange.address != address:
            self._exchange = Exchange(self.web3, address)
            self._exit_delay = self._exchange.delays().exit
            self._deposit_addresses.clear()
            self._markets.clear()
        return self._exchange

    def markets(self) -> tuple[ListedMarket, ...]:
        """Return the listed markets by their numbers."""
        exchange = self.exchange()
        if exchange is None:
            return ()
        for number in range(1, exchange.market_count() + 1):
            if number not in self._markets:
                self._markets[number] = exchange.market(number)
        return tuple(
            ListedMarket(
                market.id,
                self.token(_text(market.base_token)),
                self.token(_text(market.quote_token)),
                market.lot_size,
                market.tick_value,
            )
            for _, market in sorted(self._markets.items())
        )

    def tokens(self) -> tuple[Token, ...]:
        """Return the tokens of all recorded sales and listed markets: what is paid with first."""
        money: dict[str, Token] = {}
        goods: dict[str, Token] = {}
        for market in self.markets():
            money[market.quote.address] = market.quote
            goods[market.base.address] = market.base
        for record in self._store.sales(self._chain_id):
            _, terms = self.sale(record.address)
            payment, sold = self.token(str(terms.payment_token)), self.token(str(terms.sale_token))
            money[payment.address] = payment
            goods[sold.address] = sold
        return tuple({**money, **goods}.values())

    def token(self, address: str) -> Token:
        """Return a token as people know it."""
        contract = TokenContract(self.web3, address)
        known = self._tokens.get(contract.address)
        if known is None:
            known = Token(
                str(contract.address), contract.name(), contract.symbol(), contract.decimals()
            )
            self._tokens[contract.address] = known
        return known

    def sale(self, address: str) -> tuple[Sale, SaleTerms]:
        """Return a sale and its terms, which never change."""
        if address not in self._sales:
            sale = Sale(self.web3, address)
            self._sales[address] = sale, sale.terms()
        return self._sales[address]

    # What an account has

    def portfolio(self, address: str) -> Portfolio:
        """Return all of an account that is public, as of a moment ago; the exchange is not asked.

        All amounts are those at the end of one block.
        """
        return self._accounts.get(address, lambda: self._read(address))

    def expire(self, address: str) -> None:
        """Read the account again at the next look: something has just changed."""
        self._accounts.forget(address)

    def events(self, address: str) -> tuple[AccountEvent, ...]:
        """Return the events of sales and exchange that name the account, in order."""
        contracts = self._contracts()
        if not contracts:
            return ()
        logs = self._kept(
            self._logs,
            (address, *sorted(contracts)),
            lambda: AccountLogs(self.web3, list(contracts), address, min(contracts.values())),
        )
        unwound = logs.unwound_events
        logs.sync()
        if logs.unwound_events != unwound:
            self.clock.forget()
        return logs.events()

    def transfers(self, address: str) -> tuple[Transfer, ...]:
        """Return what the account was sent, and sent, of the tokens traded here, in order."""
        contracts, tokens = self._contracts(), [each.address for each in self.tokens()]
        if not tokens:
            return ()
        logs = self._kept(
            self._transfers,
            (address, *sorted(tokens)),
            lambda: TransferLogs(self.web3, tokens, address, min(contracts.values())),
        )
        if logs.sync():
            self.clock.forget()
        return logs.transfers()

    def place_names(self) -> dict[str, str]:
        """Return what people call the contracts, by address with checksum."""
        known = [(each.address, each.label) for each in self._store.sales(self._chain_id)]
        exchange = self._store.exchange(self._chain_id)
        if exchange is not None:
            known.append((exchange.address, "Exchange"))
        return {str(self.web3.to_checksum_address(address)): name for address, name in known}

    # Inside

    def _contracts(self) -> dict[str, int]:
        """Return sales and exchange with the blocks that made them, by address."""
        records = self._store.sales(self._chain_id)
        contracts = {record.address: record.block for record in records}
        exchange = self._store.exchange(self._chain_id)
        if exchange is not None:
            contracts[exchange.address] = exchange.block
        return contracts

    def _kept(
        self, logs: OrderedDict[tuple[str, ...], T], key: tuple[str, ...], begin: Callable[[], T]
    ) -> T:
        """Return the logs of ``key``, begun anew where they are not among those read last."""
        with self._lock:
            if key not in logs:
                logs[key] = begin()
            logs.move_to_end(key)
            while len(logs) > _KEPT_ACCOUNTS:
                logs.popitem(last=False)
            return logs[key]

    def _read(self, address: str) -> Portfolio:
        tokens, exchange = self.tokens(), self.exchange()
        events = self.events(address)
        block = int(self.web3.eth.block_number)
        deposit_address = "" if exchange is None else self._deposit_address(exchange, address)
        escrows = [Escrow(0, 0)] * len(tokens)
        if exchange is not None:
            escrows = exchange.balances([(address, token.address) for token in tokens], block)
        stakes = self._stakes(address, events, block)
        pots = []
        for token, escrow in zip(tokens, escrows, strict=True):
            contract = TokenContract(self.web3, token.address)
            arrived = contract.balance_of(deposit_address, block) if deposit_address else 0
            own = [stake for stake in stakes if stake.claim.payment_token == token]
            won = [stake.claim for stake in stakes if stake.claim.sale_token == token]
            pots.append(
                Pots(
                    token,
                    wallet=contract.balance_of(address, block),
                    arrived=arrived,
                    escrow=escrow.amount,
                    exit_at=escrow.exit_at,
                    locked=sum(stake.locked for stake in own),
                    claimable=sum(stake.claim.refund for stake in own)
                    + sum(claim.tokens_now for claim in won),
                    vesting=sum(claim.tokens_later for claim in won),
                )
            )
        checksummed = self.web3.to_checksum_address(address)
        return Portfolio(
            address=str(checksummed),
            block=block,
            now=int(self.web3.eth.get_block("pending")["timestamp"]),
            deposit_address=deposit_address,
            exit_delay=self._exit_delay if exchange is not None else 0,
            ether=int(self.web3.eth.get_balance(checksummed, block)),
            gas_price=int(self.web3.eth.gas_price),
            pots=tuple(pots),
            claims=tuple(
                stake.claim
                for stake in stakes
                if stake.claim.has_something_now or stake.claim.tokens_later
            ),
            sales=tuple(stake.claim.sale for stake in stakes),
        )

    def _stakes(self, address: str, events: Sequence[AccountEvent], block: int) -> list[_Stake]:
        """Return what the account has in each sale it has bid in."""
        bid_in = {each.contract for each in events if each.event.kind is EventKind.BID_PLACED}
        return [
            self._stake(record, address, block)
            for record in self._store.sales(self._chain_id)
            if self.sale(record.address)[0].address in bid_in
        ]

    def _stake(self, record: SaleRecord, address: str, block: int) -> _Stake:
        sale, terms = self.sale(record.address)
        decided = sale.result(block).decided
        owed = sale.owed(address, block) if decided else Owed(0, 0, 0)
        bids = [] if decided else sale.bids_of(address, block)
        claim = Claim(
            sale=record.address,
            name=record.label,
            sale_token=self.token(str(terms.sale_token)),
            payment_token=self.token(str(terms.payment_token)),
            tokens_now=owed.tokens_now,
            tokens_later=owed.tokens_later,
            refund=owed.refund,
            vesting_end=terms.vesting_end or 0,
        )
        return _Stake(claim, sum(bid.lots * terms.auction.price(bid.tick) for bid in bids))

    def _deposit_address(self, exchange: Exchange, address: str) -> str:
        if address not in self._deposit_addresses:
            self._deposit_addresses[address] = exchange.forwarder_of(address)
        return self._deposit_addresses[address]


def _text(address: bytes) -> str:
    return f"0x{address.hex()}"
