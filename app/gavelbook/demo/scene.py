"""What the demo plays on: accounts, tokens, the factory, and sales on the demo's own chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from gavelbook.auction import AuctionTerms, SaleTerms
from gavelbook.chain.connection import connect
from gavelbook.chain.deployments import DeploymentStore, SaleRecord
from gavelbook.chain.factory import SaleFactory, deploy_factory, deploy_token
from gavelbook.chain.sale import Sale
from gavelbook.chain.token import Token
from gavelbook.demo.bulk_sender import DEPLOYMENT_GAS, BulkSender, Message
from gavelbook.demo.local_chain import CHAIN_ID
from gavelbook.service.faucet import faucet_account
from gavelbook.wallet import visitors

if TYPE_CHECKING:
    from pathlib import Path

    from eth_account.signers.local import LocalAccount
    from web3 import Web3
    from web3.contract.contract import ContractConstructor

    from gavelbook.auction import Pricing, Rule
    from gavelbook.chain.deployments import ContractRecord
    from gavelbook.demo.local_chain import LocalChain
    from gavelbook.wallet import HdWallet

OPERATORS = 8
"""Accounts of a wallet that run things; those of visitors and bidders come later."""
_FIRST_BIDDER = 100
_WHOLE = 10**18
_TOKEN_SUPPLY = 100_000_000_000 * _WHOLE
_POCKET_MONEY = 1_000_000 * _WHOLE
_ETHER = 100 * _WHOLE
_FAUCET_TOKENS = 50_000_000 * _WHOLE
_APPROVAL = 2**255
_CAPS_TOGETHER_BPS = 36_000
_DAY = 24 * 60 * 60


@dataclass(frozen=True)
class Cast:
    """Who takes part. Each power has an account of its own."""

    issuer: LocalAccount
    allocator: LocalAccount
    keeper: LocalAccount
    treasury: LocalAccount
    owner: LocalAccount
    """Of the exchange, as the three that follow."""
    matcher: LocalAccount
    relayer: LocalAccount
    fee_recipient: LocalAccount
    faucet: LocalAccount
    """Pays play money to whoever asks on the pages."""
    visitors: list[LocalAccount]
    bidders: list[LocalAccount]

    @classmethod
    def from_wallet(cls, wallet: HdWallet, bidders: int) -> Cast:
        """Take the accounts from ``wallet``."""
        operators = wallet.accounts(OPERATORS)
        issuer, allocator, keeper, treasury, owner, matcher, relayer, fee_recipient = operators
        return cls(
            issuer=issuer,
            allocator=allocator,
            keeper=keeper,
            treasury=treasury,
            owner=owner,
            matcher=matcher,
            relayer=relayer,
            fee_recipient=fee_recipient,
            faucet=faucet_account(),
            visitors=[visitor.account for visitor in visitors(wallet)],
            bidders=wallet.accounts(bidders, first=_FIRST_BIDDER),
        )

    @property
    def everybody(self) -> list[LocalAccount]:
        """All accounts that pay gas."""
        of_sales = [self.issuer, self.allocator, self.keeper, self.treasury]
        of_exchange = [self.owner, self.matcher, self.relayer]
        return [*of_sales, *of_exchange, self.faucet, *self.visitors, *self.bidders]


class Window(NamedTuple):
    """When a sale takes bids, in seconds of the chain."""

    start: int
    end: int
    cancel_until: int


@dataclass(frozen=True)
class OpenedSale:
    """A sale the demo opened."""

    sale: Sale
    terms: SaleTerms
    record: SaleRecord

    @property
    def block(self) -> int:
        """The block that made it."""
        return self.record.block


class Scene:
    """A chain with the demo's tokens and factory on it, and every account funded."""

    def __init__(self, chain: LocalChain, cast: Cast, folder: Path) -> None:
        """Use ``chain``; deployments are recorded in ``folder``. `set_up` does the work."""
        self.chain = chain
        self.cast = cast
        self.web3: Web3 = connect(chain.url)
        self.store = DeploymentStore(folder)
        self.bulk = BulkSender(chain)
        self.sale_token: Token
        self.payment_token: Token
        self.factory: SaleFactory

    def set_up(self) -> None:
        """Deploy both tokens and the factory, and give every bidder ether and Demo Dollars."""
        self.chain.set_automine(on=False)
        self.chain.batch(
            "anvil_setBalance", [(a.address, hex(_ETHER)) for a in self.cast.everybody]
        )
        cast = self.cast
        self.sale_token = self._deploy_token("Gavel", "GVL", cast.issuer)
        self.payment_token = self._deploy_token("Demo Dollar", "DUSD", cast.treasury)
        factory = self.deploy("SaleFactory", deploy_factory(self.web3), [])
        self.factory = SaleFactory(self.web3, factory.address)
        money = self.payment_token
        self.bulk.send_and_mine(
            (cast.treasury, Message.of(money.transfer(account.address, _POCKET_MONEY)))
            for account in (*cast.visitors, *cast.bidders)
        )
        fill = (cast.faucet.address, _FAUCET_TOKENS)
        allow = self.sale_token.approve(self.factory.address, _TOKEN_SUPPLY)
        self.bulk.send_and_mine(
            [
                (cast.treasury, Message.of(money.transfer(*fill))),
                (cast.issuer, Message.of(self.sale_token.transfer(*fill))),
                (cast.issuer, Message.of(allow)),
            ]
        )

    def deploy(
        self, name: str, deployment: ContractConstructor, arguments: list[Any]
    ) -> ContractRecord:
        """Deploy and record a contract called ``name``, made from ``arguments``."""
        (receipt,) = self.bulk.send_and_mine(
            [(self.cast.issuer, Message.of(deployment, DEPLOYMENT_GAS))]
        )
        address, block = str(receipt["contractAddress"]), int(receipt["blockNumber"], 16)
        made_by = str(receipt["transactionHash"])
        return self.store.record_contract(CHAIN_ID, name, address, block, made_by, arguments)

    def open_sale(self, label: str, terms: SaleTerms) -> OpenedSale:
        """Open and record a sale, and let every simulated bidder allow it to take payment."""
        create = Message.of(self.factory.create_sale(terms), DEPLOYMENT_GAS)
        (mined,) = self.bulk.send_and_mine([(self.cast.issuer, create)])
        receipt = self.web3.eth.get_transaction_receipt(mined["transactionHash"])
        sale = Sale(self.web3, self.factory.created_sale(receipt))
        record = SaleRecord(
            address=sale.address,
            label=label,
            block=receipt["blockNumber"],
            sale_symbol="GVL",
            payment_symbol="DUSD",
            transaction=mined["transactionHash"],
        )
        self.store.record_sale(CHAIN_ID, record)
        allow = Message.of(self.payment_token.approve(sale.address, _APPROVAL))
        self.bulk.send_and_mine((bidder, allow) for bidder in self.cast.bidders)
        return OpenedSale(sale, terms, record)

    def terms(self, rule: Rule, pricing: Pricing, window: Window) -> SaleTerms:
        """Return the terms of a sale of a million GVL in lots of a hundred."""
        return SaleTerms(
            auction=AuctionTerms(
                rule=rule,
                pricing=pricing,
                supply_lots=10_000,
                lot_size=100 * _WHOLE,
                floor_price=40 * _WHOLE,
                tick_value=_WHOLE // 2,
                tick_count=161,
                min_bid_lots=5,
                cap_bps=_cap_bps(len(self.cast.bidders)),
                minimum_raise=200_000 * _WHOLE,
            ),
            sale_token=self.sale_token.address,
            payment_token=self.payment_token.address,
            allocator=self.cast.allocator.address,
            proceeds_recipient=self.cast.treasury.address,
            unsold_recipient=self.cast.issuer.address,
            start=window.start,
            end=window.end,
            cancel_until=window.cancel_until,
            allocator_until=window.end + _DAY,
            abort_time=window.end + 3 * _DAY,
        )

    def _deploy_token(self, name: str, symbol: str, holder: LocalAccount) -> Token:
        arguments = [name, symbol, _TOKEN_SUPPLY, holder.address]
        deployment = deploy_token(self.web3, name, symbol, _TOKEN_SUPPLY, holder.address)
        return Token(self.web3, self.deploy(symbol, deployment, arguments).address)


def _cap_bps(bidders: int) -> int:
    """Return a cap with which ``bidders`` together ask for about 1.7 times the supply."""
    return max(_CAPS_TOGETHER_BPS // bidders, 1)
