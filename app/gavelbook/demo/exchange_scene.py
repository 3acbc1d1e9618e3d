"""The exchange of the demo: its contract, its market, and who has what in escrow."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gavelbook.chain.deployments import EXCHANGE
from gavelbook.chain.dues import dues
from gavelbook.chain.exchange import Delays, Exchange
from gavelbook.chain.exchange_factory import deploy_exchange
from gavelbook.chain.exchange_facts import collect_exchange_facts
from gavelbook.demo.bulk_sender import Message
from gavelbook.demo.local_chain import CHAIN_ID
from gavelbook.exchange.signing import Domain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eth_account.signers.local import LocalAccount

    from gavelbook.chain.clearing_plan import ClearingPlan
    from gavelbook.chain.exchange_facts import ExchangeFacts
    from gavelbook.demo.scene import OpenedSale, Scene
    from gavelbook.exchange.markets import Market

MAKERS = 4
SELLING_TAKERS = 4
"""Takers that have won tokens in the sale, as the makers have."""
BUYING_TAKERS = 5
"""Takers that come with money only."""

DELAYS = Delays(exit=10, cancel_notice=5, key=60)
"""Seconds; a real exchange has hours or days."""

_WHOLE = 10**18
_LOT_SIZE = _WHOLE
_TICK_VALUE = _WHOLE // 1_000
_TAKER_FEE_BPS = 10
_MAKER_FEE_BPS = 2
_MAKER_MONEY = 40_000 * _WHOLE
_TAKER_MONEY = 15_000 * _WHOLE
_VISITOR_MONEY = 20_000 * _WHOLE
_VISITOR_TOKENS = 10_000 * _WHOLE
_HOUR = 60 * 60


class Paid(NamedTuple):
    """How money came into escrow: accounts by allowance, by permit and by deposit address."""

    allowed: int
    permitted: int
    swept: int


class ExchangeScene:
    """An exchange beside the sales of ``scene``, traders among its bidders."""

    def __init__(self, scene: Scene) -> None:
        """Prepare; `set_up` does the work."""
        self.scene = scene
        self.block = 0
        self.exchange: Exchange
        self.market: Market
        self.first_ticks = 0
        self.winners: list[LocalAccount] = []
        self.buyers: list[LocalAccount] = []

    @property
    def domain(self) -> Domain:
        """What signatures for this exchange are bound to."""
        return Domain(CHAIN_ID, bytes.fromhex(self.exchange.address[2:]))

    @property
    def makers(self) -> list[LocalAccount]:
        """Those who quote."""
        return self.winners[:MAKERS]

    @property
    def takers(self) -> list[LocalAccount]:
        """Those who trade with quotes."""
        return [*self.winners[MAKERS:], *self.buyers]

    @property
    def traders(self) -> list[LocalAccount]:
        """All simulated traders, makers first."""
        return [*self.makers, *self.takers]

    def set_up(self) -> None:
        """Deploy the contract and list the market of the token sold."""
        scene, cast = self.scene, self.scene.cast
        accounts = [each.address for each in (cast.owner, cast.matcher, cast.fee_recipient)]
        made = deploy_exchange(
            scene.web3,
            owner=cast.owner.address,
            matcher=cast.matcher.address,
            fee_recipient=cast.fee_recipient.address,
            delays=DELAYS,
        )
        record = scene.deploy(EXCHANGE, made, [*accounts, *DELAYS])
        self.block = record.block
        self.exchange = Exchange(scene.web3, record.address)
        listing = self.exchange.list_market(
            scene.sale_token.address,
            scene.payment_token.address,
            lot_size=_LOT_SIZE,
            tick_value=_TICK_VALUE,
            taker_fee_bps=_TAKER_FEE_BPS,
            maker_fee_bps=_MAKER_FEE_BPS,
        )
        scene.bulk.send_and_mine([(cast.owner, Message.of(listing))])
        self.market = self.exchange.market(1)

    def choose_traders(self, opened: OpenedSale, plan: ClearingPlan) -> None:
        """Let the biggest winners of a sale trade, and some of those who won least there.

        Trading begins at the lowest price of the sale.
        """
        accounts = {str(account.address): account for account in self.scene.cast.bidders}
        due = dues(plan.book, plan.allocation, failed=False)
        ranked = sorted(due, key=lambda bidder: due[bidder].won_lots, reverse=True)
        winners = MAKERS + SELLING_TAKERS
        self.winners = [accounts[bidder] for bidder in ranked[:winners]]
        self.buyers = [accounts[bidder] for bidder in ranked[-BUYING_TAKERS:]]
        self._sale, auction = opened.sale, opened.terms.auction
        lot_price = auction.price(plan.allocation.clearing.marginal_tick)
        lots = auction.lot_size // self.market.lot_size
        self.first_ticks = lot_price // (lots * self.market.tick_value)

    def claim_into_escrow(self) -> int:
        """Let the winners claim to their deposit addresses, and book what is there.

        Return base units.
        """
        exchange, token = self.exchange, self.scene.sale_token.address
        claims = [
            (winner, Message.of(self._sale.claim_to(forwarder, winner.address)))
            for winner in self.winners
            for forwarder in [exchange.forwarder_of(winner.address)]
        ]
        self.scene.bulk.send_and_mine(claims)
        self._sweep(self.winners, token)
        return sum(exchange.balance_of(winner.address, token).amount for winner in self.winners)

    def pay_in(self) -> Paid:
        """Bring the traders' money into escrow, each group in its own way."""
        scene, exchange, money = self.scene, self.exchange, self.scene.payment_token
        allowed, permitted = self.makers, self.takers[:-1]
        to_address = self.takers[-1]
        allow = Message.of(money.approve(exchange.address, _MAKER_MONEY))
        deposit = Message.of(exchange.deposit(money.address, _MAKER_MONEY))
        messages = [(maker, message) for maker in allowed for message in (allow, deposit)]
        deadline = scene.chain.now() + _HOUR
        for taker in permitted:
            permit = money.sign_permit(taker, exchange.address, _TAKER_MONEY, deadline)
            call = exchange.deposit_with_permit(taker.address, money.address, permit)
            messages.append((scene.cast.keeper, Message.of(call)))
        address = exchange.forwarder_of(to_address.address)
        messages.append((to_address, Message.of(money.transfer(address, _TAKER_MONEY))))
        scene.bulk.forget()
        scene.bulk.send_and_mine(messages)
        self._sweep([to_address], money.address)
        return Paid(len(allowed), len(permitted), 1)

    def fund_visitors(self) -> None:
        """Give every visitor tokens, and put money and tokens for them into escrow."""
        scene, exchange, cast = self.scene, self.exchange, self.scene.cast
        tokens, money, count = scene.sale_token, scene.payment_token, len(scene.cast.visitors)
        allow_tokens = tokens.approve(exchange.address, count * _VISITOR_TOKENS)
        allow_money = money.approve(exchange.address, count * _VISITOR_MONEY)
        messages = [
            (cast.issuer, Message.of(allow_tokens)),
            (cast.treasury, Message.of(allow_money)),
        ]
        for visitor in cast.visitors:
            give = tokens.transfer(visitor.address, _VISITOR_TOKENS)
            book_tokens = exchange.deposit_for(visitor.address, tokens.address, _VISITOR_TOKENS)
            book_money = exchange.deposit_for(visitor.address, money.address, _VISITOR_MONEY)
            messages += [
                (cast.issuer, Message.of(give)),
                (cast.issuer, Message.of(book_tokens)),
                (cast.treasury, Message.of(book_money)),
            ]
        scene.bulk.forget()
        scene.bulk.send_and_mine(messages)

    def facts(self) -> ExchangeFacts:
        """Return all that the contract has announced so far."""
        return collect_exchange_facts(self.scene.web3, self.exchange.address, self.block)

    def _sweep(self, accounts: Sequence[LocalAccount], token: str) -> None:
        keeper = self.scene.cast.keeper
        sweeps = [Message.of(self.exchange.sweep(each.address, token)) for each in accounts]
        self.scene.bulk.send_and_mine((keeper, sweep) for sweep in sweeps)
        self.scene.bulk.forget()
